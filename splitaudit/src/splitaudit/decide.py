"""What a pair is: same file, near-duplicate, transformed copy, same scene, or undecided."""

import numpy as np
import pandas as pd

from splitaudit.config import SearchConfig
from splitaudit.strangers import LEAST_LIKE, Strangers, likeness, probabilities
from splitaudit.wording import change, in_words

SAME_FILE = "same file"
NEAR_DUPLICATE = "near-duplicate"
TRANSFORMED = "transformed copy"
SAME_SCENE = "same scene"
COPIES = (SAME_FILE, NEAR_DUPLICATE, TRANSFORMED)
COLUMNS = ("test", "train", "kind", "transformation", "score", "probability", "matrix")

STRIPES = 0.85  # agreement of a picture with itself, moved; above it, all must agree
STRIPES_AGREE = 0.5  # in the worst tenth
STRIPES_ONLY = 0.93  # above it, nobody can tell
PLAIN = 0.25  # share of the overlap with detail; below it, nobody can tell
COPY_AGREES = 0.9  # in its better half, or it is the same scene at another moment
COPY_WHOLE = 0.45  # and in all ...
ALIKE = 1.4  # ... or, where one stranger in fifty is as alike as this, as slices of a head are,
COPY_WHOLE_AMONG_ALIKE = 0.93  # nearly as well as in the better half
STRETCHED = 1.25  # one direction against the other; who does that to a picture ...
STRETCHED_WHOLE = 0.85  # ... does it to all of it, or these are two things of one make
CERTAIN = 0.8  # least probability of a pair that is named


def enough_to_tell(pairs: pd.DataFrame) -> pd.Series:
    """Whether the pictures of a pair have so much detail, and so varied, that they can be told."""
    plain = pairs.detail < PLAIN
    striped = (pairs.by_itself > STRIPES) & (pairs.worst < STRIPES_AGREE)
    return ~plain & ~striped & (pairs.by_itself < STRIPES_ONLY)


def with_likeness(pairs: pd.DataFrame) -> pd.DataFrame:
    """Adds `likeness`, and `told`: whether there is enough detail to tell."""
    alike = likeness(pairs.score, pairs.whole)
    return pairs.assign(likeness=alike, told=enough_to_tell(pairs))


def best_likeness(pairs: pd.DataFrame, number: int) -> np.ndarray:
    """(number,) likeness of the best pair of each picture; -1 where it has none."""
    told = pairs[pairs.told]
    best = np.full(number, -1.0)
    np.maximum.at(best, told.test.to_numpy(), told.likeness.to_numpy())
    return best


def judged(
    pairs: pd.DataFrame, strangers: Strangers, number: int, config: SearchConfig
) -> pd.DataFrame:
    """Adds `probability`, `kind` (None for those that are not named) and `transformation`.

    Args:
        pairs: Columns test, train, matrix, those of `Agreement` and of `with_likeness`.
        strangers: How alike the best stranger of a picture is in this collection.
        number: Of the pictures that were looked for.
        config: Has `max_false`.
    """
    best = best_likeness(pairs, number)
    probability = probabilities(best, pairs.likeness.to_numpy(), strangers)
    pairs = pairs.assign(probability=np.where(pairs.told, probability, 0.0))
    alike = strangers.one_in_fifty > ALIKE
    least_whole = COPY_WHOLE_AMONG_ALIKE if alike else COPY_WHOLE
    changes = [change(matrix) for matrix in pairs.matrix]
    stretched = np.array([done.stretch > STRETCHED for done in changes], bool)
    of_one_make = stretched & (pairs.whole < STRETCHED_WHOLE)
    scene = (pairs.score < COPY_AGREES) | (pairs.whole < least_whole) | of_one_make
    certain = pairs.probability.to_numpy()
    # What is called the same scene is no copy: the user's limit is that of copies.
    limit = least_probability(certain if alike else certain[~scene], config.max_false)
    named = np.where(scene & (not alike), certain >= CERTAIN, certain >= limit)
    kinds = []
    words = []
    for done, negative, is_scene in zip(changes, pairs.negative, scene):
        words.append(in_words(done, negative))
        if is_scene:
            kinds.append(SAME_SCENE)
        elif done.small:
            kinds.append(NEAR_DUPLICATE)
        else:
            kinds.append(TRANSFORMED)
    pairs["kind"] = np.where(named, np.array(kinds, object), None)
    return pairs.assign(transformation=words)


def least_probability(probability: np.ndarray, max_false: float) -> float:
    """The lowest probability such that at most this share of the pairs at or above it are false."""
    ordered = np.sort(probability)[::-1]
    ordered = ordered[ordered >= CERTAIN]
    if not len(ordered):
        return 2.0
    false = np.cumsum(1 - ordered) / np.arange(1, len(ordered) + 1)
    allowed = np.flatnonzero(false <= max_false)
    if not len(allowed):
        return 2.0
    return float(ordered[allowed[-1]])


def undecided_pictures(pairs: pd.DataFrame) -> int:
    """How many pictures have no copy, but a pair so alike that a copy would not be more so."""
    named = pairs[pairs.kind.notna()].test.unique()
    alike = pairs[(pairs.likeness >= LEAST_LIKE) & ~pairs.test.isin(named)]
    return int(alike.test.nunique())
