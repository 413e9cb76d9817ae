"""Folds by photo, by duplicate, by person, by source; and the guard that lets no leak through by accident."""

import warnings
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold

from emoclass.faces import BadInput, Faces, listed

# What must stay on one side of a split, by protocol. Each protocol keeps together all that the ones before it
# do; "row" keeps nothing together, so that a photo may be tested by a net that was trained on its copies.
KEEP_TOGETHER = {
    "row": (),
    "photo": ("parent",),
    "duplicate": ("parent", "cluster", "alike"),
    "person": ("parent", "cluster", "alike", "person"),
    "source": ("parent", "cluster", "alike", "person", "source"),
}
IN_WORDS = {
    "parent": "photo and its copies",
    "cluster": "file under several names",
    "alike": "picture, newly cut or toned",
    "person": "person",
    "source": "source",
}
VALIDATION_PARTS = 9  # validation is one part in nine of what is not tested


class LeakError(ValueError):
    """Something that must stay together stands on both sides of a split; the message names it."""


@dataclass(frozen=True, eq=False)
class Split:
    """Positions of the photos to train on, to choose the epoch by, and to test on; each a (n_part,) int64."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def groups(table: pd.DataFrame, by: str) -> np.ndarray:
    """(n,) int: rows with the same number share, through any chain of rows, something that `by` keeps together.

    By person, for example, two persons whose names were given to one and the same picture are one group.
    """
    rows = np.arange(len(table))
    if not KEEP_TOGETHER[by]:
        return rows
    links = [pd.factorize(table[key])[0] for key in KEEP_TOGETHER[by]]
    starts = len(rows) + np.cumsum([0] + [link.max(initial=-1) + 1 for link in links])
    nodes = np.concatenate([link + start for link, start in zip(links, starts)])
    edges = coo_array((np.ones(len(nodes)), (np.tile(rows, len(links)), nodes)), shape=(starts[-1],) * 2)
    return connected_components(edges, directed=False)[1][: len(rows)]


def guard(table: pd.DataFrame, part: np.ndarray, by: str) -> None:
    """Raise LeakError if a photo's copies, a duplicate or (by person, by source) a person is in two parts.

    part    (n,) int: the part that each row is in; rows below 0 are in none
    """
    used = part >= 0
    for key in KEEP_TOGETHER[by] if by in ("person", "source") else KEEP_TOGETHER["duplicate"]:
        parts = pd.Series(part[used]).groupby(table[key].to_numpy()[used]).nunique()
        if len(torn := parts.index[parts > 1]):
            raise LeakError(
                f"split by {by}: {len(torn)} x the same {IN_WORDS[key]} on both sides: {listed(torn, 8)}; "
                "split by something wider or, if this leak is what you study, say allow_leak=True"
            )


def assign_folds(table: pd.DataFrame, by: str = "person", n_folds: int = 5, seed: int = 0) -> np.ndarray:
    """(n,) int64: the fold in which each row is tested, emotions spread evenly (StratifiedGroupKFold).

    By "source" the folds are the sources themselves, the largest first.
    Raises BadInput if `by` is unknown, or an emotion has fewer rows, or `by` fewer groups, than there are folds.
    """
    if by not in KEEP_TOGETHER:
        raise BadInput(f"split by {by!r} is unknown; choose one of {listed(KEEP_TOGETHER)}")
    group = groups(table, by)
    if by == "source":
        largest_first = np.argsort(-np.bincount(group), kind="stable")
        return np.argsort(largest_first)[group]
    counts = table.emotion.value_counts()
    if len(few := counts[counts < n_folds]):
        which = listed(f"{emotion} ({n})" for emotion, n in few.items())
        raise BadInput(f"fewer photos than the {n_folds} folds: {which}; take fewer folds or leave the emotion out")
    if (n_groups := len(np.unique(group))) < n_folds:
        raise BadInput(f"split by {by}: {n_groups} groups that must stay together are too few for {n_folds} folds")
    fold = np.empty(len(table), np.int64)
    for k, (_, test) in enumerate(_deal(table, group, n_folds, seed)):
        fold[test] = k
    return fold


def split(
    faces: Faces, by: str = "person", fold: int = 0, n_folds: int = 5, seed: int = 0, allow_leak: bool = False
) -> Split:
    """Train, validation and test for one fold; validation is cut from the rest by the same rule as the folds.

    Raises LeakError (see `guard`) unless `allow_leak`, and BadInput as `assign_folds` does.
    """
    part = _parts(_Hashed(faces), by, fold, n_folds, seed, allow_leak)
    return Split(*(np.flatnonzero(part == side) for side in range(3)))


@dataclass(frozen=True, eq=False)
class _Hashed:
    """Faces that a cache can tell apart."""

    faces: Faces

    def __hash__(self):
        return hash(self.faces.digest)

    def __eq__(self, other):
        return self.faces.digest == other.faces.digest


@lru_cache(maxsize=8)
def _folds(hashed: _Hashed, by, n_folds, seed, allow_leak):
    fold_of = assign_folds(hashed.faces.table, by, n_folds, seed)
    if not allow_leak:
        guard(hashed.faces.table, fold_of, by)
    return fold_of


@lru_cache(maxsize=64)
def _parts(hashed: _Hashed, by, fold, n_folds, seed, allow_leak):
    table, fold_of = hashed.faces.table, _folds(hashed, by, n_folds, seed, allow_leak)
    if not 0 <= fold <= fold_of.max():
        raise BadInput(
            f"split by {by}: there is no fold {fold}, only {fold_of.max() + 1} of them (n_folds says how many)"
        )
    rest = np.flatnonzero(fold_of != fold)
    part = np.where(fold_of == fold, 2, 0)
    inside = "person" if by == "source" else by
    part[rest[_validation(table.iloc[rest], inside, seed)]] = 1
    if not allow_leak:
        guard(table, part, by="person" if by == "source" else by)
    return part


def _validation(table, by, seed):
    """(n,) bool: about one row in nine, emotions spread as evenly as groups allow; more where there are few rows."""
    group = groups(table, by)
    parts = min(VALIDATION_PARTS, table.emotion.value_counts().max(), len(np.unique(group)))
    if parts < 2:
        raise BadInput(f"validation by {by}: too few photos, or all of one {by}, are left to set some aside")
    chosen = np.zeros(len(table), bool)
    chosen[next(_deal(table, group, parts, seed))[1]] = True
    return chosen


def _deal(table, group, parts, seed):
    folder = StratifiedGroupKFold(parts, shuffle=True, random_state=seed)
    with warnings.catch_warnings():  # that an emotion of fewer photos than parts will be missing from some
        warnings.simplefilter("ignore", UserWarning)
        yield from folder.split(group, table.emotion, group)
