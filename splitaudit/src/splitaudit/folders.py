"""What folder names say: the part of a split, the class, and whole copies within a folder."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from splitaudit.files import stem_of
from splitaudit.words import PART_WORDS, PARTS, PLAIN_WORDS, TEST, TRAIN, words_of

Normalise = Callable[[str], str | None]

NUMBERED_WORD = re.compile(r"([^\W\d]+(?:[ _.-][^\W\d_]+)*?)[\s_.-]*\(?\d+\)?")
COVERED = 0.8  # of the pictures have to lie in a folder of a level that tells classes
PARENTS = 2.0  # folders of one name, on average, where an inner level tells classes


@dataclass
class Parts:
    """Which part of a split each picture is in.

    Args:
        parts: "train", "validation", "test" or "" for each.
        folders: The rest of its folders, without those that name parts.
    """

    parts: list[str]
    folders: list[tuple[str, ...]]


def parts_of(paths: list[str]) -> Parts:
    """Read parts of a split off folder names, else off the beginnings of file names.

    `train/`, `Testing/`, `valid/` name a part by themselves, and so do names that say nothing
    else (`test_images`). `seg_train` does if a `seg_test` or `seg_val` lies beside it. Below a
    class `val` and `dev` may be somebody: there they count only beside `train` or `test`.
    """
    split = [tuple(path.split("/")[:-1]) for path in paths]
    siblings = defaultdict(set)
    for folders in set(split):
        for depth, name in enumerate(folders):
            siblings[folders[:depth]].add(name)
    named = {}
    for above, names in siblings.items():
        for name, part in _parts_among(names).items():
            named[(*above, name)] = part
    parts = []
    rest = []
    for folders in split:
        part = ""
        kept = []
        for depth, name in enumerate(folders):
            here = named.get(folders[: depth + 1], "")
            part = part or here
            if not here:
                kept.append(name)
        parts.append(part)
        rest.append(tuple(kept))
    if not any(parts):
        parts = _parts_of_names(paths)
    return Parts(parts, rest)


def _parts_among(names: set[str]) -> dict[str, str]:
    """The part that each of some folders beside each other names."""
    result = {}
    compound = defaultdict(dict)
    for name in names:
        meaning = _part_and_rest(name)
        if not meaning.part:
            continue
        if PLAIN_WORDS.issuperset(meaning.rest):
            result[name] = meaning.part
        compound[meaning.rest][name] = meaning.part
    for group in compound.values():
        if len(set(group.values())) > 1:
            result.update(group)
    if not {TRAIN, TEST}.intersection(result.values()) and len(names) > len(result):
        for name in set(result):  # what may be somebody's name
            if len(words_of(name)) == 1 and name.lower() not in ("valid", "validation"):
                del result[name]
    return result


@dataclass
class _Meaning:
    part: str
    rest: tuple[str, ...]


def _part_and_rest(name: str) -> _Meaning:
    """The part of a split that a folder's words name, if it is one, and its other words."""
    words = words_of(name)
    rest = tuple(word for word in words if word not in PART_WORDS)
    found = {PART_WORDS[word] for word in words if word in PART_WORDS}
    if len(found) == 1:
        return _Meaning(found.pop(), rest)
    # `FER2013Test` and `trainset` are one word, or begin with another.
    letters = re.sub(r"[\W\d_]+", "", name).lower()
    letters = re.sub(r"^fer|(?:set|data|images|imgs)$", "", letters)
    return _Meaning(PART_WORDS.get(letters, ""), ())


def _parts_of_names(paths: list[str]) -> list[str]:
    """`PrivateTest_88305.jpg`, `test-12.png`: where every file's name begins with a part."""
    parts = []
    for path in paths:
        beginning = re.match(r"([A-Za-z]+)[\d_ .-]", path.rsplit("/", 1)[-1])
        part = PART_WORDS.get(beginning[1].lower(), "") if beginning else ""
        if not part:
            return [""] * len(paths)
        parts.append(part)
    return parts if len(set(parts)) > 1 else [""] * len(paths)


def complete(parts: list[str]) -> list[str]:
    """What lies beside a test or validation part is trained on; one part alone is no split."""
    if TRAIN not in parts and any(parts):
        parts = [part or TRAIN for part in parts]
    if len(set(parts) - {""}) < 2:
        return [""] * len(parts)
    return parts


def part_order(part: str) -> int:
    return PARTS.index(part) if part in PARTS else len(PARTS)


def labels_of(folders: list[tuple[str, ...]], normalise: Normalise | None) -> list[str]:
    """The class that each picture's folders name, or "".

    Args:
        folders: Of each picture, without those that name parts of a split.
        normalise: Gives a folder's class, or None if it is no class; then the innermost folder
            that is one counts. Without it the level of folders is chosen that tells classes.
    """
    if normalise is not None:
        return _normalised(folders, normalise)
    meaningful = [tuple(filter(_means_something, names)) for names in folders]
    level = _class_level(meaningful)
    if level is None:
        return [""] * len(folders)
    classes = {names[level] for names in meaningful if len(names) > level}
    return [_class_among(names, level, classes) for names in meaningful]


