"""Pairs of pictures that are one picture, of two collections or within one."""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

import cv2
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from splitaudit.agreement import NOTHING
from splitaudit.bank import variants
from splitaudit.config import SearchConfig
from splitaudit.decide import (
    COLUMNS,
    SAME_FILE,
    best_likeness,
    judged,
    undecided_pictures,
    with_likeness,
)
from splitaudit.fingerprints import describe, learn_projection
from splitaudit.pictures import Pictures
from splitaudit.search import Bank, Candidates, find_candidates
from splitaudit.strangers import OF_FEW, Strangers, in_all, measured
from splitaudit.verify import Compared, Gallery, compare

COMPARED_AT_A_TIME = 32  # pictures that one thread compares with their candidates
MANY_EQUAL = 100  # files; of more, each is paired with the first alone
FEW = 12  # pictures; fewer have no strangers to learn from
AS_IS = np.eye(2, 3, dtype=np.float32)

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class PairsFound:
    """What the search found.

    Args:
        pairs: One row a pair, the most certain first. Columns: `test`, `train` (within one
            collection `one`, `other`) row numbers; `kind`: same file, near-duplicate, transformed
            copy or same scene; `transformation` in words; `score`: correlation of the detail once
            in line; `probability` that both show one picture; `matrix`: (2, 3) from places in
            train to places in test, in pixels of the small pictures.
        undecided: Pictures with a partner as alike as a copy, but too plain, or too like many others.
        compared: Pictures that were looked for, and in how many.
        strangers: How alike the best stranger of a picture is in this collection.
        seconds: By stage.
    """

    pairs: pd.DataFrame
    undecided: int
    compared: tuple[int, int]
    strangers: Strangers
    seconds: dict[str, float] = field(default_factory=dict)


def _quiet(stage: str, done: int, total: int) -> None:
    """Shows no progress."""


def find_pairs(
    test: Pictures,
    train: Pictures | None = None,
    config: SearchConfig | None = None,
    progress: Progress = _quiet,
) -> PairsFound:
    """Looks for each picture of test in train, as it is and transformed.

    Args:
        test: The pictures that are looked for.
        train: Those that they are looked for in; None looks for pairs within test.
        config: Numbers of the search.
        progress: Called with a stage, what is done of it and what there is to do.

    Returns:
        The pairs, and what could not be told.

    Example:
        >>> found = find_pairs(test, train)
        >>> found.pairs[found.pairs.probability > 0.99]
    """
    config = config or SearchConfig()
    limits = threadpool_limits(1)
    own_threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            return _Search(test, train, config, threads, progress).run()
    finally:
        cv2.setNumThreads(own_threads)
        limits.restore_original_limits()


