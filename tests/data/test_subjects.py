"""Subjects: read off names of known kinds, believed only if they add up, and unknown otherwise."""

import numpy as np
import pandas as pd
import pytest

from emoclass.data.subjects import named, read_off
from emoclass.errors import InputError
from emoclass.faces import UNKNOWN
from emoclass.labels import canonical

NONE = np.zeros((0, 2), np.int64)
MOODS = ("anger", "fear", "happiness", "sadness")
CODES = ("AN", "Fe", "ha", "SA")


def read(names, emotions=MOODS, pairs=NONE):
    photos = pd.Series(names)
    return read_off(
        photos, pd.Series([emotions[k % len(emotions)] for k in range(len(photos))]), pairs
    )


@pytest.mark.parametrize(
    "kind, names, subjects",
    [
        ("CK+", [f"fear/S{p:03d}_{s:03d}_000000{f}.png" for p in range(6) for s in (1, 2) for f in (15, 16)], 6),
        ("JAFFE", [f"{p}.{e}{k}.9.tiff" for p in "KA KL KM KR MK".split() for e in ("AN", "HA") for k in "12"], 5),
        ("KDEF", [f"{s}{p}{e}S.JPG" for s in "AB" for p in "F01 F02 M01 M02 M03".split() for e in ("AN", "AF")], 5),
        ("RaFD", [f"Rafd090_{p:02d}_Caucasian_male_{e}_frontal.jpg" for p in range(5) for e in ("angry", "sad")], 5),
        ("CREMA-D", [f"{1001 + p}_DFA_{e}_XX.jpg" for p in range(5) for e in ("ANG", "SAD")], 5),
        ("RAVDESS", [f"01-01-0{e}-01-02-01-{p:02d}.png" for p in range(1, 6) for e in "356"], 5),
        ("names and numbers", [f"George_W_Bush{p}_{k:04d}.jpg" for p in "abcde" for k in range(3)], 5),
        ("names and numbers", [f"sad/clip{c:02d}_frame_{k:04d}.jpg" for c in range(6) for k in range(4)], 6),
        ("names and numbers", [f"{e}/anna{p}_{e}_{k}.jpg" for p in "abcde" for k in "12" for e in MOODS], 5),
        ("names and numbers", [f"{e}/S{p:02d}-{e}.jpg" for p in range(5) for e in MOODS], 5),
        ("names and numbers", [f"{e}_ann{p} ({k}).png" for p in "abcde" for k in "12" for e in CODES], 5),
        ("folders", [f"{e}/S{p:02d}_{e}/{k}.png" for p in range(5) for k in "12" for e in MOODS], 5),
        ("folders", [f"P{p:03d}/{e}/{k:03d}.jpeg" for p in range(5) for e in ("Anger", "Sad") for k in (0, 1)], 5),
    ],
)  # fmt: skip
def test_names_of_a_known_kind_tell_who_is_in_a_photo(kind, names, subjects):
    found, how = read(names)
    assert found.nunique() == subjects
    assert how.startswith("Subjects read as ") and f"({kind})" in how and names[0] in how


@pytest.mark.parametrize(
    "names",
    [
        [f"train/happy/Training_{k}.jpg" for k in range(20)]
        + [f"test/sad/PublicTest_{k}.jpg" for k in range(9)],
        [f"train/{k % 7}/train_{k:05d}_aligned.jpg" for k in range(30)],
        [f"fer{k:07d}.png" for k in range(20)],
        [f"happy/IMG_{k}.jpg" for k in range(20)],
        [
            f"{e}/{e}_{k}.jpg"
            for e in ("happy", "sad", "fear", "angry", "disgust", "neutral")
            for k in range(5)
        ],
        [f"happy/im{k}.png" for k in range(20)],
        [f"{k:05d}.jpg" for k in range(20)],
        [f"aug_{k}_{k * 7919 % 9973}.png" for k in range(20)],
    ],
)
def test_running_numbers_and_words_of_machines_are_nobody(names):
    found, how = read(names)
    assert (
        found.tolist() == names
        and how.startswith("Subjects unknown")
        and "do not tell them apart" in how
    )


