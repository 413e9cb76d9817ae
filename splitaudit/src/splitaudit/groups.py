"""Who or what is in a picture, read off names where that adds up: people, clips, patients."""

import re
from collections import Counter
from dataclasses import dataclass

import pandas as pd

from splitaudit.files import stem_of
from splitaudit.words import NO_VOTE, PART_WORDS, PLAIN_WORDS, words_of

# What the names of known collections look like without folder and suffix, and which part of them
# says who is there and what they show; more may follow after a sign (`_aug1`).
KNOWN_NAMES = {
    "FER2013": r"(?:training|publictest|privatetest|fer)_?\d+",
    "RAF-DB": r"(?:train|test)_\d+(?:_aligned)?",
    "CK+": r"(?P<group>s\d{3})_\d{3}(?:_\d+)?",
    "JAFFE": r"(?P<group>[a-z]{2})[._](?P<label>[a-z]{2})\d[._]\d+",
    "KDEF": r"[ab](?P<group>[fm]\d{2})(?P<label>[a-z]{2})(?:fl|hl|s|hr|fr)",
    "RaFD": r"rafd\d+_(?P<group>\d+)_[a-z]+_[a-z]+_(?P<label>[a-z]+)_.+",
    "CREMA-D": r"(?P<group>1\d{3})_[a-z]{3}_(?P<label>[a-z]{3})_[a-z]{2}.*",
    "FACES": r"(?P<group>\d{3})_[yom]_[mf]_[a-z]_[ab]",
    "CFD": r"cfd-(?P<group>[a-z]{2}-\d{3})-.+",
    "RAVDESS": r"(?:\d\d-){6}(?P<group>\d\d).*",
    "NimStim": r"(?P<group>\d\d[fm])_(?P<label>[a-z]{2})_[cox]+",
    "Kermany's chest X-rays": r"(?P<group>person\d+)_(?:bacteria|virus)_\d+",
}
NUMBERED = re.compile(r"(.*?[^\W\d_].*?)[\s_.-]*\(?\d+\)?")
WHEN = re.compile(r"(?<![^\W_])(?:\d{6,}|\d{4}-\d\d)")  # a date, or a time in a film
# Words that name nobody: those of cameras, programs, search engines, copies and data sets.
NOBODY = set(
    "img image images im pic picture pictures photo photos foto face faces frame dsc dscn pxl wp "
    "wa whatsapp screenshot screen shot from at google bing pexels flickr web aug augmented "
    "augmentation augment orig original flip flipped mirror mirrored rotate rotated rotation noise "
    "noisy bright crop cropped aligned resized copy file sample data dataset fold set part batch "
    "split cv take session posed spontaneous fer ferplus ck ckplus jaffe kdef raf rafdb affectnet "
    "sfew afew jpg jpeg png rf deg".split()
)
FEWEST = 5  # groups, or they say too little
FEW_A_LABEL = 4  # groups for each label, all of them ...
LARGE = 100  # ... of more pictures than this, are parts of the labels
MOST = 0.9  # of the pictures have to have a name that tells


@dataclass
class Groups:
    """Group of each picture, "" where unknown, and how that was found, in a sentence."""

    names: list[str]
    sentence: str


@dataclass
class NamedAs:
    """What a file's name says if it is of a known collection."""

    kind: str
    group: str = ""
    label: str = ""


def named_as(path: str) -> NamedAs | None:
    """What the name says, if it is of one of KNOWN_NAMES."""
    stem = stem_of(path)
    for kind, pattern in KNOWN_NAMES.items():
        found = re.fullmatch(rf"{pattern}(?:[^a-z0-9].*)?", stem, re.IGNORECASE)
        if found:
            parts = found.groupdict()
            return NamedAs(kind, parts.get("group") or "", parts.get("label") or "")
    return None


def labels_in_known_names(paths: list[str]) -> list[str]:
    """JAFFE, KDEF, ...: the codes of what they show, if nearly all names hold one."""
    labels = []
    for path in paths:
        known = named_as(path)
        labels.append(known.label if known else "")
    if sum(map(bool, labels)) < MOST * len(labels):
        return [""] * len(paths)
    return labels


