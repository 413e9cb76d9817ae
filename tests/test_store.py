"""The store: a run is found by what made it, is there whole or not at all, and is never mistaken for another."""

from dataclasses import replace

import numpy as np
import pytest

from emoclass import store
from emoclass.augment import Copies
from emoclass.data.cartoon import Drawing, draw
from emoclass.store import Store, address, code_digest
from emoclass.train import Run
from emoclass.variant import Variant

VARIANT = Variant("first")


@pytest.fixture(scope="module")
def faces():
    return draw(Drawing(counts=(2,) * 8), size=12)


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
        guesses=np.array([[0, 1], [1, 0], [1, 1]], np.uint8),
        in_training={"parent": np.array([False, True])},
        history={"loss": [2.0, 1.0], "val_loss": [1.5, 1.75]},
        rows=(10, 2, 2),
        seconds=1.5,
        weights=[np.full((3, 3), k, np.float32) for k in range(12)],
    )


def test_a_run_comes_back_as_it_was_put(tmp_path, run):
    kept = Store(tmp_path)
    kept.put("here", run)
    back = kept.get("here", VARIANT, 1, 2)
    assert list(back.photo) == list(run.photo) and list(back.parent) == list(run.parent)
    assert (back.probabilities == run.probabilities).all() and back.classes == run.classes
    assert back.guesses.dtype == np.uint8 and back.guesses.tolist() == run.guesses.tolist()
    assert (back.in_training["parent"] == run.in_training["parent"]).all()
    assert (back.history, back.rows, back.seconds, back.best_epoch) == (run.history, run.rows, run.seconds, 1)
    assert [w[0, 0] for w in back.weights] == list(range(12))


def test_a_run_that_was_not_followed_has_no_guesses(tmp_path, run):
    Store(tmp_path).put("here", replace(run, guesses=run.guesses[:0]))
    assert Store(tmp_path).get("here", VARIANT, 1, 2).guesses.shape == (0, 2)


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
    assert address(VARIANT, faces, 0, 0) == address(VARIANT.replace(name="second", tested=3), faces, 0, 0)


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
        {"copies": Copies(each=2)},
    ],
)
def test_another_value_is_another_address(faces, change):
    assert address(VARIANT, faces, 0, 0) != address(VARIANT.replace(**change), faces, 0, 0)


def test_another_fold_seed_or_photo_is_another_address(faces):
    other = faces.pixels.copy()
    other[0, 0, 0] ^= 1
    addresses = {
        address(VARIANT, faces, 0, 0),
        address(VARIANT, faces, 1, 0),
        address(VARIANT, faces, 0, 1),
        address(VARIANT, replace(faces, pixels=other), 0, 0),
        address(VARIANT, replace(faces, table=faces.table.assign(alike="the same")), 0, 0),
    }
    assert len(addresses) == 5


def test_other_code_is_another_address(faces, monkeypatch):
    before = address(VARIANT, faces, 0, 0)
    changed = store.versions() | {"code": "another"}
    monkeypatch.setattr(store, "versions", lambda: changed)
    assert address(VARIANT, faces, 0, 0) != before


def test_explaining_code_better_does_not_change_its_digest():
    bare = 'def f(x):\n    """Old."""\n    return x + 1\n'
    explained = '# why\ndef f(x):\n    """New,\n    longer."""\n\n    return (x\n        + 1)\n'
    assert code_digest([bare]) == code_digest([explained])
    assert code_digest([bare]) != code_digest([bare.replace("1", "2")])


def test_every_module_that_training_imports_decides_the_address():
    """Whatever emoclass.train pulls in is in DECISIVE, but for where faces come from (their digest stands for it)."""
    import subprocess
    import sys

    code = "import sys, emoclass.train; print(*(m for m in sys.modules if m.startswith('emoclass.')))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {name.removeprefix("emoclass.") for name in loaded} - {"faces"} <= set(store.DECISIVE)
