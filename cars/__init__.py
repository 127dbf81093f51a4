"""From a racer's upload to a car on the track. Empty until that room is built; nothing imports it yet."""
