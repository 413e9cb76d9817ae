"""`make reproduce`: only what changed is done again, and nothing good is lost when something fails."""

import contextlib
import json
import shutil

import cv2
import nbformat
import numpy as np
import pytest

from emoclass import paths
from emoclass.__main__ import main
from emoclass.data import muxspace
from emoclass.errors import InputError, StudyError
from emoclass.labels import EMOTIONS
from emoclass.study import documents, executed, reproduce, results, sweep
from emoclass.study.code import reached
from emoclass.study.executed import STUDY, Edition
from emoclass.study.options import ReproduceOptions
from emoclass.study.workers import LocalProcesses

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
PARAMETERS = 'DATASET = "muxspace"\nPROFILE = "full"'
PLAN = """from emoclass import Study, Variant, models, plots
study = Study("{name}", globals())
tiny = models.ConvNet(dense=(4,))
variants = [Variant("{name} one", net=tiny, epochs=1), Variant("{name} two", net=tiny, epochs={epochs})]
study.plan(variants)"""
REST = """found = study.sweep(variants)
study.results.add_scores("{name}", found["{name} two"])
study.figure(plots.counts(study.faces, "Counts").figure, "{number}_counts")
study.finish()"""


def write(folder, name, epochs=2, rest=REST):
    cells = [
        (PARAMETERS, ["parameters"]),
        (PLAN.format(name=name, epochs=epochs), ["plan"]),
        (rest.format(name=name, number=name[:2]), []),
    ]
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": KERNEL})
    for source, tags in cells:
        notebook.cells.append(
            nbformat.v4.new_code_cell(source, metadata={"tags": tags} if tags else {})
        )
    nbformat.write(notebook, folder / f"{name}.ipynb")
    return folder / f"{name}.ipynb"


@pytest.fixture(scope="module")
def one_worker():
    with LocalProcesses(1) as pool:
        yield pool


@pytest.fixture
def project(tmp_path, monkeypatch, one_worker):
    """A project of notebooks of our own, with a build folder of its own; all are trained by one process."""
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(paths, "FIGURES", tmp_path / "figures")
    monkeypatch.setattr(paths, "RECORD", tmp_path / "record")
    monkeypatch.setattr(documents, "README", tmp_path / "README.md")
    monkeypatch.setenv("EMOCLASS_BUILD", str(tmp_path / "build"))
    monkeypatch.setattr(sweep, "trainers", lambda _: contextlib.nullcontext(one_worker))
    return tmp_path


def study(dataset="synthetic", profile="quick"):
    lines = []
    reproduce.reproduce(ReproduceOptions(dataset, profile), say=lines.append)
    return lines


