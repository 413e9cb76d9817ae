"""The store: a run is found by what made it, is there whole or not at all, and is never mistaken for another."""

from dataclasses import fields, replace

import numpy as np
import pytest

from emoclass.augment import OfflineAugmentation, OnlineAugmentation
from emoclass.data.synthetic import SyntheticConfig, draw
from emoclass.models import ConvNet, ResNet
from emoclass.study import store
from emoclass.study.store import Store, code_digest, run_key
from emoclass.study.train import Run
from emoclass.study.variant import Variant

VARIANT = Variant("first")


@pytest.fixture(scope="module")
def faces():
    return draw(SyntheticConfig(counts=(2,) * 8), size=12)


@pytest.fixture
def run():
    return Run(
        variant=VARIANT,
        fold=1,
        seed=2,
        photo=np.array(["a", "ä, copy 1"], object),
        parent=np.array(["a", "ä"], object),
        classes=("film", "Zeitung ä"),
        probabilities=np.array([[0.25, 0.75], [1, 0]], np.float32),
        epoch_predictions=np.array([[0, 1], [1, 0], [1, 1]], np.uint8),
        in_training={"parent": np.array([False, True])},
        history={"loss": [2.0, 1.0], "val_loss": [1.5, 1.75]},
        rows=(3, 1, 2),
        y_true={"train": np.array([1, 0, 1]), "validation": np.array([0]), "test": np.array([1, 0])},
        validation=np.array([[0.5, 0.5]], np.float32),
        record_features={part: np.full((n, 4), n, np.float16) for part, n in (("train", 3), ("validation", 1), ("test", 2))},
        seconds=1.5,
        weights=[np.full((3, 3), k, np.float32) for k in range(12)],
    )


def test_a_run_comes_back_as_it_was_put(tmp_path, run):
    kept = Store(tmp_path)
    kept.put("here", run)
    back = kept.get("here", VARIANT, 1, 2)
    assert list(back.photo) == list(run.photo) and list(back.parent) == list(run.parent)
    assert (back.probabilities == run.probabilities).all() and back.classes == run.classes
    assert back.epoch_predictions.dtype == np.uint8 and back.epoch_predictions.tolist() == run.epoch_predictions.tolist()
    assert (back.in_training["parent"] == run.in_training["parent"]).all()
    assert (back.history, back.rows, back.seconds, back.best_epoch) == (run.history, run.rows, run.seconds, 1)
    assert [w[0, 0] for w in back.weights] == list(range(12))
    assert back.validation.dtype == np.float32 and back.validation.tolist() == [[0.5, 0.5]]
    for group, dtype in (("truth", np.int64), ("features", np.float16), ("in_training", bool)):
        one, other = getattr(run, group), getattr(back, group)
        assert list(one) == list(other) and all(value.dtype == dtype for value in other.values())
        assert all(np.array_equal(one[key], other[key]) for key in one)


def test_nothing_that_a_run_holds_is_forgotten_by_the_store(tmp_path, run):
    Store(tmp_path).put("here", run)
    back = Store(tmp_path).get("here", VARIANT, 1, 2)
    for field in fields(Run):
        np.testing.assert_equal(getattr(back, field.name), getattr(run, field.name))


def test_a_run_without_validation_test_and_features_comes_back_without_them(tmp_path, run):
    none, nobody = np.zeros((0, 2), np.float32), np.array([], object)
    empty = replace(run, photo=nobody, parent=nobody, probabilities=none, validation=none, record_features={})
    Store(tmp_path).put("here", empty)
    back = Store(tmp_path).get("here", VARIANT, 1, 2)
    assert back.probabilities.shape == back.validation.shape == (0, 2)
    assert back.record_features == {} and len(back.photo) == 0


def test_a_run_that_was_not_followed_has_no_guesses(tmp_path, run):
    Store(tmp_path).put("here", replace(run, epoch_predictions=run.epoch_predictions[:0]))
    assert Store(tmp_path).get("here", VARIANT, 1, 2).epoch_predictions.shape == (0, 2)


def test_what_was_never_put_is_not_there(tmp_path):
    assert "here" not in Store(tmp_path) and Store(tmp_path).get("here", VARIANT, 0, 0) is None


