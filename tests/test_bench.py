"""Speed is measured on equal work, each part is kept as soon as it is measured, and nothing is left changed."""

import contextlib
import importlib.util
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from emoclass import paths, splits
from emoclass.data import muxspace
from emoclass.models import ConvNet

SPEC = importlib.util.spec_from_file_location("bench", paths.ROOT / "benchmarks" / "bench.py")
bench = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(bench)


@pytest.fixture(autouse=True)
def small(tmp_path, monkeypatch, drawn):
    """Synthetic faces in place of the photos, as files too, small nets, and a folder for figures."""
    faces = replace(
        drawn,
        table=drawn.table.assign(
            photo=drawn.table.photo + ".png", parent=drawn.table.photo + ".png"
        ),
    )
    images = tmp_path / "collection" / "images"
    images.mkdir(parents=True)
    for photo, pixels in zip(faces.table.photo, faces.pixels):
        cv2.imwrite(str(images / photo), pixels)
    (tmp_path / "figures").mkdir()
    monkeypatch.setattr(paths, "FIGURES", tmp_path / "figures")
    monkeypatch.setattr(muxspace, "find", lambda: images.parent)
    monkeypatch.setattr(bench, "load_faces", lambda name: {"muxspace": faces}[name])
    monkeypatch.setattr(bench, "FOUND", {})
    monkeypatch.setattr(bench, "DECODED", 20)
    tiny = dict(net=ConvNet(dense=(4,)), n_folds=3, epochs=1)
    monkeypatch.setattr(bench, "PARED_DOWN", bench.PARED_DOWN.replace(**tiny))
    monkeypatch.setattr(bench, "COMPACT", bench.COMPACT.replace(**tiny, precision="mixed_bfloat16"))
    return faces


def kept():
    return json.loads((paths.FIGURES / "bench.json").read_text())


def test_each_part_is_kept_as_soon_as_it_is_measured_beside_what_was_there(monkeypatch):
    (paths.FIGURES / "bench.json").write_text(
        '{"study.quick_min": {"value": 4}, "one": {"value": 0}}'
    )

    def breaks():
        raise KeyboardInterrupt

    parts = dict(first=lambda: bench.note("one", 1, 2, "s", ""), second=breaks)
    monkeypatch.setattr(bench, "PARTS", parts)
    with pytest.raises(KeyboardInterrupt):
        bench.main([])
    assert {name: entry["value"] for name, entry in kept().items()} == {
        "one": 1,
        "study.quick_min": 4,
    }
    assert kept()["one"]["met"] is False and list(paths.FIGURES.iterdir()) == [
        paths.FIGURES / "bench.json"
    ]


def test_only_the_parts_asked_for_are_measured(monkeypatch, capsys):
    done = []
    monkeypatch.setattr(
        bench, "PARTS", {name: lambda name=name: done.append(name) for name in "abc"}
    )
    assert bench.main(["c", "a"]) == 0 and done == ["c", "a"]
    with pytest.raises(SystemExit):
        bench.main(["a", "d"])
    assert "there is no part d; choose from a, b, c" in capsys.readouterr().err and done == [
        "c",
        "a",
    ]


def test_missing_photos_are_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr(muxspace, "find", lambda: None)
    assert bench.main([]) == 2
    assert capsys.readouterr().err == "bench: the photos are not here; run make data\n"


@pytest.mark.parametrize("before", ["/somewhere", None])
def test_the_users_build_folder_is_as_it_was_even_after_an_error(monkeypatch, before):
    monkeypatch.delenv("EMOCLASS_BUILD")
    if before:
        monkeypatch.setenv("EMOCLASS_BUILD", before)
    with pytest.raises(RuntimeError), bench.nothing_built():
        empty = Path(os.environ["EMOCLASS_BUILD"])
        assert list(empty.iterdir()) == []
        raise RuntimeError
    assert os.environ.get("EMOCLASS_BUILD") == before and not empty.exists()


def test_both_readers_read_the_same_files(monkeypatch):
    seen = []

    def fresh(work, folder):
        seen.append(
            (work, sorted((file.name, file.read_bytes()) for file in Path(folder).iterdir()))
        )
        return 1.0

    monkeypatch.setattr(bench, "fresh", fresh)
    bench.decoding()
    assert [work for work, _ in seen] == [bench.our_reader, bench.keras_reader]
    assert seen[0][1] == seen[1][1] and len(seen[0][1]) == 20
    assert bench.FOUND["decode.photos_per_s"]["value"] == 20


def test_a_timed_run_deals_its_folds_anew(monkeypatch, small):
    split, real = [], splits.assign_folds
    monkeypatch.setattr(splits, "assign_folds", lambda *how: split.append(how) or real(*how))
    monkeypatch.setattr(
        bench, "train", lambda variant, faces: splits.make_fold(faces, n_folds=variant.n_folds)
    )
    for _ in range(2):
        bench.whole_run(bench.PARED_DOWN, small)
    assert len(split) == 2


PARTS = {
    "training": "train.vs_bare_fit",
    "from_files": "train.vs_image_data_generator",
    "half_precision": "train.bfloat16_speedup",
    "matrix_peak": "train.of_matrix_peak",
    "memory": "memory.worker_gb",
    "detector": "detector.recall",
}


