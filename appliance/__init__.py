"""The box: settings, clock, database, people, live updates, health; cli.py and serve.py put the house together."""
