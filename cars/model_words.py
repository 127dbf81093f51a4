"""
Sentences about what an archive holds, for a racer. Pure.
"""

from collections.abc import Sequence

from cars.inspection import shown

NOT_A_CAR_MODEL = (
    "Open the model where you trained it, choose Download physical car model (with deepracer-for-cloud run"
    " dr-upload-car-zip), and upload the .tar.gz that you get."
)


def inputs_in_words(inputs: Sequence[str]) -> str:
    """What a network can be fed, by the short names of its inputs."""
    names = [shown(name.rsplit("/", 1)[-1]) for name in inputs[:4]]
    return f"it has {' and '.join(names)}" + (" and more" if len(inputs) > 4 else "")
