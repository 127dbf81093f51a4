"""One file per screen of the terminal; each shows what the seat knows and asks the box for the rest."""
