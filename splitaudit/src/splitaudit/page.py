"""One self-contained page: the pairs side by side, one picture warped onto the other on demand."""

import base64
import html
import json
from importlib import resources
from typing import TYPE_CHECKING

import cv2
import numpy as np

from splitaudit.counts import KINDS
from splitaudit.pictures import SIDE, shrink

if TYPE_CHECKING:
    from splitaudit.report import Report

MOST_PAIRS = 10_000
FEW_PICTURES = 1_500  # so many are decoded once more, for a closer view
CLOSE = 200  # pixels on the longer side
FEW_CLASSES = 12  # whose counts are shown unasked
QUALITY = 80  # of WebP


def page(report: "Report") -> str:
    """HTML with everything in it: style, script, pictures."""
    found = report.found.head(MOST_PAIRS)
    rows = sorted({*found["left"], *found["right"]})
    number = {row: k for k, row in enumerate(rows)}
    data = {
        "kinds": list(KINDS),
        "side": SIDE,
        "names": ["test", "train"] if report.has_split else ["one", "other"],
        "hidden": len(report.found) - len(found),
        "pictures": [_picture(report, row, len(rows) <= FEW_PICTURES) for row in rows],
        "pairs": [_pair(pair, number) for pair in found.itertuples()],
    }
    template = resources.files("splitaudit").joinpath("page.html").read_text(encoding="utf-8")
    pieces = {
        "@VERDICT@": html.escape(report.verdict),
        "@SENTENCES@": _paragraphs(report.sentences()),
        "@TABLE@": _table(report),
        "@READING@": _paragraphs([line for part in report.reading for line in part.lines()]),
        # Within a script element only "</" could end it.
        "@DATA@": json.dumps(data, separators=(",", ":"), default=float).replace("</", "<\\/"),
    }
    for mark, text in pieces.items():
        template = template.replace(mark, text)
    return template


def _table(report: "Report") -> str:
    """The counts of each class; folded in where there are many."""
    if not len(report.found):
        return ""
    counts = report.by_label().reset_index()
    inner = f'<div class="scroll">{counts.to_html(border=0, index=False)}</div>'
    if len(counts) <= FEW_CLASSES:
        return inner
    return f"<details><summary>{len(counts):,} classes</summary>{inner}</details>"


def _paragraphs(sentences: list[str]) -> str:
    return "".join(f"<p>{html.escape(sentence)}</p>" for sentence in sentences)


def _picture(report: "Report", row: int, close: bool) -> dict:
    """A picture in its shape, with its name, its class and where it lies in the square."""
    pictures = report.pictures
    box = [int(value) for value in pictures.boxes[row]]
    if close:
        colour = shrink(pictures.load(row), CLOSE)
    else:
        top, left, height, width = box
        colour = pictures.small[row][top : top + height, left : left + width]
    bgr = cv2.cvtColor(np.ascontiguousarray(colour), cv2.COLOR_RGB2BGR)
    encoded = cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])[1]
    height, width = pictures.sizes[row]
    return {
        "name": str(report.table["path"].iat[row]),
        "label": str(report.table["label"].iat[row]),
        "part": str(report.table["split"].iat[row]),
        "size": f"{width} × {height}",
        "box": box,
        "webp": base64.b64encode(encoded).decode(),
    }


def _pair(pair, number: dict[int, int]) -> dict:
    matrix = None
    if pair.matrix is not None:
        matrix = [round(float(value), 4) for value in np.asarray(pair.matrix).ravel()]
        if len(matrix) != 6 or not np.isfinite(matrix).all():
            matrix = None
    return {
        "left": number[pair.left],
        "right": number[pair.right],
        "kind": KINDS.index(pair.kind),
        "change": str(pair.transformation or ""),
        "score": round(float(pair.score), 3),
        "probability": round(float(pair.probability), 4),
        "evidence": pair.evidence,
        "matrix": matrix,
    }
