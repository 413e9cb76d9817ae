"""What a trained net looks at: its first filters, and what it cannot do without."""

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import softmax

from emoclass import models
from emoclass.labels import EMOTIONS

if TYPE_CHECKING:
    from emoclass.study.train import Run

PATCH, STEP = 9, 3  # pixels: side of the grey patch, and from one patch to the next


def filters(run: "Run") -> np.ndarray:
    """(channels, 3, 3) float32: the weights of the first convolution."""
    return np.moveaxis(run.weights[0][:, :, 0, :], -1, 0)


def occlusion(run: "Run", picture: np.ndarray, emotion: str, patch: int = PATCH, step: int = STEP) -> np.ndarray:
    """(k, k) float32: how much the probability of `emotion` falls when a grey patch covers each part of a picture.

    picture    (size, size) uint8
    patch      side of the patch in pixels, filled with the picture's mean
    step       pixels from one patch to the next
    Method: Zeiler & Fergus 2014, section 4.2.
    """
    size = len(picture)
    corners = range(0, size - patch + 1, step)
    covered = np.repeat(picture[None], len(corners) ** 2 + 1, axis=0)
    for k, (top, left) in enumerate((top, left) for top in corners for left in corners):
        covered[k, top : top + patch, left : left + patch] = picture.mean()
    net = models.build(run.variant.net, size, len(run.variant.emotions))
    net.set_weights(run.weights)
    kept = sorted(run.variant.emotions, key=EMOTIONS.index)
    probability = softmax(np.asarray(net(covered[..., None])), axis=1)[:, kept.index(emotion)]
    return (probability[-1] - probability[:-1]).reshape(len(corners), len(corners))
