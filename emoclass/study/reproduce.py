"""Executes the notebooks in order, knows which are stale, and rewrites the README's numbers."""

import contextlib
import hashlib
import io
import json
import os
import shutil
import time
from pathlib import Path

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from emoclass import paths
from emoclass.backend import silence
from emoclass.data import canonical_name, muxspace
from emoclass.data.images import names_below
from emoclass.data.new_faces import NoNewFaces
from emoclass.errors import InputError, LeakError, StudyError, listed
from emoclass.files import locked, write_text
from emoclass.study import results, sweep
from emoclass.study.code import modules_digest, reached
from emoclass.study.notebook import figure_folder, rehearsal_folder
from emoclass.study.store import Store
from emoclass.study.workers import workers

README = paths.ROOT / "README.md"
LOCK = paths.ROOT / "requirements.lock"
ABANDONED = 3600  # seconds after which nobody is writing a draft any more
METADATA = "emoclass"  # the key of a notebook's metadata under which its digests stand


def notebooks() -> list[Path]:
    """The notebooks of the study, in order."""
    return sorted(paths.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


def code(notebook) -> str:
    """All code of a notebook."""
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


def inputs_digest(notebook, dataset: str, profile: str) -> str:
    """sha256 over what an executed notebook was made from: its code, the modules it reaches, the lock, which data."""
    parts = [
        dataset,
        profile,
        code(notebook),
        modules_digest(reached(code(notebook))),
        _sha(LOCK.read_bytes()),
    ]
    if dataset == "muxspace":
        parts.append(muxspace.PINNED)
    elif dataset != "synthetic":
        parts.append(os.environ.get("EMOCLASS_SUBJECT", ""))
        files = [Path(dataset, name) for name in names_below(dataset)] or [Path(dataset)]
        parts += [
            f"{file} {file.stat().st_size} {file.stat().st_mtime_ns}"
            for file in files
            if file.exists()
        ]
    return _sha(os.fsencode("\n".join(parts)))


def outputs(name: str, folder: Path) -> dict[str, str]:
    """sha256 of each figure of a notebook, and of its own part of results.json."""
    found = {
        file.name: _sha(file.read_bytes()) for file in sorted(folder.glob(f"{name[:2]}_*.png"))
    }
    if (folder / "results.json").exists():
        whole = results.load(folder / "results.json")
        own = {key: entry for key, entry in whole["numbers"].items() if entry["notebook"] == name}
        labels = {
            k: v for k, v in whole["labels"].items() if any(key.startswith(f"{k}.") for key in own)
        }
        found["results.json"] = _sha(json.dumps([own, labels], sort_keys=True).encode())
    return found


def staleness(
    path: Path, made: Path, dataset: str, profile: str, tasks: list[sweep.Task] | None = None
) -> str | None:
    """Why the notebook has to be executed again, or None; `tasks`: the runs that it reads, None leaves them aside."""
    source = _read(path)
    try:
        kept = _read(made).metadata.get(METADATA) if made.exists() else None
    except InputError:
        return "its last execution is damaged"
    if not kept:
        return "never executed"
    if kept["inputs"] != inputs_digest(source, dataset, profile):
        return "its cells, the modules that it reaches, the lock or the data changed"
    if tasks is not None and kept["runs"] != _runs_digest(tasks):
        return "the runs that it reads changed"
    now = outputs(path.stem, figure_folder(dataset, profile))
    changed = [name for name in kept["outputs"] | now if kept["outputs"].get(name) != now.get(name)]
    return f"changed or missing since: {listed(changed)}" if changed else None


def planned(path: Path, parameters: dict) -> list[sweep.Task]:
    """The runs that a notebook plans: cells run up to the last tagged "plan"; InputError names the one that fails."""
    cells = [cell for cell in _read(path).cells if cell.cell_type == "code"]
    last = max(
        (k for k, cell in enumerate(cells, 1) if "plan" in cell.metadata.get("tags", [])), default=0
    )
    names: dict = {"__name__": path.stem}
    for k, cell in enumerate(cells[:last], 1):
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(cell.source, f"{path.name}, code cell {k}", "exec"), names)
        except (InputError, LeakError):
            raise
        except (Exception, SystemExit) as error:
            raise InputError(
                f"{path.name}, code cell {k}: {type(error).__name__}: {error}"
            ) from error
        names |= parameters  # whatever the cell that gives them values says
    return names["study"].planned if last else []