def test_a_damaged_file_is_set_aside_with_a_word(tmp_path, run, capsys):
    kept = Store(tmp_path)
    kept.put("here", run)
    whole = kept.path("here").read_bytes()
    kept.path("here").write_bytes(whole[: len(whole) // 2])
    assert kept.get("here", VARIANT, 1, 2) is None
    assert "here" not in kept
    assert "trained again" in capsys.readouterr().err


def test_a_full_disk_leaves_nothing_behind(tmp_path, run, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.np, "savez", full)
    with pytest.raises(OSError, match="No space left"):
        Store(tmp_path).put("here", run)
    assert list(tmp_path.iterdir()) == []


def test_another_name_is_the_same_address(faces):
    assert run_key(VARIANT, faces, 0, 0) == run_key(VARIANT.replace(name="second", n_folds_run=3), faces, 0, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 16},
        {"by": "duplicate"},
        {"loss": "root"},
        {"learning_rate": 0.0011},
        {"allow_leak": True},
        {"target": "random"},
        {"follow": True},
        {"copies": OfflineAugmentation(per_image=2)},
        {"jitter": OnlineAugmentation()},
        {"start": Variant("another")},
        {"only_train": ("film",)},
        {"only_test": ("film",)},
        {"leave_out": ("film",)},
    ],
)
def test_another_value_is_another_address(faces, change):
    assert run_key(VARIANT, faces, 0, 0) != run_key(VARIANT.replace(**change), faces, 0, 0)


def test_a_start_is_told_by_its_content_and_not_by_its_name(faces):
    start = Variant("a start")
    here = run_key(VARIANT.replace(init_from=start), faces, 0, 0)
    assert run_key(VARIANT.replace(init_from=start.replace(name="renamed", n_folds_run=1)), faces, 0, 0) == here
    assert run_key(VARIANT.replace(init_from=start.replace(epochs=16)), faces, 0, 0) != here


def test_nets_of_two_kinds_with_the_same_values_are_not_mistaken_for_each_other(faces):
    plain, residual = VARIANT.replace(net=ConvNet(blocks=())), VARIANT.replace(net=ResNet(blocks=()))
    assert run_key(plain, faces, 0, 0) != run_key(residual, faces, 0, 0)
    assert plain.content["net"][0] != residual.content["net"][0]


def test_the_repeat_and_the_strength_of_jitter_are_another_address(faces):
    weak, strong = (VARIANT.replace(online_augmentation=OnlineAugmentation(rotation=degrees)) for degrees in (5.0, 6.0))
    assert run_key(weak, faces, 0, 0) != run_key(strong, faces, 0, 0)
    once, count_duplicates = (VARIANT.replace(train_sources=("film",), train_source_repeats=times) for times in (1, 2))
    assert run_key(once, faces, 0, 0) != run_key(count_duplicates, faces, 0, 0)


def test_another_fold_seed_or_photo_is_another_address(faces):
    other = faces.pixels.copy()
    other[0, 0, 0] ^= 1
    addresses = {
        run_key(VARIANT, faces, 0, 0),
        run_key(VARIANT, faces, 1, 0),
        run_key(VARIANT, faces, 0, 1),
        run_key(VARIANT, replace(faces, pixels=other), 0, 0),
        run_key(VARIANT, replace(faces, table=faces.table.assign(near_duplicate_id="the same")), 0, 0),
    }
    assert len(addresses) == 5


def test_other_code_is_another_address(faces, monkeypatch):
    before = run_key(VARIANT, faces, 0, 0)
    changed = store.versions() | {"code": "another"}
    monkeypatch.setattr(store, "versions", lambda: changed)
    assert run_key(VARIANT, faces, 0, 0) != before


def test_explaining_code_better_does_not_change_its_digest():
    bare = 'def f(x):\n    """Old."""\n    return x + 1\n'
    explained = '# why\ndef f(x):\n    """New,\n    longer."""\n\n    return (x\n        + 1)\n'
    assert code_digest([bare]) == code_digest([explained])
    assert code_digest([bare]) != code_digest([bare.replace("1", "2")])


def test_every_module_that_training_imports_decides_the_address():
    """Whatever emoclass.study.train pulls in is in DECISIVE, but for where faces come from (their digest stands for it)."""
    import subprocess
    import sys

    code = "import sys, emoclass.study.train; print(*(m for m in sys.modules if m.startswith('emoclass.')))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {name.removeprefix("emoclass.") for name in loaded} - {"faces"} <= set(store.DECISIVE)
