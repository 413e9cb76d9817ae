"""Second opinions: what four students called photos before the class went over to a machine."""

import os
from typing import NamedTuple

import pandas as pd

from emoclass.data import muxspace
from emoclass.labels import canonical


class Block(NamedTuple):
    """Where a student's block of photos is: a part of the collection, and a file in it."""

    part: str
    file: str


FILES = {  # by annotator
    "906": Block("photos", "500_picts_satz.csv"),
    "126": Block("opinions_126", "legend.csv"),
    "nmg": Block("opinions_nmg", "image_emotions.csv"),
    "cBuckley": Block("opinions_cBuckley", "legend.csv"),
}
COLUMNS = ["photo", "label", "annotator"]


def load_second_opinions(dataset: str | os.PathLike = "muxspace") -> pd.DataFrame:
    """Rows of `photo`, `annotator`, `label` as written, `emotion`.

    None for other data sets than "muxspace".

    Raises Unreachable if a file is not there, InputError if one is not as pinned.
    """
    blocks = [pd.DataFrame(columns=COLUMNS, dtype=object)]
    if dataset == "muxspace":
        blocks = [_block_of(annotator) for annotator in FILES]
    opinions = pd.concat(blocks, ignore_index=True)
    respelt = opinions.label.replace({"sadenss": "sadness"})
    return opinions.assign(emotion=respelt.map(canonical))


def _block_of(annotator: str) -> pd.DataFrame:
    """The rows of one student, as written."""
    block = FILES[annotator]
    part = muxspace.PARTS[block.part]
    rows = muxspace.read_annotations(part, block.file)
    muxspace.verify(muxspace.find(part=part), part)
    if "annotator" in rows:  # the file holds those of others too
        rows = rows[rows.annotator == annotator]
    return rows[["photo", "label"]].assign(annotator=annotator)