@pytest.mark.parametrize(
    "photo, kind, subject, emotion",
    [
        ("fear/S010_004_00000017.png", "CK+", "S010", None),
        ("KA.AN1.39.tiff", "JAFFE", "KA", "anger"),
        ("YM.DI3.66.tiff", "JAFFE", "YM", "disgust"),
        ("AF01ANS.JPG", "KDEF", "F01", "anger"),
        ("BM01AFHL.JPG", "KDEF", "M01", "fear"),
        ("Rafd090_04_Caucasian_female_contemptuous_left.jpg", "RaFD", "04", "contempt"),
        ("1076_DFA_SAD_XX.jpg", "CREMA-D", "1076", "sadness"),
        ("004_o_m_d_a.jpg", "FACES", "004", None),
        ("CFD-WF-001-003-N.jpg", "CFD", "WF-001", None),
        ("CFD-WM-001-014-N.jpg", "CFD", "WM-001", None),
        ("CFD-BM-001-014-N.jpg", "CFD", "BM-001", None),
        ("01-01-06-01-02-01-12.png", "RAVDESS", "12", None),
        ("01F_HA_O.BMP", "NimStim", "01F", "happiness"),
        ("01M_SP_O.BMP", "NimStim", "01M", None),  # a code that nobody else uses
        ("train_00001_aligned.jpg", "RAF-DB", None, None),
        ("PublicTest_99.jpg", "FER2013", None, None),
        ("Jane_Doe_0001.jpg", "", None, None),
    ],
)
def test_each_kind_of_name_says_who_and_what_in_these_words(photo, kind, subject, emotion):
    found, words = named(photo)
    assert found == kind
    assert words.get("subject") == subject
    assert canonical(words.get("emotion", "")) == emotion


@pytest.mark.parametrize(
    "name",
    [
        "CFD-{race}{sex}-{k:03d}-{shot:03d}-N.jpg",
        "{k:02d}{sex}_{code}_C.bmp",
        "A{sex}{k:02d}{code}S.JPG",
    ],
)
def test_a_woman_and_a_man_of_one_number_are_two_subjects(name):
    photos = [
        name.format(race="W", sex=sex, k=k, code=code, shot=shot)
        for sex in "FM"
        for k in range(1, 5)
        for shot, code in enumerate(("AN", "HA"))
    ]
    assert read(photos)[0].nunique() == 8


def test_names_that_fit_no_pattern_are_of_somebody_else_each():
    known = [f"S{p:03d}_{s:03d}_00000015.png" for p in range(10) for s in (1, 2)]
    strangers = ["portrait.png", "another one.png"]
    found, how = read(known + strangers)
    assert found.tolist()[-2:] == strangers and found.nunique() == 12
    assert "2 photos fit none, each of somebody else" in how


@pytest.mark.parametrize("suffix", ["_aug1", " (2)", "-flip"])
def test_what_follows_a_name_of_a_known_kind_makes_nobody_else(suffix):
    found, _ = read(
        [
            f"S{p:03d}_{s:03d}_0000001{s}{end}.png"
            for p in range(6)
            for s in (1, 2)
            for end in ("", suffix)
        ]
    )
    assert found.nunique() == 6


def test_spelling_makes_nobody_else():
    names = [
        f"{p}_{k}.jpg"
        for p in ("Zo\u00eb", "Zoe\u0308", "zo\u00eb", "Al", "Bo", "Cy", "Ed")
        for k in range(4)
    ]
    assert read(names)[0].nunique() == 5


def test_an_emotion_that_few_names_say_is_no_part_of_them_either():
    names = [f"{p}_{k}.jpg" for p in "Al Bo Cy Ed Flo".split() for k in range(8)]
    names += [f"{p}_happy_{k}.jpg" for p in "Al Bo Cy Ed Flo".split() for k in range(2)]
    assert read(names, ["neutral"] * 40 + ["happiness"] * 10)[0].nunique() == 5


