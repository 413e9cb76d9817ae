"""`emoclass` or `python -m emoclass`: reproduce, check, audit, fetch, export.

Exit status: 0 done, nothing found; 1 something was found, or work failed; 2 bad input; 130 interrupted.
"""

import argparse
import io
import os
import sys
from collections.abc import Callable
from functools import partial

from emoclass.errors import InputError, LeakError, StudyError

say = partial(print, flush=True)  # progress that can be watched through a pipe


def say_on(line: str) -> None:
    """`say`, or nothing once `| head` has seen enough: the work is done to its end all the same."""
    try:
        say(line)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _reproduce(options) -> None:
    from emoclass.study.reproduce import reproduce

    reproduce(options.dataset, options.profile, options.only, say)


def _check(_) -> bool:
    from emoclass.study.reproduce import check

    stale = check()
    say_on("\n".join(stale) or "Notebooks, figures and README are what their sources make.")
    return bool(stale)


def _audit(options) -> bool:
    from emoclass.study.leak_report import leak_report

    return leak_report(options.path, options.train, options.test, options.csv, options.html, options.fix, say_on) > 0


def _fetch(options) -> None:
    from emoclass.data.muxspace import fetch_all

    if options.archive and not os.path.isfile(options.archive):
        raise InputError(f"there is no archive {options.archive}")
    fetch_all(options.archive, say)


def _export(options) -> None:
    from emoclass.study.export import FACTS, export

    if not options.dataset:
        raise InputError("DATASET is empty: name muxspace, synthetic or a folder of photos")
    kept = export(options.dataset, options.profile, say_on)
    say_on(f"{kept}: the model; {FACTS} beside it tells what it takes, what it yields and what to expect of it")


def main(arguments: list[str] | None = None) -> int:
    """Run one command, as `run` does."""
    parser = argparse.ArgumentParser("emoclass", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(function, text):
        added = commands.add_parser(function.__name__.strip("_"), help=text, description=text)
        added.set_defaults(run=function)
        return added

    reproduce = command(_reproduce, "train what is missing and execute the notebooks, one by one")
    for added in (reproduce, command(_export, "train the model to take away on every photo")):
        added.add_argument("--dataset", default="muxspace", help="muxspace, synthetic, or a folder of your own photos")
        added.add_argument("--profile", default="full", choices=("full", "quick"))
    reproduce.add_argument("--only", default="", metavar="NOTEBOOK", help="one notebook: 03_leakage")
    command(_check, "name each notebook, figure and README number that is older than what it was made from")
    audit = command(_audit, "which pictures stand twice, or were made from another")
    audit.add_argument("path", nargs="?", default="", help="a folder of pictures, muxspace or synthetic")
    for side in ("train", "test"):
        audit.add_argument(f"--{side}", default="", metavar="FOLDER", help="instead: one side of a split")
    audit.add_argument("--csv", default="", metavar="FILE", help="every pair")
    audit.add_argument("--html", default="", metavar="FILE", help="the pairs side by side, on one page")
    audit.add_argument("--fix", default="", metavar="FILE", help="a split that keeps what was made from one together")
    fetch = command(_fetch, "fetch the photos, or unpack them, and verify them")
    fetch.add_argument("--archive", metavar="FILE", help="a .tar.gz or .zip of the pinned commit")
    options = parser.parse_args(arguments)
    return run(options.run, options)


def run(work: Callable, *given) -> int:
    """The exit status of work, which is true if it found something; its errors end here, in one sentence on stderr."""
    for stream in (sys.stdout, sys.stderr):  # a name that the terminal cannot show ends nothing
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    for name in ("EMOCLASS_DATA", "EMOCLASS_BUILD"):  # notebooks run in another folder than this command
        if os.environ.get(name):
            os.environ[name] = os.path.abspath(os.path.expanduser(os.environ[name]))
    try:
        return int(bool(work(*given)))
    except (InputError, LeakError, StudyError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1 if isinstance(error, StudyError) else 2
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # a folder that may not be written, a file of somebody else's, no room
        if not error.filename:
            raise
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        kept = " What was finished is kept; the same command goes on from there." * (work is _reproduce)
        print(f"\nStopped.{kept}", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