def _class_among(names: tuple[str, ...], level: int, classes: set[str]) -> str:
    """The folder at a level; of `more/cat`, beside `cat`, the one that is a class there as well."""
    if len(names) <= level:
        return ""
    deeper = [name for name in names[level + 1 :] if name in classes]
    return deeper[0] if deeper else names[level]


def _means_something(folder: str) -> bool:
    words = words_of(folder)
    return not words or not all(word in PLAIN_WORDS for word in words)


def _normalised(folders: list[tuple[str, ...]], normalise: Normalise) -> list[str]:
    labels = []
    known = {}
    for names in folders:
        label = ""
        for name in names:
            if name not in known:
                known[name] = normalise(name)
            if known[name]:
                label = name
        labels.append(label)
    if any(labels):
        return labels
    numbered = []
    for names in folders:
        digits = [name for name in names if name.isdigit()]
        numbered.append(digits[-1] if digits else "")
    return numbered


def _class_level(folders: list[tuple[str, ...]]) -> int | None:
    """The level of folders that tells classes, counted from the outermost.

    A level counts that has two names or more and most of the pictures below it. An inner one is
    preferred if its names come back below several outer ones (`S010/happy`, `S011/happy`), but
    not if they are numbers (`happy/01`, `sad/01`).
    """
    lying = [names for names in folders if names]
    if not lying:
        return None
    chosen = None
    for level in range(max(map(len, lying))):
        deep = [names for names in lying if len(names) > level]
        distinct = {names[level] for names in deep}
        if len(deep) < COVERED * len(lying) or len(distinct) < 2:
            continue
        if chosen is None or _comes_back(deep, level):
            chosen = level
    if chosen is None:
        depths = Counter(map(len, lying))
        return depths.most_common(1)[0][0] - 1
    return chosen


def _comes_back(folders: list[tuple[str, ...]], level: int) -> bool:
    """Whether a level's names, unless they are numbers, lie below several outer folders each."""
    places = {names[: level + 1] for names in folders}
    counts = Counter(names[-1] for names in places)
    if all(map(str.isdigit, counts)):
        return False
    return len(places) >= PARENTS * len(counts)


def labels_of_names(paths: list[str], classes: list[str]) -> list[str]:
    """The class that each file's name begins with, or "".

    Args:
        paths: Names such as `crazing_12.jpg`, `cat.1.jpg`, `A_test.jpg`.
        classes: Known ones; if there are none, words that are followed by numbers count as
            classes where there are few of them and every name has one.
    """
    stems = list(map(stem_of, paths))
    if classes:
        by_length = sorted(classes, key=len, reverse=True)
        return [_beginning(stem, by_length) for stem in stems]
    found = []
    for stem in stems:
        match = NUMBERED_WORD.fullmatch(stem)
        found.append(match[1].strip(" _.-") if match else "")
    return found if _are_classes(Counter(found)) else [""] * len(paths)


def _are_classes(counts: Counter) -> bool:
    """Whether words before numbers are few, come often, and mean something."""
    few = 2 <= len(counts) <= max(2, counts.total() // 8)
    if not few or min(counts.values()) < 3:
        return False
    if not all(map(_means_something, counts)) or "" in counts:
        return False
    return not PART_WORDS.keys() >= set(words_of(" ".join(counts)))


def _beginning(stem: str, classes: list[str]) -> str:
    for name in classes:
        following = stem[len(name) : len(name) + 1]
        if stem.lower().startswith(name.lower()) and not following.isalpha():
            return name
    return ""


def _opens_a_part(folder: str) -> bool:
    """Whether it is a part of a split that no folder above it names already."""
    *above, last = folder.split("/")
    part = _parts_among({last}).get(last)
    if part is None:
        return False
    return part not in [_parts_among({name}).get(name) for name in above]


@dataclass
class NestedCopy:
    """A folder that holds again what lies above it."""

    folder: str
    above: str
    files: list[str]


def nested_copies(names: list[str], same_content: Callable[[str, str], bool]) -> list[NestedCopy]:
    """Folders all of whose files lie once more above them: `images/images/train/a.jpg`.

    Args:
        names: Every file, with `/`.
        same_content: Whether two files hold the same bytes.
    """
    present = set(names)
    below = defaultdict(list)
    for name in names:
        pieces = name.split("/")
        for depth in range(1, len(pieces)):
            below["/".join(pieces[:depth])].append(name)
    found = []
    taken = set()
    for folder in sorted(below, key=len):
        files = below[folder]
        if len(files) < 2 or files[0] in taken or _opens_a_part(folder):
            continue
        above = folder.rpartition("/")[0]
        prefix = f"{above}/" if above else ""
        twins = [prefix + name[len(folder) + 1 :] for name in files]
        if present.issuperset(twins) and all(map(same_content, files, twins)):
            found.append(NestedCopy(folder, above, files))
            taken.update(files)
    return found