@pytest.mark.parametrize(
    "names, why",
    [
        (
            [f"Al{p}_{k}.jpg" for p in range(6) for k in range(4)] + [f"{k}.jpg" for k in range(9)],
            "known of 24 of 33",
        ),
        ([f"fold{f}/{k}.jpg" for f in range(1, 6) for k in range(4)], "do not tell them apart"),
        (
            [f"{s}/{k}.jpg" for s in ("posed", "natural") for k in range(9)],
            "do not tell them apart",
        ),
        (
            [f"IMG-2020010{d}-WA{k:04d}.jpg" for d in range(1, 7) for k in range(4)],
            "do not tell them apart",
        ),
    ],
)
def test_groups_that_are_no_subjects_are_not_taken_for_them(names, why):
    found, how = read(names)
    assert found.tolist() == names and how.startswith("Subjects unknown") and why in how


@pytest.mark.parametrize(
    "names, groups, why",
    [
        (
            [
                f"{s}/P{p:03d}/{k}.jpg"
                for s in ("Strong", "Weak")
                for p in range(6)
                for k in range(4)
            ],
            12,
            "are 2 times 6",
        ),
        (
            [f"ann{p}_{d}_{k}.jpg" for p in "abcde" for d in ("day", "eve") for k in range(4)],
            10,
            "are 5 times 2",
        ),
        (
            [
                f"{MOODS[k % 4]}/clip{c * 4 + k % 4:02d}_frame_{k:04d}.jpg"
                for c in range(6)
                for k in range(8)
            ],
            24,
            "show one",
        ),
        (
            [f"Titanic_0005{c}9240_{k:08d}.png" for c in range(6) for k in range(4)],
            6,
            "hold a date, or a time in a film",
        ),
        (
            [f"s{p}_e{k % 4}_t{k}.jpg" for p in range(6) for k in range(12)],
            24,
            "nearly all show one emotion alone",
        ),
    ],
)
def test_names_that_tell_something_else_keep_photos_together_but_subjects_are_unknown(
    names, groups, why
):
    found, how = read(names)
    assert found.nunique() == groups and found.str.startswith(UNKNOWN).all()
    assert how.startswith("Subjects unknown, photos called alike stay together") and why in how


@pytest.mark.parametrize(
    "names, why",
    [
        ([f"{p}_{k}.jpg" for p in ("Jo", "Li") for k in range(9)], "they would be 2 alone"),
        (
            [f"{'Jo' if k > 8 else f'P{k % 8}x'}_{k}.jpg" for k in range(40)],
            "they would be 'Jo' in 31 of 40 photos",
        ),
    ],
)
def test_a_reading_that_does_not_add_up_is_said_and_not_used(names, why):
    found, how = read(names)
    assert found.tolist() == names and how.startswith("Subjects unknown") and why in how


def test_names_that_near_duplicates_contradict_are_not_used():
    names = [f"{p}_{k}.jpg" for p in ("Al", "Bo", "Cy", "Di", "Ed") for k in range(4)]
    across = np.array([[0, 4], [1, 5], [8, 12], [9, 10]])
    found, how = read(names, pairs=across)
    assert found.tolist() == names and "would differ in 3 of 4 pairs of near-duplicates" in how
    assert read(names, pairs=across[3:])[0].nunique() == 5


def test_names_that_say_the_emotion_in_other_words_are_not_used():
    names = [
        f"{word}_{k}.jpg" for word in ("wut", "angst", "freude", "trauer", "ekel") for k in range(5)
    ]
    emotions = [
        emotion
        for emotion in ("anger", "fear", "happiness", "sadness", "disgust")
        for _ in range(5)
    ]
    assert "would mean no more than the emotions do" in read(names, emotions)[1]


def test_one_may_say_how_subjects_are_read(monkeypatch):
    names = [f"x{k % 3}-take{k}.jpg" for k in range(9)]
    monkeypatch.setenv("EMOCLASS_SUBJECT", r"x(\d)-")
    found, how = read(names)
    assert found.tolist() == [str(k % 3) for k in range(9)] and "x(\\\\d)-" in how
    for pattern, wrong in (
        ("x(", "no regular expression"),
        (r"x\d", "has 0 groups"),
        (r"x([01])", "fit 3 photos: x2-"),
    ):
        monkeypatch.setenv("EMOCLASS_SUBJECT", pattern)
        with pytest.raises(InputError, match=wrong):
            read(names)
