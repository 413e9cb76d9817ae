"""The report says what was found, and no more."""

import json
import sys

import pandas as pd
import pytest
from drawn import CLASSES, fill, picture, put

import splitaudit
from splitaudit.counts import LeakCounts, per_cent
from splitaudit.errors import InputError

pytestmark = pytest.mark.usefixtures("same_files_only")


@pytest.fixture
def leaky(tmp_path):
    """24 pictures in training; 10 in the test: two the same file, one mirrored, seven new."""
    fill(tmp_path / "train", each=3)
    fill(tmp_path / "test", classes=("anger",), each=7, start=100)
    put(tmp_path / "test" / "anger" / "same_1.png", picture(0))
    put(tmp_path / "test" / "fear" / "same_2.png", picture(9))
    put(tmp_path / "test" / "fear" / "0010_flip.png", picture(10)[:, ::-1])
    return tmp_path


def test_the_verdict_counts_test_pictures_by_what_training_has(leaky):
    report = splitaudit.audit(leaky)
    expected = "30 % of the test pictures (3 of 10) show a picture that training has: "
    assert report.verdict == expected + "2 as it is, 1 transformed."
    assert report.leaks
    assert str(report).startswith(report.verdict)


def test_pairs_bear_file_names_classes_and_evidence(leaky):
    pairs = splitaudit.audit(leaky).pairs
    assert list(pairs.columns[:6]) == [
        "test",
        "train",
        "kind",
        "transformation",
        "score",
        "probability",
    ]
    copied = pairs[pairs["kind"] == "transformed copy"].iloc[0]
    assert copied["test"] == "test/fear/0010_flip.png"
    assert copied["train"] == "train/fear/0010.png"
    assert copied["test_label"] == "fear"
    assert copied["evidence"] == "names: made from 0010 (named copy)"


def test_two_folders_are_compared_across(leaky):
    report = splitaudit.audit(train=leaky / "train", test=leaky / "test")
    assert report.counts.shown == 3
    assert set(report.pairs["test"]) == {
        "anger/same_1.png",
        "fear/same_2.png",
        "fear/0010_flip.png",
    }


def test_without_a_split_pictures_are_compared_among_themselves(tmp_path):
    fill(tmp_path, classes=("a", "b"), each=3)
    put(tmp_path / "b" / "again.png", picture(0))
    report = splitaudit.audit(tmp_path)
    assert report.verdict.startswith("29 % of the pictures (2 of 7) show a picture that another")
    assert list(report.pairs.columns[:2]) == ["one", "other"]


def test_validation_has_a_sentence_of_its_own(leaky):
    put(leaky / "val" / "fear" / "v.png", picture(9))
    put(leaky / "val" / "fear" / "w.png", picture(200))
    report = splitaudit.audit(leaky)
    assert [counts.part for counts in report.part_counts] == ["test", "validation"]
    assert "50 % of the validation pictures (1 of 2)" in report.verdict


def test_a_clean_set_is_called_clean_and_duplicates_within_training_are_no_leak(tmp_path):
    fill(tmp_path / "train", each=2)
    put(tmp_path / "train" / "fear" / "again.png", picture(0))
    fill(tmp_path / "test", each=1, start=100)
    report = splitaudit.audit(tmp_path)
    assert not report.leaks
    assert report.verdict == (
        "None of the 8 test pictures was found to show a picture that training has."
    )


def found_pairs(kinds: list[str]):
    """A search that finds the n-th picture of the test in training, of this kind."""

    def find(test, train=None, config=None, progress=None):
        pairs = pd.DataFrame({"test": range(len(kinds)), "train": 0, "kind": kinds})
        pairs = pairs.assign(transformation="", score=0.9, probability=0.9, matrix=None)
        return type("Found", (), {"pairs": pairs, "undecided": 1})()

    return find


def test_the_same_scene_is_counted_apart_and_is_no_leak(leaky, monkeypatch):
    monkeypatch.setattr("splitaudit.auditing.find_pairs", found_pairs(["same scene"] * 2))
    report = splitaudit.audit(leaky)
    assert not report.leaks
    assert report.counts.same_scene == 2
    assert report.verdict.startswith("None of the 10")
    assert "2 test pictures show the same scene as one in training" in str(report)


def test_a_picture_counts_once_by_the_closest_thing(leaky, monkeypatch):
    def find(test, train=None, config=None, progress=None):
        kinds = ["near-duplicate", "transformed copy", "same scene"]
        pairs = pd.DataFrame({"test": 0, "train": range(3), "kind": kinds})
        pairs = pairs.assign(transformation="", score=0.9, probability=0.9, matrix=None)
        return type("Found", (), {"pairs": pairs, "undecided": 0})()

    monkeypatch.setattr("splitaudit.auditing.find_pairs", find)
    counts = splitaudit.audit(leaky).counts
    assert (counts.near_duplicate, counts.transformed, counts.same_scene) == (1, 0, 0)


