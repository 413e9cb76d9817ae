"""Executes the notebooks in order, knows which are stale, and rewrites the README's numbers.

`python -m emoclass.reproduce` is what `make reproduce` calls; `--check` is what `make check` calls.
"""

import argparse
import ast
import contextlib
import hashlib
import io
import json
import os
import sys
import time
from pathlib import Path

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from emoclass import paths, results, sweep
from emoclass.backend import silence
from emoclass.data import muxspace
from emoclass.faces import BadInput, listed
from emoclass.new_faces import NoNewFaces
from emoclass.split import LeakError
from emoclass.store import Store
from emoclass.study import PROFILES, figure_folder, rehearsal_folder

README = paths.ROOT / "README.md"
MARK = "emoclass"  # the key of a notebook's metadata under which its digests stand


def code(notebook) -> str:
    """All code of a notebook, cell by cell."""
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


def inputs_digest(notebook, dataset: str, profile: str) -> str:
    """sha256 over what an executed notebook was made from: its code, the library, the lock, which data."""
    sha = hashlib.sha256(f"{dataset}\n{profile}\n{code(notebook)}".encode())
    if dataset == "muxspace":
        sha.update(muxspace.PINNED.encode())
    elif dataset != "cartoon":
        for file in sorted(Path(dataset).rglob("*")):
            sha.update(os.fsencode(file) + f" {file.lstat().st_size} {file.lstat().st_mtime_ns}".encode())
    for file in [*sorted((paths.ROOT / "emoclass").rglob("*.py")), paths.ROOT / "requirements.lock"]:
        sha.update(f"\n{file.relative_to(paths.ROOT).as_posix()}\n".encode() + file.read_bytes())
    return sha.hexdigest()


def outputs(name: str, folder: Path) -> dict[str, str]:
    """sha256 of each figure of a notebook, and of its own part of results.json."""
    found = {file.name: _sha(file.read_bytes()) for file in sorted(folder.glob(f"{name[:2]}_*.png"))}
    if (folder / "results.json").exists():
        whole = results.load(folder / "results.json")
        own = {key: entry for key, entry in whole["numbers"].items() if entry["notebook"] == name}
        labels = {k: v for k, v in whole["labels"].items() if any(key.startswith(f"{k}.") for key in own)}
        found["results.json"] = _sha(json.dumps([own, labels], sort_keys=True).encode())
    return found


def staleness(path: Path, made: Path, dataset: str, profile: str) -> str | None:
    """Why the notebook made at `made` from the source at `path` has to be executed again; None if it need not."""
    if not made.exists():
        return "never executed"
    kept = nbformat.read(made, as_version=4).metadata.get(MARK, {})
    if not kept:
        return "never executed to its end"
    if kept["inputs"] != inputs_digest(nbformat.read(path, as_version=4), dataset, profile):
        return "its code, the library, the lock or the data changed"
    now = outputs(path.stem, figure_folder(dataset, profile))
    changed = [name for name in kept["outputs"] | now if kept["outputs"].get(name) != now.get(name)]
    return f"changed or missing since: {listed(changed)}" if changed else None


def parameters_of(notebook) -> set[str]:
    """The names that the cell tagged "parameters" gives values to."""
    cells = [cell.source for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    statements = [statement for source in cells for statement in ast.parse(source).body]
    return {target.id for statement in statements if isinstance(statement, ast.Assign) for target in statement.targets}


def planned(path: Path, parameters: dict) -> list[sweep.Task]:
    """The runs that a notebook will ask for: its cells are run up to the last tagged "plan", which say `study.plan`.

    Raises BadInput naming the notebook and the cell if that fails.
    """
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    last = [k for k, cell in enumerate(cells) if "plan" in cell.metadata.get("tags", [])]
    if not last:
        return []
    names: dict = {"__name__": path.stem}
    for k, cell in enumerate(cells[: last[-1] + 1], 1):
        source = "\n".join(line for line in cell.source.splitlines() if not line.startswith("%"))
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(source, f"{path.name}, code cell {k}", "exec"), names)
        except (BadInput, LeakError):
            raise
        except Exception as error:
            raise BadInput(f"{path.name}, code cell {k}: {type(error).__name__}: {error}") from error
        if "parameters" in cell.metadata.get("tags", []):
            names |= parameters
    return names["study"].planned