@pytest.mark.parametrize(
    "part",
    [
        *(pytest.param(part, marks=pytest.mark.soak) for part in PARTS if part != "detector"),
        "detector",
    ],
)
def test_what_is_trained_to_be_timed_runs_to_its_end(monkeypatch, part):
    monkeypatch.setattr(bench, "fast_precision", lambda: "mixed_bfloat16")
    monkeypatch.setattr(bench, "fresh", lambda work, *arguments: work(*arguments))
    assert bench.main([part]) == 0
    assert kept()[PARTS[part]]["value"] > 0


def test_what_this_machine_lacks_is_left_out_with_one_line(monkeypatch, capsys):
    monkeypatch.setattr(bench, "fast_precision", lambda: "float32")
    no_pool = contextlib.nullcontext(SimpleNamespace(executor=None))
    monkeypatch.setattr(bench, "LocalProcesses", lambda count: no_pool)
    monkeypatch.setattr(bench, "train_missing", lambda *_: None)
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert bench.main(["half_precision", "workers"]) == 0
    predicted = capsys.readouterr().out.splitlines()
    assert [line.split(" is left out")[0] for line in predicted if "left out" in line] == [
        "train.bfloat16_speedup", "scale.dask"
    ]  # fmt: skip
    assert list(kept()) == ["scale.two_workers"]


# the record, and edits


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A folder in place of a fresh clone, with two runs of 30 s of training each, and a record beside it."""
    folder = tmp_path / "clone"
    runs = folder / "build" / "runs"
    runs.mkdir(parents=True)
    for name in ("one", "two"):
        np.savez(runs / f"{name}.npz", facts=np.array(json.dumps({"seconds": 30.0})))
    monkeypatch.setattr(bench, "fresh_clone", lambda: contextlib.nullcontext(folder))
    monkeypatch.setattr(bench, "default_workers", lambda: 2)
    monkeypatch.setattr(paths, "RECORD", tmp_path / "record")
    paths.RECORD.mkdir()
    (paths.RECORD / "03_leakage.zip").write_bytes(b"0" * 2_000_000)
    return folder


def write_numbers(clone, **values):
    entries = {name: {"value": value} for name, value in values.items()}
    target = clone / "figures" / "muxspace" / "results.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"numbers": entries}))


def test_a_number_counts_as_equal_only_if_its_last_digit_and_its_interval_are():
    before = {
        "same": {"value": 0.5, "low": 0.4},
        "other": {"value": 0.5, "low": 0.4},
        "lost": {"value": 1},
        "moved": {"value": 0.123456},
    }
    after = {
        "same": {"value": 0.5, "low": 0.4},
        "other": {"value": 0.5, "low": 0.3},
        "moved": {"value": 0.123457},
        "new": {"value": 2},
    }
    assert bench.share_equal(before, after) == 0.25


def test_the_record_is_measured_in_time_in_size_and_in_numbers_that_came_out_equal(
    clone, monkeypatch
):
    write_numbers(clone, a=1, b=2)

    def make(folder, target):
        assert (folder, target) == (clone, "reproduce")
        write_numbers(clone, a=1, b=3)
        return 120.0

    monkeypatch.setattr(bench, "make", make)
    bench.recorded()
    found = {name: entry["value"] for name, entry in bench.FOUND.items()}
    assert found == {
        "reproduce.record_min": 2,
        "reproduce.equal_numbers": 0.5,
        "record.mb": 2,
    }
    assert not bench.FOUND["reproduce.equal_numbers"]["met"]


def test_of_an_edit_what_is_not_training_is_wall_time_minus_training_shared_by_the_workers(
    clone, monkeypatch
):
    asked = []
    taken = iter([60.0, 45.0, 90.0, 75.0])

    def make(folder, *arguments):
        asked.append(arguments)
        return next(taken)

    monkeypatch.setattr(bench, "make", make)
    bench.edits()
    assert [arguments[1] for arguments in asked] == ["ONLY=03_leakage"] * 3 + ["ONLY=05_imbalance"]
    assert bench.FOUND["edit.class.min"]["value"] == 0.75
    assert bench.FOUND["edit.not_training_s"]["value"] == 60  # the third: 90 s less 2 x 30 / 2


def test_what_is_set_reaches_make_as_it_was_written_and_the_clone_is_what_runs(tmp_path):
    (tmp_path / "Makefile").write_text(
        'override export SET := $(value SET)\nreproduce:\n\t@echo "$$SET" > set; echo "$$PYTHONPATH" > path\n'
    )
    setting = "CLASSES=['sadness', 'contempt']"
    assert bench.make(tmp_path, "reproduce", f"SET={setting}") > 0
    assert (tmp_path / "set").read_text().strip() == setting
    assert (tmp_path / "path").read_text().strip() == str(tmp_path)


def test_without_a_record_nothing_is_trained_to_measure_it(clone, monkeypatch, capsys):
    (paths.RECORD / "03_leakage.zip").unlink()
    monkeypatch.setattr(bench, "make", lambda *_: pytest.fail("trained for hours"))
    assert bench.main(["recorded", "verified", "edits"]) == 0
    assert capsys.readouterr().out.count("is left out: nothing is recorded") == 3
