"""Folds by photo, by duplicate, by subject, by source; and the check that lets no leak through by accident."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from emoclass.errors import InputError, LeakError, listed
from emoclass.faces import Faces

# What must stay on one side of a split, by protocol. Each protocol keeps together all that the ones before it
# do; "row" keeps nothing together, so that a photo may be tested by a net that was trained on its copies. "given" is
# the split that somebody brought along (`Faces.table.split`): one fold, refused where it tears a photo from its copy.
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


@dataclass(frozen=True, eq=False)
class Split:
    """Positions of the photos to train on, to choose the epoch by, and to test on; each a (n_part,) int64."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def connected(n: int, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(n,) int: the same number for all of 0 to n - 1 that (m,) pairs `one`, `other` link, through any chain."""
    edges = coo_array((np.ones(len(one)), (one, other)), shape=(n, n))
    return connected_components(edges, directed=False)[1]


def group_ids(table: pd.DataFrame, group_by: str) -> np.ndarray:
    """(n,) int: rows with the same number share, through any chain, something that `group_by` keeps together."""
    rows = np.arange(len(table))
    if not GROUP_KEYS[group_by]:
        return rows
    first = [pd.Series(rows).groupby(table[key].to_numpy()).transform("first") for key in GROUP_KEYS[group_by]]
    return connected(len(rows), np.tile(rows, len(first)), np.concatenate(first))


def check_no_leakage(table: pd.DataFrame, part: np.ndarray, group_by: str) -> None:
    """Raise LeakError if copies, duplicates or (by subject, source) a subject are in two parts; below 0 is none."""
    used = part >= 0
    for key in GROUP_KEYS[group_by if group_by in ("subject", "source") else "duplicate"]:
        n_parts = pd.Series(part[used]).groupby(table[key].to_numpy()[used]).nunique()
        if len(torn := n_parts.index[n_parts > 1]):
            raise LeakError(
                f"split by {group_by}: {len(torn)} x the same {GROUP_NAMES[key]} on both sides: {listed(torn, 8)}; "
                "split by something wider or, if this leak is what you study, say allow_leak=True"
            )


def in_training(table: pd.DataFrame, split: Split) -> dict[str, np.ndarray]:
    """For each of GROUP_NAMES: (n_test,) bool, whether a test row's own is in the training part too."""
    train, test = table.iloc[split.train], table.iloc[split.test]
    return {key: test[key].isin(train[key]).to_numpy() for key in GROUP_NAMES}


def assign_folds(table: pd.DataFrame, group_by: str = "subject", n_folds: int = 5, seed: int = 0) -> np.ndarray:
    """(n,) int64: the fold in which each row is tested, emotions spread evenly; by "source" largest source first.

    Raises InputError if an emotion has fewer rows, or `group_by` fewer groups, than folds, or is unknown or "given".
    """
    if group_by not in GROUP_KEYS or group_by == "given":
        raise InputError(f"folds by {group_by!r} are unknown; choose one of {listed([*GROUP_KEYS][:-1])}")
    group = group_ids(table, group_by)
    if group_by == "source":
        largest_first = np.argsort(-np.bincount(group), kind="stable")
        return np.argsort(largest_first)[group]
    counts = table.emotion.value_counts()
    if len(few := counts[counts < n_folds]):
        which = listed(f"{emotion} ({n})" for emotion, n in few.items())
        raise InputError(f"fewer photos than the {n_folds} folds: {which}; take fewer folds or leave the emotion out")
    if (n_groups := len(np.unique(group))) < n_folds:
        raise InputError(
            f"split by {group_by}: {n_groups} groups that must stay together are too few for {n_folds} folds"
        )
    return stratified_parts(table.emotion, group, n_folds, seed)


