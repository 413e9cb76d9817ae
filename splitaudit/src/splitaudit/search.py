"""Candidates: for each picture those whose fingerprints are most alike under any transformation."""

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from splitaudit.bank import variants
from splitaudit.config import SearchConfig
from splitaudit.descriptors import variant_map
from splitaudit.fingerprints import Projection

QUERIES = 256  # pictures that are looked for at a time
COLUMNS = 1024  # pictures that they are compared with at a time: both fit into a processor's cache
SAMPLE = 1500  # pictures from which is guessed how alike the candidates will be
MARGIN = 1.5  # times as many as wanted are gathered before the best are kept


@dataclass(frozen=True)
class Candidates:
    """For n pictures.

    Args:
        train: (n, c) numbers of the candidates; -1 where there are fewer.
        variant: (n, c) numbers of the variants under which they are most alike.
    """

    train: np.ndarray
    variant: np.ndarray


class Bank:
    """The projections under each variant."""

    def __init__(self, projection: Projection):
        axes = []
        offsets = []
        for variant in variants():
            moved = variant_map(variant)
            axes.append(moved.applied_to_axes(projection.axes))
            offsets.append((moved.coverage() * projection.middle) @ projection.axes)
        self.axes = np.concatenate(axes, axis=1)
        self.offsets = np.concatenate(offsets)
        self.dimensions = projection.axes.shape[1]

    def fingerprints(self, descriptors: np.ndarray) -> np.ndarray:
        """(variants, n, dimensions) float32 of length 1."""
        values = descriptors.astype(np.float32) @ self.axes - self.offsets
        values = values.reshape(len(values), -1, self.dimensions)
        length = np.sqrt((values * values).sum(2, keepdims=True))
        values /= np.maximum(length, 1e-6)
        return np.ascontiguousarray(values.transpose(1, 0, 2))


def find_candidates(
    descriptors: np.ndarray,
    bank: Bank,
    fingerprints: np.ndarray,
    within: bool,
    config: SearchConfig,
    threads: Executor,
    progress,
) -> Candidates:
    """Looks for each of n pictures among m.

    Args:
        descriptors: (n, LENGTH) of the pictures that are looked for.
        fingerprints: (m, dimensions) of those that they are looked for in.
        within: Both are the same collection; no picture is its own candidate.
    """
    number = len(descriptors)
    wanted = min(config.candidates, len(fingerprints))
    train = np.full((number, wanted), -1, np.int32)
    variant = np.zeros((number, wanted), np.int16)

    def fill(first: int) -> None:
        last = min(first + QUERIES, number)
        seen = bank.fingerprints(descriptors[first:last])
        own = np.arange(first, last) if within else None
        best = _best(seen, fingerprints, own, wanted)
        train[first:last] = best.train
        variant[first:last] = best.variant
        progress(last - first)

    list(threads.map(fill, range(0, number, QUERIES)))
    return Candidates(train, variant)


def _best(
    seen: np.ndarray, fingerprints: np.ndarray, own: np.ndarray | None, wanted: int
) -> Candidates:
    """The best for one block of pictures; `own` are their own numbers."""
    number = seen.shape[1]
    least = _least(seen, fingerprints, wanted)
    rows = []
    columns = []
    kinds = []
    scores = []
    for start in range(0, len(fingerprints), COLUMNS):
        block = np.ascontiguousarray(fingerprints[start : start + COLUMNS].T)
        product = np.empty((number, block.shape[1]), np.float32)
        for kind, prints in enumerate(seen):
            np.matmul(prints, block, out=product)
            found = np.flatnonzero(product > least)
            row, column = np.divmod(found, block.shape[1])
            rows.append(row.astype(np.int32))
            columns.append((column + start).astype(np.int32))
            kinds.append(np.full(len(found), kind, np.int16))
            scores.append(product.ravel()[found])
    gathered = (np.concatenate(rows), np.concatenate(columns))
    return _kept(*gathered, np.concatenate(kinds), np.concatenate(scores), own, number, wanted)


def _least(seen: np.ndarray, fingerprints: np.ndarray, wanted: int) -> np.ndarray:
    """(n, 1): how alike the wanted number is, guessed from a sample; -2 if all are wanted."""
    number = len(fingerprints)
    step = max(1, number // SAMPLE)
    sample = fingerprints[::step]
    rank = round(wanted * MARGIN * len(sample) / number)
    if wanted * MARGIN >= number:
        return np.full((seen.shape[1], 1), -2, np.float32)
    best = np.full((seen.shape[1], len(sample)), -2, np.float32)
    for prints in seen:
        np.maximum(best, prints @ sample.T, out=best)
    rank = min(max(rank, 2), len(sample) - 1)
    return -np.partition(-best, rank, axis=1)[:, rank : rank + 1]


def _kept(rows, columns, kinds, scores, own, number, wanted) -> Candidates:
    """The best of what was gathered, each pair once, under its best variant."""
    if own is not None:
        strangers = own[rows] != columns
        rows = rows[strangers]
        columns = columns[strangers]
        kinds = kinds[strangers]
        scores = scores[strangers]
    order = np.lexsort((-scores, rows))
    train = np.full((number, wanted), -1, np.int32)
    variant = np.zeros((number, wanted), np.int16)
    starts = np.searchsorted(rows[order], np.arange(number + 1))
    for row in range(number):
        chosen = order[starts[row] : starts[row + 1]]
        _, first = np.unique(columns[chosen], return_index=True)
        chosen = chosen[np.sort(first)[:wanted]]
        train[row, : len(chosen)] = columns[chosen]
        variant[row, : len(chosen)] = kinds[chosen]
    return Candidates(train, variant)
