"""Who is in which photo, where nobody says so: read off names, if they are of a known kind and it adds up."""

import os
import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from emoclass.data.annotations import PART_OF
from emoclass.errors import InputError, listed
from emoclass.faces import UNKNOWN
from emoclass.labels import EMOTION_OF, canonical

# What the names of known data sets look like without folder and suffix, and which part of them says who and what is in
# a photo; more may follow after a sign (`_aug1`). Without a subject they tell nobody apart: a running number.
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
    "NimStim": r"(?P<subject>\d\d[fm])_(?P<emotion>[a-z]{2})_[cox]+",
}
NUMBERED = r"(.*?[^\W\d_].*?)[\s_.-]*\(?\d+\)?"  # a name and a number: Labeled Faces in the Wild
WHEN = r"(?<![^\W_])(?:\d{6,}|\d{4}-\d\d)"  # a date, or a time in a film
# Words that name no subject: those of cameras, programs, search engines, foldings, copies and data sets.
NOBODY = set(
    "img image images im pic picture pictures photo photos foto face faces frame dsc dscn pxl wp wa whatsapp "
    "screenshot screen shot from at google bing pexels flickr web aug augmented augmentation augment orig original "
    "flip flipped mirror mirrored rotate rotated rotation noise noisy bright crop cropped aligned resized copy file "
    "sample data dataset fold set part batch split cv take session posed spontaneous fer ferplus ck ckplus jaffe "
    "kdef raf rafdb affectnet sfew afew".split()
)
FEWEST = 5  # subjects, or there are not enough for as many folds
MOST = 0.9  # of the photos have to have a name that tells, and of the subjects ...
ONE_MOOD = 0.8  # ... with several photos not so many may show one emotion alone
CROSSED = (
    0.6  # of all combinations of two parts of a name: more, and each part is a thing of its own
)
PAIRS = 3  # of near-duplicates, at least, to say that names are wrong


def read_off(photos: pd.Series, emotion: pd.Series, pairs: np.ndarray) -> tuple[pd.Series, str]:
    """(subject of each photo, how it was found); where nothing tells subjects apart, each photo is its own.

    Names that tell something else (clips of films, persons in one light) are subjects that begin with UNKNOWN: such
    photos stay together, but nobody knows of whom they are.
    photos   relative names; `emotion` of each; `pairs`: (m, 2) positions of near-duplicates
    EMOCLASS_SUBJECT, a regular expression with one group, is searched for in the whole name instead: then InputError
    if it is none, or naming every photo that it does not fit.
    """
    if pattern := os.environ.get("EMOCLASS_SUBJECT"):
        return _by_pattern(photos, pattern)
    common = set.intersection(*(set(photo.split("/")[:-1]) for photo in photos))
    readings = [_named(photos, common, emotions) for emotions in ([""] * len(photos), emotion)]
    # Where taking the emotion out of the names makes one of several (`anna_happy_3`), it is no part of them.
    read = min(readings, key=lambda each: (-each.key.count(), each.key.nunique())).dropna()
    alone = "Subjects unknown, each photo counts as of somebody else"
    if read.empty or read.key.nunique() == len(read):
        return photos, f"{alone}: names such as {photos.iloc[0]!r} do not tell them apart"
    kind = read.kind.mode()[0]
    first = read.index[read.kind == kind][0]
    said = f"{read.name[first]!r} from names such as {photos[first]!r} ({kind})"
    names = read.name.groupby(read.key).transform("first").reindex(photos.index).fillna(photos)
    if why := _wrong(read, names, emotion, pairs):
        return photos, f"{alone}: read as {said}, they {why}"
    if why := _something_else(read[~read.kind.isin(KINDS)], emotion):
        return (
            UNKNOWN + names,
            f"Subjects unknown, photos called alike stay together: read as {said}, they {why}",
        )
    rest = (
        f"; {len(photos) - len(read):,} photos fit none, each of somebody else"
        if len(read) < len(photos)
        else ""
    )
    return names, f"Subjects read as {said}{rest}"


def named(photo: str) -> tuple[str, dict[str, str]]:
    """Of which of KINDS a photo's name is, and the `subject` and `emotion` in it; "" and nothing if of none."""
    stem = re.split(r"[/\\]", photo)[-1].rsplit(".", 1)[0]
    for kind, pattern in KINDS.items():
        if match := re.fullmatch(rf"{pattern}(?:[^a-z0-9].*)?", stem, re.IGNORECASE):
            return kind, match.groupdict()
    return "", {}


