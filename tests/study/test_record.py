"""The record: a run is used if its address and its code are those asked for; else one sentence, and it is trained."""

import json
from dataclasses import replace

import numpy as np
import pytest

from emoclass import models
from emoclass.data.synthetic import SyntheticConfig, draw
from emoclass.errors import InputError, StudyError
from emoclass.faces import without_pixels
from emoclass.study import record as module
from emoclass.study import sweep as sweeping
from emoclass.study.bundle import Bundle, Entry, write_bundle
from emoclass.study.record import Derived, Record, run_entry, write_record
from emoclass.study.store import Store, made_now
from emoclass.study.sweep import Archive, count, missing, sweep, tasks
from emoclass.study.train import as_run, fit, make_split
from emoclass.variant import Variant

TINY = Variant(
    "tiny", net=models.ConvNet(dense=(4,)), n_folds=2, n_folds_run=1, epochs=2, record_epochs=True,
    record_features=True,
)  # fmt: skip
FACES = draw(SyntheticConfig(counts=(6,) * 8), size=12)
(TASK,) = tasks([TINY], FACES)


@pytest.fixture(scope="module")
def outcome():
    everything, split = make_split(TINY, FACES, 0)
    return fit(TINY, everything, split)


@pytest.fixture
def trainings(monkeypatch, outcome):
    """Names of what was trained; to train takes no time here."""
    found = []

    def train_missing(wanted, archive, executor=None, stream=None):
        lacking = missing(wanted, archive)
        for task in lacking:
            found.append(str(task))
            archive.store.put(task.key, outcome)
        return len(lacking)

    monkeypatch.setattr(sweeping, "train_missing", train_missing)
    return found


@pytest.fixture
def archive(tmp_path, outcome):
    """An empty store, and a record of the one run."""
    made = Archive(Store(tmp_path / "runs"), Record(tmp_path / "record"))
    put(made, TASK.address, run_entry(TASK, outcome, made_now()))
    return made


def put(archive, address, entry):
    write_bundle(archive.record.folder / "notebook.zip", {address: entry})


def again(archive):
    """The same folders, read anew."""
    return Archive(archive.store, Record(archive.record.folder))


def predicted(archive):
    return sweep([TINY], FACES, archive=archive)["tiny"]


def test_a_run_is_found_by_its_address_and_holds_the_bits_of_the_store(archive, trainings, outcome):
    recorded = predicted(archive).runs[0]
    assert trainings == []
    archive.store.put(TASK.key, outcome)
    stored = predicted(replace(archive, record=sweeping.NOTHING_RECORDED)).runs[0]
    fresh = as_run(TINY, FACES, 0, 0, outcome)
    for run in (recorded, stored):
        for name in ("probabilities", "validation", "epoch_predictions"):
            assert getattr(run, name).tobytes() == getattr(fresh, name).tobytes()
            assert getattr(run, name).dtype == getattr(fresh, name).dtype
        assert run.history == fresh.history and run.seconds == fresh.seconds
        assert run.rows == fresh.rows and run.photo.tolist() == fresh.photo.tolist()
        assert run.address == TASK.address


def test_the_number_of_runs_from_each_place_is_told_with_the_processor(archive, outcome):
    other = tasks([TINY.replace(name="other", epochs=3)], FACES)
    stored = tasks([TINY.replace(name="stored", epochs=4)], FACES)
    archive.store.put(stored[0].key, outcome)
    text = str(count([TASK, TASK, *other, *stored], archive))
    processor = made_now()["versions"]["processor"]
    assert text == (
        f"3 runs: 1 trained here before, 1 from the record (trained on {processor}), 1 to be trained"
    )


def of_other_code(outcome):
    made = made_now()
    made["versions"] = made["versions"] | {"code": "other code"}
    return run_entry(TASK, outcome, made)


def test_a_run_of_other_code_is_not_used_which_one_sentence_says(
    archive, outcome, trainings, capsys
):
    put(archive, TASK.address, of_other_code(outcome))
    predicted(archive)
    assert trainings == [str(TASK)]
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "1 entries were made with other training code (other co, today's is" in told


def test_a_run_of_other_code_is_used_once_it_is_confirmed_on_today_s(archive, outcome, trainings):
    put(archive, TASK.address, of_other_code(outcome))
    archive.record.confirm("other code", {"runs": 8})
    predicted(again(archive))
    assert trainings == [] and again(archive).record.faults == []
    notes = json.loads((archive.record.folder / "confirmed.json").read_text())
    notes[0]["today"] = "code of yesterday"
    (archive.record.folder / "confirmed.json").write_text(json.dumps(notes))
    predicted(again(archive))
    assert trainings == [str(TASK)]


def test_of_several_confirmations_of_one_code_on_one_day_s_code_the_last_is_kept(archive):
    for outcome in (1, 2):
        archive.record.confirm("other code", {"runs": outcome})
    archive.record.confirm("a third", {"runs": 3})
    assert [note["runs"] for note in archive.record.confirmations] == [2, 3]


