"""The JSON API: one module for each noun, the shapes of timing/ and appliance/ as they are. Listed in docs/api.md."""

from web.api import board, clock, crossings, events, health, people, queue, racers, races, session, strips

ROUTES = [
    *session.ROUTES,
    *events.ROUTES,
    *racers.ROUTES,
    *races.ROUTES,
    *clock.ROUTES,
    *crossings.ROUTES,
    *board.ROUTES,
    *queue.ROUTES,
    *strips.ROUTES,
    *people.ROUTES,
    *health.ROUTES,
]
