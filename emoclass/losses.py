"""Losses on logits: cross-entropy that weighs emotions, lets go of easy photos, or takes the prior out."""

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np

from emoclass.backend import keras
from emoclass.errors import InputError, listed
from emoclass.labels import EMOTIONS

ClassWeight = Literal["none", "sqrt", "balanced", "effective"]


def class_weights(
    counts: np.ndarray,
    class_weight: ClassWeight | dict[str, float] = "none",
    beta: float = 0.999,
    classes: tuple[str, ...] = EMOTIONS,
) -> np.ndarray:
    """(K,) float32 weights for classes with (K,) `counts` training photos, their mean over the photos being 1.

    none       1 for each
    balanced   inverse frequency, N / (K n_k): each class counts the same in all
    sqrt       the square root of that: a compromise, 28:1 where balanced is 763:1
    effective  (1 - beta) / (1 - beta^n_k), the effective number of photos (Cui et al. 2019); beta from 0 to below 1
    {"fear": 10}   these weights, relative to 1 for every class that is not named; `classes` (K,) are their names
    A class without a photo gets weight 0. Raises InputError for another word, beta or class.
    """
    counts = np.asarray(counts, float)
    some = np.maximum(counts, 1)
    if isinstance(class_weight, dict):
        raw = _weights_by_name(class_weight, classes)
    elif class_weight not in get_args(ClassWeight):
        raise InputError(
            f"class_weight {class_weight!r} is unknown; choose one of {listed(get_args(ClassWeight))}"
        )
    elif not 0 <= beta < 1:
        raise InputError(f"beta={beta}: the effective number needs a beta from 0 to below 1")
    elif class_weight == "none":
        raw = np.ones_like(some)
    elif class_weight == "sqrt":
        raw = some**-0.5
    elif class_weight == "balanced":
        raw = 1 / some
    else:
        raw = (1 - beta) / (1 - beta**some)
    weights = np.where(counts > 0, raw, 0.0)
    return (weights * counts.sum() / (weights * counts).sum()).astype(np.float32)


def _weights_by_name(weights: dict[str, float], classes: tuple[str, ...]) -> np.ndarray:
    unknown = [name for name in weights if name not in classes]
    if unknown:
        raise InputError(f"class_weight names {listed(unknown)}; the classes are {listed(classes)}")
    return np.array([float(weights.get(name, 1.0)) for name in classes])


def log_prior(counts: np.ndarray) -> np.ndarray:
    """(K,) float32 log of each class's share of the training photos; a class without a photo counts as half a one."""
    counts = np.maximum(np.asarray(counts, float), 0.5)
    return np.log(counts / counts.sum()).astype(np.float32)


def cross_entropy(
    weights: np.ndarray,
    focal_gamma: float = 0.0,
    logit_adjustment_tau: float = 0.0,
    prior: np.ndarray | None = None,
):
    """A Keras loss: the mean over the batch of weight[label] x (1 - p_t)^gamma x -log p_t.

    Labels are (batch,) int, logits z (batch, K); p = softmax(z + tau x prior), and p_t is the label's part of it.
    focal_gamma            gamma of the focal loss (Lin et al. 2017): above 0, photos that are easy already count less
    logit_adjustment_tau   tau of the logit-adjusted loss (Menon et al. 2021): `prior` (K,), the log shares of the
                           classes, is added while training only; tau = 1 is the balanced softmax (Ren et al. 2020)
    """
    weights = np.asarray(weights, np.float32)
    if prior is None:
        prior = np.zeros_like(weights)
    offset = np.float32(logit_adjustment_tau) * np.asarray(prior, np.float32)

    def weighted_cross_entropy(labels, logits):
        ops = keras().ops
        labels = ops.cast(ops.reshape(labels, (-1,)), "int32")
        logits = ops.cast(logits, "float32") + ops.convert_to_tensor(offset)
        log_p = ops.log_softmax(logits, axis=-1)
        right = ops.squeeze(ops.take_along_axis(log_p, labels[:, None], axis=-1), -1)
        each = -right
        if focal_gamma:
            # The gradient of (1 - p)^gamma has no bounds at p = 1 for gamma below 1.
            each = each * ops.power(ops.maximum(1 - ops.exp(right), 1e-6), focal_gamma)
        return ops.mean(ops.take(ops.convert_to_tensor(weights), labels) * each)

    return weighted_cross_entropy


def weighted(function: Callable, weights: np.ndarray):
    """A Keras loss from one of your own: the mean over the batch of weight[label] x function(labels, logits).

    `function` takes (batch,) int32 labels and (batch, K) float32 logits and returns one loss for each picture,
    (batch,). Raises InputError if it returns something of another shape.
    """
    weights = np.asarray(weights, np.float32)

    def weighted_loss(labels, logits):
        ops = keras().ops
        labels = ops.cast(ops.reshape(labels, (-1,)), "int32")
        each = function(labels, ops.cast(logits, "float32"))
        if len(each.shape) != 1:
            raise InputError(
                f"loss={function.__name__} returns the shape {tuple(each.shape)}: one loss for each picture is needed"
            )
        return ops.mean(ops.take(ops.convert_to_tensor(weights), labels) * each)

    return weighted_loss
