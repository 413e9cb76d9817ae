"""How alike strangers are in the collection at hand, and with that the chance that a pair is one.

Some pictures are looked for in small random parts of the collection, where hardly any copy of them
can be. How alike the best stranger is in such a part is known then; in a collection that is k times
as large it is more alike by beta log k, as the largest of many numbers grows (Gumbel 1958).
"""

from dataclasses import dataclass

import numpy as np

CEILING = 3.0  # of likeness: a correlation of .995
LEAST_LIKE = 1.2  # likeness of a copy at least, a correlation of .83
USUAL_LIKENESS = 0.8  # of the best stranger, before any was seen: a correlation of .66
USUAL_SCALE = 0.1
PRIOR_PICTURES = 15  # how many pictures those two weigh as much as
SCALES = (0.09, 0.4)
BELOW = 0.693  # scales between the lower quartile of a Gumbel distribution and its median
ABOVE = 0.879  # and between that and the upper quartile
MEDIAN = 0.3665  # of a Gumbel distribution above its mode, in scales
ROUNDS = 20  # of expectation and maximisation


def likeness(score: np.ndarray) -> np.ndarray:
    """Fisher's z of a correlation: arctanh, at most CEILING."""
    inside = np.clip(np.asarray(score, float), -0.99, 0.9999)
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

    def in_a_collection(self, times: float) -> "Strangers":
        """The same where there are `times` as many strangers."""
        return Strangers(self.location + self.scale * np.log(max(times, 1e-9)), self.scale)

    def density(self, likeness: np.ndarray) -> np.ndarray:
        """That of the best stranger; below the mode, that at the mode."""
        above = np.maximum(0, (likeness - self.location) / self.scale)
        return np.exp(-above - np.exp(-above)) / self.scale


def measured(best: np.ndarray) -> Strangers:
    """From the (m,) likeness of the best stranger of m pictures, in one part of the collection.

    The quartiles are used: what lies far above them may be a copy, and what lies far below is
    another kind of picture.
    """
    weight = len(best) / (len(best) + PRIOR_PICTURES)
    median = USUAL_LIKENESS
    spread = USUAL_SCALE
    if len(best):
        lower, median, upper = np.quantile(best, [0.25, 0.5, 0.75])
        spread = min((median - lower) / BELOW, (upper - median) / ABOVE)
    scale = weight * spread + (1 - weight) * USUAL_SCALE
    scale = float(np.clip(scale, *SCALES))
    middle = float(weight * median + (1 - weight) * USUAL_LIKENESS)
    return Strangers(middle - MEDIAN * scale, scale)


def probabilities(best: np.ndarray, all_pairs: np.ndarray, strangers: Strangers) -> np.ndarray:
    """The chance that each pair shows one picture.

    The share of pictures that have a copy is estimated from all of them (Dempster et al. 1977).
    Copies are taken to be equally often of any likeness from LEAST_LIKE to CEILING.

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
