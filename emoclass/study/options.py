"""What a command of the study is asked for: photos, a notebook, values in its cells."""

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path

from emoclass.data import canonical_name
from emoclass.errors import InputError, listed

NAMED = ("muxspace", "synthetic")  # data sets that are no path
PROFILES = ("full", "quick")
WORD = re.compile(r"""[^\s'"()\[\]{}]+""")  # text that needs no quotes
SETTING = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
# A quoted string, or blanks before the next NAME=, or any other character.
TOKEN = re.compile(
    r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|(?P<between>\s+(?=[A-Za-z_]\w*=))|.""", re.DOTALL
)
NO_LITERAL = (ValueError, TypeError, SyntaxError, MemoryError, RecursionError)  # of `literal_eval`


@dataclass(frozen=True)
class ReproduceOptions:
    """What to reproduce. Raises InputError if there is no such data set or profile.

    A path must be UTF-8 text here, for it is written into notebooks.

    dataset     muxspace, synthetic, or the path of a folder of photos or of a csv of pixels
    profile     full, or quick: a rehearsal
    only        the name of one notebook, such as 03_leakage; empty: all
    settings    values for names in a notebook's parameters cell, in place of those there
    """

    dataset: str = "muxspace"
    profile: str = "full"
    only: str = ""
    settings: dict = field(default_factory=dict)

    def __post_init__(self):
        if not self.dataset:
            raise InputError("DATASET is empty: name muxspace, synthetic or a folder of photos")
        if self.profile not in PROFILES:
            choice = listed(PROFILES)
            raise InputError(f"PROFILE={self.profile!r} is unknown; choose one of {choice}")
        dataset = canonical_name(self.dataset)
        if dataset not in NAMED:
            _check_path(Path(dataset).expanduser())


def _check_path(path: Path) -> None:
    if not path.exists():
        raise InputError(f"there is no folder {path}: DATASET names a folder of photos")
    try:
        str(path.resolve()).encode()
    except UnicodeEncodeError as error:
        reason = "its name is no UTF-8, so no notebook can hold it"
        raise InputError(f"DATASET={path}: {reason}: rename it") from error


def parse_settings(text: str) -> dict:
    """{"ROTATION": 30, "CLASSES": ["sadness"]} from "ROTATION=30 CLASSES=['sadness']".

    Values are Python literals, in which quotes and blanks may stand; a bare word is text.
    Raises InputError naming everything that cannot be read.
    """
    settings = {}
    faults = []
    for part in _split(text):
        match = SETTING.fullmatch(part)
        if match is None:
            faults.append(f"{part} (write NAME=VALUE)")
            continue
        name = match[1]
        value = match[2]
        if name in settings:
            faults.append(f"{part} (another value of {name})")
        try:
            settings[name] = ast.literal_eval(value)
        except NO_LITERAL:
            if WORD.fullmatch(value):
                settings[name] = value
            else:
                faults.append(f"{part} (write a Python literal or one word)")
    if faults:
        raise InputError(f"SET cannot be read: {listed(faults)}")
    return settings


def _split(text: str) -> list[str]:
    """`text` cut at the blanks before each NAME=, unless they stand inside quotes."""
    text = text.strip()
    if not text:
        return []
    parts = [""]
    for token in TOKEN.finditer(text):
        if token["between"]:
            parts.append("")
        else:
            parts[-1] += token[0]
    return parts