def cut_short(archive, outcome):
    path = archive.record.folder / "notebook.zip"
    path.write_bytes(path.read_bytes()[:-40])


def flipped(archive, outcome):
    path = archive.record.folder / "notebook.zip"
    data = bytearray(path.read_bytes())
    data[data.index(TASK.address.encode()) + 60] ^= 0xFF
    path.write_bytes(data)


def of_another_shape(archive, outcome):
    levels = outcome.levels[:, :-1]
    put(archive, TASK.address, run_entry(TASK, replace(outcome, levels=levels), made_now()))


def of_other_photos(archive, outcome):
    put(archive, TASK.address, run_entry(TASK, replace(outcome, part=outcome.part[1:]), made_now()))


def of_another_split(archive, outcome):
    part = np.roll(outcome.part, 1)
    part[:] = part[0]
    put(archive, TASK.address, run_entry(TASK, replace(outcome, part=part), made_now()))


def without_an_array(archive, outcome):
    entry = run_entry(TASK, outcome, made_now())
    put(archive, TASK.address, Entry(entry.about, {"part": entry.arrays["part"]}))


def without_history(archive, outcome):
    entry = run_entry(TASK, outcome, made_now())
    about = {name: value for name, value in entry.about.items() if name != "history"}
    put(archive, TASK.address, Entry(about, entry.arrays))


@pytest.mark.parametrize(
    "damage",
    [cut_short, flipped, of_another_shape, of_other_photos, of_another_split, without_an_array,
     without_history],
)  # fmt: skip
def test_what_does_not_fit_is_one_sentence_and_then_trained(
    archive, outcome, trainings, capsys, damage
):
    damage(archive, outcome)
    found = predicted(again(archive))
    assert trainings == [str(TASK)]
    assert (
        found.runs[0].probabilities.tobytes()
        == as_run(TINY, FACES, 0, 0, outcome).probabilities.tobytes()
    )
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines


def test_weights_asked_of_a_recorded_run_are_trained_again_once(
    archive, trainings, outcome, capsys
):
    run = predicted(archive).runs[0]
    assert trainings == []
    np.testing.assert_array_equal(run.weights[0], outcome.weights[0])
    assert run.embeddings.keys() == {"train", "validation", "test"}
    assert trainings == [str(TASK)]
    assert "tiny, fold 0: its weights are needed and not recorded" in capsys.readouterr().err


def test_without_photos_a_recorded_run_is_shown_and_a_missing_one_is_a_sentence(archive, trainings):
    bare = without_pixels(FACES)
    found = sweep([TINY], bare, archive=archive)["tiny"]
    assert len(found) == len(predicted(archive)) and trainings == []


def test_without_photos_a_missing_run_is_a_sentence(archive):
    bare = without_pixels(FACES)
    with pytest.raises(InputError, match=r"1 runs are not recorded and cannot be trained.*other"):
        sweep([TINY, TINY.replace(name="other", epochs=3)], bare, archive=archive)


# writing it


def test_a_notebook_s_record_holds_what_it_reads_and_the_store_wins(archive, outcome, tmp_path):
    newer = replace(outcome, seconds=77.0)
    archive.store.put(TASK.key, newer)
    kept = Derived(tmp_path / "derived", archive.record)
    kept.put("map", np.arange(3.0))
    kept.put("another map", np.arange(4.0))
    path = archive.record.folder / "notebook.zip"
    write_record(path, [TASK], ["map"], archive, kept)
    index = Bundle(path).index
    assert set(index) == {TASK.address, "map"}
    assert index[TASK.address]["about"]["seconds"] == 77.0
    assert np.array_equal(again(archive).record.derived("map"), np.arange(3.0))


def test_an_entry_that_is_nowhere_is_named_and_nothing_is_written(archive, tmp_path):
    path = archive.record.folder / "notebook.zip"
    before = path.read_bytes()
    kept = Derived(tmp_path / "derived", archive.record)
    with pytest.raises(StudyError, match=r"notebook.zip: 1 entries are nowhere: no such map"):
        write_record(path, [TASK], ["no such map"], archive, kept)
    assert path.read_bytes() == before


def test_what_was_derived_is_found_in_the_folder_then_in_the_record_of_today_s_code(
    archive, tmp_path, monkeypatch
):
    put(archive, "map", Entry(made_now(), {"derived": np.arange(3)}))
    kept = Derived(tmp_path / "derived", again(archive).record)
    assert kept.get("map").tolist() == [0, 1, 2]
    kept.put("map", np.arange(5))
    assert kept.get("map").tolist() == [0, 1, 2, 3, 4]
    assert kept.get("nowhere") is None and kept.asked == {"map", "nowhere"}
    monkeypatch.setattr(module, "training_code", lambda: "code of tomorrow")
    later = Derived(tmp_path / "derived", again(archive).record)
    assert later.get("map") is None
