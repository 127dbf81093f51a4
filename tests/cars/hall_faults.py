"""What goes wrong with cars at a track, done to a stand-in."""


class Faults:
    """The faults of a car of the hall."""
