"""Finding cars: who answers in the box's networks, which of the cars that is, and whether it still does."""
