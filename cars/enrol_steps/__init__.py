"""The steps of pairing a car, in the order of cars/enrolment.py; each may be done again on a car that has it."""
