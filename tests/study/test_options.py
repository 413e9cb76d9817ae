"""What is asked of a command is understood, or refused in a sentence before any work."""

import contextlib
import os

import pytest

from emoclass.errors import InputError
from emoclass.study.options import ReproduceOptions, parse_settings


@pytest.mark.parametrize(
    "text, settings",
    [
        ("", {}),
        (" ROTATION=30 ", {"ROTATION": 30}),
        ("ROTATION=-2.5 NET=None", {"ROTATION": -2.5, "NET": None}),
        ("CLASSES=['sadness', 'fear'] DOSE=6", {"CLASSES": ["sadness", "fear"], "DOSE": 6}),
        ("CLASSES=('fear',)\nDOSE={'fear': 2}", {"CLASSES": ("fear",), "DOSE": {"fear": 2}}),
        ("NAME=focal LOSS='two words' X=1", {"NAME": "focal", "LOSS": "two words", "X": 1}),
        ("""TITLE="it's A=3 here" X='a \\' B=1'""", {"TITLE": "it's A=3 here", "X": "a ' B=1"}),
        ("FOLDER=~/photos/a.csv", {"FOLDER": "~/photos/a.csv"}),
    ],
)
def test_settings_are_python_literals_or_words(text, settings):
    assert parse_settings(text) == settings


@pytest.mark.parametrize(
    "text, offenders",
    [
        ("ROTATION", ["ROTATION (write NAME=VALUE)"]),
        ("X=1 Y= Z=[1", ["Y= ", "Z=[1 "]),
        ("X=1 two", ["X=1 two "]),
        ("X=print('a') Y=1", ["X=print('a') "]),
        ("X=1 X=2", ["X=2 (another value of X)"]),
        ("9X=1", ["9X=1 "]),
    ],
)
def test_every_setting_that_cannot_be_read_is_named(text, offenders):
    with pytest.raises(InputError, match="SET cannot be read") as caught:
        parse_settings(text)
    for offender in offenders:
        assert offender in str(caught.value)


@pytest.mark.parametrize(
    "values, fault",
    [
        ({"dataset": ""}, "DATASET is empty"),
        ({"dataset": "nowhere/at all"}, "there is no folder nowhere/at all"),
        ({"profile": "slow"}, "PROFILE='slow' is unknown; choose one of full, quick"),
    ],
)
def test_what_cannot_be_reproduced_is_refused_at_once(values, fault):
    with pytest.raises(InputError, match=fault):
        ReproduceOptions(**values)


def test_a_path_that_no_notebook_can_hold_is_refused_and_others_are_not(tmp_path):
    for name, refused in ((b"caf\xe9", True), (b"caf\xc3\xa9 $x", False)):
        folder = tmp_path / os.fsdecode(name)
        folder.mkdir()
        refusal = pytest.raises(InputError, match="is no UTF-8")
        with refusal if refused else contextlib.nullcontext():
            ReproduceOptions(str(folder))


def test_a_folder_of_photos_may_be_named_from_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine").mkdir()
    assert ReproduceOptions("~/mine").dataset == "~/mine"
    assert ReproduceOptions("cartoon").settings == {}  # the synthetic faces, as they were called