def execute(
    path: Path, target: Path, parameters: dict, dataset: str, profile: str, tasks: list[sweep.Task]
) -> None:
    """Run a notebook with these parameters in place of its own, and move it to `target` once it has succeeded.

    Raises InputError if it lacks a parameter, StudyError if a cell fails (see build/failed) or it is edited meanwhile.
    """
    if unknown := sorted(parameters.keys() - papermill.inspect_notebook(path).keys()):
        raise InputError(f"{path.name} has no {listed(unknown)} in its cell tagged parameters")
    half = paths.build_folder() / "failed" / path.name
    half.parent.mkdir(parents=True, exist_ok=True)
    started, source, inputs = (
        time.time(),
        path.read_bytes(),
        inputs_digest(_read(path), dataset, profile),
    )
    how = dict(kernel_name="python3", cwd=paths.ROOT, progress_bar=False, log_output=False)
    try:
        with (
            silence()
        ):  # the kernel's own log; all runs have been trained, with their progress shown, before
            notebook = papermill.execute_notebook(path, half, parameters, **how)
    except PapermillExecutionError as error:
        raise StudyError(
            f"{error}\nThe notebook as far as it came lies in {half.parent}."
        ) from error
    except DeadKernelError as error:
        raise StudyError(f"{path.name}: its kernel died (out of memory?): {error}") from error
    if path.read_bytes() != source:
        raise StudyError(
            f"{path.name} was changed while it was executed: the same command executes it as it is now"
        )
    figures = figure_folder(dataset, profile)
    for figure in figures.glob(f"{path.name[:2]}_*.png"):
        if figure.stat().st_mtime < started - 2:  # of an earlier version of this notebook
            figure.unlink()
    digests = dict(inputs=inputs, runs=_runs_digest(tasks), outputs=outputs(path.stem, figures))
    # Without timings, log noise and absolute paths, so that the same run gives the same file.
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
    write_text(target, nbformat.writes(notebook) + "\n")
    half.unlink()


def documents() -> list[Path]:
    """The README and what stands in docs/ beside it."""
    return [README, *sorted((README.parent / "docs").glob("*.md"))]


def rewrite_prose(path: Path, found: dict, absent: str | None = None, write: bool = True) -> bool:
    """Whether `results.fill` changes the prose of a document or notebook; with `write`, puts it in place."""
    before = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        after = results.fill(before, found, absent)
    else:
        notebook = nbformat.reads(before, as_version=4)
        before = nbformat.writes(notebook) + "\n"
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = results.fill(cell.source, found, absent)
        after = nbformat.writes(notebook) + "\n"
    if write and after != before:
        write_text(path, after)
    return after != before


def rewrite_documents() -> None:
    """`rewrite_prose` of every document, from results.json."""
    for path in documents():
        rewrite_prose(path, results.load(figure_folder("muxspace", "full") / "results.json"))


def check() -> list[str]:
    """What is older in content than what it was made from: executed notebooks, figures, numbers, README."""
    stale = [
        f"notebooks/{p.name}: {why}"
        for p in notebooks()
        if (why := staleness(p, p, "muxspace", "full"))
    ]
    try:
        found = results.load(paths.FIGURES / "muxspace" / "results.json")
    except FileNotFoundError as error:
        return [*stale, f"results.json: {error}"]
    for path in (*documents(), *notebooks()):
        name = path.relative_to(README.parent)
        try:
            if rewrite_prose(path, found, write=False):
                stale.append(f"{name}: its numbers differ from results.json")
        except InputError as error:
            stale.append(f"{name}: {error}")
    unmet = [
        (e["notebook"], sentence)
        for sentence, e in found.get("expectations", {}).items()
        if not e["holds"]
    ]
    return stale + [
        f"{name}: its prose says that {sentence}; it does not hold" for name, sentence in unmet
    ]


def reproduce(dataset: str = "muxspace", profile: str = "full", only: str = "", say=print) -> None:
    """Notebook by notebook, in order: train what it lacks, execute it if it is stale; then rewrite the README.

    All (or the one that is `only` to be made) are planned first: what cannot be done is said before anything is
    trained. One at a time in a build folder; others wait.
    """
    build = paths.build_folder()
    with locked(
        build / "reproduce",
        lambda: say(f"another make reproduce is at work in {build}: waiting for it"),
    ):
        _reproduce(dataset, profile, only, say)


