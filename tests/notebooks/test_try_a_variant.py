"""The notebook to play with runs from end to end, in a kernel of its own, as its reader runs it."""

import nbformat
import papermill

from emoclass import paths


def test_the_notebook_to_play_with_runs_without_photos_and_writes_under_build_alone(
    tmp_path, committed, monkeypatch
):
    """With one literal edited, as it is meant to be: a small net and one epoch are enough here."""
    monkeypatch.setenv("EMOCLASS_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setenv("EMOCLASS_BUILD", str(tmp_path / "build"))
    monkeypatch.setenv("EMOCLASS_WORKERS", "1")
    monkeypatch.setenv("PYTHONPATH", str(paths.ROOT))  # this checkout, whichever is installed
    path = paths.NOTEBOOKS / "try_a_variant.ipynb"
    before = committed()
    edited = nbformat.read(path, as_version=4)
    small = "net=models.ConvNet(dense=(4,)), epochs=1, n_folds=2"
    for cell in edited.cells:
        cell.source = cell.source.replace('Variant("baseline")', f'Variant("baseline", {small})')
    nbformat.write(edited, tmp_path / path.name)
    done = papermill.execute_notebook(
        tmp_path / path.name, tmp_path / "done.ipynb", cwd=paths.NOTEBOOKS, progress_bar=False
    )
    shown = [output for cell in done.cells if cell.cell_type == "code" for output in cell.outputs]
    assert sum("image/png" in output.get("data", {}) for output in shown) == 4
    assert len(list((tmp_path / "build" / "runs").glob("*.npz"))) == 12
    assert committed() == before