def _wrong(read: pd.DataFrame, names: pd.Series, emotion: pd.Series, pairs: np.ndarray) -> str:
    """Why subjects as they were read are of no use, or ""."""
    counts, n = names[read.index].value_counts(), len(names)
    strangers = int((names.to_numpy()[pairs[:, 0]] != names.to_numpy()[pairs[:, 1]]).sum())
    apart = strangers >= PAIRS and 2 * strangers > len(pairs)
    as_emotions = len(counts) <= emotion.nunique() and (emotion.groupby(names).nunique() == 1).all()
    faults = {
        f"would be {len(counts)} alone": len(counts) < FEWEST,
        f"would be {counts.index[0]!r} in {counts.iloc[0]:,} of {n:,} photos": 2 * counts.iloc[0]
        > n,
        f"would be known of {len(read):,} of {n:,} photos alone": len(read) < MOST * n,
        "would mean no more than the emotions do": as_emotions,
        f"would differ in {strangers} of {len(pairs)} pairs of near-duplicates": apart,
    }
    return next((why for why, holds in faults.items() if holds), "")


def _something_else(guessed: pd.DataFrame, emotion: pd.Series) -> str:
    """Why names that were read without knowing their kind may tell something else than who is there, or ""."""
    counts = guessed.key.value_counts()
    moods = emotion[guessed.index].groupby(guessed.key).nunique()[counts.index[counts > 1]]
    if len(moods) and emotion.nunique() > 1 and (moods == 1).mean() >= ONE_MOOD:
        return "nearly all show one emotion alone"
    if guessed.name.str.contains(WHEN).any():
        return "hold a date, or a time in a film"
    rows = [re.findall(r"[^\W_]+", key) for key in counts.index]
    parts = pd.DataFrame(rows if len(set(map(len, rows))) == 1 else [])
    for (
        column
    ) in parts:  # two things that occur in nearly all combinations, such as a person and a light
        one, rest = parts[column].nunique(), len(parts.drop(columns=column).drop_duplicates())
        if min(one, rest) > 1 and len(parts.drop_duplicates()) > CROSSED * one * rest:
            both = f"{one} times {rest} in nearly all combinations"
            return f"are {both}: say which part is the subject with SUBJECT='...'"
    return ""


def _named(photos: pd.Series, common: set[str], emotions: Iterable[str]) -> pd.DataFrame:
    """`kind` and `name` of what says who is in each photo, or None; `key`: the same however it is spelt."""
    rows = [_subject(photo, common, its) for photo, its in zip(photos, emotions)]
    found = pd.DataFrame(rows, columns=["kind", "name"], index=photos.index)
    return found.assign(key=found.name.str.normalize("NFC").str.casefold())


def _subject(photo: str, common: set[str], emotion: str) -> tuple[str, str | None]:
    """A name of a known kind, else the folders (but `common` ones), else the file's name; without the emotion's."""
    kind, said = named(photo)
    if kind:
        return kind, said.get("subject")
    *folders, name = re.split(r"[/\\]", photo)
    if meaning := [
        f for f in folders if f not in common and canonical(f) is None and _names_somebody(f)
    ]:
        return "folders", _without("/".join(meaning), emotion) or None
    stem = name.rsplit(".", 1)[0]
    rest = _without(stem, emotion)
    match = re.fullmatch(NUMBERED, rest)
    who = (
        rest if rest != stem and not re.search(r"\d\W*$", stem) else match and match[1]
    )  # anna_happy, no number
    return "names and numbers", who if who and re.search(r"[^\W\d_]", who) and _names_somebody(
        who
    ) else None


def _without(text: str, emotion: str) -> str:
    words = "|".join(word for word, its in EMOTION_OF.items() if its == emotion)
    letter = r"[^\W\d_]"
    return (
        re.sub(rf"(?<!{letter})(?:{words})(?!{letter})", "", text, flags=re.I).strip(" _.-")
        if words
        else text
    )


def _names_somebody(word: str) -> bool:
    """Not if all its words are of machines, parts or emotions, but for codes, which may be somebody's name."""
    words = set(re.findall(r"[^\W\d_]+", word.lower()))
    return not words or not words <= {
        *NOBODY,
        *PART_OF,
        *(word for word in EMOTION_OF if len(word) > 2),
    }


def _by_pattern(photos: pd.Series, pattern: str) -> tuple[pd.Series, str]:
    where = f"SUBJECT={pattern!r}"
    try:
        wanted = re.compile(pattern)
    except re.error as error:
        raise InputError(f"{where} is no regular expression ({error})") from error
    if wanted.groups != 1:
        raise InputError(
            f"{where} has {wanted.groups} groups: put the one that is the subject in brackets"
        )
    matches = photos.map(wanted.search)
    if len(unlike := photos[matches.isna()]):
        raise InputError(f"{where} does not fit {len(unlike):,} photos: {listed(unlike)}")
    return matches.map(lambda match: match[1]), f"Subjects read by {where}"