def groups_of(paths: list[str], labels: list[str]) -> Groups:
    """Groups read off file and folder names, or why they are unknown.

    A name that is a class, or a machine's word, is no group; nor is one that a single picture
    bears each, or one for each label.

    Args:
        paths: With `/`, without the parts of a split.
        labels: Of each picture, or "".
    """
    classes = {label.casefold() for label in labels if label}
    common = set(paths[0].split("/")[:-1]) if paths else set()
    for path in paths:
        common.intersection_update(path.split("/")[:-1])
    kinds = []
    names = []
    for path, label in zip(paths, labels):
        known = named_as(path)
        if known is not None:
            kinds.append(known.kind)
            names.append(known.group)
        else:
            kinds.append("")
            names.append(_unknown_kind(path, label, common, classes))
    table = pd.DataFrame({"kind": kinds, "name": names, "label": labels})
    table["key"] = table["name"].str.normalize("NFC").str.casefold()
    told = table[table["key"] != ""]
    unknown = [""] * len(paths)
    if told.empty or told["key"].nunique() == len(told):
        return Groups(unknown, "")
    example = told.index[0]
    read_as = f"{told['name'][example]!r} from names such as {paths[example]!r}"
    why = _why_useless(told, len(paths))
    if why:
        return Groups(unknown, f"groups unknown: read as {read_as}, they {why}")
    return Groups(list(table["key"]), f"groups read as {read_as}: {told['key'].nunique():,} groups")


def _unknown_kind(path: str, label: str, common: set[str], classes: set[str]) -> str:
    """The folders that mean somebody, else the beginning of the file's name."""
    *folders, file = path.split("/")
    meaning = []
    for folder in folders:
        if folder not in common and folder.casefold() not in classes and _means_somebody(folder):
            meaning.append(folder)
    if meaning:
        return "/".join(meaning)
    stem = file.rsplit(".", 1)[0]
    rest = _without_label(stem, label)
    numbered = NUMBERED.fullmatch(rest)
    if rest != stem and not re.search(r"\d\W*$", stem):  # anna_happy, without a number
        who = rest
    else:
        who = numbered[1] if numbered else ""
    who = who.strip(" _.-")
    if re.search(r"[^\W\d_]", who) and _means_somebody(who):
        return who
    return ""


def _without_label(stem: str, label: str) -> str:
    if not label:
        return stem
    letter = r"[^\W\d_]"
    found = rf"(?<!{letter}){re.escape(label)}(?!{letter})"
    return re.sub(found, "", stem, flags=re.IGNORECASE).strip(" _.-")


def _means_somebody(word: str) -> bool:
    """Not if all its words are of machines, parts of a split or such."""
    words = set(words_of(word))
    return not words or not words <= {*NOBODY, *PART_WORDS, *PLAIN_WORDS, *NO_VOTE}


def _why_useless(told: pd.DataFrame, number: int) -> str:
    """Why groups as they were read are of no use, or ""."""
    counts = Counter(told["key"])
    largest, size = counts.most_common(1)[0]
    labels = told.groupby("key")["label"].nunique()
    n_labels = told["label"].nunique()
    if len(counts) < FEWEST:
        return f"would be {len(counts)} alone"
    if 2 * size > number:
        return f"would be {largest!r} in {size:,} of {number:,} pictures"
    if len(told) < MOST * number:
        return f"would be known of {len(told):,} of {number:,} pictures alone"
    if len(counts) <= n_labels and (labels == 1).all():
        return "would mean no more than the labels do"
    one_label = (labels == 1).mean() >= MOST
    if len(counts) <= FEW_A_LABEL * n_labels and one_label and len(told) > LARGE * len(counts):
        return "would mean little more than the labels do"
    unknown_kind = told[told["kind"] == ""]
    if unknown_kind["name"].str.contains(WHEN).any():
        return "hold a date, or a time in a film"
    return ""
