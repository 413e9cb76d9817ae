"""The notebooks: they run from end to end on synthetic faces, and are what a reader should get to see."""

import ast
import re

import nbformat
import numpy as np
import pytest

from emoclass import paths
from emoclass.study import reproduce, results

ALL = reproduce.notebooks()
by_name = pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(path):
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def test_all_notebooks_run_on_drawn_faces(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOCLASS_BUILD", str(tmp_path))
    lines = []
    reproduce.reproduce("synthetic", "quick", say=lines.append)
    made = tmp_path / "synthetic-quick"
    assert sorted(path.name for path in (made / "notebooks").iterdir()) == [path.name for path in ALL]
    numbers = results.load(made / "figures" / "results.json")["numbers"]
    assert {entry["notebook"] for entry in numbers.values()} == {path.stem for path in ALL}
    assert {path.name[:2] for path in (made / "figures").glob("*.png")} == {path.stem[:2] for path in ALL}
    planned = [line for line in lines if "are to be trained" in line]
    assert len(planned) == 1 and len([line for line in lines if line.startswith("run ")]) == int(planned[0].split()[0])


@by_name
def test_parameters_are_literals(path):
    cells = [cell for cell in code_cells(path) if "parameters" in cell.metadata.get("tags", [])]
    assert len(cells) == 1
    for statement in ast.parse(cells[0].source).body:
        assert isinstance(statement, ast.Assign)
        ast.literal_eval(statement.value)


@by_name
def test_cells_are_short(path):
    lengths = [len([line for line in cell.source.splitlines() if line.strip()]) for cell in code_cells(path)]
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
    assert "SHOW_FACES = True" not in reproduce.code(read(path))
    assert "SHOW_FACES = False" in reproduce.code(read(path)) or "gallery" not in reproduce.code(read(path))
