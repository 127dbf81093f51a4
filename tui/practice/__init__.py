"""Practice: a timekeeper's first five minutes, on a real box of their own."""
