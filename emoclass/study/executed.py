"""Notebooks: which runs they plan, how they are executed, and whether they are older than what they were made from."""

import contextlib
import hashlib
import io
import json
import linecache
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from emoclass import paths
from emoclass.backend import silence
from emoclass.data import muxspace
from emoclass.data.images import names_below
from emoclass.errors import InputError, LeakError, StudyError, listed
from emoclass.files import write_text
from emoclass.study import results, sweep
from emoclass.study.code import modules_digest, reached
from emoclass.study.edited import cell_digests
from emoclass.study.notebook import PUBLISH, edited_folder, published_folder, rehearsal_folder

LOCK = paths.ROOT / "requirements.lock"
METADATA = "emoclass"  # the key of a notebook's metadata under which its digests stand


@dataclass(frozen=True)
class Edition:
    """Which photos, how much of it, and with which values in the notebooks' parameters cells."""

    dataset: str
    profile: str
    settings: dict

    @property
    def is_study(self) -> bool:
        """Whether this is the study itself, whose notebooks and figures are committed."""
        return (self.dataset, self.profile) == ("muxspace", "full") and not self.settings

    @property
    def parameters(self) -> dict:
        """Values in place of a notebook's own; none for the study, so that its notebooks are their own source."""
        if self.is_study:
            return {}
        return {"DATASET": self.dataset, "PROFILE": self.profile, **self.settings}

    @property
    def numbers(self) -> Path:
        """The results.json that all its notebooks share."""
        return published_folder(self.dataset, self.profile) / "results.json"

    def figures(self, name: str) -> Path:
        """Where a notebook puts its figures."""
        if self.settings:
            return edited_folder(name)
        return published_folder(self.dataset, self.profile)

    def target(self, path: Path) -> Path:
        """Where the executed notebook is put."""
        if self.settings:
            return edited_folder(path.stem) / path.name
        if self.is_study:
            return paths.NOTEBOOKS / path.name
        return rehearsal_folder(self.dataset, self.profile) / "notebooks" / path.name


STUDY = Edition("muxspace", "full", {})


def notebooks() -> list[Path]:
    """The notebooks of the study, in order."""
    return sorted(paths.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


def read(path: Path):
    """The notebook at a path. Raises InputError if it is none."""
    try:
        return nbformat.read(path, as_version=4)
    except (
        ValueError,
        KeyError,
        AttributeError,
    ) as error:  # what nbformat makes of other JSON, and of none
        raise InputError(
            f"{path} is no notebook (the marks of a merge?): mend it or take it back from git"
        ) from error


def code_cells(notebook) -> list[str]:
    """The source of each code cell."""
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def code(notebook) -> str:
    """All code of a notebook."""
    return "\n\n".join(code_cells(notebook))


def inputs_digest(notebook, edition: Edition) -> str:
    """sha256 over what an executed notebook was made from: its code, the modules it reaches, the lock, which data."""
    source = code(notebook)
    settings = json.dumps(edition.settings, sort_keys=True)
    parts = [edition.dataset, edition.profile, settings, source, modules_digest(reached(source))]
    parts.append(_sha(LOCK.read_bytes()))
    if edition.dataset == "muxspace":
        parts.append(muxspace.PINNED)
    elif edition.dataset != "synthetic":
        parts.append(os.environ.get("EMOCLASS_SUBJECT", ""))
        parts += _files_of(edition.dataset)
    return _sha(os.fsencode("\n".join(parts)))


def _files_of(dataset: str) -> list[str]:
    """Path, size and time of each file of a data set: of those in a folder, or of one file."""
    names = names_below(dataset) or [""]
    found = []
    for name in names:
        file = Path(dataset, name)
        if file.exists():
            known = file.stat()
            found.append(f"{file} {known.st_size} {known.st_mtime_ns}")
    return found


def outputs(name: str, folder: Path) -> dict[str, str]:
    """sha256 of each figure of a notebook, and of its own part of results.json."""
    found = {}
    for file in sorted(folder.glob(f"{name[:2]}_*.png")):
        found[file.name] = _sha(file.read_bytes())
    path = folder / "results.json"
    if path.exists():
        own = _own_part(results.load(path), name)
        text = json.dumps(own, sort_keys=True)
        found["results.json"] = _sha(text.encode())
    return found


def _own_part(whole: dict, name: str) -> dict:
    """What a notebook recorded in a results.json that all share."""
    own = {}
    for what in ("numbers", "claims", "expectations"):
        own[what] = {}
        for key, entry in whole.get(what, {}).items():
            if entry["notebook"] == name:
                own[what][key] = entry
    own["labels"] = {}
    owners = whole.get("labelled_by", {})
    for key, label in whole.get("labels", {}).items():
        if owners.get(key) == name:
            own["labels"][key] = label
    return own


def staleness(
    path: Path,
    edition: Edition = STUDY,
    tasks: list[sweep.Task] | None = None,
) -> str | None:
    """Why a notebook has to be executed again, or None.

    tasks    the runs that it reads; None leaves them aside
    """
    made = edition.target(path)
    source = read(path)
    try:
        kept = read(made).metadata.get(METADATA) if made.exists() else None
    except InputError:
        return "its last execution is damaged"
    if not kept:
        return "never executed"
    if kept["inputs"] != inputs_digest(source, edition):
        return "its cells, the modules that it reaches, the lock or the data changed"
    if tasks is not None and kept["runs"] != runs_digest(tasks):
        return "the runs that it reads changed"
    now = outputs(path.stem, edition.figures(path.stem))
    before = kept["outputs"]
    changed = [name for name in before | now if before.get(name) != now.get(name)]
    if changed:
        return f"changed or missing since: {listed(changed)}"
    return None


def planned(path: Path, parameters: dict) -> list[sweep.Task]:
    """The runs that a notebook plans: cells run up to the last tagged "plan".

    Raises InputError that names the cell that fails.
    """
    cells = [cell for cell in read(path).cells if cell.cell_type == "code"]
    last = 0
    for k, cell in enumerate(cells, 1):
        if "plan" in cell.metadata.get("tags", []):
            last = k
    names: dict = {"__name__": path.stem}
    for k, cell in enumerate(cells[:last], 1):
        where = f"{path.name}, code cell {k}"
        # A function of a cell is known by its source, which Python looks up here.
        linecache.cache[where] = (
            len(cell.source),
            None,
            cell.source.splitlines(keepends=True),
            where,
        )
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(cell.source, where, "exec"), names)
        except (InputError, LeakError):
            raise
        except (Exception, SystemExit) as error:
            raise InputError(f"{where}: {type(error).__name__}: {error}") from error
        if "parameters" in cell.metadata.get("tags", []):
            names |= parameters
    return names["study"].planned if last else []


