"""Folds by photo, duplicate, subject or source, and the check that refuses a leak by accident."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from emoclass.errors import InputError, LeakError, listed
from emoclass.faces import Faces

# What must stay on one side of a split, by protocol. Each protocol keeps together all that the
# ones before it do; "row" keeps nothing together, so that a photo may be tested by a net that was
# trained on its copies. "given" is the split that somebody brought along (`Faces.table.split`):
# one fold, refused where a photo and its copy are on different sides.
GROUP_KEYS = {
    "row": (),
    "photo": ("parent",),
    "duplicate": ("parent", "duplicate_id", "near_duplicate_id"),
    "subject": ("parent", "duplicate_id", "near_duplicate_id", "subject"),
    "source": ("parent", "duplicate_id", "near_duplicate_id", "subject", "source"),
    "given": ("parent", "duplicate_id", "near_duplicate_id"),
}
GROUP_NAMES = {
    "parent": "photo and its copies",
    "duplicate_id": "file under several names",
    "near_duplicate_id": "picture, newly cut or toned",
    "subject": "subject",
    "source": "source",
}
VALIDATION_PARTS = 9  # validation is one part in nine of what is not tested

# Numbers of the parts in an (n,) array that gives each row its part.
NO_PART = -1
TRAIN = 0
VALIDATION = 1
TEST = 2
PART_NUMBERS = {"train": TRAIN, "validation": VALIDATION, "test": TEST}


@dataclass(frozen=True, eq=False)
class Split:
    """Positions of the photos to train on, to choose the epoch by, and to test on.

    Each is (n_part,) int64, in rising order as `make_fold` returns them.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def connected(
    n: int,
    one: np.ndarray,
    other: np.ndarray,
) -> np.ndarray:
    """(n,) int: the same number for all that are linked through any chain of pairs.

    one, other  (m,) int each: pair k links the positions one[k] and other[k], both from 0 to n - 1
    """
    ones = np.ones(len(one))
    edges = coo_array((ones, (one, other)), shape=(n, n))
    _, component = connected_components(edges, directed=False)
    return component


def group_ids(table: pd.DataFrame, group_by: str) -> np.ndarray:
    """(n,) int: one number for all rows that `group_by` keeps together, through any chain."""
    rows = np.arange(len(table))
    keys = GROUP_KEYS[group_by]
    if not keys:
        return rows
    position = pd.Series(rows)
    first_with_same_value = []
    for key in keys:
        same_value = position.groupby(table[key].to_numpy())
        first_with_same_value.append(same_value.transform("first"))
    return connected(
        len(rows),
        np.tile(rows, len(keys)),
        np.concatenate(first_with_same_value),
    )


def check_no_leakage(
    table: pd.DataFrame,
    part: np.ndarray,
    group_by: str,
) -> None:
    """Raise LeakError if what must stay together is in two parts.

    Copies and duplicates must always stay together; subjects too if split by subject or source.

    part  (n,) int: the part, or the fold, of each row; below 0 is none
    """
    protocol = group_by if group_by in ("subject", "source") else "duplicate"
    used = part >= 0
    used_part = pd.Series(part[used])
    for key in GROUP_KEYS[protocol]:
        value = table[key].to_numpy()[used]
        n_parts = used_part.groupby(value).nunique()
        crossing = n_parts.index[n_parts > 1]
        if len(crossing):
            raise LeakError(
                f"split by {group_by}: {len(crossing)} x the same {GROUP_NAMES[key]} "
                f"on both sides: {listed(crossing, 8)}; split by something wider or, "
                "if this leak is what you study, say allow_leak=True"
            )


def in_training(
    table: pd.DataFrame,
    split: Split,
) -> dict[str, np.ndarray]:
    """For each key of GROUP_NAMES: (n_test,) bool, whether training has a test row's value too."""
    train = table.iloc[split.train]
    test = table.iloc[split.test]
    found = {}
    for key in GROUP_NAMES:
        shared = test[key].isin(train[key])
        found[key] = shared.to_numpy()
    return found


