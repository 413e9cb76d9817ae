"""What a trained net looks at: what it cannot do without, and whether it knows augmentation."""

from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy.special import softmax

from emoclass import metrics, models
from emoclass.augment import OfflineAugmentation, transformed
from emoclass.errors import InputError, listed
from emoclass.faces import Faces
from emoclass.labels import EMOTIONS
from emoclass.predictions import Predictions

if TYPE_CHECKING:
    from emoclass.run import Run

PATCH, STEP = 9, 3  # pixels: side of the grey patch, and from one patch to the next


def occlusion(
    run: "Run", picture: np.ndarray, emotion: str, patch: int = PATCH, step: int = STEP
) -> np.ndarray:
    """(k, k) float32: how much the probability of `emotion` falls when a grey patch covers each part of a picture.

    The picture is (size, size) uint8; `patch`, its side, and `step` are pixels (Zeiler & Fergus 2014, section 4.2).
    """
    corners = range(0, len(picture) - patch + 1, step)
    covered = np.repeat(picture[None], len(corners) ** 2 + 1, axis=0)
    for k, (top, left) in enumerate(product(corners, corners)):
        covered[k, top : top + patch, left : left + patch] = picture.mean()
    probability = _probabilities(run, covered)[:, EMOTIONS.index(emotion)]
    return (probability[-1] - probability[:-1]).reshape(len(corners), len(corners))


def share_predicted(
    predictions: Predictions,
    faces: Faces,
    emotions: tuple[str, ...],
    classes: tuple[str, ...],
    augmentation: OfflineAugmentation | None = None,
    border: int = cv2.BORDER_REFLECT,
) -> metrics.Estimate:
    """Of the tested originals of some `emotions`, the share that their nets take for one of `classes`.

    Each is predicted by nets that never saw it: as it is, or transformed as its first augmented copy would be.
    Interval over subjects (Wilson's if all or none are); n = photos. Raises InputError if none was tested.
    """
    asked, taken = faces.table.emotion.isin(emotions), []
    place = dict(zip(faces.table.photo[asked], np.flatnonzero(asked)))
    for run in predictions.runs:
        if rows := [place[photo] for photo in run.photo if photo in place]:
            table, pictures = faces.table.iloc[rows], faces.pixels[rows]
            if augmentation:
                named = zip(pictures, table.photo)
                pictures = np.array(
                    [transformed(x, photo, 0, augmentation, run.seed, border) for x, photo in named]
                )
            hits = np.isin(
                _probabilities(run, pictures).argmax(1), [EMOTIONS.index(name) for name in classes]
            )
            taken += zip(table.photo, table.subject, hits)
    if not taken:
        raise InputError(f"{predictions.name!r} was tested on no photo of {listed(emotions)}")
    photo, subject, hits = map(np.array, zip(*taken))
    found, n_subjects = metrics.mean_over_subjects(hits, subject), len(set(subject))
    if found.value in (0, 1):  # no resample differs
        found = metrics.wilson(round(found.value * n_subjects), n_subjects)
    return found._replace(n=len(set(photo)))


@lru_cache(
    maxsize=10
)  # it is asked about many changes of the same photos; to build it anew takes a second
def _net(run: "Run", size: int):
    net = models.build(run.variant.net, size, len(run.variant.emotions))
    net.set_weights(run.weights)
    return net


def _probabilities(run: "Run", pictures: np.ndarray) -> np.ndarray:
    """(n, 8) float32 of a run's net for (n, size, size) uint8 pictures; 0 for emotions that it was not trained on."""
    logits = _net(run, pictures.shape[1]).predict(pictures[..., None], batch_size=512, verbose=0)
    found = np.zeros((len(pictures), len(EMOTIONS)), np.float32)
    found[:, np.isin(EMOTIONS, run.variant.emotions)] = softmax(logits.astype(np.float64), axis=1)
    return found
