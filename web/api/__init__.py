"""The JSON API: one module for each noun, the shapes of timing/ and appliance/ as they are. Listed in docs/api.md."""

from web.api import (
    board,
    box,
    clock,
    crew,
    crossings,
    events,
    health,
    models,
    people,
    queue,
    racers,
    races,
    session,
    strip_check,
    strips,
    uploads,
)

ROUTES = [
    *session.ROUTES,
    *events.ROUTES,
    *racers.ROUTES,
    *races.ROUTES,
    *clock.ROUTES,
    *crossings.ROUTES,
    *board.ROUTES,
    *queue.ROUTES,
    *crew.ROUTES,
    *strips.ROUTES,
    *strip_check.ROUTES,
    *people.ROUTES,
    *models.ROUTES,
    *uploads.ROUTES,
    *health.ROUTES,
    *box.ROUTES,
]
