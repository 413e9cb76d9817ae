"""What file names say of how a picture came about: they are evidence, and shown as such."""

import re
from dataclasses import dataclass

from splitaudit.files import file_of, stem_of

SUFFIX = r"(?:jpe?g|png|bmp|gif|tiff?|webp)"
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
ORIGINS = {  # a name without its suffix, and the name of what it was made from in it
    "Augmentor": rf".+?_original_(?P<origin>.+?)(?:\.{SUFFIX})?_{UUID}",
    "Roboflow": rf"(?P<origin>.+?)(?:_{SUFFIX})?\.rf\.[0-9a-z]{{6,}}",
    "numbered copy": rf"(?P<origin>.+)\.{SUFFIX}_?\d*",
    "turned copy": r"(?P<origin>.+?)[_-](?:rot(?:ated?)?[_-]?)?\d{1,3}_?deg(?:rees)?",
    "named copy": (
        r"(?P<origin>.+?)[ _-]+(?:aug(?:mented)?|h?flip(?:ped)?|vflip|mirror(?:ed)?|"
        r"rot(?:ated?|ation)?|noisy?|blur(?:red)?|bright(?:ness)?|dark|crop(?:ped)?|zoom(?:ed)?|"
        r"shear(?:ed)?|shift(?:ed)?|contrast|copy|with[ _-]mask|augmented[ _-]mask)"
        r"[ _-]?[\d.]*"
    ),
    "file manager's copy": r"(?P<origin>.+?)(?: - copy|\s*\(\d+\)| copy \d+)",
}
MARKED = re.compile(r"(?:^|[_ -])aug(?:mented)?[_-]?\d*(?:[_ -]|$)|^aug\d*", re.IGNORECASE)
PATTERNS = {
    maker: re.compile(pattern, re.IGNORECASE | re.DOTALL) for maker, pattern in ORIGINS.items()
}

FRAME = re.compile(r"(?P<take>.*\d.*?)[_-](?P<number>\d{5,})")  # S010_004_00000017
NEXT = 10  # frames apart, at most, that show one moment


@dataclass(frozen=True)
class Origin:
    """What a picture was made from, as its name has it.

    Args:
        name: Of the original, in lower case and without suffix; its own if it is none.
        maker: Which kind of name that is, or "".
    """

    name: str
    maker: str


def origin_of(path: str) -> Origin:
    """The origin that a file's name tells.

    Example:
        >>> origin_of("train/IMG0001_jpg.rf.3fa85f645717.jpg")
        Origin(name='img0001', maker='Roboflow')
    """
    stem = file_of(path).partition("#")[0]
    stem = re.sub(rf"\.{SUFFIX}$", "", stem, flags=re.IGNORECASE)
    for maker, pattern in PATTERNS.items():
        found = pattern.fullmatch(stem)
        if found:
            return Origin(_plain(found["origin"]), maker)
    return Origin(_plain(stem), "")


def _plain(name: str) -> str:
    return re.sub(rf"\.{SUFFIX}$", "", name.casefold()).strip(" _-,")


def are_frames_of_one_take(left: str, right: str) -> bool:
    """Whether two names are those of neighbouring frames.

    Example:
        >>> are_frames_of_one_take("happy/S089_002_00000020.png", "happy/S089_002_00000021.png")
        True
    """
    first = FRAME.fullmatch(stem_of(left))
    second = FRAME.fullmatch(stem_of(right))
    if not first or not second or first["take"] != second["take"]:
        return False
    return 0 < abs(int(first["number"]) - int(second["number"])) <= NEXT


def evidence(left: str, right: str) -> str:
    """What the names of a pair say, in words, or "".

    Args:
        left: A path, with `/`.
        right: The other one's.

    Example:
        >>> evidence("test/cat7.jpg", "train/cat7_90deg.jpg")
        'names: made from cat7 (turned copy)'
    """
    first = origin_of(left)
    second = origin_of(right)
    maker = first.maker or second.maker
    if first.name and first.name == second.name:
        if maker:
            return f"names: made from {first.name} ({maker})"
        if file_of(left) == file_of(right):
            return "names: the same"
        return "names: the same but suffix"
    if are_frames_of_one_take(left, right):
        return f"names: frames of {FRAME.fullmatch(stem_of(left))['take']}"
    for path in (left, right):
        if MARKED.search(stem_of(path)):
            return f"names: {file_of(path)} is called an augmented picture"
    return ""