def stratified_parts(emotion: np.ndarray, group: np.ndarray, n_parts: int, seed: int = 0) -> np.ndarray:
    """(n,) int64: to which of the parts each row goes, groups whole, emotions spread as evenly as they allow.

    Group by group, the most one-sided first, else in random order: each joins the part with which emotions are then
    most evenly spread, or the smallest such. As scikit-learn's StratifiedGroupKFold(shuffle=True), ten times faster.
    """
    label, group = (np.unique(column, return_inverse=True)[1] for column in (emotion, group))
    counts = np.zeros((group.max() + 1, label.max() + 1))  # photos by group and emotion
    np.add.at(counts, (group, label), 1)
    order = np.random.RandomState(seed).permutation(len(counts))
    order = order[np.argsort(-counts[order].std(axis=1), kind="stable")]
    total, alone = counts.sum(axis=0), np.eye(n_parts)[:, :, None]
    within, size = np.zeros((n_parts, len(total))), np.zeros(n_parts)
    spread, part_of = np.zeros(len(total)), np.empty(len(counts), np.int64)
    for number in order:
        here = counts[number].nonzero()[0]  # only these emotions' shares change
        more = counts[number, here]
        tried = (within.take(here, axis=1)[:, None] + alone * more) / total[here]  # part, part that it joins, emotion
        spreads = np.repeat(spread[None], n_parts, axis=0)
        spreads[:, here] = tried.std(axis=0)
        uneven, best = spreads.mean(axis=1).tolist(), 0
        for k in range(1, n_parts):
            alike = abs(uneven[k] - uneven[best]) <= 1e-8 + 1e-5 * uneven[best]  # as np.isclose has it
            if uneven[k] < uneven[best] or (alike and size[k] < size[best]):
                best = k
        within[best, here] += more
        size[best] += more.sum()
        spread, part_of[number] = spreads[best], best
    return part_of[group]


def make_fold(
    faces: Faces, group_by: str = "subject", fold: int = 0, n_folds: int = 5, seed: int = 0, allow_leak: bool = False
) -> Split:
    """Train, validation (by the same rule), test of one fold; LeakError unless `allow_leak`, or as `assign_folds`."""
    find = _parts.__wrapped__ if group_by == "given" else _parts  # what is given is no part of what faces are known by
    part = find(faces, group_by, fold, n_folds, seed, allow_leak)
    return Split(*(np.flatnonzero(part == side) for side in range(3)))


@lru_cache(maxsize=8)
def _folds(faces: Faces, group_by, n_folds, seed, allow_leak):
    fold_of = assign_folds(faces.table, group_by, n_folds, seed)
    if not allow_leak:
        check_no_leakage(faces.table, fold_of, group_by)
    return fold_of


@lru_cache(maxsize=64)
def _parts(faces: Faces, group_by, fold, n_folds, seed, allow_leak):
    if group_by == "given":
        return _given(faces.table, fold, seed, allow_leak)
    table, fold_of = faces.table, _folds(faces, group_by, n_folds, seed, allow_leak)
    if not 0 <= fold <= fold_of.max():
        raise InputError(
            f"split by {group_by}: there is no fold {fold}, only {fold_of.max() + 1} of them (n_folds says how many)"
        )
    rest = np.flatnonzero(fold_of != fold)
    part = np.where(fold_of == fold, 2, 0)
    within = "subject" if group_by == "source" else group_by
    part[rest[_validation(table.iloc[rest], within, seed)]] = 1
    if not allow_leak:
        check_no_leakage(table, part, within)
    return part


def _given(table, fold, seed, allow_leak):
    """The parts that the table names; where it names no validation part, some of training, by subject."""
    part = np.array(table.split.map({"train": 0, "validation": 1, "test": 2}).fillna(-1), np.int64)
    if fold or not {0, 2} <= set(part):
        there = listed(sorted(set(table.split) - {""})) or "none"
        raise InputError(
            f"split as given: it has one fold, 0, and needs the parts train and test (there are: {there})"
        )
    if 1 not in part:
        rest = np.flatnonzero(part == 0)
        part[rest[_validation(table.iloc[rest], "subject", seed)]] = 1
    if not allow_leak:
        check_no_leakage(table, part, "given")
    return part


def _validation(table, group_by, seed):
    """(n,) bool: about one row in nine, emotions spread as evenly as groups allow; more where there are few rows."""
    group = group_ids(table, group_by)
    n_parts = min(VALIDATION_PARTS, table.emotion.value_counts().max(), len(np.unique(group)))
    if n_parts < 2:
        raise InputError(
            f"validation by {group_by}: too few photos, or all of one {group_by}, are left to set some aside"
        )
    return stratified_parts(table.emotion, group, n_parts, seed) == 0
