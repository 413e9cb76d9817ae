"""What a trained net looks at: what it cannot do without."""

from functools import lru_cache
from itertools import product

import numpy as np
from scipy.special import log_softmax

from emoclass import models
from emoclass.faces import Faces
from emoclass.kept import kept
from emoclass.labels import EMOTIONS
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
    probability = np.exp(log_probabilities(run, covered)[:, EMOTIONS.index(emotion)])
    falls = probability[-1] - probability[:-1]
    return falls.reshape(len(corners), len(corners)).astype(np.float16)


@lru_cache(maxsize=10)  # it is asked about many changes; to build it anew takes a second
def _net(run: Run, size: int):
    net = models.build(run.variant.net, size, len(run.variant.emotions))
    net.set_weights(run.weights)
    return net


def log_probabilities(run: Run, pictures: np.ndarray) -> np.ndarray:
    """(n, 8) float64 of a run's net for (n, size, size) uint8 pictures.

    -inf for emotions that it was not trained on.
    """
    logits = _net(run, pictures.shape[1]).predict(pictures[..., None], batch_size=512, verbose=0)
    found = np.full((len(pictures), len(EMOTIONS)), -np.inf)
    is_trained = np.isin(EMOTIONS, run.variant.emotions)
    found[:, is_trained] = log_softmax(logits.astype(np.float64), axis=1)
    return found
