"""Executes the notebooks in order, knows which are stale, and rewrites the README's numbers."""

import ast
import contextlib
import hashlib
import io
import json
import os
import time
from pathlib import Path

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from emoclass import paths
from emoclass.backend import silence
from emoclass.data import canonical_name, muxspace
from emoclass.data.new_faces import NoNewFaces
from emoclass.errors import InputError, LeakError, StudyError, listed
from emoclass.files import replacing, write_text
from emoclass.study import results, sweep
from emoclass.study.code import modules_digest, reached
from emoclass.study.notebook import figure_folder, rehearsal_folder
from emoclass.study.store import Store

README = paths.ROOT / "README.md"
LOCK = paths.ROOT / "requirements.lock"
METADATA = "emoclass"  # the key of a notebook's metadata under which its digests stand


def notebooks() -> list[Path]:
    """The notebooks of the study, in order."""
    return sorted(paths.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


def code(notebook) -> str:
    """All code of a notebook, cell by cell, without the notebook's own commands (%...)."""
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return "\n\n".join("\n".join(line for line in source.splitlines() if line[:1] != "%") for source in cells)


def inputs_digest(notebook, dataset: str, profile: str) -> str:
    """sha256 over what an executed notebook was made from: its code, the modules it reaches, the lock, which data."""
    sha = hashlib.sha256(f"{dataset}\n{profile}\n{code(notebook)}".encode())
    if dataset == "muxspace":
        sha.update(muxspace.PINNED.encode())
    elif dataset != "synthetic":
        for file in sorted(Path(dataset).rglob("*")):
            sha.update(os.fsencode(file) + f" {file.lstat().st_size} {file.lstat().st_mtime_ns}".encode())
    sha.update(modules_digest(reached(code(notebook))).encode() + LOCK.read_bytes())
    return sha.hexdigest()


def runs_digest(tasks: list[sweep.Task]) -> str:
    """sha256 over the keys of the runs that a notebook reads."""
    return _sha("\n".join(sorted({task.key for task in tasks})).encode())


def outputs(name: str, folder: Path) -> dict[str, str]:
    """sha256 of each figure of a notebook, and of its own part of results.json."""
    found = {file.name: _sha(file.read_bytes()) for file in sorted(folder.glob(f"{name[:2]}_*.png"))}
    if (folder / "results.json").exists():
        whole = results.load(folder / "results.json")
        own = {key: entry for key, entry in whole["numbers"].items() if entry["notebook"] == name}
        labels = {k: v for k, v in whole["labels"].items() if any(key.startswith(f"{k}.") for key in own)}
        found["results.json"] = _sha(json.dumps([own, labels], sort_keys=True).encode())
    return found


def staleness(path: Path, made: Path, dataset: str, profile: str, tasks: list[sweep.Task] | None = None) -> str | None:
    """Why the notebook made at `made` from the source at `path` has to be executed again; None if it need not.

    tasks    the runs that it reads, to compare them too; None: leave them aside (to plan them needs the photos)
    """
    if not made.exists():
        return "never executed"
    kept = nbformat.read(made, as_version=4).metadata.get(METADATA, {})
    if not kept:
        return "never executed to its end"
    if kept["inputs"] != inputs_digest(nbformat.read(path, as_version=4), dataset, profile):
        return "its cells, the modules that it reaches, the lock or the data changed"
    if tasks is not None and kept.get("runs") != runs_digest(tasks):
        return "the runs that it reads changed"
    now = outputs(path.stem, figure_folder(dataset, profile))
    changed = [name for name in kept["outputs"] | now if kept["outputs"].get(name) != now.get(name)]
    return f"changed or missing since: {listed(changed)}" if changed else None


def parameters_of(notebook) -> set[str]:
    """The names that the cell tagged "parameters" gives values to."""
    cells = [cell.source for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    statements = [statement for source in cells for statement in ast.parse(source).body]
    return {target.id for statement in statements if isinstance(statement, ast.Assign) for target in statement.targets}


def planned(path: Path, parameters: dict) -> list[sweep.Task]:
    """The runs that a notebook will need: its cells are run up to the last tagged "plan", which call `study.plan`.

    Raises InputError naming the notebook and the cell if that fails.
    """
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    last = [k for k, cell in enumerate(cells) if "plan" in cell.metadata.get("tags", [])]
    if not last:
        return []
    names: dict = {"__name__": path.stem}
    for k, cell in enumerate(cells[: last[-1] + 1], 1):
        source = "\n".join(line for line in cell.source.splitlines() if line[:1] != "%")
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(source, f"{path.name}, code cell {k}", "exec"), names)
        except (InputError, LeakError):
            raise
        except Exception as error:
            raise InputError(f"{path.name}, code cell {k}: {type(error).__name__}: {error}") from error
        if "parameters" in cell.metadata.get("tags", []):
            names |= parameters
    return names["study"].planned


def execute(path: Path, target: Path, parameters: dict, dataset: str, profile: str, tasks: list[sweep.Task]) -> None:
    """Run a notebook with these parameters in place of its own, and move it to `target` once it has succeeded.

    Raises InputError if it lacks a parameter, and StudyError if a cell fails: what was executed then lies under
    build/failed/, and the notebook at `target` is as it was.
    """
    source = nbformat.read(path, as_version=4)
    if unknown := sorted(set(parameters) - parameters_of(source)):
        raise InputError(f"{path.name} has no {listed(unknown)} in its cell tagged parameters")
    half = paths.build_folder() / "failed" / path.name
    half.parent.mkdir(parents=True, exist_ok=True)
    started = time.time()
    try:
        with silence():  # the kernel's own log; all runs have been trained, with their progress shown, before
            papermill.execute_notebook(
                path, half, parameters, kernel_name="python3", cwd=paths.ROOT, progress_bar=False, log_output=False
            )
    except PapermillExecutionError as error:
        raise StudyError(f"{error}\nThe notebook as far as it came lies in {half.parent}.") from error
    except DeadKernelError as error:
        raise StudyError(f"{path.name}: its kernel died (out of memory?): {error}") from error
    for figure in figure_folder(dataset, profile).glob(f"{path.name[:2]}_*.png"):
        if figure.stat().st_mtime < started - 2:  # of an earlier version of this notebook
            figure.unlink()
    notebook = stripped(nbformat.read(half, as_version=4))
    notebook.metadata[METADATA] = dict(
        inputs=inputs_digest(source, dataset, profile),
        runs=runs_digest(tasks),
        outputs=outputs(path.stem, figure_folder(dataset, profile)),
    )
    with replacing(target) as draft:
        nbformat.write(notebook, draft)
    half.unlink()


def stripped(notebook):
    """The notebook without timings, progress, log noise and absolute paths: the same run gives the same file."""
    notebook.metadata = {k: v for k, v in notebook.metadata.items() if k in ("kernelspec", "language_info")}
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        for noise in ("papermill", "execution"):
            cell.metadata.pop(noise, None)
        if "outputs" in cell:
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
            for output in cell.outputs:
                if "text" in output:
                    output.text = output.text.replace(str(paths.ROOT) + os.sep, "")
    return notebook


def documents() -> list[Path]:
    """The README and what stands in docs/ beside it."""
    return [README, *sorted((README.parent / "docs").glob("*.md"))]


def rewrite_documents(absent: str | None = None) -> None:
    """Fill the marked numbers and tables of the documents from results.json. As `results.fill`."""
    found = results.load(paths.FIGURES / "muxspace" / "results.json")
    filled = {path: results.fill(path.read_text(encoding="utf-8"), found, absent) for path in documents()}
    for path, text in filled.items():
        if text != path.read_text(encoding="utf-8"):
            write_text(path, text)


def rewrite_prose(path: Path, found: dict, absent: str | None = None) -> bool:
    """Fill the numbers marked in a notebook's Markdown cells; True if that changed anything. As `results.fill`."""
    notebook = nbformat.read(path, as_version=4)
    before = [cell.source for cell in notebook.cells]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = results.fill(cell.source, found, absent)
    if before == [cell.source for cell in notebook.cells]:
        return False
    with replacing(path) as draft:
        nbformat.write(notebook, draft)
    return True


def check() -> list[str]:
    """What is older in content than what it was made from: executed notebooks, figures, numbers, README."""
    stale = []
    for path in notebooks():
        if why := staleness(path, path, "muxspace", "full"):
            stale.append(f"notebooks/{path.name}: {why}")
    try:
        found = results.load(paths.FIGURES / "muxspace" / "results.json")
    except FileNotFoundError as error:
        return [*stale, f"results.json: {error}"]
    texts = {str(path.relative_to(README.parent)): path.read_text(encoding="utf-8") for path in documents()}
    for path in notebooks():
        cells = nbformat.read(path, as_version=4).cells
        texts[f"notebooks/{path.name}"] = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    for name, text in texts.items():
        try:
            if results.fill(text, found) != text:
                stale.append(f"{name}: its numbers differ from results.json")
        except InputError as error:
            stale.append(f"{name}: {error}")
    unmet = {sentence: e for sentence, e in found.get("expectations", {}).items() if not e["holds"]}
    return stale + [
        f"{e['notebook']}: its prose says that {sentence}; it does not hold" for sentence, e in unmet.items()
    ]


def reproduce(dataset: str = "muxspace", profile: str = "full", only: str = "", say=print) -> None:
    """Notebook by notebook, in order: train what it lacks, execute it if it is stale; then rewrite the README.

    only    the name of one notebook, without its suffix; none: all of them
    All notebooks are planned first, so that what cannot be done is said before anything is trained.
    """
    dataset, profile = _available(canonical_name(dataset), profile, say)
    wanted = [path for path in notebooks() if only in ("", path.stem)]
    if not wanted:
        raise InputError(f"there is no notebook {only!r}; choose one of {listed(path.stem for path in notebooks())}")
    canonical = (dataset, profile) == ("muxspace", "full")
    folder = paths.NOTEBOOKS if canonical else rehearsal_folder(dataset, profile) / "notebooks"
    # The study itself is run without parameters, so that its notebooks are their source and its outputs.
    parameters = {} if canonical else {"DATASET": dataset, "PROFILE": profile}
    store = Store(paths.build_folder() / "runs")
    say(f"{dataset}, {profile}: counting the runs of {len(wanted)} notebooks")
    plan = {}
    for path in wanted:
        try:
            plan[path] = planned(path, parameters)
        except NoNewFaces as error:
            say(f"{path.stem} is left out: {error}")
    everything = [task for tasks in plan.values() for task in tasks]
    missing = sweep.missing(everything, store)
    count = len({task.key for task in sweep.with_starts(everything)})
    say(f"{len(missing)} of {count} runs are to be trained on {sweep.default_workers()} workers")
    # Who starts from nothing wants to see it all made again, however fresh the committed notebooks are.
    from_nothing = "nothing was made here yet" if missing and not any(store.folder.glob("*.npz")) else None
    for k, (path, tasks) in enumerate(plan.items(), 1):
        label = f"notebook {k} of {len(plan)}: {path.stem}"
        trained = "its runs were not all kept here" if sweep.train_missing(tasks, store, say=say) else None
        why = staleness(path, folder / path.name, dataset, profile, tasks) or from_nothing or trained
        if not why:
            say(f"{label} is up to date")
            continue
        began = time.perf_counter()
        say(f"{label}: {why}; executing")
        execute(path, folder / path.name, parameters, dataset, profile, tasks)
        say(f"{label} done in {time.perf_counter() - began:.0f} s")
    absent = None if canonical and not only else "?"  # of the study itself, every number must be there
    if (numbers := figure_folder(dataset, profile) / "results.json").exists():
        for path in notebooks() if canonical else [folder / path.name for path in plan]:
            rewrite_prose(path, results.load(numbers), absent)
    if canonical:
        rewrite_documents(absent)
    else:
        say(f"executed notebooks and figures: {os.path.relpath(folder.parent)}")


def _available(dataset: str, profile: str, say) -> tuple[str, str]:
    """Data set and profile as wanted; where there are no photos to be had, a rehearsal on the synthetic faces."""
    if dataset == "synthetic":
        return dataset, profile
    if dataset != "muxspace":
        return str(Path(dataset).expanduser().resolve()), profile
    os.environ["EMOCLASS_DATA"] = str(paths.data_folder())  # notebooks run in another working folder
    try:
        if muxspace.find() is None:
            muxspace.fetch(paths.data_folder())
    except muxspace.Unreachable as error:
        say(
            f"No photos: {error}. Going on with a quick rehearsal on the synthetic faces instead, into build/ "
            "(`make reproduce DATASET=synthetic` runs all of it on them)."
        )
        return "synthetic", "quick"
    for part in muxspace.PARTS.values():  # unreachable now, they stop the study: notebooks need them
        if muxspace.find(part=part) is None:
            muxspace.fetch(paths.data_folder(), part=part)
    return dataset, profile


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
