"""The audit says in one sentence what leaks, names every pair, and deals a split that does not leak."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser

import cv2
import numpy as np
import pandas as pd
import pytest

from emoclass import paths
from emoclass.__main__ import main
from emoclass.augment import warp
from emoclass.data import load_faces
from emoclass.data.synthetic import SyntheticConfig, draw
from emoclass.errors import InputError
from emoclass.study import leak_report
from emoclass.study.leak_report import fixed_split, pictures

FACES = draw(
    SyntheticConfig(counts=(0, 0, 0, 12, 12, 12, 0, 0), photos_per_subject=(1, 1), noise=10)
)


def save(folder, name, picture):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / name), picture)


@pytest.fixture
def leaky(tmp_path):
    """Twenty strangers in training, ten in the test, and there beside them: a file, a toned photo, two copies."""
    for k, picture in enumerate(FACES.pixels[:30]):
        save(
            tmp_path,
            f"{'train' if k < 20 else 'test'}/{FACES.table.emotion[k]}/photo_{k}.png",
            picture,
        )
    for name, picture in (
        ("test/fear/file.png", FACES.pixels[0]),
        ("test/fear/toned.png", FACES.pixels[1] // 4 * 4),
        ("test/fear/turned.png", warp(FACES.pixels[2], degrees=12)),
        ("test/fear/mirrored.png", warp(FACES.pixels[2], flip=True)),
    ):
        save(tmp_path, name, picture)
    return tmp_path


def test_the_verdict_counts_the_test_photos_that_training_knows(leaky, capsys):
    assert main(["audit", str(leaky)]) == 1
    said = capsys.readouterr().out
    assert said.startswith(
        "29% of the test photos (4 of 14) have a copy in training; 14% (2) were augmented before the split.\n"
    )
    assert "test/fear/turned.png" in said and "augmented copy" in said


def test_where_no_part_is_called_test_it_is_the_validation_part_that_counts(leaky, capsys):
    (leaky / "test").rename(leaky / "valid")
    assert main(["audit", str(leaky)]) == 1
    assert capsys.readouterr().out.startswith(
        "29% of the validation photos (4 of 14) have a copy in training;"
    )


@pytest.mark.filterwarnings("ignore:The least populated class")  # scikit-learn's, of three pictures
@pytest.mark.parametrize("many", [1, 3])
def test_a_few_pictures_are_dealt_as_far_as_they_go(tmp_path, capsys, many):
    for k in range(many):
        save(tmp_path / "mine", f"{FACES.table.emotion[0]}/{k}.png", FACES.pixels[k])
    if many == 1:
        assert main(["audit", str(tmp_path / "mine"), "--fix", str(tmp_path / "s.csv")]) == 2
        assert "--fix has too few pictures to deal" in capsys.readouterr().err
        return
    assert main(["audit", str(tmp_path / "mine"), "--fix", str(tmp_path / "s.csv")]) == 0
    assert set(pd.read_csv(tmp_path / "s.csv").split) == {"train", "test"}


def test_names_that_are_no_utf_8_can_be_read_and_printed(tmp_path, capsys):
    save(tmp_path, "mine/happy/a.png", FACES.pixels[0])
    save(tmp_path, "mine/happy/b.png", FACES.pixels[0])
    try:
        os.rename(
            os.fsencode(tmp_path / "mine/happy/b.png"),
            os.fsencode(tmp_path / "mine/happy") + b"/M\xfcller.png",
        )
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    out = {f"--{kind}": str(tmp_path / f"out.{kind}") for kind in ("csv", "html")}
    assert (
        main(["audit", str(tmp_path / "mine"), *(word for pair in out.items() for word in pair)])
        == 1
    )
    assert (
        r"M\xfcller.png" in capsys.readouterr().out
        and r"M\xfcller.png" in (tmp_path / "out.csv").read_text()
    )


def test_every_pair_is_in_the_table_with_its_kind(leaky, tmp_path):
    assert main(["audit", str(leaky), "--csv", str(tmp_path / "pairs.csv")]) == 1
    pairs = pd.read_csv(tmp_path / "pairs.csv")
    assert list(pairs.columns) == ["one", "other", "kind", "correlation"]
    kind = {frozenset(pair): kind for *pair, kind in pairs[["one", "other", "kind"]].to_numpy()}
    train = [f"train/{FACES.table.emotion[k]}/photo_{k}.png" for k in range(3)]
    assert kind[frozenset(["test/fear/file.png", train[0]])] == "same file"
    assert kind[frozenset(["test/fear/toned.png", train[1]])] == "near-duplicate"
    assert kind[frozenset(["test/fear/turned.png", train[2]])] == "augmented copy"
    assert kind[frozenset(["test/fear/mirrored.png", train[2]])] == "augmented copy"
    assert len(pairs) <= 6 and pairs.correlation.between(0.5, 1.0001).all()


def test_two_folders_are_compared_across_only(leaky, tmp_path, capsys):
    save(
        leaky, "train/fear/again.png", FACES.pixels[5]
    )  # twice in training is no leak into the test
    sides = ["--train", str(leaky / "train"), "--test", str(leaky / "test")]
    assert main(["audit", *sides, "--csv", str(tmp_path / "pairs.csv")]) == 1
    assert "(4 of 14)" in capsys.readouterr().out
    pairs = pd.read_csv(tmp_path / "pairs.csv")
    assert list(pairs.columns) == ["test", "train", "kind", "correlation"]
    assert pairs.train.str.startswith(tuple(FACES.table.emotion)).all()
    assert "fear/again.png" not in set(pairs.train) | set(pairs.test)


def test_what_an_annotation_file_a_list_or_names_say_is_known_to_the_audit(tmp_path, capsys):
    rows = [
        f"3,{' '.join(map(str, x.ravel()))},{part}"
        for x, part in zip(FACES.pixels[[0, 0]], ("Training", "PrivateTest"))
    ]
    save(tmp_path / "csv", "preview.png", FACES.pixels[1])
    (tmp_path / "csv" / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *rows]))
    assert main(["audit", str(tmp_path / "csv")]) == 1
    assert capsys.readouterr().out.startswith(
        "100% of the test photos (1 of 1) have a copy in training"
    )
    save(
        tmp_path / "csv", "fer0000000.png", FACES.pixels[0]
    )  # called as its row is, of a csv that knows no split
    (tmp_path / "csv" / "fer2013.csv").write_text(f"emotion,pixels\n{rows[0].rpartition(',')[0]}\n")
    assert pictures(str(tmp_path / "csv"))[0].emotion.tolist() == ["happiness", ""]
    for k, name in enumerate(("train_00001", "test_00001")):
        save(tmp_path / "raf", f"Image/aligned/{name}_aligned.png", FACES.pixels[0] // (k + 1))
    (tmp_path / "raf" / "x.heic").write_bytes(b"x")
    (tmp_path / "raf" / "EmoLabel").mkdir()
    (tmp_path / "raf" / "EmoLabel" / "list_patition_label.txt").write_text(
        "train_00001.png 4\ntest_00001.png 4\n"
    )
    table = pictures(str(tmp_path / "raf"))[0]
    assert table.split.tolist() == ["test", "train"] and table.emotion.tolist() == ["happiness"] * 2
    assert "pictures of a kind that is not read, set aside: 1 x.heic" in capsys.readouterr().err
    save(tmp_path / "jaffe", "KA.HA1.29.png", FACES.pixels[0])
    assert pictures(str(tmp_path / "jaffe"))[0].emotion.tolist() == ["happiness"]


def test_nothing_found_is_status_0(tmp_path, capsys):
    for k, picture in enumerate(FACES.pixels[::6]):
        save(tmp_path, f"{k}.png", picture)  # any pictures will do, without class folders
    assert main(["audit", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith(
        "No two of 6 pictures were made from one.\nSubjects unknown"
    )


def test_the_split_that_is_written_leaks_no_more_and_loses_no_photo(leaky, tmp_path):
    assert main(["audit", str(leaky), "--fix", str(tmp_path / "split.csv")]) == 1
    split = pd.read_csv(tmp_path / "split.csv").set_index("photo").split
    assert (
        len(split) == 34 and split["test/fear/turned.png"] == split["test/fear/file.png"] == "train"
    )
    assert (split == "test").sum() == 10
    table, pixels = pictures(str(leaky))
    fixed = table.assign(split=split.loc[table.photo].to_numpy())
    assert leak_report.verdict(fixed, leak_report.find_pairs(table, pixels)).startswith(
        "0% of the test photos (0 of 10)"
    )


def test_a_folder_without_a_split_gets_one_that_keeps_families_together():
    table = pd.DataFrame(
        {"photo": [f"{k}" for k in range(50)], "emotion": ["fear", "anger"] * 25, "split": ""}
    )
    pairs = pd.DataFrame({"one": [0, 10, 20], "other": [2, 12, 22]})
    split = fixed_split(table, pairs).split
    assert all(split[a] == split[b] for a, b in zip(pairs.one, pairs.other))
    assert set(split) == {"train", "test"} and 5 <= (split == "test").sum() <= 15


def test_whose_original_is_trained_on_by_way_of_another_copy_is_counted():
    table = pd.DataFrame(
        {"photo": list("abc"), "id": list("abc"), "split": ["train", "test", "test"]}
    )
    pairs = pd.DataFrame(
        {"one": [0, 1], "other": [1, 2], "kind": "augmented copy", "correlation": 0.99}
    )
    assert leak_report.verdict(table, pairs).startswith("100% of the test photos (2 of 2)")


def test_subjects_on_both_sides_are_said_and_change_no_status(tmp_path, capsys):
    rows = ["photo,emotion,split,subject"]
    for k, picture in enumerate(FACES.pixels[::6]):
        save(tmp_path, f"{k}.png", picture)
        rows.append(f"{k}.png,fear,{'test' if k > 3 else 'train'},P{k % 5}")
    (tmp_path / "legend.csv").write_text("\n".join(rows) + "\n")
    assert main(["audit", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("0% of the test photos (0 of 2) have a copy in training;")
    how = "Subjects as the annotation file has them, 5 subjects"
    assert f"{how}; 1 of 2 test photos are of subjects in training." in said


def said_of(folder, capsys, *arguments):
    """The verdict of an audit, and what it told on stderr."""
    assert main(["audit", str(folder), *arguments]) in (0, 1)
    said = capsys.readouterr()
    return said.out.split("\n")[0], said.err


def test_a_copy_is_found_where_more_pictures_of_its_own_part_are_nearer(tmp_path, capsys):
    """Eight stills of each scene in training, and their mirror images in the test, in one folder or without parts."""
    rng = np.random.default_rng(0)
    for k, picture in enumerate(FACES.pixels[:4]):
        for still in range(8):
            noisy = np.clip(picture + rng.normal(0, 1, picture.shape), 0, 255).astype(np.uint8)
            save(tmp_path / "split", f"train/fear/{k}_{still}.png", noisy)
            save(tmp_path / "split", f"test/fear/{k}_{still}.png", warp(noisy, flip=True))
            save(tmp_path / "whole", f"{k}_{still}.png", noisy)
            save(tmp_path / "whole", f"{k}_{still}_mirrored.png", warp(noisy, flip=True))
    assert said_of(tmp_path / "split", capsys)[0].startswith(
        "100% of the test photos (32 of 32) have a copy"
    )
    assert said_of(tmp_path / "whole", capsys, "--fix", str(tmp_path / "s.csv"))[0].startswith(
        "64 of 64"
    )
    split = pd.read_csv(tmp_path / "s.csv").set_index("photo").split
    assert all(
        split[f"{k}_0.png"] == split[f"{k}_{still}_mirrored.png"]
        for k in range(4)
        for still in range(8)
    )


def test_pairs_across_the_split_come_first_and_what_was_moved_before_what_was_not(leaky):
    save(leaky, "train/fear/twice.png", warp(FACES.pixels[9], flip=True))
    table, pixels = pictures(str(leaky))
    pairs = leak_report.find_pairs(table, pixels)
    parts = table.split.to_numpy()
    assert list(parts[pairs.one] != parts[pairs.other]) == sorted(
        parts[pairs.one] != parts[pairs.other], reverse=True
    )
    assert (
        pairs.kind[0] == "augmented copy"
        and parts[pairs.one.iloc[-1]] == parts[pairs.other.iloc[-1]]
    )


def test_two_csv_of_pixels_are_compared_by_what_they_show(tmp_path, capsys):
    for name, pictures_in in (("a", FACES.pixels[:10]), ("b", FACES.pixels[9:20])):
        rows = [f"3,{' '.join(map(str, picture.ravel()))},Training" for picture in pictures_in]
        (tmp_path / f"{name}.csv").write_text("\n".join(["emotion,pixels,Usage", *rows]))
    assert (
        main(["audit", "--train", str(tmp_path / "a.csv"), "--test", str(tmp_path / "b.csv")]) == 1
    )
    assert capsys.readouterr().out.startswith("9% of the test photos (1 of 11)")


def test_thousands_of_equal_files_are_linked_without_all_their_pairs(capsys):
    n = 4000
    table = pd.DataFrame(
        {"photo": [f"{k}" for k in range(n)], "id": ["one"] * (n - 2) + ["two", "three"]}
    )
    table[["split", "emotion", "subject"]] = ""
    pixels = np.concatenate(
        [FACES.pixels[:1]] * (n - 2) + [warp(FACES.pixels[0], flip=True)[None], FACES.pixels[1:2]]
    )
    for first in (None, n // 2):
        pairs = leak_report.find_pairs(table, pixels, first)
        assert len(pairs) < 2 * n and set(pairs.one) | set(pairs.other) == set(range(n - 1))
        assert first is None or ((pairs.one < first) & (pairs.other >= first)).all()


def test_linked_folders_are_read_wherever_they_are_linked_to(leaky, capsys):
    (leaky / "test" / "sad").symlink_to(leaky / "train" / FACES.table.emotion[0])
    (leaky / "train" / "circle").symlink_to(leaky)
    n = len(os.listdir(leaky / "train" / FACES.table.emotion[0]))
    assert f"({4 + n} of {14 + n})" in said_of(leaky, capsys)[0]


def test_a_folder_that_may_not_be_read_is_named(leaky, monkeypatch, capsys):
    really = os.scandir

    def scandir(folder):
        if str(folder).endswith("test/fear"):
            raise PermissionError(13, "Permission denied", str(folder))
        return really(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    assert main(["audit", str(leaky)]) == 2
    assert "folders that may not be read" in capsys.readouterr().err


def test_an_annotation_file_that_does_not_fit_is_not_passed_over(leaky, capsys):
    table = pictures(str(leaky))[0]
    table[["photo", "split"]].to_csv(leaky / "legend.csv", index=False)
    assert "lacks a column for the emotion" in said_of(leaky, capsys)[1]
    part = {"test": "holdout", "train": "training_set"}
    rows = [f"{photo},fear,{part[split]}" for photo, split in zip(table.photo, table.split)]
    (leaky / "legend.csv").write_text(
        "\n".join(["photo,emotion,split", *rows, "gone.png,fear,train"])
    )
    told = said_of(leaky, capsys)[1]
    assert "rows of the annotation file without a picture: 1 gone.png" in told
    assert "rows whose split is no part that is known: 14 holdout" in told


def test_the_split_that_is_written_can_be_trained_on_as_it_is(leaky, tmp_path):
    assert main(["audit", str(leaky), "--fix", str(leaky / "legend.csv")]) == 1
    faces = load_faces(leaky)
    assert faces.table.split.value_counts().to_dict() == {"train": 24, "test": 10}


def test_the_largest_family_stays_in_training_and_a_named_part_counts_more_than_none():
    n = 160
    table = pd.DataFrame(
        {"photo": [f"{k}" for k in range(n)], "emotion": ["fear", "anger"] * (n // 2), "split": ""}
    )
    pairs = pd.DataFrame({"one": 0, "other": range(2, 124, 2)})
    split = fixed_split(table, pairs).split
    assert split[0] == "train" and 15 <= (split == "test").sum() <= 50
    table = pd.DataFrame(
        {"photo": list("abcd"), "emotion": "", "split": ["test", "", "train", "test"]}
    )
    pairs = pd.DataFrame({"one": [0, 2], "other": [1, 3]})
    assert fixed_split(table, pairs).split.tolist() == ["test", "test", "train", "train"]


def test_one_part_alone_is_no_split_and_what_lies_beside_the_test_is_trained_on(tmp_path, capsys):
    for k, picture in enumerate(FACES.pixels[:12]):
        save(tmp_path / "one", f"train/fear/{k}.png", picture)
        save(tmp_path / "two", f"{'test/' if k > 8 else ''}{k}.png", picture)
    assert said_of(tmp_path / "one", capsys)[0] == "No two of 12 pictures were made from one."
    assert said_of(tmp_path / "two", capsys)[0].startswith("0% of the test photos (0 of 3)")


def test_a_csv_of_pixels_with_one_part_is_dealt_too_and_beside_a_validation_part_the_rest_is_training(
    tmp_path,
):
    rows = [
        f"{k % 7},{' '.join(map(str, picture.ravel()))},Training"
        for k, picture in enumerate(FACES.pixels[:35])
    ]
    (tmp_path / "fer.csv").write_text("\n".join(["emotion,pixels,Usage", *rows]))
    assert main(["audit", str(tmp_path / "fer.csv"), "--fix", str(tmp_path / "out" / "s.csv")]) == 0
    assert pd.read_csv(tmp_path / "out" / "s.csv").split.value_counts().to_dict() == {
        "train": 28,
        "test": 7,
    }
    for k, picture in enumerate(FACES.pixels[:6]):
        save(tmp_path / "mine", f"{'val' if k < 2 else 'others'}/{k}.png", picture)
    assert sorted(pictures(str(tmp_path / "mine"))[0].split) == ["train"] * 4 + ["validation"] * 2


def test_only_what_was_moved_between_training_and_test_counts_as_augmented(tmp_path, capsys):
    """A test photo that stands in training as it is was not augmented, though its mirror image is in the test too."""
    for k, picture in enumerate(FACES.pixels[:20]):
        save(tmp_path, f"train/fear/{k}.png", picture)
    save(tmp_path, "test/fear/same.png", FACES.pixels[0])
    save(tmp_path, "test/fear/mirrored.png", warp(FACES.pixels[0], flip=True))
    save(tmp_path, "test/fear/a_little.png", warp(FACES.pixels[1], degrees=5))
    save(tmp_path, "test/fear/lighter.png", FACES.pixels[2] // 2 + 100)
    verdict = said_of(tmp_path, capsys)[0]
    assert (
        verdict
        == "100% of the test photos (4 of 4) have a copy in training; 50% (2) were augmented before the split."
    )


def test_what_cannot_be_written_is_said_before_anything_is_searched(
    leaky, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(leak_report, "find_pairs", lambda *_: pytest.fail("the search had begun"))
    (tmp_path / "to a.csv").symlink_to(tmp_path / "a.csv")
    for arguments, said in (
        (["--csv", str(tmp_path)], "is a folder"),
        (["--csv", os.devnull], "is no ordinary file"),
        (
            ["--csv", str(tmp_path / "to a.csv"), "--html", str(tmp_path / "a.csv")],
            "is named twice",
        ),
    ):
        assert main(["audit", str(leaky), *arguments]) == 2
        assert said in capsys.readouterr().err
    assert not os.path.isfile(os.devnull)


def test_a_link_is_written_through_and_one_fault_costs_no_other_file(
    leaky, tmp_path, monkeypatch, capsys
):
    tmp_path = tmp_path / "out"
    tmp_path.mkdir()
    (tmp_path / "link.csv").symlink_to(tmp_path / "pairs.csv")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(leak_report, "page", full)
    out = [
        "--csv",
        str(tmp_path / "link.csv"),
        "--html",
        str(tmp_path / "p.html"),
        "--fix",
        str(tmp_path / "s.csv"),
    ]
    assert main(["audit", str(leaky), *out]) == 2
    said = capsys.readouterr()
    assert "p.html cannot be written" in said.err and said.out.startswith("29% of the test photos")
    assert (
        (tmp_path / "link.csv").is_symlink()
        and (tmp_path / "pairs.csv").exists()
        and (tmp_path / "s.csv").exists()
    )


def test_whoever_reads_the_first_line_alone_gets_the_files_and_the_status(leaky, tmp_path):
    (leaky / "test" / "fear" / "file.png").rename(leaky / "test" / "fear" / "ä.png")
    command = f"{sys.executable} -m emoclass audit {leaky} --csv {tmp_path}/pairs.csv"
    plain = dict(os.environ, PYTHONIOENCODING="ascii")
    done = subprocess.run(
        ["bash", "-c", f"{command} | head -1; exit ${{PIPESTATUS[0]}}"],
        env=plain,
        capture_output=True,
    )
    assert (
        done.returncode == 1
        and done.stderr == b""
        and done.stdout.startswith(b"29% of the test photos")
    )
    assert "ä.png" in (tmp_path / "pairs.csv").read_text(encoding="utf-8")
    whole = subprocess.run(command.split(), env=plain, capture_output=True)
    assert whole.returncode == 1 and rb"\xe4.png" in whole.stdout


@pytest.mark.parametrize(
    "arguments, said",
    [
        ([], "one folder, or --train and --test"),
        (["--train", "a"], "one folder, or --train and --test"),
        (["a", "--test", "b"], "one folder, or --train and --test"),
        (["--train", "a", "--test", "b", "--fix", "c"], "--fix needs the one folder"),
        (["nowhere"], "there is no folder nowhere"),
        (["--train", "nowhere", "--test", "nowhere"], "there is no folder nowhere"),
        (["--train", "tests", "--test", "tests/study"], "overlap"),
        (["README.md"], "README.md is one file"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(arguments, said, capsys):
    assert main(["audit", *arguments]) == 2
    caught = capsys.readouterr().err
    assert said in caught and caught.count("\n") == 1


def test_a_folder_without_pictures_and_a_file_that_cannot_be_written_are_said(
    tmp_path, leaky, capsys
):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no pictures in"):
        pictures(str(tmp_path / "empty"))
    (tmp_path / "a file").write_text("")
    assert main(["audit", str(leaky), "--csv", str(tmp_path / "a file" / "pairs.csv")]) == 2
    assert "cannot be written" in capsys.readouterr().err


class Page(HTMLParser):
    """What a page asks the network for, and how many pictures it holds."""

    def __init__(self, text):
        super().__init__()
        self.outside, self.pictures, self.words = [], 0, ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        links = [value for name, value in attributes if name in ("src", "href")]
        self.outside += [link for link in links if not link.startswith("data:image/png;base64,")]
        self.pictures += tag == "img"

    def handle_data(self, data):
        self.words += data


@pytest.fixture
def written(leaky, tmp_path):
    (leaky / "test" / "fear" / "toned.png").rename(leaky / "test" / "fear" / "<b>&.png")
    main(["audit", str(leaky), "--html", str(tmp_path / "page.html")])
    return tmp_path / "page.html"


def test_the_page_holds_all_it_shows_and_says_that_it_contains_photos(written):
    page = Page(written.read_text())
    assert page.outside == [] and page.pictures >= 8 and "url(" not in written.read_text()
    assert (
        "Contains photos." in page.words and "(4 of 14)" in page.words and "<b>&.png" in page.words
    )
    assert "prefers" in written.read_text() or "color-scheme:light dark" in written.read_text()


@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_the_page_at_any_width(written, tmp_path, browser, width):
    browser(written, width, f"--screenshot={tmp_path / 'shot.png'}")
    assert np.ptp(cv2.imread(str(tmp_path / "shot.png"))) > 100


def test_the_example_in_the_docs_does_what_it_says(tmp_path):
    text = (paths.ROOT / "docs" / "audit.md").read_text()
    [code], [said] = (
        re.findall(r"```python\n(.*?)```", text, re.S),
        re.findall(r"says:\n\n```\n(.*?)\n```", text, re.S),
    )
    exec(code, {"FOLDER": tmp_path})
    lines = []
    leak_report.leak_report(str(tmp_path), say=lines.append)
    assert lines[0].strip() == said