def assign_folds(
    table: pd.DataFrame,
    group_by: str = "subject",
    n_folds: int = 5,
    seed: int = 0,
) -> np.ndarray:
    """(n,) int64: the fold in which each row is tested, emotions spread evenly.

    By "source" every source (with all that is linked to it) is a fold, the largest first.
    Raises InputError if an emotion has fewer rows, or `group_by` fewer groups, than folds, or if
    `group_by` is unknown or "given".
    """
    if group_by not in GROUP_KEYS or group_by == "given":
        protocols = [name for name in GROUP_KEYS if name != "given"]
        raise InputError(f"folds by {group_by!r} are unknown; choose one of {listed(protocols)}")
    group = group_ids(table, group_by)
    if group_by == "source":
        largest_first = np.argsort(-np.bincount(group), kind="stable")
        rank = np.argsort(largest_first)
        return rank[group]
    _check_enough_for_folds(table, group, group_by, n_folds)
    return stratified_parts(table.emotion, group, n_folds, seed)


def _check_enough_for_folds(
    table: pd.DataFrame,
    group: np.ndarray,
    group_by: str,
    n_folds: int,
) -> None:
    counts = table.emotion.value_counts()
    few = counts[counts < n_folds]
    if len(few):
        which = listed(f"{emotion} ({n})" for emotion, n in few.items())
        raise InputError(
            f"fewer photos than the {n_folds} folds: {which}; take fewer folds or leave the emotion out"
        )
    n_groups = len(np.unique(group))
    if n_groups < n_folds:
        raise InputError(
            f"split by {group_by}: {n_groups} groups that must stay together are too few for {n_folds} folds"
        )


def stratified_parts(
    emotion: np.ndarray,
    group: np.ndarray,
    n_parts: int,
    seed: int = 0,
) -> np.ndarray:
    """(n,) int64: the part of each row, groups whole, emotions spread as evenly as they allow.

    Group by group, the most one-sided first, else in random order: each joins the part with which
    emotions are then most evenly spread, or the smallest such. The same parts as scikit-learn's
    StratifiedGroupKFold(shuffle=True), ten times faster.

    emotion, group  (n,) each
    """
    _, label = np.unique(emotion, return_inverse=True)
    _, group = np.unique(group, return_inverse=True)
    n_groups = group.max() + 1
    n_emotions = label.max() + 1
    counts = np.zeros((n_groups, n_emotions))  # photos by group and emotion
    np.add.at(counts, (group, label), 1)
    total = counts.sum(axis=0)

    within = np.zeros((n_parts, n_emotions))  # photos by part and emotion
    size = np.zeros(n_parts)
    spread = np.zeros(n_emotions)  # standard deviation of an emotion's shares over the parts
    joining = np.eye(n_parts)[:, :, None]  # 1 where part and part to be joined are the same
    part_of = np.empty(n_groups, np.int64)
    for number in _most_one_sided_first(counts, seed):
        here = counts[number].nonzero()[0]  # only these emotions' shares change
        more = counts[number, here]
        before = within.take(here, axis=1)[:, None]
        shares = (before + joining * more) / total[here]  # by part, part to be joined, emotion
        spreads = np.repeat(spread[None], n_parts, axis=0)  # by part to be joined, emotion
        spreads[:, here] = shares.std(axis=0)
        unevenness = spreads.mean(axis=1).tolist()
        best = _most_even_part(unevenness, size)
        within[best, here] += more
        size[best] += more.sum()
        spread = spreads[best]
        part_of[number] = best
    return part_of[group]


def _most_one_sided_first(counts: np.ndarray, seed: int) -> np.ndarray:
    """Order of the groups of (groups, emotions) counts; equals in random order."""
    order = np.random.RandomState(seed).permutation(len(counts))
    one_sidedness = counts[order].std(axis=1)
    return order[np.argsort(-one_sidedness, kind="stable")]


def _most_even_part(
    unevenness: list[float],
    size: np.ndarray,
) -> int:
    """The part with the least unevenness; of nearly equal ones the smallest."""
    best = 0
    for part in range(1, len(unevenness)):
        tolerance = 1e-8 + 1e-5 * unevenness[best]  # as np.isclose has it
        nearly_equal = abs(unevenness[part] - unevenness[best]) <= tolerance
        smaller = size[part] < size[best]
        if unevenness[part] < unevenness[best] or (nearly_equal and smaller):
            best = part
    return best


