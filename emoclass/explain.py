"""What a trained net looks at: what it cannot do without, and whether it knows augmentation."""

from dataclasses import replace
from functools import lru_cache
from itertools import product

import cv2
import numpy as np
from scipy.special import softmax

from emoclass import metrics, models
from emoclass.augment import OfflineAugmentation, transformed
from emoclass.errors import InputError, listed
from emoclass.faces import Faces
from emoclass.kept import kept
from emoclass.labels import EMOTIONS
from emoclass.predictions import Predictions
from emoclass.run import Run

PATCH = 9  # pixels: side of the grey patch ...
STEP = 3  # ... and from one patch to the next


@kept
def mean_faces(faces: Faces) -> np.ndarray:
    """(8, size, size) uint8: the mean picture of each emotion, in their order; 0 for an emotion without photos."""
    means = np.zeros((len(EMOTIONS), faces.size, faces.size), np.uint8)
    for k, emotion in enumerate(EMOTIONS):
        of_emotion = (faces.table.emotion == emotion).to_numpy()
        if of_emotion.any():
            means[k] = faces.pixels[of_emotion].mean(0).astype(np.uint8)
    return means


@kept
def occlusion(
    run: Run, picture: np.ndarray, emotion: str, patch: int = PATCH, step: int = STEP
) -> np.ndarray:
    """(k, k) float16: how much the probability of `emotion` falls when a grey patch covers each part of a picture.

    The picture is (size, size) uint8; `patch`, its side, and `step` are pixels (Zeiler & Fergus 2014, section 4.2).
    """
    corners = range(0, len(picture) - patch + 1, step)
    covered = np.repeat(picture[None], len(corners) ** 2 + 1, axis=0)
    for k, (top, left) in enumerate(product(corners, corners)):
        covered[k, top : top + patch, left : left + patch] = picture.mean()
    probability = _probabilities(run, covered)[:, EMOTIONS.index(emotion)]
    falls = probability[-1] - probability[:-1]
    return falls.reshape(len(corners), len(corners)).astype(np.float16)


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
    Interval over subjects and seeds; n = photos. Raises InputError if none was tested.
    """
    of_emotions = faces.table.emotion.isin(emotions)
    place = dict(zip(faces.table.photo[of_emotions], np.flatnonzero(of_emotions)))
    named = [EMOTIONS.index(name) for name in classes]
    photos = []
    subjects = []
    seeds = []
    hits = []
    for run in predictions.runs:
        rows = [place[photo] for photo in run.photo if photo in place]
        if not rows:
            continue
        predicted = _predicted(run, faces, np.array(rows), augmentation, border)
        photos += [*faces.table.photo.iloc[rows]]
        subjects += [*faces.table.subject.iloc[rows]]
        seeds += [run.seed] * len(rows)
        hits += [*np.isin(predicted, named)]
    if not hits:
        raise InputError(f"{predictions.name!r} was tested on no photo of {listed(emotions)}")
    found = metrics.mean_over_subjects(np.array(hits), np.array(subjects), seeds=np.array(seeds))
    return found._replace(n=len(set(photos)))


def changes(augmentation: OfflineAugmentation) -> dict[str, OfflineAugmentation | None]:
    """What this augmentation does to a copy: each change alone, all together, and nothing ("untouched").

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


def shares_predicted(
    predictions: Predictions,
    faces: Faces,
    emotions: tuple[str, ...],
    classes: tuple[str, ...],
    by_change: dict[str, OfflineAugmentation | None],
) -> dict[str, metrics.Estimate]:
    """`share_predicted` after each of these changes, such as `changes` names them; InputError as there."""
    found = {}
    for name, change in by_change.items():
        found[name] = share_predicted(predictions, faces, emotions, classes, change)
    return found


@kept
def _predicted(
    run: Run,
    faces: Faces,
    rows: np.ndarray,
    augmentation: OfflineAugmentation | None,
    border: int,
) -> np.ndarray:
    """(len(rows),) uint8: what a run's net takes these photos for, each transformed as its first copy would be."""
    pictures = faces.pixels[rows]
    if augmentation:
        changed = []
        for picture, photo in zip(pictures, faces.table.photo.iloc[rows]):
            changed.append(transformed(picture, photo, 0, augmentation, run.seed, border))
        pictures = np.array(changed)
    return _probabilities(run, pictures).argmax(1).astype(np.uint8)


@lru_cache(
    maxsize=10
)  # it is asked about many changes of the same photos; to build it anew takes a second
def _net(run: Run, size: int):
    net = models.build(run.variant.net, size, len(run.variant.emotions))
    net.set_weights(run.weights)
    return net


def _probabilities(run: Run, pictures: np.ndarray) -> np.ndarray:
    """(n, 8) float32 of a run's net for (n, size, size) uint8 pictures; 0 for emotions that it was not trained on."""
    net = _net(run, pictures.shape[1])
    logits = net.predict(pictures[..., None], batch_size=512, verbose=0)
    found = np.zeros((len(pictures), len(EMOTIONS)), np.float32)
    found[:, np.isin(EMOTIONS, run.variant.emotions)] = softmax(logits.astype(np.float64), axis=1)
    return found
