"""The store: a run is found by what made it, is there whole or not at all, and is never mistaken for another."""

import importlib.metadata
import json
import os
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emoclass.augment import OfflineAugmentation, OnlineAugmentation
from emoclass.data.synthetic import SyntheticConfig, draw
from emoclass.errors import InputError
from emoclass.faces import without_pixels
from emoclass.models import ConvNet, ResNet
from emoclass.study import store
from emoclass.study.store import Store, open_faces, run_address, save_faces, store_key
from emoclass.study.train import Outcome
from emoclass.variant import Variant

VARIANT = Variant("first")
OUTCOME = Outcome(
    part=np.array([0, 0, 0, 1, 2, 2, -1], np.int8),
    levels=np.array([[0, 20], [255, 0]], np.uint8),
    validation_levels=np.array([[0, 1]], np.uint8),
    epoch_predictions=np.array([[0, 1], [1, 0], [1, 1]], np.uint8),
    history={"loss": [2.0, 1.0], "val_loss": [1.5, 1.75]},
    seconds=1.5,
    weights=[np.full((3, 3), k, np.float32) for k in range(12)],
    embeddings={
        part: np.full((n, 4), n, np.float16)
        for part, n in (("train", 3), ("validation", 1), ("test", 2))
    },
)
EMPTY = replace(
    OUTCOME, levels=OUTCOME.levels[:0], validation_levels=OUTCOME.validation_levels[:0],
    epoch_predictions=OUTCOME.epoch_predictions[:0], embeddings={},
)  # fmt: skip


def get(folder) -> Outcome | None:
    """All of the outcome that was put `here`."""
    kept = Store(folder)
    light = kept.get("here")
    if light is None:
        return None
    state = kept.state("here")
    return state and replace(light, weights=state.weights, embeddings=state.embeddings)


def assert_same(one: Outcome, other: Outcome):
    for field in fields(Outcome):
        np.testing.assert_equal(getattr(one, field.name), getattr(other, field.name))
        assert kinds(getattr(one, field.name)) == kinds(getattr(other, field.name))


def kinds(value):
    values = [value]
    if isinstance(value, dict):
        values = value.values()
    elif isinstance(value, list):
        values = value
    return type(value), [getattr(each, "dtype", type(each)) for each in values]


# runs


@pytest.mark.parametrize(
    "run", [OUTCOME, EMPTY], ids=["whole", "without validation, test, epochs and features"]
)
def test_a_run_comes_back_as_it_was_put(tmp_path, run):
    Store(tmp_path).put("here", run)
    assert "here" in Store(tmp_path)
    assert_same(get(tmp_path), run)


def test_what_was_never_put_is_not_there(tmp_path):
    assert "here" not in Store(tmp_path) and get(tmp_path) is None


def without(name):
    """The file lacks one array."""

    def damage(path):
        with np.load(path) as file:
            arrays = {key: file[key] for key in file.files if key != name}
        assert len(arrays) == len(np.load(path).files) - 1
        np.savez(path, **arrays)

    return damage


def with_facts(change):
    def damage(path):
        with np.load(path) as file:
            arrays = dict(file)
        arrays["facts"] = np.array(change(str(arrays["facts"])))
        np.savez(path, **arrays)

    return damage


def with_arrays(change):
    """The file is sound, but not what was kept."""

    def damage(path):
        with np.load(path) as file:
            arrays = dict(file)
        change(arrays)
        np.savez(path, **arrays)

    return damage


def without_fact(name):
    return with_facts(
        lambda facts: json.dumps({k: v for k, v in json.loads(facts).items() if k != name})
    )


def rewritten(change):
    return lambda path: path.write_bytes(change(bytearray(path.read_bytes())))


def flipped(start, bit=1):
    """One bit is another one at this place, or behind these bytes."""

    def change(data):
        data[start if isinstance(start, int) else data.rindex(start) + 8] ^= bit
        return data

    return rewritten(change)