def test_undecided_pictures_are_said(leaky, monkeypatch):
    monkeypatch.setattr("splitaudit.auditing.find_pairs", found_pairs([]))
    assert "1 picture is undecided: too plain" in str(splitaudit.audit(leaky))


def test_files_say_the_same(leaky, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    report = splitaudit.audit(leaky)
    report.to_csv(out / "pairs.csv")
    report.to_json(out / "pairs.json")
    written = pd.read_csv(out / "pairs.csv")
    content = json.loads((out / "pairs.json").read_text(encoding="utf-8"))
    assert list(written["test"]) == list(report.pairs["test"])
    assert content["verdict"] == report.verdict
    assert content["counts"][0]["transformed"] == 1
    assert len(content["pairs"]) == 3


def test_the_page_holds_every_pair_in_one_file(leaky, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "page.html"
    put(leaky / "test" / "fear" / "same_3.png", picture(9))
    report = splitaudit.audit(leaky)
    report.to_html(out)
    text = out.read_text(encoding="utf-8")
    start = text.index('<script id="data" type="application/json">')
    data = text[start:].split(">", 1)[1].split("</script>", 1)[0]
    content = json.loads(data.replace("<\\/", "</"))
    assert len(content["pairs"]) == 4
    assert len(content["pictures"]) == 7
    assert content["pairs"][0]["matrix"] == [-1, 0, 95, 0, 1, 0]
    assert "http" not in text.replace("http-equiv", "")


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
def test_a_name_cannot_end_the_page_s_script(leaky, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "page.html"
    put(leaky / "test" / "fear<" / "script>.png", picture(9))
    splitaudit.audit(leaky).to_html(out)
    assert "fear</script>" not in out.read_text(encoding="utf-8")


def test_a_mended_split_has_no_copies_across_and_keeps_the_rest(leaky):
    put(leaky / "test" / "anger" / "twin.png", picture(100)[:, ::-1])  # of a test picture
    report = splitaudit.audit(leaky)
    split = report.fixed_split().set_index("path")["split"]
    assert split["test/fear/0010_flip.png"] == "train"
    assert (split == "test").sum() == 8
    assert split["test/anger/twin.png"] == split["test/anger/0100.png"]


def test_a_copy_of_a_copy_goes_with_it(leaky, monkeypatch):
    def find(test, train=None, config=None, progress=None):
        columns = ("one", "other") if train is None else ("test", "train")
        places = (0, 1) if train is None else (0, 0)
        pairs = pd.DataFrame([places], columns=columns).assign(kind="transformed copy")
        pairs = pairs.assign(transformation="", score=0.9, probability=0.9, matrix=None)
        return type("Found", (), {"pairs": pairs, "undecided": 0})()

    monkeypatch.setattr("splitaudit.auditing.find_pairs", find)
    split = splitaudit.audit(leaky).fixed_split()
    assert list(split["split"][:3]) == ["train", "train", "test"]


def test_a_folder_without_a_split_gets_one_by_its_own_classes(tmp_path):
    fill(tmp_path, classes=("yes",), each=40)
    fill(tmp_path, classes=("no",), each=10, start=100)
    split = splitaudit.audit(tmp_path).fixed_split()
    tested = split[split["split"] == "test"]["label"].value_counts()
    assert tested.to_dict() == {"yes": 8, "no": 2}


def test_pictures_that_are_all_one_cannot_be_split(tmp_path):
    for k in range(4):
        put(tmp_path / "a" / f"{k}.png", picture(0))
    with pytest.raises(InputError, match="no split can be made"):
        splitaudit.audit(tmp_path).fixed_split()


@pytest.mark.parametrize(
    "given",
    [{}, {"train": "a"}, {"path": "a", "train": "a", "test": "b"}, {"train": "a", "test": "a/b"}],
)
def test_paths_that_do_not_fit_together_are_refused(tmp_path, given):
    fill(tmp_path / "a", classes=CLASSES[:2])
    fill(tmp_path / "a" / "b", classes=CLASSES[:2])
    full = {name: tmp_path / value for name, value in given.items()}
    with pytest.raises(InputError):
        splitaudit.audit(**full)


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (0.0004, "under 0.1 %"), (0.004, "0.4 %"), (0.32, "32 %"), (0.9996, "99.9 %")],
)
def test_shares_are_never_rounded_to_nothing_or_all(share, text):
    assert per_cent(share) == text


def test_the_counts_print_themselves():
    counts = LeakCounts("test", 4029, same_file=288, near_duplicate=193, transformed=809)
    assert str(counts) == (
        "32 % of the test pictures (1,290 of 4,029) show a picture that training has: "
        "481 as it is, 809 transformed."
    )


def test_groups_on_both_sides_are_said(tmp_path):
    for k in range(24):
        part = "test" if k % 4 == 3 else "train"
        put(tmp_path / part / CLASSES[k % 3] / f"person{k // 4}_{k}.png", picture(k))
    text = str(splitaudit.audit(tmp_path))
    assert "6 of 6 test pictures are of groups (people, patients, clips) that training" in text