def _reproduce(dataset: str, profile: str, only: str, say) -> None:
    dataset = canonical_name(dataset)
    if not dataset:
        raise InputError("DATASET is empty: name muxspace, synthetic or a folder of photos")
    if dataset not in ("muxspace", "synthetic"):
        dataset = str(Path(dataset).expanduser().resolve())
    if dataset == "muxspace" and not _photos_found(say):
        dataset, profile = "synthetic", "quick"
    if not (wanted := [path for path in notebooks() if only in ("", path.stem)]):
        raise InputError(
            f"there is no notebook {only!r}; choose one of {listed(path.stem for path in notebooks())}"
        )
    canonical = (dataset, profile) == ("muxspace", "full")
    folder = paths.NOTEBOOKS if canonical else rehearsal_folder(dataset, profile) / "notebooks"
    # The study itself is run without parameters, so that its notebooks are their source and its outputs.
    parameters = {} if canonical else {"DATASET": dataset, "PROFILE": profile}
    numbers = figure_folder(dataset, profile) / "results.json"
    _cleared(paths.build_folder(), numbers, say)
    store = Store(paths.build_folder() / "runs")
    say(f"{dataset}, {profile}: counting the runs of {len(wanted)} notebooks")
    plan = {}
    for path in wanted:
        try:
            plan[path] = planned(path, parameters)
        except NoNewFaces as error:
            say(f"{path.stem} is left out: {error}")
    everything = [task for tasks in plan.values() for task in tasks]
    missing, count = (
        sweep.missing(everything, store),
        len({task.key for task in sweep.with_starts(everything)}),
    )
    say(f"{len(missing)} of {count} runs are to be trained")
    # Who starts from nothing wants to see it all made again, however fresh the committed notebooks are.
    from_nothing = (
        "nothing was made here yet" if missing and not any(store.folder.glob("*.npz")) else None
    )
    with workers() if missing else contextlib.nullcontext() as executor:
        for k, (path, tasks) in enumerate(plan.items(), 1):
            label = f"notebook {k} of {len(plan)}: {path.stem}"
            trained = (
                sweep.train_missing(tasks, store, executor, say)
                and "its runs were not all kept here"
            )
            why = (
                staleness(path, folder / path.name, dataset, profile, tasks)
                or from_nothing
                or trained
            )
            if not why:
                say(f"{label} is up to date")
                continue
            began = time.perf_counter()
            say(f"{label}: {why}; executing")
            execute(path, folder / path.name, parameters, dataset, profile, tasks)
            say(f"{label} done in {time.perf_counter() - began:.0f} s")
    absent = (
        None if canonical and not only else "?"
    )  # of the study itself, every number must be there
    if canonical or numbers.exists():
        for path in (
            (*notebooks(), *documents()) if canonical else (folder / path.name for path in plan)
        ):
            rewrite_prose(path, results.load(numbers), absent)
    if not canonical:
        say(f"executed notebooks and figures: {os.path.relpath(folder.parent)}")


def _photos_found(say) -> bool:
    """Whether the photos are there or could be fetched. Raises InputError if another part could not."""
    os.environ["EMOCLASS_DATA"] = str(
        paths.data_folder()
    )  # notebooks run in another working folder
    for part in muxspace.PARTS.values():
        try:
            muxspace.find(part=part) or muxspace.fetch(paths.data_folder(), part=part)
        except muxspace.Unreachable as error:
            if part != muxspace.PHOTOS:  # notebooks need it beside the photos
                raise
            what = "Going on with a quick rehearsal on the synthetic faces instead, into build/"
            say(
                f"No photos in {paths.data_folder()}: {error}. {what} (DATASET=synthetic runs all of it on them)."
            )
            return False
    return True


def _read(path: Path):
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


def _cleared(build: Path, numbers: Path, say) -> None:
    """Take away what killed processes left below `build`, and put damaged results aside, to be made anew."""
    for draft in build.rglob(".draft-*"):
        if time.time() - draft.stat().st_mtime > ABANDONED:
            shutil.rmtree(draft, ignore_errors=True)
    try:
        if numbers.is_relative_to(build) and numbers.exists():
            results.load(numbers)
    except InputError as error:
        os.replace(numbers, numbers.with_suffix(".damaged"))
        say(f"{error}; set aside as {numbers.stem}.damaged")


def _runs_digest(tasks: list[sweep.Task]) -> str:
    return _sha("\n".join(sorted({task.key for task in tasks})).encode())


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
