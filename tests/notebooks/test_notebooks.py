"""The notebooks: they run from end to end on synthetic faces, and are what a reader should get to see."""

import ast
import re

import cv2
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from emoclass import kept, paths
from emoclass.data import synthetic
from emoclass.labels import EMOTIONS
from emoclass.study import executed, reproduce, results
from emoclass.study.options import ReproduceOptions

ALL = executed.notebooks()
by_name = pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(path):
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory):
    """A build folder in which all notebooks were rehearsed, and what was said meanwhile."""
    build = tmp_path_factory.mktemp("rehearsed")
    lines = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMOCLASS_BUILD", str(build))
        patch.setenv("EMOCLASS_WORKERS", "1")
        reproduce.reproduce(ReproduceOptions("synthetic", "quick"), say=lines.append)
    return build, lines


def test_all_notebooks_run_on_drawn_faces(rehearsed):
    build, lines = rehearsed
    made = build / "synthetic-quick"
    assert sorted(path.name for path in (made / "notebooks").iterdir()) == [
        path.name for path in ALL
    ]
    found = results.load(made / "figures" / "results.json")
    measuring = {path.stem for path in ALL} - {"07_takeaways"}
    assert {entry["notebook"] for entry in found["numbers"].values()} == measuring
    drawn = {path.stem.partition("_")[0] for path in (made / "figures").glob("*.png")}
    assert drawn == {"hero"} | {name[:2] for name in measuring}
    claims = sorted(found["claims"], key=lambda name: int(name[1:]))
    assert claims == [f"C{k}" for k in range(1, 18)]
    planned = re.fullmatch(r"(\d+) runs: (\d+) to be trained", lines[1])
    assert planned[1] == planned[2] == str(len(list((build / "runs").glob("*.npz"))))


@pytest.fixture(scope="module")
def shell():
    """In place of a kernel, which takes seconds to start: IPython in this process."""
    config = Config()
    config.HistoryManager.hist_file = ":memory:"
    shell = InteractiveShell.instance(config=config)
    yield shell
    shell.reset()
    shell.restore_sys_module_state()
    InteractiveShell.clear_instance()
    kept.use(None)
    plt.rcdefaults()


def run_by_hand(shell, cells):
    """Run the sources of cells as an editor does, and return the texts of what was shown."""
    shell.reset()
    with capture_output() as captured:
        for source in cells:
            shell.run_cell(source, store_history=True).raise_error()
    shown = [output.data for output in captured.outputs]
    return [data.get("text/markdown", data["text/plain"]) for data in shown]


@by_name
def test_a_notebook_edited_and_run_by_hand_changes_nothing_published(
    rehearsed, shell, path, committed, monkeypatch
):
    """A value is changed, and the cell that is run last; the runs are those of the rehearsal."""
    build, _ = rehearsed
    monkeypatch.setenv("EMOCLASS_BUILD", str(build))
    monkeypatch.setenv("EMOCLASS_WORKERS", "1")
    monkeypatch.chdir(paths.ROOT)
    before = committed()
    cells = []
    for cell in code_cells(path):
        source = cell.source
        if "parameters" in cell.metadata.get("tags", []):
            source += '\nDATASET = "synthetic"\nPROFILE = "quick"'
        if "SEEDS =" in cell.source:
            source += "\nSEEDS = SEEDS[:1]"
        cells.append(source)
    cells[-1] = "edited = True\n" + cells[-1]
    shown = "\n".join(run_by_hand(shell, cells))
    edited = build / "edited" / path.stem
    assert "Not the published study" in shown
    assert (edited / "results.json").exists()
    assert "edited = True" in (edited / f"{path.stem}.as_run.ipynb").read_text()
    assert committed() == before


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
    mine = ReproduceOptions(str(tmp_path / "mine"), "quick")
    reproduce.reproduce(mine, say=lines.append)
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
    """What a reader comes by first; the bookkeeping after "For the record" only lists names."""
    text = [cell.source for cell in read(path).cells]
    last = [k for k, source in enumerate(text) if "## For the record" in source]
    read_first = read(path).cells[: last[0]] if last else read(path).cells
    lengths = []
    for cell in read_first:
        if cell.cell_type == "code":
            lengths.append(len([line for line in cell.source.splitlines() if line.strip()]))
    assert np.median(lengths) <= 20 and max(lengths) <= 30


@by_name
def test_a_committed_notebook_is_small_and_says_nothing_of_its_machine(path):
    text = path.read_text()
    assert len(text) < 1_000_000
    assert str(paths.ROOT) not in text and not re.search(r"/home/|/Users/|/root/", text)
    assert "papermill" not in str(read(path).metadata)
    for cell in read(path).cells:
        assert not {"papermill", "execution"} & set(cell.metadata)


@by_name
def test_a_committed_notebook_was_executed_to_its_end_without_a_warning_or_says_that_it_was_not(
    path,
):
    cells = code_cells(path)
    for output in (output for cell in cells for output in cell.outputs):
        assert output.output_type != "error" and output.get("name") != "stderr"
    if [cell.execution_count for cell in cells] != list(range(1, len(cells) + 1)):
        assert not (paths.RECORD / f"{path.stem}.zip").exists()
        assert "cells of this notebook were changed since" in read(path).cells[1].source


@by_name
def test_no_photo_of_a_person_is_shown(path):
    code = executed.code(read(path))
    assert "imshow" not in code and "gallery(faces" not in code
    if "gallery(" in code:  # a contact sheet, which is for synthetic faces alone
        assert (
            "gallery(rows" in code
            and "rows = np.stack([drawn.pixels" in code
            and "drawn = synthetic.draw(" in code
        )
