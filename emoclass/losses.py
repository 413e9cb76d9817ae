"""Losses on logits: plain cross-entropy, and cross-entropy that weighs scarce emotions more."""

import numpy as np

from emoclass.backend import keras
from emoclass.faces import BadInput, listed

WEIGHTS = ("plain", "balanced", "root")


def class_weights(counts: np.ndarray, how: str = "plain") -> np.ndarray:
    """(K,) float32 weights for classes with (K,) `counts` training photos, their mean over the photos being 1.

    plain     1 for each
    balanced  N / (K n_k): each class counts the same in all
    root      the square root of that: a compromise, 28:1 where balanced is 763:1
    A class without a photo gets weight 0, as there is nothing to weigh. Raises BadInput for another word.
    """
    if how not in WEIGHTS:
        raise BadInput(f"loss {how!r} is unknown; choose one of {listed(WEIGHTS)}")
    counts = np.asarray(counts, float)
    power = {"plain": 0.0, "root": -0.5, "balanced": -1.0}[how]
    weights = np.where(counts > 0, np.maximum(counts, 1) ** power, 0.0)
    return (weights * counts.sum() / (weights * counts).sum()).astype(np.float32)


def cross_entropy(weights: np.ndarray):
    """A Keras loss: the mean over the batch of weight[label] x cross-entropy; labels (batch,), logits (batch, K)."""
    weights = np.asarray(weights, np.float32)

    def weighted_cross_entropy(labels, logits):
        ops = keras().ops
        labels = ops.cast(ops.reshape(labels, (-1,)), "int32")
        each = keras().losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
        return ops.mean(ops.take(ops.convert_to_tensor(weights), labels) * each)

    return weighted_cross_entropy