def make_fold(
    faces: Faces,
    group_by: str = "subject",
    fold: int = 0,
    n_folds: int = 5,
    seed: int = 0,
    allow_leak: bool = False,
) -> Split:
    """Train, validation and test part of one fold; validation is set aside by the same rule.

    By "source" validation is set aside by subject. Raises InputError as `assign_folds` does and if
    there is no such fold; LeakError as `check_no_leakage` does unless `allow_leak`.
    """
    if group_by == "given":
        # Not cached: the split that the table names does not count when faces are compared.
        part = _given_parts(faces.table, fold, seed, allow_leak)
    else:
        part = _parts(faces, group_by, fold, n_folds, seed, allow_leak)
    return Split(
        train=np.flatnonzero(part == TRAIN),
        validation=np.flatnonzero(part == VALIDATION),
        test=np.flatnonzero(part == TEST),
    )


@lru_cache(maxsize=8)
def _folds(
    faces: Faces,
    group_by: str,
    n_folds: int,
    seed: int,
    allow_leak: bool,
) -> np.ndarray:
    """`assign_folds`, checked; kept, so not to be written to."""
    fold_of = assign_folds(faces.table, group_by, n_folds, seed)
    if not allow_leak:
        check_no_leakage(faces.table, fold_of, group_by)
    return fold_of


@lru_cache(maxsize=64)
def _parts(
    faces: Faces,
    group_by: str,
    fold: int,
    n_folds: int,
    seed: int,
    allow_leak: bool,
) -> np.ndarray:
    """(n,) int: TRAIN, VALIDATION or TEST of each row; kept, so not to be written to."""
    table = faces.table
    fold_of = _folds(faces, group_by, n_folds, seed, allow_leak)
    last_fold = fold_of.max()
    if not 0 <= fold <= last_fold:
        raise InputError(
            f"split by {group_by}: there is no fold {fold}, only {last_fold + 1} of them (n_folds says how many)"
        )
    part = np.where(fold_of == fold, TEST, TRAIN)
    within = "subject" if group_by == "source" else group_by
    _set_validation_aside(table, part, within, seed)
    if not allow_leak:
        check_no_leakage(table, part, within)
    return part


def _given_parts(
    table: pd.DataFrame,
    fold: int,
    seed: int,
    allow_leak: bool,
) -> np.ndarray:
    """The parts that the table names; if it names no validation part, some of training."""
    number = table.split.map(PART_NUMBERS).fillna(NO_PART)
    part = np.array(number, np.int64)
    present = set(part)
    if fold != 0 or TRAIN not in present or TEST not in present:
        named = set(table.split) - {""}
        there = listed(sorted(named)) or "none"
        raise InputError(
            f"split as given: it has one fold, 0, and needs the parts train and test (there are: {there})"
        )
    if VALIDATION not in present:
        _set_validation_aside(table, part, "subject", seed)
    if not allow_leak:
        check_no_leakage(table, part, "given")
    return part


def _set_validation_aside(
    table: pd.DataFrame,
    part: np.ndarray,
    group_by: str,
    seed: int,
) -> None:
    """Move some of the training rows of `part` to validation, in place."""
    training = np.flatnonzero(part == TRAIN)
    set_aside = _validation(table.iloc[training], group_by, seed)
    part[training[set_aside]] = VALIDATION


def _validation(
    table: pd.DataFrame,
    group_by: str,
    seed: int,
) -> np.ndarray:
    """(n,) bool: about one row in VALIDATION_PARTS, more where rows or groups are few.

    Emotions are spread as evenly as the groups allow.
    """
    group = group_ids(table, group_by)
    most_frequent = table.emotion.value_counts().max()
    n_parts = min(VALIDATION_PARTS, most_frequent, len(np.unique(group)))
    if n_parts < 2:
        raise InputError(
            f"validation by {group_by}: too few photos, or all of one {group_by}, are left to set some aside"
        )
    return stratified_parts(table.emotion, group, n_parts, seed) == 0
