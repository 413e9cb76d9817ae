"""The scores that the page tells: all from results.json."""

from emoclass.errors import InputError
from emoclass.study import results
from emoclass.study.executed import STUDY
from emoclass.study.play.script import constant

TOLD = (
    "no_augmentation.photo.accuracy",
    "no_augmentation.photo.recall.fear",
    "no_augmentation.photo.recall.contempt",
    "same_pictures.two.leaky.accuracy",
    "same_pictures.two.leaky.recall.fear",
    "same_pictures.two.leaky.recall.contempt",
    "same_pictures.two.by_family.accuracy",
    "same_pictures.two.by_family.recall.fear",
    "same_pictures.two.by_family.recall.contempt",
    "same_pictures.two.originals.accuracy",
    "same_pictures.two.originals.recall.fear",
    "same_pictures.two.originals.recall.contempt",
    "dose.1.memorisation",
    "dose.5.memorisation",
    "dose.11.memorisation",
    "control.augmented_images_leaky.accuracy",
    "control.augmented_images_by_family.accuracy",
    "fingerprint.two.plain",
    "fingerprint.two.transformed",
    "fingerprint.none.transformed_two",
    "fingerprint.online.transformed",
)
KEPT = ("value", "low", "high", "n", "unit")


def scores(found: dict | None = None) -> dict[str, dict]:
    """{id: value, interval, n, unit} of each number that the page tells.

    Raises InputError if one is missing.
    """
    numbers = (found or results.load(STUDY.numbers))["numbers"]
    missing = [name for name in TOLD if name not in numbers]
    if missing:
        raise InputError(f"results.json has no {missing[0]}, which the page to play with tells")
    return {name: {key: numbers[name][key] for key in KEPT} for name in TOLD}


def as_script() -> str:
    """The scores as a line of JavaScript."""
    return constant("SCORES", scores())
