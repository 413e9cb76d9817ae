"""The notebooks: they run from end to end on synthetic faces, and are what a reader should get to see."""

import ast
import re

import cv2
import nbformat
import numpy as np
import papermill
import pytest

from emoclass import paths
from emoclass.data import synthetic
from emoclass.labels import EMOTIONS
from emoclass.study import reproduce, results, workers

ALL = reproduce.notebooks()
by_name = pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(path):
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def test_all_notebooks_run_on_drawn_faces(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOCLASS_BUILD", str(tmp_path))
    monkeypatch.setenv("EMOCLASS_WORKERS", "1")
    monkeypatch.setattr(
        workers, "RUNS_PER_WORKER", 200
    )  # nets as small as these leave next to nothing behind
    lines = []
    reproduce.reproduce("synthetic", "quick", say=lines.append)
    made = tmp_path / "synthetic-quick"
    assert sorted(path.name for path in (made / "notebooks").iterdir()) == [
        path.name for path in ALL
    ]
    numbers = results.load(made / "figures" / "results.json")["numbers"]
    measuring = {path.stem for path in ALL} - {"07_takeaways"}
    assert {entry["notebook"] for entry in numbers.values()} == measuring
    assert {path.name[:2] for path in (made / "figures").glob("*.png")} == {
        name[:2] for name in measuring
    }
    claims = results.load(made / "figures" / "results.json")["claims"]
    assert sorted(claims, key=lambda name: int(name[1:])) == [f"C{k}" for k in range(1, 18)]
    planned = [line for line in lines if "are to be trained" in line]
    assert len(planned) == 1 and len([line for line in lines if line.startswith("run ")]) == int(
        planned[0].split()[0]
    )


def test_the_notebook_to_play_with_runs_without_photos_and_writes_under_build_alone(
    tmp_path, monkeypatch
):
    """With one literal edited, as it is meant to be: a small net and one epoch are enough here."""
    monkeypatch.setenv("EMOCLASS_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setenv("EMOCLASS_BUILD", str(tmp_path / "build"))
    monkeypatch.setenv("EMOCLASS_WORKERS", "1")
    path = paths.NOTEBOOKS / "try_a_variant.ipynb"
    before, edited = path.read_bytes(), read(path)
    for cell in edited.cells:
        small = "net=models.ConvNet(dense=(4,)), epochs=1, n_folds=2"
        cell.source = cell.source.replace('Variant("baseline")', f'Variant("baseline", {small})')
    nbformat.write(edited, tmp_path / path.name)
    done = papermill.execute_notebook(
        tmp_path / path.name, tmp_path / "done.ipynb", cwd=paths.NOTEBOOKS, progress_bar=False
    )
    shown = [output for cell in done.cells if cell.cell_type == "code" for output in cell.outputs]
    assert sum("image/png" in output.get("data", {}) for output in shown) == 1
    assert (
        len(list((tmp_path / "build" / "runs").glob("*.npz"))) == 4 and path.read_bytes() == before
    )


@pytest.mark.soak
@pytest.mark.parametrize(
    "shown", [set(EMOTIONS) - {"neutral"}, {"happiness", "neutral", "sadness"}], ids=["7", "3"]
)
def test_all_notebooks_run_on_photos_of_your_own_without_new_faces_and_without_all_emotions(
    tmp_path, monkeypatch, shown
):
    monkeypatch.setenv("EMOCLASS_BUILD", str(tmp_path / "build"))
    counts = tuple(12 * (emotion in shown) for emotion in EMOTIONS)
    faces = synthetic.draw(synthetic.SyntheticConfig(counts=counts, film=0.0), size=48)
    for subject, photo, emotion, pixels in zip(
        faces.table.subject, faces.table.photo, faces.table.emotion, faces.pixels
    ):
        (tmp_path / "mine" / emotion).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / "mine" / emotion / f"{subject}_{photo[:6]}.png"), pixels)
    lines = []
    reproduce.reproduce(str(tmp_path / "mine"), "quick", say=lines.append)
    left_out = [line for line in lines if "is left out" in line]
    assert len(left_out) == 1 and left_out[0].startswith("06_new_faces")
    assert len([line for line in lines if " done in " in line]) == len(ALL) - 1


@by_name
def test_parameters_are_literals(path):
    cells = [cell for cell in code_cells(path) if "parameters" in cell.metadata.get("tags", [])]
    assert len(cells) == 1
    for statement in ast.parse(cells[0].source).body:
        assert isinstance(statement, ast.Assign)
        ast.literal_eval(statement.value)


@by_name
def test_cells_are_short(path):
    lengths = [
        len([line for line in cell.source.splitlines() if line.strip()])
        for cell in code_cells(path)
    ]
    assert np.median(lengths) <= 7 and max(lengths) <= 25


@by_name
def test_a_committed_notebook_is_small_and_says_nothing_of_its_machine(path):
    text = path.read_text()
    assert len(text) < 1_000_000
    assert str(paths.ROOT) not in text and not re.search(r"/home/|/Users/|/root/", text)
    assert "papermill" not in str(read(path).metadata)
    for cell in read(path).cells:
        assert not {"papermill", "execution"} & set(cell.metadata)


@by_name
def test_a_committed_notebook_was_executed_to_its_end_without_a_warning(path):
    cells = code_cells(path)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for output in (output for cell in cells for output in cell.outputs):
        assert output.output_type != "error" and output.get("name") != "stderr"


@by_name
def test_no_photo_of_a_person_is_shown(path):
    code = reproduce.code(read(path))
    assert "imshow" not in code and "gallery(faces" not in code
    if "gallery(" in code:  # a contact sheet, which is for synthetic faces alone
        assert (
            "gallery(rows" in code
            and "rows = np.stack([drawn.pixels" in code
            and "drawn = synthetic.draw(" in code
        )
