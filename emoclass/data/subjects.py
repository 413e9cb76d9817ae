"""Who is in which photo, where nobody says so: read off names, if they are of a known kind and it adds up."""

import os
import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from emoclass.data.annotations import PART_OF
from emoclass.errors import InputError, listed
from emoclass.labels import EMOTION_OF, canonical

# What the names of known data sets look like without folder and suffix, and which part of them says who and what is in
# a photo. Without a subject they tell nobody apart: a running number within a part of the split.
KINDS = {
    "FER2013": r"(?:training|publictest|privatetest|fer)_?\d+",
    "RAF-DB": r"(?:train|test)_\d+(?:_aligned)?",
    "CK+": r"(?P<subject>s\d{3})_\d{3}(?:_\d+)?",
    "JAFFE": r"(?P<subject>[a-z]{2})[._](?P<emotion>[a-z]{2})\d[._]\d+",
    "KDEF": r"[ab](?P<subject>[fm]\d{2})(?P<emotion>[a-z]{2})(?:fl|hl|s|hr|fr)",
    "RaFD": r"rafd\d+_(?P<subject>\d+)_[a-z]+_[a-z]+_(?P<emotion>[a-z]+)_.+",
    "CREMA-D": r"(?P<subject>1\d{3})_[a-z]{3}_(?P<emotion>[a-z]{3})_[a-z]{2}.*",
    "FACES": r"(?P<subject>\d{3})_[yom]_[mf]_[a-z]_[ab]",
    "CFD": r"cfd-(?P<subject>[a-z]{2}-\d{3})-.+",
    "RAVDESS": r"(?:\d\d-){6}(?P<subject>\d\d).*",
}
NUMBERED = r"(.*?[^\W\d_].*?)[\s_.-]*\(?\d+\)?"  # a name and a number: Labeled Faces in the Wild, frames of films
# Words that name no subject: those of cameras, programs and data sets.
NOBODY = set(
    "img image im pic picture photo foto face frame dsc dscn pxl wp whatsapp screenshot aug file sample copy".split()
)
FEWEST = 5  # subjects, or there are not enough for as many folds
PAIRS = 3  # of near-duplicates, at least, to say that names are wrong


def read_off(photos: pd.Series, emotion: pd.Series, pairs: np.ndarray) -> tuple[pd.Series, str]:
    """(subject of each photo, how it was found); where nothing tells subjects apart, each photo is its own.

    photos   relative names; `emotion` of each; `pairs`: (m, 2) positions of near-duplicates
    EMOCLASS_SUBJECT, a regular expression with one group, is searched for in the whole name instead: then InputError
    if it is none, or naming every photo that it does not fit.
    """
    if pattern := os.environ.get("EMOCLASS_SUBJECT"):
        return _by_pattern(photos, pattern)
    common = set.intersection(*(set(photo.split("/")[:-1]) for photo in photos))
    n = len(photos)
    found = [_subject(photo, common) for photo in photos]
    without_emotion = [_subject(photo, common, its) for photo, its in zip(photos, emotion)]
    if 2 * sum(one != other for one, other in zip(found, without_emotion)) > n:  # most names say it: anna_happy_3
        found = without_emotion
    found = pd.DataFrame(found, columns=["kind", "name"], index=photos.index)
    known = found.name.dropna()
    unknown = "Subjects unknown, each photo counts as of somebody else: "
    subject = found.name.fillna(photos)
    if known.empty or (n_subjects := subject.nunique()) > 0.97 * n:
        return photos, unknown + f"names such as {photos.iloc[0]!r} do not tell them apart"
    kinds, counts = found.kind[known.index], known.value_counts()
    first = kinds.index[kinds == kinds.mode()[0]][0]
    said = f"{known[first]!r} from names such as {photos[first]!r} ({kinds[first]})"
    strangers = int((subject.to_numpy()[pairs[:, 0]] != subject.to_numpy()[pairs[:, 1]]).sum())
    of_one_emotion = (emotion.groupby(subject).nunique() == 1).all() and n_subjects <= emotion.nunique()
    against = {
        f"would be {n_subjects} alone": n_subjects < FEWEST,
        f"would be {counts.index[0]!r} in {counts.iloc[0]:,} of {n:,} photos": 2 * counts.iloc[0] > n,
        "would mean no more than the emotions do": of_one_emotion,
        f"would differ in {strangers} of {len(pairs)} pairs of near-duplicates": strangers >= PAIRS
        and 2 * strangers > len(pairs),
    }
    if any(against.values()):
        why = next(why for why, holds in against.items() if holds)
        return photos, unknown + f"read as {said}, they {why}"
    rest = f"; {n - len(known):,} photos fit none, each of somebody else" if len(known) < n else ""
    return subject, f"Subjects read as {said}{rest}"


def named(photo: str) -> tuple[str, dict[str, str]]:
    """Of which of KINDS a photo's name is, and the `subject` and `emotion` in it; "" and nothing if of none."""
    stem = re.split(r"[/\\]", photo)[-1].rsplit(".", 1)[0]
    for kind, pattern in KINDS.items():
        if match := re.fullmatch(pattern, stem, re.IGNORECASE):
            return kind, match.groupdict()
    return "", {}


def _subject(photo: str, common: Iterable[str], emotion: str = "") -> tuple[str, str | None]:
    """What says who is in a photo: a name of a known kind, else its folders (but `common` ones), else its own name.

    Words for `emotion` are no part of it.
    """
    kind, said = named(photo)
    if kind:
        return kind, said.get("subject")
    *folders, name = re.split(r"[/\\]", photo)
    meaning = [f for f in folders if f not in common and f.lower() not in PART_OF and canonical(f) is None]
    if meaning:
        return "folders", _without("/".join(meaning), emotion) or None
    stem = name.rsplit(".", 1)[0]
    rest = _without(stem, emotion)
    match = re.fullmatch(NUMBERED, rest)
    who = rest if rest != stem and not re.search(r"\d\W*$", stem) else match and match[1]  # anna_happy, no number
    return "names and numbers", who if who and _names_somebody(who) else None


def _without(text: str, emotion: str) -> str:
    words = "|".join(word for word, its in EMOTION_OF.items() if its == emotion)
    letter = r"[^\W\d_]"
    return re.sub(rf"(?<!{letter})(?:{words})(?!{letter})", "", text, flags=re.I).strip(" _.-") if words else text


def _names_somebody(word: str) -> bool:
    parts = [part for part in re.split(r"[\W_\d]+", word.lower()) if part]
    codes = {word for word in EMOTION_OF if len(word) < 3}  # which may be somebody's name
    return not parts or not all(part in {*NOBODY, *PART_OF, *EMOTION_OF} - codes for part in parts)


def _by_pattern(photos: pd.Series, pattern: str) -> tuple[pd.Series, str]:
    try:
        wanted = re.compile(pattern)
    except re.error as error:
        raise InputError(f"SUBJECT={pattern!r} is no regular expression ({error})") from error
    if wanted.groups != 1:
        raise InputError(
            f"SUBJECT={pattern!r} has {wanted.groups} groups: put the one that is the subject in brackets"
        )
    matches = photos.map(wanted.search)
    if len(unlike := photos[matches.isna()]):
        raise InputError(f"SUBJECT={pattern!r} does not fit {len(unlike):,} photos: {listed(unlike)}")
    return matches.map(lambda match: match[1]), f"Subjects read by SUBJECT={pattern!r}"