def execute(path: Path, target: Path, parameters: dict, dataset: str, profile: str) -> None:
    """Run a notebook with these parameters in place of its own, and move it to `target` once it has succeeded.

    Raises BadInput if it lacks a parameter, and PapermillExecutionError if a cell fails: what was executed then
    lies under build/failed/, and the notebook at `target` is as it was.
    """
    source = nbformat.read(path, as_version=4)
    if unknown := sorted(set(parameters) - parameters_of(source)):
        raise BadInput(f"{path.name} has no {listed(unknown)} in its cell tagged parameters")
    half = paths.build_folder() / "failed" / path.name
    half.parent.mkdir(parents=True, exist_ok=True)
    started = time.time()
    with silence():  # the kernel's own log; all runs have been trained, with their progress shown, before
        papermill.execute_notebook(
            path, half, parameters, kernel_name="python3", cwd=paths.ROOT, progress_bar=False, log_output=False
        )
    for figure in figure_folder(dataset, profile).glob(f"{path.name[:2]}_*.png"):
        if figure.stat().st_mtime < started - 2:  # of an earlier version of this notebook
            figure.unlink()
    notebook = stripped(nbformat.read(half, as_version=4))
    notebook.metadata[MARK] = dict(
        inputs=inputs_digest(source, dataset, profile), outputs=outputs(path.stem, figure_folder(dataset, profile))
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.draft")
    nbformat.write(notebook, draft)
    os.replace(draft, target)
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


def rewrite_readme() -> bool:
    """Fill the README's marked numbers and tables from results.json; True if that changed anything."""
    before = README.read_text()
    after = results.fill(before, results.load(paths.FIGURES / "muxspace" / "results.json"))
    if after != before:
        draft = README.with_suffix(".draft")
        draft.write_text(after)
        os.replace(draft, README)
    return after != before


def check() -> list[str]:
    """What is older in content than what it was made from: executed notebooks, figures, numbers, README."""
    stale = []
    for path in notebooks():
        if why := staleness(path, path, "muxspace", "full"):
            stale.append(f"notebooks/{path.name}: {why}")
    try:
        text = README.read_text()
        if results.fill(text, results.load(paths.FIGURES / "muxspace" / "results.json")) != text:
            stale.append("README.md: its numbers differ from results.json")
    except (BadInput, FileNotFoundError) as error:
        stale.append(f"README.md: {error}")
    return stale


def notebooks() -> list[Path]:
    """The notebooks of the study, in order."""
    return sorted(paths.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


def reproduce(dataset: str = "muxspace", profile: str = "full", say=print) -> None:
    """Train what is missing, execute what is stale, rewrite the README (for the study itself only)."""
    dataset, profile = _available(dataset, profile, say)
    canonical = (dataset, profile) == ("muxspace", "full")
    folder = paths.NOTEBOOKS if canonical else rehearsal_folder(dataset, profile) / "notebooks"
    # The study itself is run without parameters, so that its notebooks are their source and its outputs.
    parameters = {} if canonical else {"DATASET": dataset, "PROFILE": profile}
    store = Store(paths.build_folder() / "runs")
    say(f"{dataset}, {profile}: counting the runs of {len(notebooks())} notebooks")
    wanted = {}
    for path in notebooks():
        try:
            wanted[path] = planned(path, parameters)
        except NoNewFaces as error:
            say(f"{path.stem} is left out: {error}")
    missing = sweep.missing([task for tasks in wanted.values() for task in tasks], store)
    workers = sweep.default_workers()
    about = f", about {sweep.minutes_to_train(missing):.0f} min on {workers} workers" if missing else ""
    count = len({task.address for tasks in wanted.values() for task in sweep.with_starts(tasks)})
    say(f"{len(missing)} of {count} runs are to be trained{about}")
    # Who starts from nothing wants to see it all made again, however fresh the committed notebooks are.
    from_nothing = "nothing was made here yet" if missing and not any(store.folder.glob("*.npz")) else None
    stale = {}
    for path, tasks in wanted.items():
        lacking = "its runs are not all kept here" if sweep.missing(tasks, store) else None
        if why := staleness(path, folder / path.name, dataset, profile) or from_nothing or lacking:
            stale[path] = why
    sweep.train_missing(missing, store, say=say)
    for k, path in enumerate(wanted, 1):
        label = f"notebook {k} of {len(wanted)}: {path.stem}"
        if path not in stale:
            say(f"{label} is up to date")
            continue
        start = time.perf_counter()
        say(f"{label}: {stale[path]}; executing")
        execute(path, folder / path.name, parameters, dataset, profile)
        say(f"{label} done in {time.perf_counter() - start:.0f} s")
    if canonical:
        rewrite_readme()
    else:
        say(f"executed notebooks and figures: {os.path.relpath(folder.parent)}")


def _available(dataset: str, profile: str, say) -> tuple[str, str]:
    """Data set and profile as asked for; where there are no photos to be had, a rehearsal on the drawn faces."""
    if dataset == "cartoon":
        return dataset, profile
    if dataset != "muxspace":
        return str(Path(dataset).expanduser().resolve()), profile
    os.environ["EMOCLASS_DATA"] = str(paths.data_folder())  # notebooks run in another working folder
    try:
        if muxspace.find() is None:
            muxspace.fetch(paths.data_folder())
    except muxspace.Unreachable as error:
        say(
            f"No photos: {error}. Going on with a quick rehearsal on the drawn faces instead, into build/ "
            "(`make reproduce DATASET=cartoon` runs all of it on them)."
        )
        return "cartoon", "quick"
    if muxspace.find(part=muxspace.NEW_FACES) is None:  # unreachable now, they stop the study: a notebook needs them
        muxspace.fetch(paths.data_folder(), part=muxspace.NEW_FACES)
    return dataset, profile


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def main(arguments=None) -> int:
    """Exit status 0: done (or nothing stale); 1: a notebook or a run failed, or something is stale; 2: bad input."""
    parser = argparse.ArgumentParser(prog="python -m emoclass.reproduce", description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="muxspace", help="muxspace, cartoon, or a folder of your own photos")
    parser.add_argument("--profile", default="full", choices=PROFILES)
    parser.add_argument("--check", action="store_true", help="only say what is stale")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.check:
            stale = check()
            print("\n".join(stale) or "Notebooks, figures and README are what their sources make.")
            return int(bool(stale))
        reproduce(chosen.dataset, chosen.profile, say=lambda line: print(line, flush=True))
        return 0
    except (BadInput, LeakError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except sweep.SweepError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except PapermillExecutionError as error:
        print(f"error: {error}\nThe notebook as far as it came lies in build/failed/.", file=sys.stderr)
        return 1
    except DeadKernelError as error:
        print(f"error: a notebook's kernel died (out of memory?): {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Finished runs are kept; the same command goes on from there.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