class _Search:
    def __init__(self, test, train, config, threads, progress: Progress):
        self.within = train is None
        self.test = test
        self.train = test if train is None else train
        self.config = config
        self.threads = threads
        self.progress = progress
        self.seconds: dict[str, float] = {}
        self.strangers = OF_FEW  # in a part of the collection ...
        self.times = 1.0  # ... that is so many times as large

    @contextmanager
    def stage(self, name: str):
        started = time.monotonic()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - started

    def run(self) -> PairsFound:
        compared = []
        if len(self.test) and len(self.train) > self.within:
            with self.stage("describe"):
                self._prepare()
            with self.stage("strangers"):
                self._measure_strangers()
            compared = self._compare_all()
        with self.stage("decide"):
            table = with_likeness(_table(compared))
            best = best_likeness(table, len(self.test))
            strangers = in_all(self.strangers, self.times, best[best >= 0])
            table = judged(table, strangers, len(self.test), self.config)
            pairs = self._with_same_files(table)
            sides = ["one", "other"] if self.within else ["test"]
            known = pairs[sides].to_numpy().ravel()
            undecided = undecided_pictures(table[~table.test.isin(known)])
        sizes = (len(self.test), len(self.train))
        return PairsFound(pairs, undecided, sizes, strangers, self.seconds)

    def _prepare(self) -> None:
        self.described = describe(self.train, self.threads)
        self.wanted = self.described
        if not self.within:
            self.wanted = describe(self.test, self.threads)
        projection = learn_projection(self.train, self.described, self.config)
        self.fingerprints = projection.fingerprints(self.described)
        self.bank = Bank(projection)
        self.gallery = Gallery(self.train, variants(), self.threads)

    def _measure_strangers(self) -> None:
        """Looks for some pictures in a small part of the collection."""
        number = len(self.train)
        if number < FEW:
            return
        rng = np.random.default_rng(self.config.seed)
        part = max(number // self.config.part, min(number // 2, self.config.least_part))
        columns = np.sort(rng.permutation(number)[:part])
        rows = np.sort(rng.permutation(len(self.test))[: self.config.learned_strangers])
        found = find_candidates(
            self.wanted[rows],
            self.bank,
            self.fingerprints[columns],
            False,
            self.config,
            self.threads,
            lambda steps: None,
        )
        candidates = Candidates(np.where(found.train < 0, -1, columns[found.train]), found.variant)
        if self.within:
            candidates.train[candidates.train == rows[:, None]] = -1
        compared = self._compare(rows, candidates, lambda steps: None)
        table = with_likeness(_table(compared))
        best = best_likeness(table, len(self.test))[rows]
        self.strangers = measured(best[best >= 0])
        self.times = number / part

    def _compare_all(self) -> list[tuple[int, Compared]]:
        number = len(self.test)
        with self.stage("search"):
            found = find_candidates(
                self.wanted,
                self.bank,
                self.fingerprints,
                self.within,
                self.config,
                self.threads,
                self._counting("searching", number),
            )
        with self.stage("compare"):
            return self._compare(np.arange(number), found, self._counting("comparing", number))

    def _counting(self, stage: str, total: int):
        done = 0

        def add(steps: int) -> None:
            nonlocal done
            done += steps
            self.progress(stage, done, total)

        return add

    def _compare(self, rows, found: Candidates, progress) -> list[tuple[int, Compared]]:
        """Pairs of a row of test and what it was compared with."""

        def look(first: int) -> list[tuple[int, Compared]]:
            pairs = []
            last = min(first + COMPARED_AT_A_TIME, len(rows))
            for place in range(first, last):
                row = int(rows[place])
                kept = found.train[place] >= 0
                for each in compare(
                    self.test.small[row],
                    self.test.boxes[row],
                    self.gallery,
                    found.train[place][kept],
                    found.variant[place][kept],
                    self.config,
                ):
                    pairs.append((row, each))
            progress(last - first)
            return pairs

        blocks = self.threads.map(look, range(0, len(rows), COMPARED_AT_A_TIME))
        return [pair for block in blocks for pair in block]

    def _with_same_files(self, table: pd.DataFrame) -> pd.DataFrame:
        """The pairs that are named, same files first, each once, in the columns of the result."""
        named = table[table.kind.notna()]
        same = _same_files(self.test, None if self.within else self.train)
        pairs = pd.concat([same, named[list(COLUMNS)]], ignore_index=True)
        if self.within:
            pairs = _each_once(pairs)
        pairs = pairs.drop_duplicates(["test", "train"])
        pairs = pairs.sort_values(["probability", "score"], ascending=False, kind="stable")
        pairs = pairs.reset_index(drop=True)
        if self.within:
            return pairs.rename(columns={"test": "one", "train": "other"})
        return pairs


def _each_once(pairs: pd.DataFrame) -> pd.DataFrame:
    """The smaller number first; the matrix leads from the larger one's places to the smaller's."""
    swapped = (pairs.test > pairs.train).to_numpy()
    numbers = np.sort(pairs[["test", "train"]].to_numpy(int), axis=1)
    matrices = []
    for turned, matrix in zip(swapped, pairs.matrix):
        matrices.append(cv2.invertAffineTransform(matrix) if turned else matrix)
    pairs = pairs.assign(test=numbers[:, 0], train=numbers[:, 1], matrix=matrices)
    return pairs.sort_values("probability", ascending=False, kind="stable")


def _table(compared: list[tuple[int, Compared]]) -> pd.DataFrame:
    rows = []
    for test, each in compared:
        row = {"test": test, "train": each.train, "matrix": each.matrix}
        rows.append(row | asdict(each.agreement))
    columns = ["test", "train", "matrix", *asdict(NOTHING)]
    table = pd.DataFrame(rows, columns=columns)
    types = {"test": int, "train": int, "negative": bool}
    for name, value in asdict(NOTHING).items():
        types.setdefault(name, type(value))
    return table.astype(types)  # an empty table too has the types of a full one


def _same_files(test: Pictures, train: Pictures | None) -> pd.DataFrame:
    """Pairs with the same bytes; of more than MANY_EQUAL equal files, enough to link them all."""
    fixed = test if train is None else train
    places: dict[str, list[int]] = {}
    for row, digest in enumerate(fixed.file_digests):
        places.setdefault(digest, []).append(row)
    rows = []
    for left, digest in enumerate(test.file_digests):
        equal = places.get(digest, [])
        if len(equal) > MANY_EQUAL:
            equal = equal[:1]
        for right in equal:
            if train is None and not _comes_first(left, right, equal):
                continue
            rows.append((left, right, SAME_FILE, "not moved", 1.0, 1.0, AS_IS))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _comes_first(left: int, right: int, equal: list[int]) -> bool:
    """Within one collection each pair is named once; with the first alone it may stand second."""
    if len(equal) == 1:
        return left != right
    return left < right
