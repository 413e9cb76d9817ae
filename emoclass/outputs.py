"""What a net puts out, rounded: one byte for each class of each picture, the same in a store and in a record.

A picture's levels are how far each class lies below the one predicted, in steps of 1/16 of a natural logarithm: 0 for
the class predicted, at least 1 for every other, so that rounding never changes what is predicted. Odds are kept to
within 3 %, down to probabilities of about 1e-7.
"""

import numpy as np

STEP = 1 / 16
LOWEST = 255  # so far below, a class counts as impossible up to this

_ODDS = np.exp(-STEP * np.arange(LOWEST + 1))


def to_levels(logits: np.ndarray) -> np.ndarray:
    """(n, K) uint8 levels of (n, K) logits. A picture without finite logits has no level 0."""
    logits = np.asarray(logits, np.float64)
    rows = np.arange(len(logits))
    finite = np.isfinite(logits).all(axis=1)
    safe = np.where(finite[:, None], logits, 0.0)
    best = safe.argmax(axis=1)
    below = (safe[rows, best][:, None] - safe) / STEP
    levels = np.clip(np.round(below), 1, LOWEST).astype(np.uint8)
    levels[rows, best] = 0
    levels[~finite] = LOWEST
    return levels


def to_probabilities(levels: np.ndarray, places: np.ndarray, classes: int) -> np.ndarray:
    """(n, classes) float32 from (n, K) levels of the classes at (K,) `places`; 0 for all others.

    NaN where a picture had no finite output.
    """
    odds = _ODDS[levels]
    shares = odds / odds.sum(axis=1, keepdims=True)
    lacking = (
        levels.min(axis=1, initial=LOWEST) == LOWEST
        if levels.shape[1] > 1
        else np.zeros(len(levels), bool)
    )
    shares[lacking] = np.nan
    probabilities = np.zeros((len(levels), classes), np.float32)
    probabilities[:, places] = shares
    return probabilities