def execute(path: Path, edition: Edition, tasks: list[sweep.Task]) -> None:
    """Run a notebook with the edition's parameters in place of its own; move it to its target once it has succeeded.

    Raises InputError if it lacks a parameter, StudyError if a cell fails (see build/failed) or it is edited meanwhile.
    """
    check_parameters(path, edition)
    half = paths.build_folder() / "failed" / path.name
    half.parent.mkdir(parents=True, exist_ok=True)
    started = time.time()
    source = path.read_bytes()
    inputs = inputs_digest(read(path), edition)
    notebook = _run(path, half, edition)
    if path.read_bytes() != source:
        raise StudyError(
            f"{path.name} was changed while it was executed: the same command executes it as it is now"
        )
    figures = edition.figures(path.stem)
    for figure in figures.glob(f"{path.name[:2]}_*.png"):
        if figure.stat().st_mtime < started - 2:  # of an earlier version of this notebook
            figure.unlink()
    digests = {"inputs": inputs, "runs": runs_digest(tasks), "outputs": outputs(path.stem, figures)}
    _without_noise(notebook, digests)
    write_text(edition.target(path), nbformat.writes(notebook) + "\n")
    half.unlink()
    if edition.is_study:
        _note_cells(edition.numbers, path)


def check_parameters(path: Path, edition: Edition) -> None:
    """Raise InputError naming what a notebook does not have in its parameters cell."""
    read(path)  # which says in a sentence that it is no notebook
    known = papermill.inspect_notebook(path)
    unknown = sorted(edition.parameters.keys() - known.keys())
    if unknown:
        raise InputError(
            f"{path.name} has no {listed(unknown)} in its cell tagged parameters; it has {listed(sorted(known))}"
        )


def _run(path: Path, half: Path, edition: Edition):
    options = dict(kernel_name="python3", cwd=paths.ROOT, progress_bar=False, log_output=False)
    publish = "" if edition.settings else path.stem
    try:
        # Without the kernel's own log; all runs have been trained, with their progress shown, before.
        with environment(PUBLISH, publish), silence():
            return papermill.execute_notebook(path, half, edition.parameters, **options)
    except PapermillExecutionError as error:
        raise StudyError(
            f"{error}\nThe notebook as far as it came lies in {half.parent}."
        ) from error
    except DeadKernelError as error:
        raise StudyError(f"{path.name}: its kernel died: {error}") from error


@contextlib.contextmanager
def environment(name: str, value: str) -> Iterator[None]:
    """Within it an environment variable has this value, here and in kernels that are started."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]
        if before is not None:
            os.environ[name] = before


def _without_noise(notebook, digests: dict) -> None:
    """Without timings, log noise and absolute paths, so that the same run gives the same file."""
    python = {"kernelspec": notebook.metadata.kernelspec, "language_info": {"name": "python"}}
    notebook.metadata = nbformat.from_dict(python | {METADATA: digests})
    for cell in notebook.cells:
        for noise in ("papermill", "execution"):
            cell.metadata.pop(noise, None)
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
        for output in cell.get("outputs", ()):
            if "text" in output:
                output.text = output.text.replace(f"{paths.ROOT}{os.sep}", "")


def _note_cells(numbers: Path, path: Path) -> None:
    """Leave in results.json what the published cells are, for a notebook that is edited to be held against."""
    whole = results.load(numbers)
    cells = whole.setdefault("cells", {})
    cells[path.stem] = cell_digests(code_cells(read(path)))
    write_text(numbers, json.dumps(whole, indent=1, allow_nan=False) + "\n")


def runs_digest(tasks: list[sweep.Task]) -> str:
    """sha256 over the runs that a notebook reads."""
    addresses = {task.address for task in tasks}
    text = "\n".join(sorted(addresses))
    return _sha(text.encode())


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
