"""Does a net know augmentation when it sees it? What nets take photos for that they never saw."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import pandas as pd

from emoclass.augment import OfflineAugmentation, transformed
from emoclass.errors import InputError, listed
from emoclass.estimates import Estimate, mean_over_subjects
from emoclass.explain import log_probabilities
from emoclass.faces import Faces
from emoclass.kept import kept
from emoclass.labels import EMOTIONS
from emoclass.predictions import Predictions
from emoclass.run import Run


@dataclass(frozen=True, eq=False)
class Answers:
    """What the nets of one condition take some unseen photos for: one row for each photo and seed.

    untouched, transformed   `photo`, `subject`, `seed` and `predicted`, the number of an emotion;
                             the same rows in the same order
    """

    name: str
    untouched: pd.DataFrame
    transformed: pd.DataFrame


def changes(augmentation: OfflineAugmentation) -> dict[str, OfflineAugmentation | None]:
    """What this augmentation does: each change alone, all together, and nothing ("untouched").

    What it does not do (a rotation of 0 degrees) is left out.
    """
    still = OfflineAugmentation(
        per_image=1, classes=EMOTIONS, rotation=0, shift=0, zoom=0, flip=False
    )
    does = {
        "rotated": {"rotation": augmentation.rotation},
        "shifted": {"shift": augmentation.shift},
        "zoomed": {"zoom": augmentation.zoom},
        "mirrored": {"flip": augmentation.flip},
    }
    found: dict[str, OfflineAugmentation | None] = {"untouched": None}
    together = {}
    for name, change in does.items():
        if any(change.values()):
            found[name] = replace(still, **change)
            together |= change
    found["all together"] = replace(still, **together)
    return found


def ask(
    predictions: Predictions,
    faces: Faces,
    emotions: tuple[str, ...],
    augmentation: OfflineAugmentation,
    border: int = cv2.BORDER_REFLECT,
) -> Answers:
    """What the tested originals of some `emotions` are taken for, untouched and transformed.

    Each is predicted by nets that never saw it: as it is, and transformed as its first augmented
    copy would be. Raises InputError if none was tested.
    """
    untouched = _answers(predictions, faces, emotions, None, border)
    moved = _answers(predictions, faces, emotions, augmentation, border)
    return Answers(predictions.name, untouched, moved)


def share_predicted(
    predictions: Predictions,
    faces: Faces,
    emotions: tuple[str, ...],
    classes: tuple[str, ...],
    augmentation: OfflineAugmentation | None = None,
    border: int = cv2.BORDER_REFLECT,
) -> Estimate:
    """Of the tested originals of `emotions`, the share that their nets take for one of `classes`.

    As they are, or transformed as in `ask`. Interval over subjects and seeds; n = photos. Raises
    InputError if none was tested.
    """
    return share(_answers(predictions, faces, emotions, augmentation, border), classes)


def share(answers: pd.DataFrame, classes: tuple[str, ...]) -> Estimate:
    """The share of answers (`untouched` or `transformed`) that are one of these classes."""
    return _mean(answers, _are(answers, classes), least=0.0)


def betrayal(
    answers: Answers,
    classes: tuple[str, ...],
    beside: Answers | None = None,
) -> Estimate:
    """How much more often photos are called one of `classes` once they are transformed.

    A difference of shares: transformed minus untouched. With `beside` the same of other nets is
    taken off. Raises InputError if those were asked about other photos.
    """
    change = _change(answers, classes)
    if beside is not None:
        _check_same_rows(answers, beside)
        change = change - _change(beside, classes)
    return _mean(answers.untouched, change, least=-1.0)


def share_at_equal_naming(
    one: Predictions,
    other: Predictions,
    faces: Faces,
    emotions: tuple[str, ...],
    classes: tuple[str, ...],
    augmentation: OfflineAugmentation,
) -> Estimate:
    """Transformed photos called one of `classes`: by `one` minus by `other`, equally ready to name.

    For each seed the logits of these classes are shifted in `other`, until its nets call untouched
    photos one of them as often as those of `one` do. Raises InputError if both were not asked about
    the same photos.
    """
    asked = (faces, emotions, classes)
    of_one = _margins_of(one, *asked, None)
    of_other = _margins_of(other, *asked, None)
    _check_photos(one.name, of_one, other.name, of_other)
    moved_one = _margins_of(one, *asked, augmentation)
    moved_other = _margins_of(other, *asked, augmentation)
    change = np.zeros(len(of_one))
    for seed in of_one.seed.unique():
        rows = (of_one.seed == seed).to_numpy()
        needed = _passed_by(of_other.margin[rows], int((of_one.margin[rows] > 0).sum()))
        named = (moved_one.margin[rows] > 0).to_numpy(float)
        change[rows] = named - (moved_other.margin[rows] > needed).to_numpy(float)
    return _mean(of_one, change, least=-1.0)


def _passed_by(margins: pd.Series, number: int) -> float:
    """What so many of these margins are above: midway between the last that is and the next."""
    ordered = np.sort(margins.to_numpy(float))[::-1]
    ends = np.concatenate([[np.inf], ordered, [-np.inf]])
    return float(ends[number : number + 2].mean())


def _answers(
    predictions: Predictions,
    faces: Faces,
    emotions: tuple[str, ...],
    augmentation: OfflineAugmentation | None,
    border: int,
) -> pd.DataFrame:
    found = []
    for run, rows in _asked(predictions, faces, emotions):
        answered = _rows(run, faces, rows)
        found.append(answered.assign(predicted=_predicted(run, faces, rows, augmentation, border)))
    return pd.concat(found, ignore_index=True)


def _margins_of(
    predictions: Predictions,
    faces: Faces,
    emotions: tuple[str, ...],
    classes: tuple[str, ...],
    augmentation: OfflineAugmentation | None,
) -> pd.DataFrame:
    named = tuple(EMOTIONS.index(name) for name in classes)
    found = []
    for run, rows in _asked(predictions, faces, emotions):
        margins = _margins(run, faces, rows, named, augmentation)
        found.append(_rows(run, faces, rows).assign(margin=margins.astype(float)))
    return pd.concat(found, ignore_index=True)


def _asked(
    predictions: Predictions,
    faces: Faces,
    emotions: tuple[str, ...],
) -> list[tuple[Run, np.ndarray]]:
    """Each run, with the positions of the photos that it tested and is asked about."""
    of_emotions = faces.table.emotion.isin(emotions)
    place = dict(zip(faces.table.photo[of_emotions], np.flatnonzero(of_emotions)))
    found = []
    for run in predictions.runs:
        rows = [place[photo] for photo in run.photo if photo in place]
        if rows:
            found.append((run, np.array(rows)))
    if not found:
        raise InputError(f"{predictions.name!r} was tested on no photo of {listed(emotions)}")
    return found


def _rows(run: Run, faces: Faces, rows: np.ndarray) -> pd.DataFrame:
    answered = faces.table[["photo", "subject"]].iloc[rows].reset_index(drop=True)
    return answered.assign(seed=run.seed)


def _are(answers: pd.DataFrame, classes: tuple[str, ...]) -> np.ndarray:
    named = [EMOTIONS.index(name) for name in classes]
    return answers.predicted.isin(named).to_numpy(float)


def _change(answers: Answers, classes: tuple[str, ...]) -> np.ndarray:
    return _are(answers.transformed, classes) - _are(answers.untouched, classes)


def _mean(answers: pd.DataFrame, values: np.ndarray, least: float) -> Estimate:
    found = mean_over_subjects(
        values, answers.subject.to_numpy(), seeds=answers.seed.to_numpy(), least=least
    )
    return found._replace(n=answers.photo.nunique())


def _check_same_rows(one: Answers, other: Answers) -> None:
    _check_photos(one.name, one.untouched, other.name, other.untouched)


def _check_photos(
    name: str,
    rows: pd.DataFrame,
    other_name: str,
    other_rows: pd.DataFrame,
) -> None:
    columns = ["photo", "seed"]
    if not rows[columns].equals(other_rows[columns]):
        raise InputError(
            f"{name!r} and {other_name!r} were asked about other photos, or with other seeds"
        )


@kept
def _predicted(
    run: Run,
    faces: Faces,
    rows: np.ndarray,
    augmentation: OfflineAugmentation | None,
    border: int,
) -> np.ndarray:
    """(len(rows),) uint8: what a run's net takes these photos for, each as its first copy."""
    pictures = _pictures(faces, rows, augmentation, run.seed, border)
    return log_probabilities(run, pictures).argmax(1).astype(np.uint8)


@kept
def _margins(
    run: Run,
    faces: Faces,
    rows: np.ndarray,
    named: tuple[int, ...],
    augmentation: OfflineAugmentation | None,
) -> np.ndarray:
    """(len(rows),) float16: how far the best logit of the named emotions is above all others."""
    pictures = _pictures(faces, rows, augmentation, run.seed, cv2.BORDER_REFLECT)
    found = log_probabilities(run, pictures)
    is_named = np.isin(np.arange(len(EMOTIONS)), named)
    return (found[:, is_named].max(1) - found[:, ~is_named].max(1)).astype(np.float16)


def _pictures(
    faces: Faces,
    rows: np.ndarray,
    augmentation: OfflineAugmentation | None,
    seed: int,
    border: int,
) -> np.ndarray:
    pictures = faces.pixels[rows]
    if augmentation is None:
        return pictures
    changed = []
    for picture, photo in zip(pictures, faces.table.photo.iloc[rows]):
        changed.append(transformed(picture, photo, 0, augmentation, seed, border))
    return np.array(changed)
