"""Read, search, report: `audit` in one step."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from splitaudit.collection import CleaningReport
from splitaudit.config import SearchConfig
from splitaudit.damage import Complaints
from splitaudit.decide import SAME_FILE, SAME_SCENE
from splitaudit.errors import InputError, listed
from splitaudit.evidence import are_frames_of_one_take, evidence
from splitaudit.folders import Normalise, complete
from splitaudit.pairs import find_pairs
from splitaudit.pictures import Pictures
from splitaudit.progress import SILENT, Reporter, Stages
from splitaudit.read import read
from splitaudit.report import Report, make_report
from splitaudit.words import PARTS, TEST, TRAIN, VALIDATION

MADE_BY_SOMEBODY = re.compile("mirrored|flipped|turned|inverted")
SIDES = {"test": "left", "train": "right", "one": "left", "other": "right"}


def audit(
    path: os.PathLike | str | None = None,
    *,
    train: os.PathLike | str | None = None,
    test: os.PathLike | str | None = None,
    config: SearchConfig | None = None,
    normalise_label: Normalise | None = None,
    reporter: Reporter = SILENT,
) -> Report:
    """Find the test pictures that training has: as they are, or transformed.

    Args:
        path: A folder with both parts, a table of pictures (`read` tells which), or a folder
            without a split: then every picture is compared with all others.
        train: Instead of `path`: what is trained on ...
        test: ... and what is tested.
        config: How pictures are compared.
        normalise_label: Gives the class that a text means, or None.
        reporter: Shows progress.

    Returns:
        A report: `pairs`, `verdict`, `counts`, `to_csv`, `to_html`, `fixed_split`.

    Raises:
        InputError: There are no pictures, or paths do not fit together.

    Example:
        >>> report = splitaudit.audit(train="flowers/train", test="flowers/test")
        >>> print(report.verdict)
        2 % of the test pictures (9 of 432) show a picture that training has: 9 as it is, 0 \