@pytest.fixture(scope="module")
def made(tmp_path_factory, one_worker):
    """A project with one notebook, rehearsed."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "notebooks").mkdir()
    write(folder / "notebooks", "01_one")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "NOTEBOOKS", folder / "notebooks")
        patch.setattr(paths, "RECORD", folder / "record")
        patch.setenv("EMOCLASS_BUILD", str(folder / "build"))
        patch.setattr(sweep, "trainers", lambda _: contextlib.nullcontext(one_worker))
        study()
    return folder


@pytest.fixture
def rehearsed(project, made):
    """`project`, as it is once `made` was."""
    return shutil.copytree(made, project, dirs_exist_ok=True)


def test_an_edited_literal_trains_that_variant_and_executes_that_notebook_only(rehearsed, capsys):
    project, one = rehearsed, rehearsed / "notebooks" / "01_one.ipynb"
    two = write(project / "notebooks", "02_two")
    first = study()
    # Two variants in two folds, which both notebooks share.
    assert first[1] == "4 runs: 4 trained here before, none to be trained"
    assert any("01_one is up to date" in line for line in first)
    figure = project / "build" / "synthetic-quick" / "figures" / "02_counts.png"
    untouched = figure.stat().st_mtime_ns

    one.write_text(one.read_text().replace("epochs=2", "epochs=2, batch_size=32"))
    lines = study()
    trained = capsys.readouterr().err.splitlines()
    assert len(trained) == 2 and all("01_one two, fold" in line for line in trained)
    assert [line for line in lines if "executing" in line] == [
        line for line in lines if "01_one: its cells" in line
    ]
    assert any("02_two is up to date" in line for line in lines)
    assert figure.stat().st_mtime_ns == untouched

    executed = nbformat.read(project / "build" / "synthetic-quick" / "notebooks" / two.name, 4)
    assert not any(
        "papermill" in cell.metadata or "execution" in cell.metadata for cell in executed.cells
    )
    assert "papermill" not in executed.metadata
    numbers = results.load(project / "build" / "synthetic-quick" / "figures" / "results.json")[
        "numbers"
    ]
    assert {entry["notebook"] for entry in numbers.values()} == {"01_one", "02_two"}


def test_a_failing_notebook_leaves_the_good_one_and_says_where_it_failed(rehearsed, capsys):
    good = rehearsed / "build" / "synthetic-quick" / "notebooks" / "01_one.ipynb"
    before = good.read_bytes()
    write(rehearsed / "notebooks", "01_one", rest="nothing = 1 / 0")
    assert main(["reproduce", "--dataset", "synthetic", "--profile", "quick"]) == 1
    printed = capsys.readouterr().err
    assert (
        "ZeroDivisionError" in printed
        and "nothing = 1 / 0" in printed
        and "build/failed" in printed
    )
    assert good.read_bytes() == before
    assert (rehearsed / "build" / "failed" / good.name).exists()


REHEARSAL = Edition("synthetic", "quick", {})


def test_a_notebook_edited_while_it_is_executed_is_neither_lost_nor_passes_for_executed(project):
    path = project / "notebooks" / "01_one.ipynb"
    edit = f"from pathlib import Path\npath = Path({str(path)!r})\n"
    edit += "path.write_text(path.read_text().replace('once', 'twice'))\nprint('once')"
    parameters = nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})
    cells = [parameters, nbformat.v4.new_code_cell(edit)]
    nbformat.write(nbformat.v4.new_notebook(metadata={"kernelspec": KERNEL}, cells=cells), path)
    with pytest.raises(StudyError, match=r"01_one\.ipynb was changed while it was executed"):
        executed.execute(path, REHEARSAL, [])
    target = REHEARSAL.target(path)
    assert "twice" in path.read_text() and not target.exists()
    executed.execute(path, REHEARSAL, [])  # nothing is left to edit
    assert nbformat.read(target, 4).cells[-1].outputs[0].text == "twice\n"


def test_what_changes_while_a_notebook_is_executed_makes_it_stale(project, monkeypatch):
    monkeypatch.setattr(executed, "LOCK", project / "lock")
    executed.LOCK.write_text("1")
    change = f"from pathlib import Path\nPath({str(executed.LOCK)!r}).write_text('2')\n"
    write(project / "notebooks", "01_one", rest=change + REST)
    study()
    assert any("the lock or the data changed; executing" in line for line in study())
    assert any("01_one is up to date" in line for line in study())


def test_without_photos_one_line_says_so_and_drawn_faces_take_their_place(project, monkeypatch):
    def unreachable(folder, part):
        raise muxspace.Unreachable("the photos cannot be fetched from nowhere (no network)")

    monkeypatch.setattr(muxspace, "find", lambda *_, **__: None)
    monkeypatch.setattr(muxspace, "fetch", unreachable)
    write(project / "notebooks", "01_one")
    documents.README.write_text("as it was")
    lines = study("muxspace", "full")
    assert len([line for line in lines if "No photos" in line]) == 1
    assert "quick rehearsal on the synthetic faces" in lines[1] and lines[2].startswith(
        "synthetic, quick:"
    )
    assert documents.README.read_text() == "as it was"
    assert not (project / "figures").exists()


def test_a_spoilt_download_is_not_taken_for_missing_photos(project, monkeypatch, capsys):
    def spoilt(folder, part):
        raise InputError("what came is not the pinned collection")

    write(project / "notebooks", "01_one")
    monkeypatch.setattr(muxspace, "find", lambda *_, **__: None)
    monkeypatch.setattr(muxspace, "fetch", spoilt)
    assert main(["reproduce"]) == 2
    assert "not the pinned collection" in capsys.readouterr().err


def test_new_faces_that_cannot_be_fetched_stop_the_study_and_are_not_left_out(
    project, monkeypatch, capsys
):
    def unreachable(folder, part):
        raise muxspace.Unreachable("the new faces cannot be fetched from nowhere (no network)")

    write(project / "notebooks", "01_one")
    monkeypatch.setattr(
        muxspace,
        "find",
        lambda *_, part=muxspace.PHOTOS: project if part is muxspace.PHOTOS else None,
    )
    monkeypatch.setattr(muxspace, "fetch", unreachable)
    assert main(["reproduce"]) == 2
    assert "the new faces cannot be fetched" in capsys.readouterr().err


def test_a_notebook_that_needs_new_faces_is_left_out_with_a_word_where_there_are_none(
    project, tmp_path
):
    write(project / "notebooks", "01_one")
    needs = write(project / "notebooks", "05_two")
    needs.write_text(
        needs.read_text().replace("study = Study(", "load_new_faces(DATASET); study = Study(")
    )
    needs.write_text(needs.read_text().replace("import Study,", "import load_new_faces, Study,"))
    random = np.random.default_rng(0)
    for k, emotion in enumerate(EMOTIONS * 4):
        (tmp_path / "mine" / emotion).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(
            str(tmp_path / "mine" / emotion / f"P{k}_1.png"),
            random.integers(0, 256, (16, 16), np.uint8),
        )
    lines = study(str(tmp_path / "mine"))
    assert any(line.startswith("05_two is left out: ") for line in lines)
    assert any("notebook 1 of 1: 01_one done" in line for line in lines)


def test_lost_runs_are_made_again_however_fresh_the_notebook_is(rehearsed):
    for run in (rehearsed / "build" / "runs").iterdir():
        run.unlink()
    lines = study()
    assert lines[1] == "4 runs: 4 to be trained"
    assert any("01_one: some of its runs were trained now; executing" in line for line in lines)


def test_too_few_photos_for_the_folds_are_one_sentence_before_anything_is_trained(project, capsys):
    write(project / "notebooks", "01_one")
    for k, emotion in enumerate(("fear", "neutral", "neutral")):
        (project / "mine" / emotion).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(
            str(project / "mine" / emotion / f"jo{k}_{k}.png"), np.full((20, 20), 90 * k, np.uint8)
        )
    assert main(["reproduce", "--dataset", str(project / "mine")]) == 2
    printed = capsys.readouterr()
    assert "fear (1)" in printed.err and len(printed.err.strip().splitlines()) == 1
    assert "run 1" not in printed.out


def test_bad_input_is_one_sentence_and_status_2(project, capsys):
    write(project / "notebooks", "01_one")
    assert main(["reproduce", "--dataset", str(project / "nowhere")]) == 2
    printed = capsys.readouterr().err
    assert "nowhere" in printed and len(printed.strip().splitlines()) == 1


def test_an_unknown_profile_is_refused(capsys):
    assert main(["reproduce", "--profile", "slow"]) == 2
    assert "PROFILE='slow' is unknown; choose one of full, quick" in capsys.readouterr().err


def test_a_notebook_without_the_parameters_it_is_given_is_refused(project):
    path = write(project / "notebooks", "01_one")
    path.write_text(path.read_text().replace('PROFILE = \\"full\\"', "pass"))
    with pytest.raises(
        InputError, match=r"01_one.ipynb has no PROFILE in its cell tagged parameters"
    ):
        executed.execute(path, REHEARSAL, [])


def test_a_broken_plan_is_named_before_anything_is_trained(project, capsys):
    path = write(project / "notebooks", "01_one")
    path.write_text(path.read_text().replace("models.ConvNet(dense=(4,))", "models.ConvNett()"))
    assert main(["reproduce", "--dataset", "synthetic", "--profile", "quick"]) == 2
    assert "01_one.ipynb, code cell 2: AttributeError" in capsys.readouterr().err
    path.write_text(path.read_text().replace("models.ConvNett()", "exit(0)"))
    assert main(["reproduce", "--dataset", "synthetic", "--profile", "quick"]) == 2
    assert "01_one.ipynb, code cell 2: SystemExit" in capsys.readouterr().err
    assert main(["reproduce", "--dataset", ""]) == 2
    assert "DATASET is empty" in capsys.readouterr().err


MORE_PLANS = """faces = study.faces.select(study.faces.table.emotion.isin(("happiness", "neutral")))
study.plan([variants[0].replace(n_folds=3)], faces, seeds=[1])"""


def test_every_plan_of_a_notebook_counts_and_what_comes_after_the_last_is_not_run(project):
    path = write(project / "notebooks", "01_one", rest="nothing = 1 / 0")
    notebook = nbformat.read(path, 4)
    notebook.cells.insert(2, nbformat.v4.new_code_cell("between = 1"))
    notebook.cells.insert(3, nbformat.v4.new_code_cell(MORE_PLANS, metadata={"tags": ["plan"]}))
    nbformat.write(notebook, path)
    found = executed.planned(path, {"DATASET": "synthetic", "PROFILE": "quick"})
    assert [task.variant.name for task in found] == ["01_one one"] * 2 + ["01_one two"] * 2 + [
        "01_one one"
    ] * 2
    assert [task.seed for task in found] == [0, 0, 0, 0, 1, 1]
    assert (
        set(found[0].faces.table.emotion)
        > set(found[-1].faces.table.emotion)
        == {"happiness", "neutral"}
    )


def test_a_notebook_without_a_plan_plans_nothing_and_is_not_run(project):
    path = write(project / "notebooks", "01_one", rest="nothing = 1 / 0")
    path.write_text(path.read_text().replace('"plan"', '"other"'))
    assert executed.planned(path, {"DATASET": "nowhere", "PROFILE": "quick"}) == []


def as_executed(project):
    """A notebook that counts as executed, with a figure, a number and a README made from them."""
    path = write(project / "notebooks", "01_one")
    folder = project / "figures" / "muxspace"
    folder.mkdir(parents=True)
    (folder / "01_counts.png").write_bytes(b"picture")
    number = dict(value=0.8, low=0.7, high=0.9, n=10, unit="share", notebook="01_one")
    (folder / "results.json").write_text(
        json.dumps(dict(numbers={"a.accuracy": number}, labels={}, claims={}))
    )
    documents.README.write_text("<!-- number a.accuracy --><!-- / -->")
    documents.rewrite_documents()
    notebook = nbformat.read(path, 4)
    notebook.metadata[executed.METADATA] = dict(
        inputs=executed.inputs_digest(notebook, STUDY),
        outputs=executed.outputs("01_one", folder),
    )
    nbformat.write(notebook, path)
    return path, folder


def test_nothing_is_stale_after_it_was_made(project):
    as_executed(project)
    assert reproduce.check() == []


def test_what_changed_since_is_named(project):
    path, folder = as_executed(project)
    text = path.read_text()
    path.write_text(text.replace("epochs=2", "epochs=3"))
    assert "01_one.ipynb: its cells" in reproduce.check()[0]
    path.write_text(text)

    (folder / "01_counts.png").write_bytes(b"another picture")
    assert "01_counts.png" in reproduce.check()[0]
    (folder / "01_counts.png").unlink()
    assert "01_counts.png" in reproduce.check()[0]
    (folder / "01_counts.png").write_bytes(b"picture")
    (folder / "01_more.png").write_bytes(b"a picture that nobody made")
    assert "01_more.png" in reproduce.check()[0]
    (folder / "01_more.png").unlink()

    documents.README.write_text(documents.README.read_text().replace("80", "81"))
    assert reproduce.check() == ["README.md: its numbers differ from results.json"]


def test_a_number_changed_by_hand_is_noticed(project):
    _, folder = as_executed(project)
    (folder / "results.json").write_text(
        (folder / "results.json").read_text().replace("0.8", "0.85")
    )
    assert any("results.json" in line for line in reproduce.check())


def test_a_notebook_never_executed_is_stale(project):
    write(project / "notebooks", "02_two")
    assert "never executed" in executed.staleness(paths.NOTEBOOKS / "02_two.ipynb")


def test_the_lock_the_pinned_photos_and_a_reached_module_each_make_a_notebook_stale(
    project, monkeypatch
):
    as_executed(project)
    lock = project / "other.lock"
    lock.write_text("numpy==0")
    for module, name, value in (
        (executed, "LOCK", lock),
        (muxspace, "PINNED", "another commit"),
        (executed, "modules_digest", lambda paths: "other code"),
    ):
        assert reproduce.check() == []
        with monkeypatch.context() as patch:
            patch.setattr(module, name, value)
            assert reproduce.check() == [
                "notebooks/01_one.ipynb: its cells, the modules that it reaches, the lock or the data changed"
            ]


def test_a_notebook_depends_on_the_modules_that_it_reaches_and_on_no_other(project):
    path = write(project / "notebooks", "01_one")
    found = {file.name for file in reached(executed.code(nbformat.read(path, 4)))}
    assert {"train.py", "metrics.py", "dataset.py", "muxspace.py"} <= found
    assert not {"evaluation.py", "inference.py", "export.py", "__main__.py"} & found


def test_photos_of_your_own_make_a_notebook_stale_when_one_changes(project):
    notebook = nbformat.read(write(project / "notebooks", "01_one"), 4)
    (project / "mine" / "fear").mkdir(parents=True)
    photo = project / "mine" / "fear" / "a.png"
    digests = []
    for content in (b"one", b"another", None):
        photo.write_bytes(content) if content else photo.rename(photo.with_name("b.png"))
        digests.append(executed.inputs_digest(notebook, Edition(str(project / "mine"), "full", {})))
    assert len(set(digests)) == 3


def test_how_subjects_are_read_off_names_decides_for_photos_of_your_own_alone(project, monkeypatch):
    notebook = nbformat.read(write(project / "notebooks", "01_one"), 4)
    mine = Edition(str(project), "full", {})
    of_mine = set()
    of_study = set()
    for pattern in ("", r"(\d)", r"(\w)"):
        monkeypatch.setenv("EMOCLASS_SUBJECT", pattern)
        of_mine.add(executed.inputs_digest(notebook, mine))
        of_study.add(executed.inputs_digest(notebook, STUDY))
    assert len(of_mine) == 3 and len(of_study) == 1


def test_other_runs_make_a_notebook_stale(rehearsed):
    path = rehearsed / "notebooks" / "01_one.ipynb"
    tasks = executed.planned(path, REHEARSAL.parameters)
    assert executed.staleness(path, REHEARSAL, tasks) is None
    assert executed.staleness(path, REHEARSAL, tasks[1:]) == "the runs that it reads changed"


def test_a_leaky_label_belongs_to_what_a_notebook_made(project):
    _, folder = as_executed(project)
    before = executed.outputs("01_one", folder)
    whole = json.loads((folder / "results.json").read_text())
    (folder / "results.json").write_text(
        json.dumps(whole | {"labels": {"a": "a (leaky)"}, "labelled_by": {"a": "01_one"}})
    )
    assert executed.outputs("01_one", folder) != before


def test_numbers_in_prose_are_filled_and_a_change_of_either_is_noticed(project):
    path, folder = as_executed(project)
    notebook = nbformat.read(path, 4)
    notebook.cells.append(
        nbformat.v4.new_markdown_cell("It is <!-- number a.accuracy -->?<!-- / -->.")
    )
    nbformat.write(notebook, path)
    assert reproduce.check() == ["notebooks/01_one.ipynb: its numbers differ from results.json"]
    found = results.load(folder / "results.json")
    assert documents.rewrite_prose(path, found) and not documents.rewrite_prose(path, found)
    assert "80.0 % (70.0 % to 90.0 %, n = 10)" in nbformat.read(path, 4).cells[-1].source
    assert reproduce.check() == []


def test_an_expectation_that_fails_is_named(project):
    _, folder = as_executed(project)
    whole = json.loads((folder / "results.json").read_text())
    whole["expectations"] = {"the leak inflates": {"holds": False, "notebook": "01_one"}}
    (folder / "results.json").write_text(json.dumps(whole))
    assert reproduce.check()[1:] == [
        "01_one: its prose says that the leak inflates; it does not hold"
    ]


def test_an_unknown_id_in_the_readme_is_named_and_the_readme_is_left_alone(project):
    as_executed(project)
    text = "<!-- number a.accuracy --><!-- / --> <!-- number no.such --><!-- / -->"
    documents.README.write_text(text)
    with pytest.raises(InputError, match=r"no\.such"):
        documents.rewrite_documents()
    assert documents.README.read_text() == text
    assert any(line.startswith("README.md: ") and "no.such" in line for line in reproduce.check())


def test_one_notebook_alone_and_a_name_that_there_is_not(project, capsys):
    write(project / "notebooks", "01_one")
    write(project / "notebooks", "02_two")
    how = ["reproduce", "--dataset", "synthetic", "--profile", "quick", "--only"]
    assert main([*how, "02_two"]) == 0
    assert [
        path.stem for path in (project / "build" / "synthetic-quick" / "notebooks").iterdir()
    ] == ["02_two"]
    capsys.readouterr()
    assert main([*how, "03_three"]) == 2
    assert (
        capsys.readouterr().err
        == "error: there is no notebook '03_three'; choose one of 01_one, 02_two\n"
    )
