"""The crew's pages. Each module owns one noun; `ROUTES` is what the application serves."""

from litestar.handlers import HTTPRouteHandler

from web.pages.staff import (
    car_models,
    car_pair,
    cars,
    crossings,
    dashboard,
    events,
    fleets,
    models,
    people,
    pushes,
    queue,
    race_edit,
    race_signal,
    racer_care,
    racers,
    races,
    recorders,
    rescore,
    strips,
    timekeeper,
)

ROUTES: list[HTTPRouteHandler] = [
    *dashboard.ROUTES,
    *events.ROUTES,
    *racers.ROUTES,
    *racer_care.ROUTES,
    *models.ROUTES,
    *car_pair.ROUTES,
    *cars.ROUTES,
    *fleets.ROUTES,
    *pushes.ROUTES,
    *car_models.ROUTES,
    *people.ROUTES,
    *recorders.ROUTES,
    *queue.ROUTES,
    *timekeeper.ROUTES,
    *races.ROUTES,
    *race_edit.ROUTES,
    *crossings.ROUTES,
    *rescore.ROUTES,
    *race_signal.ROUTES,
    *strips.ROUTES,
]
