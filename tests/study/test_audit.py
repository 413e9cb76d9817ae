"""`emoclass audit` is splitaudit with the eight emotions and the collections known by name."""

import re

import cv2
import numpy as np
import pandas as pd
import pytest
from splitaudit.families import families_of
from splitaudit.pairs import find_pairs
from splitaudit.pictures import Pictures

from emoclass import paths
from emoclass.__main__ import main
from emoclass.augment import warp
from emoclass.data import load_faces
from emoclass.data.muxspace import find
from emoclass.data.synthetic import SyntheticConfig, draw
from emoclass.study import audit

FACES = draw(
    SyntheticConfig(counts=(0, 0, 0, 12, 12, 12, 0, 0), photos_per_subject=(1, 1), noise=10),
    size=96,
)
WRITTEN = ("csv", "html", "json", "fix")


def save(folder, name, picture):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / name), picture)


@pytest.fixture
def leaky(tmp_path):
    """Twenty strangers in training, ten in the test; there too a file, a toned photo, two copies."""
    home = tmp_path / "mine"
    for k, picture in enumerate(FACES.pixels[:30]):
        part = "train" if k < 20 else "test"
        save(home, f"{part}/{FACES.table.emotion[k]}/photo_{k}.png", picture)
    save(home, "test/fear/file.png", FACES.pixels[0])
    save(home, "test/fear/toned.png", FACES.pixels[1] // 4 * 4)
    save(home, "test/fear/turned.png", warp(FACES.pixels[2], degrees=12))
    save(home, "test/fear/mirrored.png", warp(FACES.pixels[2], flip=True))
    return home


def test_the_verdict_counts_the_test_photos_that_training_has(leaky, tmp_path, capsys):
    options = []
    for name in WRITTEN:
        options += [f"--{name}", str(tmp_path / f"out.{name}")]
    assert main(["audit", str(leaky), *options]) == 1
    assert capsys.readouterr().out.startswith("29 % of the test pictures (4 of 14)")
    pairs = pd.read_csv(tmp_path / "out.csv").drop_duplicates("test").set_index("test")
    assert pairs.kind["test/fear/file.png"] == "same file"
    assert pairs.kind["test/fear/toned.png"] == "near-duplicate"
    assert pairs.kind["test/fear/turned.png"] == "transformed copy"
    assert pairs.transformation["test/fear/mirrored.png"] == "mirrored"
    split = pd.read_csv(tmp_path / "out.fix").set_index("path").split
    assert split["test/fear/turned.png"] == split["test/fear/file.png"] == "train"
    assert len(list(tmp_path.glob("out.*"))) == len(WRITTEN)


def test_labels_are_emotions_whatever_their_folders_are_called(leaky):
    (leaky / "test" / "fear").rename(leaky / "test" / "Scared")
    assert set(audit.report(leaky).table["label"]) <= set(FACES.table.emotion)


def test_a_collection_is_known_by_name(monkeypatch, capsys):
    some = FACES.select(np.arange(20))
    monkeypatch.setattr(audit, "load_faces", lambda name, size: some)
    assert main(["audit", "synthetic", "--quiet"]) == 0
    assert capsys.readouterr().out.startswith("None of the 20 pictures")


def test_what_cannot_be_read_is_bad_input_in_one_sentence(tmp_path, capsys):
    for arguments in (["nowhere"], [], ["--train", "a"], [str(tmp_path)]):
        assert main(["audit", *arguments]) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_the_example_in_the_docs_does_what_it_says(tmp_path):
    text = (paths.ROOT / "docs" / "audit.md").read_text()
    [code] = re.findall(r"```python\n(.*?)```", text, re.S)
    [said] = re.findall(r"says:\n\n```\n(.*?)\n```", text, re.S)
    exec(code, {"FOLDER": tmp_path})
    assert audit.report(tmp_path).verdict == said


@pytest.mark.skipif(find() is None, reason="the photos are not on this machine")
def test_near_duplicates_of_the_study_are_found_but_for_stills_of_dark_scenes(decoded, monkeypatch):
    """63 sets of photos, of which 16 are stills of one film scene, among 300 strangers."""
    monkeypatch.setenv("EMOCLASS_BUILD", decoded)
    faces = load_faces("muxspace", 96)
    known = faces.table.near_duplicate_id
    together = (known.groupby(known).transform("size") > 1).to_numpy()
    strangers = np.random.default_rng(0).permutation(np.flatnonzero(~together))[:300]
    some = faces.select(np.sort([*np.flatnonzero(together), *strangers]))
    pairs = find_pairs(Pictures.from_arrays(list(some.pixels))).pairs
    copies = pairs[pairs.kind != "same scene"]
    names = some.table.near_duplicate_id.to_numpy()
    assert whole_sets(names, copies) >= 46
    assert whole_sets(names, pairs) >= 54
    assert (names[copies.one] != names[copies.other]).sum() <= 3


def whole_sets(names, pairs) -> int:
    """How many of the sets of several photos are one family."""
    family = pd.Series(families_of(len(names), pairs.one.to_numpy(), pairs.other.to_numpy()))
    sets = family.groupby(names).agg(["size", "nunique"])
    return int(((sets["size"] > 1) & (sets["nunique"] == 1)).sum())