DAMAGE = {
    "empty": rewritten(lambda data: b""),
    "cut short": rewritten(lambda data: data[: len(data) // 2]),
    "all nought": rewritten(lambda data: bytes(len(data))),
    "some words": rewritten(lambda data: b"not found"),
    "a flipped bit": rewritten(
        lambda data: data.replace(np.float32(7).tobytes(), np.float32(7.1).tobytes(), 1)
    ),
    "another compression": flipped(b"PK\x01\x02", 0x40),
    "said to be encrypted": flipped(b"PK\x01\x02"),
    "pickled": lambda path: np.savez(path, facts=np.array({}, object)),
    "no JSON": with_facts(lambda facts: facts[:-3]),
    **{f"without {name}": without(name) for name in ("facts", "levels", "part")},
    **{f"without {name}": without_fact(name) for name in ("sha256", "history")},
    "without weights.003": without("weights.003"),
    "without embeddings.test": without("embeddings.test"),
    "its last bytes": flipped(-4),
    "another number": with_arrays(lambda arrays: arrays["levels"].__setitem__((0, 0), 3)),
    "another shape": with_arrays(
        lambda arrays: arrays.update(levels=arrays["levels"].reshape(1, 4))
    ),
    "another type": with_arrays(lambda arrays: arrays.update(part=arrays["part"].view(np.uint8))),
    "another name": with_arrays(
        lambda arrays: arrays.update({"embeddings.film": arrays.pop("embeddings.test")})
    ),
    "weights in another order": with_arrays(
        lambda arrays: arrays.update(
            {"weights.000": arrays["weights.001"], "weights.001": arrays["weights.000"]}
        )
    ),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_set_aside_with_a_word(tmp_path, capsys, damage):
    kept = Store(tmp_path)
    kept.put("here", OUTCOME)
    damage(kept.path("here"))
    damaged = kept.path("here").read_bytes()
    assert get(tmp_path) is None and "here" not in kept
    (aside,) = tmp_path.iterdir()
    assert aside.read_bytes() == damaged
    line = capsys.readouterr().err
    assert line.startswith(f"store: {aside.name} cannot be read (") and line.endswith(
        "to be trained again\n"
    )
    kept.put("here", OUTCOME)
    assert_same(get(tmp_path), OUTCOME)


def test_a_file_that_may_not_be_read_is_not_damaged(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    Store(tmp_path).put("here", OUTCOME)
    with monkeypatch.context() as patch, pytest.raises(PermissionError):
        patch.setattr(store.np, "load", refuse)
        get(tmp_path)
    assert_same(get(tmp_path), OUTCOME)


@pytest.mark.parametrize("before", [None, EMPTY], ids=["nothing", "another run"])
@pytest.mark.parametrize(
    "error", [None, OSError(28, "No space left on device"), KeyboardInterrupt()], ids=repr
)
def test_while_a_run_is_written_a_reader_sees_what_was_there_before(
    tmp_path, monkeypatch, before, error
):
    kept, savez, seen = Store(tmp_path), np.savez, []
    if before:
        kept.put("here", before)

    def write_slowly(file, **arrays):
        Path(file).write_bytes(b"half")
        seen.append(get(tmp_path))
        if error:
            raise error
        savez(file, **arrays)

    monkeypatch.setattr(store.np, "savez", write_slowly)
    if error:
        with pytest.raises(type(error)):
            kept.put("here", OUTCOME)
    else:
        kept.put("here", OUTCOME)
    for found, wanted in ((seen[0], before), (get(tmp_path), before if error else OUTCOME)):
        assert found is None if wanted is None else assert_same(found, wanted) is None
    assert [path.name for path in tmp_path.iterdir()] == ["here.npz"] * (
        before is not None or error is None
    )


def test_what_was_made_where_is_told(tmp_path):
    Store(tmp_path).put("here", OUTCOME)
    made = Store(tmp_path).made("here")
    assert made["versions"] == store.versions() and len(made["date"]) == 10


# addresses and keys


@pytest.fixture(scope="module")
def faces():
    return draw(SyntheticConfig(counts=(2,) * 8), size=12)


@pytest.fixture
def key_without_cache():
    """The key of a run under other circumstances."""
    store.versions.cache_clear()
    store.training_code.cache_clear()
    yield lambda: store_key("address")
    store.versions.cache_clear()
    store.training_code.cache_clear()


def test_an_address_is_the_same_whatever_the_variant_and_the_faces_are_called(faces):
    renamed = VARIANT.replace(name="second", n_folds_run=3)
    other = replace(faces, name="other", report=())
    assert run_address(VARIANT, faces, 0, 0) == run_address(renamed, other, 0, 0)
    assert run_address(VARIANT, faces, 0, 0) == run_address(VARIANT, without_pixels(faces), 0, 0)


def test_another_variant_fold_seed_or_photo_is_another_address(faces):
    pixels = faces.pixels.copy()
    pixels[0, 0, 0] ^= 1
    variants = [
        VARIANT,
        VARIANT.replace(net=ConvNet(blocks=())),
        VARIANT.replace(net=ResNet(blocks=())),
        VARIANT.replace(learning_rate=0.0011),
        VARIANT.replace(offline_augmentation=OfflineAugmentation(per_image=2)),
    ]
    for degrees in (5.0, 6.0):
        variants.append(VARIANT.replace(online_augmentation=OnlineAugmentation(rotation=degrees)))
    for epochs in (15, 16):
        variants.append(VARIANT.replace(init_from=Variant("a start", epochs=epochs)))
    for times in (1, 2):
        variants.append(VARIANT.replace(train_sources=("film",), train_source_repeats=times))
    others = [
        (VARIANT, faces, 1, 0),
        (VARIANT, faces, 0, 1),
        (VARIANT, replace(faces, pixels=pixels), 0, 0),
        (VARIANT, replace(faces, table=faces.table.assign(near_duplicate_id="the same")), 0, 0),
    ]
    wanted = [*((variant, faces, 0, 0) for variant in variants), *others]
    assert len({run_address(*each) for each in wanted}) == len(wanted)


def test_a_split_that_was_given_is_part_of_the_address_where_it_decides(faces):
    given = [replace(faces, table=faces.table.assign(split=part)) for part in ("train", "test")]
    by_given = VARIANT.replace(group_by="given")
    assert run_address(VARIANT, given[0], 0, 0) == run_address(VARIANT, given[1], 0, 0)
    assert run_address(by_given, given[0], 0, 0) != run_address(by_given, given[1], 0, 0)


@pytest.mark.parametrize("what", ["package", "Python", "backend", "processor", "code"])
def test_whatever_else_decides_bits_is_in_the_key_and_not_in_the_address(
    faces, key_without_cache, monkeypatch, what
):
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    before = key_without_cache()
    address = run_address(VARIANT, faces, 0, 0)
    version = importlib.metadata.version
    if what == "package":
        monkeypatch.setattr(
            importlib.metadata, "version", lambda name: version(name) + ".1" * (name == "scipy")
        )
    elif what == "Python":
        monkeypatch.setattr(sys, "version", "3.99.0 (main)")
    elif what == "backend":
        monkeypatch.setenv("KERAS_BACKEND", "jax")
        monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.0")
    elif what == "processor":
        monkeypatch.setattr(store, "processor", lambda: "gpu: another")
    else:
        monkeypatch.setattr(store, "modules_digest", lambda paths: "other code")
    store.versions.cache_clear()
    store.training_code.cache_clear()
    assert key_without_cache() != before
    assert run_address(VARIANT, faces, 0, 0) == address


def test_every_package_that_training_imports_has_its_version_in_the_key():
    wanted = {"tensorflow", "keras", "numpy", "pandas", "scipy", "scikit-learn"}
    assert wanted | {"opencv-python-headless"} < set(store.versions())


def test_code_that_only_refuses_values_or_holds_runs_is_no_part_of_a_key(
    monkeypatch, key_without_cache
):
    digested = []
    monkeypatch.setattr(
        store, "modules_digest", lambda paths: digested.extend(path.name for path in paths) or ""
    )
    store.training_code()
    assert set(digested) == {
        "train.py", "splits.py", "faces.py", "labels.py", "augment.py", "models.py", "losses.py",
        "backend.py", "outputs.py",
    }  # fmt: skip


def test_the_engine_of_keras_is_in_the_key_and_one_that_is_not_installed_is_a_sentence(
    monkeypatch, key_without_cache
):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setattr(importlib.metadata, "version", lambda name: f"{name} 1.0")
    assert {"jax", "jaxlib"} < set(store.versions()) and "tensorflow" not in store.versions()

    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    store.versions.cache_clear()
    with pytest.raises(InputError, match=r"KERAS_BACKEND=jax: the package .* is not installed"):
        store.versions()


# photos for workers


def test_photos_are_opened_as_they_were_saved_and_stay_on_disk(drawn, tmp_path):
    saved = replace(drawn, name="drawn at noon", table=drawn.table.assign(split="train"))
    folder = save_faces(saved, tmp_path / "deep" / "down")
    opened = open_faces(folder)
    assert folder == tmp_path / "deep" / "down" / f"{drawn.digest}{saved.split_digest}"
    assert save_faces(drawn, tmp_path).name == drawn.digest and drawn.split_digest == ""
    assert np.array_equal(opened.pixels, saved.pixels) and opened.table.equals(saved.table)
    assert (opened.name, opened.digest, opened.report) == ("drawn at noon", drawn.digest, ())
    assert isinstance(opened.pixels, np.memmap) and not opened.pixels.flags.writeable


@settings(max_examples=50)
@given(st.text(max_size=4))
def test_whatever_is_written_of_a_photo_is_read_again(faces_of, tmp_path_factory, words):
    faces = faces_of(
        photo=["a", "b"], subject=[words, "NA"], source=["null", "0012"], annotator=["1.0", words]
    )
    opened = open_faces(save_faces(faces, tmp_path_factory.mktemp("kept")))
    assert opened.table.equals(faces.table) and opened.digest == faces.digest


def test_photos_are_saved_only_once(drawn, tmp_path, monkeypatch):
    folder = save_faces(drawn, tmp_path)
    monkeypatch.setattr(np, "save", lambda *_: pytest.fail("written again"))
    assert save_faces(drawn, tmp_path) == folder and list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), OSError(28, "No space left on device")], ids=repr
)
@pytest.mark.parametrize(
    "where, last", [(np, "save"), (pd.DataFrame, "to_csv"), (Path, "write_bytes"), (os, "replace")]
)
def test_saving_that_ends_midway_leaves_nothing_behind(drawn, tmp_path, where, last, error):
    def fail(*_, **__):
        raise error

    assert drawn.digest  # which uses to_csv itself
    with pytest.MonkeyPatch.context() as patch, pytest.raises(type(error)):
        patch.setattr(where, last, fail)
        save_faces(drawn, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert open_faces(save_faces(drawn, tmp_path)).digest == drawn.digest


def test_where_somebody_else_saves_the_same_photos_meanwhile_theirs_are_taken(
    drawn, tmp_path, monkeypatch
):
    save = np.save

    def overtaken(file, pixels):
        save(file, pixels)
        (tmp_path / drawn.digest).mkdir()
        (tmp_path / drawn.digest / "theirs").touch()

    monkeypatch.setattr(np, "save", overtaken)
    assert os.listdir(save_faces(drawn, tmp_path)) == ["theirs"] and os.listdir(tmp_path) == [
        drawn.digest
    ]
