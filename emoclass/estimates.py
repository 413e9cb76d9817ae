"""A value and its interval: Wilson's for a share, or over resampled subjects."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import binomtest

RESAMPLES = 2000
ROUNDS = 10  # p-values take this many times RESAMPLES: at least 1e-4, which Holm may multiply


class Estimate(NamedTuple):
    """A value, its 95 % interval (None for an exact count) and the number of photos behind it."""

    value: float
    low: float | None
    high: float | None
    n: int

    def __str__(self) -> str:
        if self.low is None:
            return f"{self.value:,.10g} (n = {self.n:,})"
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f}; n = {self.n:,})"

    def __format__(self, spec: str) -> str:
        """`f"{estimate:+}"` is for differences: signs, and no n."""
        if spec == "+":
            return f"{self.value:+.3f} ({self.low:+.3f} to {self.high:+.3f})"
        return format(str(self), spec)


def wilson(hits: int, n: int) -> Estimate:
    """The share hits / n with Wilson's interval (1927); 0 of 4 is 0 to .49."""
    if n == 0:
        return Estimate(float("nan"), 0.0, 1.0, 0)
    test = binomtest(int(hits), int(n))
    low, high = test.proportion_ci(method="wilson")
    return Estimate(hits / n, low, high, int(n))


def mean_over_subjects(
    values: np.ndarray,
    subjects: np.ndarray,
    seed: int = 0,
) -> Estimate:
    """Mean of one value for each photo, its interval over resampled subjects.

    values, subjects  (n,) each: the value of each photo and the name of who is in it
    """
    photos = pd.DataFrame({"value": values, "n": 1})
    by_subject = photos.groupby(np.asarray(subjects))
    sums = by_subject.sum().to_numpy(float)  # (subjects, 2)
    drawn = subject_weights(len(sums), seed) @ sums
    drawn_values = drawn[:, 0]
    drawn_photos = drawn[:, 1]
    low, high = middle(drawn_values / drawn_photos)
    value = float(np.mean(values))
    return Estimate(value, low, high, len(values))


@lru_cache(maxsize=ROUNDS)
def subject_weights(n_subjects: int, seed: int) -> np.ndarray:
    """(RESAMPLES, subjects) float32: how often each subject is drawn in each resample.

    Kept, so not to be written to.
    """
    random = np.random.default_rng(seed)
    drawn = random.integers(n_subjects, size=(RESAMPLES, n_subjects))
    first_cell = n_subjects * np.arange(RESAMPLES)[:, None]  # of each resample's row
    cell = (drawn + first_cell).ravel()
    often = np.bincount(cell, minlength=RESAMPLES * n_subjects)
    return often.reshape(RESAMPLES, n_subjects).astype(np.float32)


def middle(resampled: np.ndarray) -> list[float]:
    """Lower and upper end of the middle 95 % of (resamples,) values, NaN left out."""
    return np.nanpercentile(resampled, [2.5, 97.5]).tolist()