transformed.
    """
    if (path is None) == (train is None and test is None):
        raise InputError("audit takes one path, or train and test together")
    if path is None and (train is None or test is None):
        raise InputError("train and test are needed together")
    if path is not None:
        loaded = _one_path(path, normalise_label, reporter)
    else:
        loaded = _two_paths(train, test, normalise_label, reporter)
    return _search(loaded, config or SearchConfig(), reporter)


def audit_pictures(
    pictures: Pictures,
    table: pd.DataFrame | None = None,
    *,
    config: SearchConfig | None = None,
    reporter: Reporter = SILENT,
) -> Report:
    """The same of pictures that are in memory already.

    Args:
        pictures: Such as `Pictures.from_arrays` makes.
        table: A row for each picture, with what is known of `path`, `label`, `split` ("train",
            "validation", "test") and `group`, each "" where unknown.
        config: How pictures are compared.
        reporter: Shows progress.

    Example:
        >>> report = audit_pictures(Pictures.from_arrays([photo, photo[:, ::-1]]))
        >>> report.leaks
        True
    """
    known = pd.DataFrame(index=range(len(pictures))) if table is None else table
    whole = pd.DataFrame({"path": pictures.paths, "label": "", "split": "", "group": ""})
    for column in whole.columns.intersection(known.columns):
        whole[column] = known[column].astype(str).to_numpy()
    if set(whole["split"]) - {"", *PARTS}:
        odd = sorted(set(whole["split"]) - {"", *PARTS})
        raise InputError(f"parts of the split are {listed(PARTS)}, not {listed(odd)}")
    whole["split"] = complete(list(whole["split"]))
    loaded = _Loaded(whole, pictures, [])
    return _search(loaded, config or SearchConfig(), reporter)


@dataclass
class _Loaded:
    """Pictures, decoded, in one table.

    Args:
        table: `path`, `label`, `split`, `group`.
        pictures: In the table's order.
        reading: How they were read.
    """

    table: pd.DataFrame
    pictures: Pictures
    reading: list[CleaningReport]


def _one_path(path, normalise: Normalise | None, reporter: Reporter) -> _Loaded:
    collection, pictures = read(path, normalise).load(reporter)
    return _Loaded(collection.table, pictures, [collection.report])


def _two_paths(train, test, normalise: Normalise | None, reporter: Reporter) -> _Loaded:
    trained = Path(train).expanduser().resolve()
    tested = Path(test).expanduser().resolve()
    if trained.is_relative_to(tested) or tested.is_relative_to(trained):
        raise InputError(f"train ({train}) and test ({test}) overlap: name two separate folders")
    tables = []
    parts = []
    reading = []
    for folder, part in ((test, TEST), (train, TRAIN)):
        collection, pictures = read(folder, normalise).load(reporter)
        collection.report.split = f"taken as the {part} part, whole"
        tables.append(collection.table.assign(split=part))
        parts.append(pictures)
        reading.append(collection.report)
    table = pd.concat(tables, ignore_index=True)
    return _Loaded(table, _joined(parts[0], parts[1]), reading)


def _joined(first: Pictures, second: Pictures) -> Pictures:
    """Both in one, those of the first in front."""
    number = len(first)

    def load(k: int) -> np.ndarray:
        return first.load(k) if k < number else second.load(k - number)

    return Pictures(
        paths=[*first.paths, *second.paths],
        file_digests=[*first.file_digests, *second.file_digests],
        small=np.concatenate([first.small, second.small]),
        boxes=np.concatenate([first.boxes, second.boxes]),
        sizes=np.concatenate([first.sizes, second.sizes]),
        load=load,
    )


def _selected(pictures: Pictures, rows: np.ndarray) -> Pictures:
    """The pictures at these positions; without a copy where they lie side by side."""
    index = rows
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1:
        index = slice(int(rows[0]), int(rows[-1]) + 1)

    def load(k: int) -> np.ndarray:
        return pictures.load(int(rows[k]))

    return Pictures(
        paths=[pictures.paths[row] for row in rows],
        file_digests=[pictures.file_digests[row] for row in rows],
        small=pictures.small[index],
        boxes=pictures.boxes[index],
        sizes=pictures.sizes[index],
        load=load,
    )


def _search(loaded: _Loaded, config: SearchConfig, reporter: Reporter) -> Report:
    split = loaded.table["split"].to_numpy()
    everything = np.arange(len(split))
    tested = everything[(split == TEST) | (split == VALIDATION)]
    trained = everything[split == TRAIN]
    paths = list(loaded.table["path"])

    def search(left: np.ndarray, right: np.ndarray | None) -> _Found:
        return _find(loaded.pictures, paths, left, right, config, reporter)

    def search_all() -> pd.DataFrame:
        """Also the pairs within each part: a copy of a copy belongs to the family."""
        if not len(tested):
            return found.pairs
        within = [search(tested, None).pairs, search(trained, None).pairs]
        return pd.concat([found.pairs, *within], ignore_index=True)

    found = search(tested, trained) if len(tested) else search(everything, None)
    return make_report(
        loaded.table, loaded.pictures, found.pairs, found.undecided, loaded.reading, search_all
    )


@dataclass
class _Found:
    pairs: pd.DataFrame
    undecided: int


def _kinds(pairs: pd.DataFrame, paths: list[str]) -> list[str]:
    """Neighbouring frames are the same scene a moment later, however alike they are.

    A frame that was mirrored or turned was so by somebody: that stays a copy, as equal files do.
    """
    kinds = []
    for pair in pairs.itertuples():
        frames = are_frames_of_one_take(paths[pair.left], paths[pair.right])
        as_filmed = not MADE_BY_SOMEBODY.search(pair.transformation)
        if frames and as_filmed and pair.kind != SAME_FILE:
            kinds.append(SAME_SCENE)
        else:
            kinds.append(pair.kind)
    return kinds


def _find(
    pictures: Pictures,
    paths: list[str],
    left: np.ndarray,
    right: np.ndarray | None,
    config: SearchConfig,
    reporter: Reporter,
) -> _Found:
    """Pairs by their positions among all pictures, with what their names say."""
    others = None if right is None else _selected(pictures, right)
    with Complaints():  # libraries repeat what reading has reported already
        stages = Stages(reporter)
        stages("preparing", 0, len(left) + len(others or ()))
        result = find_pairs(_selected(pictures, left), others, config, stages)
        stages.close()
    pairs = result.pairs.rename(columns=SIDES).reset_index(drop=True)
    second = left if right is None else right
    pairs["left"] = left[pairs["left"].to_numpy(int)]
    pairs["right"] = second[pairs["right"].to_numpy(int)]
    hints = []
    for pair in pairs.itertuples():
        hints.append(evidence(paths[pair.left], paths[pair.right]))
    pairs["evidence"] = pd.Series(hints, dtype=object)
    pairs["kind"] = _kinds(pairs, paths)
    return _Found(pairs, result.undecided)
