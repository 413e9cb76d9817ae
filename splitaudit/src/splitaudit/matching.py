"""Which file on disk an annotation file means by a name."""

import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from splitaudit.files import file_of


@dataclass
class Matched:
    """What became of the names.

    Args:
        files: The file that each name means, or None.
        ambiguous: Names that several files bear, and those.
        missing: Names that no file bears.
        respelt: Names that the disk writes otherwise.
    """

    files: list[str | None]
    ambiguous: dict[str, list[str]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    respelt: list[str] = field(default_factory=list)


def match(names: list[str], files: list[str], beside: str = "") -> Matched:
    """Find the files that names mean, made on whatever machine.

    A name may be relative to the folder or to the annotation file's own, absolute
    (`/kaggle/input/x/photos/a.png`, `C:\\x\\a.png`), bare, without its suffix, or spelt with
    other capitals or accents. It means the file whose path agrees with it from the end on for as
    long as that goes.

    Args:
        names: As the annotation file writes them.
        files: On disk, with `/`.
        beside: The annotation file's folder among them, or "".
    """
    by_name = defaultdict(list)
    by_stem = defaultdict(list)
    for file in files:
        folded = fold(file_of(file))
        by_name[folded].append(file)
        by_stem[folded.rpartition(".")[0]].append(file)
    present = set(files)
    result = Matched([])
    for name in names:
        tidy = _tidy(name)
        for exact in (f"{beside}/{tidy}" if beside else tidy, tidy):
            if exact in present:
                result.files.append(exact)
                break
        else:
            last = fold(file_of(tidy))
            candidates = by_name.get(last) or by_stem.get(last) or []
            best = _best(tidy, candidates, beside)
            _note(result, name, tidy, best)
    return result


def fold(text: str) -> str:
    """The same for names that look the same: a Mac writes umlauts in two signs."""
    return unicodedata.normalize("NFC", text).casefold()


def _tidy(name: str) -> str:
    plain = name.strip().replace("\\", "/")
    return PurePosixPath(plain).as_posix() if plain else ""


def _best(name: str, candidates: list[str], beside: str) -> list[str]:
    """The files that agree with a name for the longest stretch from the end on."""
    if beside:
        near = [file for file in candidates if file.startswith(f"{beside}/")]
        candidates = near or candidates
    if len(candidates) < 2:
        return candidates
    lengths = [_agreement(name, file) for file in candidates]
    longest = max(lengths)
    return [file for file, length in zip(candidates, lengths) if length == longest]


def _agreement(name: str, file: str) -> int:
    """How many pieces of two paths agree, from the end on."""
    count = 0
    wanted = fold(name).split("/")[::-1]
    present = fold(file).split("/")[::-1]
    for left, right in zip(wanted, present):
        if left != right:
            break
        count += 1
    return count


def _note(result: Matched, name: str, tidy: str, best: list[str]) -> None:
    if len(best) == 1:
        result.files.append(best[0])
        if file_of(tidy) != file_of(best[0]):
            result.respelt.append(name)
        return
    result.files.append(None)
    if best:
        result.ambiguous[name] = best
    else:
        result.missing.append(name)
