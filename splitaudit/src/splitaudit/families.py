"""Pictures made from one another, and a split that keeps them together."""

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from splitaudit.folders import part_order
from splitaudit.words import TEST, TRAIN

TEST_SHARE = 0.2


def families_of(number: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(number,) int: the same for pictures that a chain of pairs connects."""
    ones = np.ones(len(left), np.int8)
    graph = coo_matrix((ones, (left, right)), shape=(number, number))
    return connected_components(graph, directed=False)[1]


def mended_split(table: pd.DataFrame, family: np.ndarray) -> pd.Series:
    """A part for each picture, families whole.

    Where there is a split, a family goes to training if any of it is there, else to validation.
    Where there is none, about a fifth of each class becomes the test.

    Args:
        table: `label` and `split`.
        family: (n,) int, the same for what belongs together.
    """
    if (table["split"] != "").any():
        order = table["split"].map(part_order)
        first = order.groupby(family).transform("min")
        by_order = dict(zip(order, table["split"]))
        return first.map(by_order)
    return pd.Series(deal(list(table["label"]), family), index=table.index)


def deal(labels: list[str], family: np.ndarray, seed: int = 0) -> list[str]:
    """ "train" or "test" for each picture: families whole, each class as nearly as that goes.

    Every class keeps at least one family in training.

    Args:
        labels: The class of each picture, of any kind; "" is a class as well.
        family: (n,) int.
        seed: Of the order in which families are dealt.
    """
    counts = pd.crosstab(family, pd.Series(labels, dtype=object).to_numpy())
    total = counts.sum(axis=0).to_numpy()
    wanted = np.round(TEST_SHARE * total)
    sizes = counts.to_numpy()
    shuffled = np.random.default_rng(seed).permutation(len(sizes))
    largest_first = shuffled[np.argsort(-sizes[shuffled].sum(axis=1), kind="stable")]
    in_test = np.zeros(len(sizes), bool)
    for k in largest_first:
        useful = np.minimum(sizes[k], np.maximum(wanted, 0)).sum()
        if 2 * useful > sizes[k].sum():
            in_test[k] = True
            wanted = wanted - sizes[k]
    chosen = set(counts.index[in_test])
    return [TEST if name in chosen else TRAIN for name in family]
