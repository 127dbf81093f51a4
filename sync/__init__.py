"""From this box to anywhere else. Empty until that room is built; nothing imports it yet."""
