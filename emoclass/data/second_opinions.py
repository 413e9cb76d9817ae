"""Second opinions: what four students called photos of the collection before the class went over to a machine."""

import os

import pandas as pd

from emoclass.data import muxspace
from emoclass.labels import canonical

FILES = {  # who, and the part of the collection and the file that hold their block of photos
    "906": ("photos", "500_picts_satz.csv"),
    "126": ("opinions_126", "legend.csv"),
    "nmg": ("opinions_nmg", "image_emotions.csv"),
    "cBuckley": ("opinions_cBuckley", "legend.csv"),
}


def load_second_opinions(dataset: str | os.PathLike = "muxspace") -> pd.DataFrame:
    """Rows of `photo`, `annotator`, `label` as written, `emotion`; Unreachable, or InputError if not as pinned."""
    rows = []
    for who, (part, file) in FILES.items() if dataset == "muxspace" else ():
        table = muxspace.read_annotations(muxspace.PARTS[part], file)
        muxspace.verify(muxspace.find(part=muxspace.PARTS[part]), muxspace.PARTS[part])
        own = table[table.annotator == who] if "annotator" in table else table
        rows.append(own[["photo", "label"]].assign(annotator=who))
    opinions = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=["photo", "label", "annotator"])
    return opinions.assign(emotion=opinions.label.replace({"sadenss": "sadness"}).map(canonical))
