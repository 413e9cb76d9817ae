"""README, docs and notebooks: their numbers come from results.json, and are held against it."""

from pathlib import Path

import nbformat

from emoclass import paths
from emoclass.errors import InputError
from emoclass.files import write_text
from emoclass.study import prose, results
from emoclass.study.executed import STUDY, notebooks, staleness
from emoclass.study.record import Record

README = paths.ROOT / "README.md"


def documents() -> list[Path]:
    """The README and what stands in docs/ beside it."""
    return [README, *sorted((README.parent / "docs").glob("*.md"))]


def rewrite_prose(path: Path, found: dict, absent: str | None = None, write: bool = True) -> bool:
    """Whether `prose.fill` changes a document's or notebook's prose; with `write`, in place."""
    before = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        after = prose.fill(before, found, absent)
    else:
        notebook = nbformat.reads(before, as_version=4)
        before = nbformat.writes(notebook) + "\n"
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = prose.fill(cell.source, found, absent)
        after = nbformat.writes(notebook) + "\n"
    if write and after != before:
        write_text(path, after)
    return after != before


def rewrite_documents() -> None:
    """`rewrite_prose` of every document, from the published results.json."""
    found = results.load(STUDY.numbers)
    for path in documents():
        rewrite_prose(path, found)


def check() -> list[str]:
    """What is older in content than what it was made from: notebooks, figures, numbers, README, the record."""
    stale = []
    for path in notebooks():
        why = staleness(path)
        if why:
            stale.append(f"notebooks/{path.name}: {why}")
    stale += Record(paths.RECORD).faults
    try:
        found = results.load(STUDY.numbers)
    except FileNotFoundError as error:
        return [*stale, f"results.json: {error}"]
    for path in (*documents(), *notebooks()):
        name = path.relative_to(README.parent)
        try:
            if rewrite_prose(path, found, write=False):
                stale.append(f"{name}: its numbers differ from results.json")
        except InputError as error:
            stale.append(f"{name}: {error}")
    for sentence, expected in found.get("expectations", {}).items():
        # What was registered before and failed is a finding, and stays.
        if not expected["holds"] and not expected.get("registered"):
            stale.append(
                f"{expected['notebook']}: its prose says that {sentence}; it does not hold"
            )
    return stale
