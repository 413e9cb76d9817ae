"""How alike strangers are in the collection at hand, and with that the chance that a pair is one.

Some pictures are looked for in small random parts of the collection, where few copies of them can
be. How alike the best stranger is in such a part is known then; in a collection that is k times as
large it is more alike by beta log k, as the largest of many numbers grows (Gumbel 1958). Copies
that are there all the same are told from strangers as the two parts of a mixture (Dempster et al.
1977).
"""

from dataclasses import dataclass

import numpy as np

CEILING = 3.0  # of likeness: a correlation of .9993
LEAST_LIKE = 1.2  # likeness of a copy at least, a correlation of .83
USUAL_LIKENESS = 0.8  # of the best stranger, before any was seen: a correlation of .66
USUAL_SCALE = 0.1
PRIOR_PICTURES = 15  # how many pictures those two weigh as much as
SCALES = (0.09, 0.4)
BELOW = 0.693  # scales between the lower quartile of a Gumbel distribution and its median
ABOVE = 0.879  # and between that and the upper quartile
MEDIAN = 0.3665  # of a Gumbel distribution above its mode, in scales
MOST_COPIED = 0.9  # of the pictures, where strangers are measured among all of them
BROADER = 1.5
FEWEST = 3.0  # strangers that a distribution can be told from
ONE_IN_FIFTY = 3.902  # the same of what one in fifty exceeds
ROUNDS = 20  # of expectation and maximisation
WHOLE = 0.2  # weight of what all of a pair has in common, against what its better half has


def likeness(score: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Fisher's z of two correlations, arctanh, at most CEILING; their weighted mean.

    Args:
        score: Of the half of the detail that agrees best.
        whole: Of all of it.
    """
    return (1 - WHOLE) * _fisher(score) + WHOLE * _fisher(whole)


def _fisher(correlation: np.ndarray) -> np.ndarray:
    inside = np.clip(np.asarray(correlation, float), -0.99, 0.9999)
    return np.minimum(np.arctanh(inside), CEILING)


@dataclass(frozen=True)
class Strangers:
    """The distribution of the likeness of a picture's best stranger (Gumbel).

    Args:
        location: Its mode.
        scale: Its scale, beta.
    """

    location: float
    scale: float

    @property
    def median(self) -> float:
        return self.location + MEDIAN * self.scale

    @property
    def one_in_fifty(self) -> float:
        """One best stranger in fifty is more alike."""
        return self.location + ONE_IN_FIFTY * self.scale

    def in_a_collection(self, times: float) -> "Strangers":
        """The same where there are `times` as many strangers."""
        return Strangers(self.location + self.scale * np.log(max(times, 1e-9)), self.scale)

    def density(self, likeness: np.ndarray) -> np.ndarray:
        """That of the best stranger; below the mode, that at the mode."""
        above = np.maximum(0, (likeness - self.location) / self.scale)
        return np.exp(-above - np.exp(-above)) / self.scale


USUAL = Strangers(USUAL_LIKENESS - MEDIAN * USUAL_SCALE, USUAL_SCALE)
OF_FEW = Strangers(1.5, 0.15)  # where there are too few to tell: they may all be built alike


def measured(best: np.ndarray, start: Strangers | None = None) -> Strangers:
    """From the (m,) likeness of the best of m pictures, most of them strangers or copies.

    Args:
        best: Likeness of the best partner of each.
        start: What strangers are thought to be like; by default the less alike half is of them.
    """
    if not len(best):
        return USUAL
    weights = (best <= np.median(best)).astype(float)
    if start is not None:
        weights = 1 - probabilities(best, best, start)
    for _ in range(ROUNDS):
        if weights.sum() < FEWEST:
            return start or USUAL
        weights = 1 - probabilities(best, best, _fitted(best, weights))
    found = _fitted(best, weights)
    trust = float(weights.sum() / (weights.sum() + PRIOR_PICTURES))
    scale = trust * found.scale + (1 - trust) * USUAL_SCALE
    median = trust * found.median + (1 - trust) * USUAL_LIKENESS
    return Strangers(median - MEDIAN * scale, scale)


def _fitted(best: np.ndarray, weights: np.ndarray) -> Strangers:
    """The distribution with the weighted quartiles: what lies far below is another kind."""
    lower, median, upper = _weighted_quartiles(best, weights)
    spread = min((median - lower) / BELOW, (upper - median) / ABOVE)
    scale = float(np.clip(spread, *SCALES))
    return Strangers(float(median) - MEDIAN * scale, scale)


def _weighted_quartiles(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    order = np.argsort(values)
    ordered = weights[order]
    reached = (np.cumsum(ordered) - ordered / 2) / ordered.sum()
    return np.interp([0.25, 0.5, 0.75], reached, values[order])


def in_all(part: Strangers, times: float, best: np.ndarray) -> Strangers:
    """How alike the best strangers are in all of a collection.

    Args:
        part: How alike they are in a part of it.
        times: How many times as large the collection is.
        best: (n,) likeness of the best partner of each picture, in all of it.

    Returns:
        What is measured there, if that is between the part's and what it lets expect and no
        broader; else what is expected: where nearly all pictures have copies, or strangers are of
        several kinds, the whole says little.
    """
    expected = part.in_a_collection(times)
    if not len(best):
        return expected
    found = measured(best, expected)
    copied = probabilities(best, best, found).mean()
    if copied > MOST_COPIED or found.scale > BROADER * part.scale:
        return expected
    if part.median <= found.median < expected.median:
        return found
    return expected


def probabilities(best: np.ndarray, all_pairs: np.ndarray, strangers: Strangers) -> np.ndarray:
    """The chance that each pair shows one picture.

    The share of pictures that have a copy is estimated from all of them. Copies are taken to be
    equally often of any likeness from LEAST_LIKE to CEILING.

    Args:
        best: (n,) likeness of the best pair of each picture.
        all_pairs: (p,) likeness of the pairs that are judged.
    """
    copy = 1 / (CEILING - LEAST_LIKE)
    stranger = strangers.density(best)
    possible = best >= LEAST_LIKE
    share = 0.05
    for _ in range(ROUNDS):
        odds = share * copy * possible / np.maximum((1 - share) * stranger, 1e-300)
        share = float((odds / (1 + odds)).sum() + 0.5) / (len(best) + 10)
    odds = share * copy / np.maximum((1 - share) * strangers.density(all_pairs), 1e-300)
    return np.where(all_pairs >= LEAST_LIKE, odds / (1 + odds), 0.0)
