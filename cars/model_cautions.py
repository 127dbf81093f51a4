"""Warnings of a model that the box has seen to: its racer reads them, whoever gives it to a car need not. Pure."""

PREMADE = (
    "It also holds files made for one version of OpenVINO (.xml, .bin); they stay here, and the car makes its own."
)
MARKED = "Its model_metadata.json was not plain UTF-8, which cars cannot read; the box mended it."

SEEN_TO = frozenset({PREMADE, MARKED})
