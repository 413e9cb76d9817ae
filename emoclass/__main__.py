"""`emoclass` or `python -m emoclass`: the commands of the study.

Exit status: 0 done, nothing found; 1 something was found, or work failed; 2 bad input;
130 interrupted.
"""

import argparse
import io
import os
import sys
from collections.abc import Callable
from functools import partial

from emoclass import paths
from emoclass.errors import InputError, LeakError, StudyError

say = partial(print, flush=True)  # progress that can be watched through a pipe


def say_on(line: str) -> None:
    """`say`, or nothing once `| head` has seen enough: the work is done to its end all the same."""
    try:
        say(line)
    except BrokenPipeError:
        _forget_stdout()


def _forget_stdout() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _options_of_the_study(given):
    from emoclass.study.options import ReproduceOptions, parse_settings

    settings = parse_settings(given.set)
    return ReproduceOptions(given.dataset, given.profile, given.only, settings)


def _reproduce(given) -> None:
    paths.require_checkout("reproduce")
    from emoclass.study.reproduce import reproduce

    reproduce(_options_of_the_study(given))


def _retrain(given) -> None:
    paths.require_checkout("retrain")
    from emoclass.study.options import ReproduceOptions
    from emoclass.study.reproduce import retrain

    retrain(ReproduceOptions(only=given.only))


def _verify(given) -> bool:
    paths.require_checkout("verify")
    from emoclass.study.verify import verify

    return verify(given.runs)


def _check(_) -> bool:
    paths.require_checkout("check")
    from emoclass.study.reproduce import check

    stale = check()
    if stale:
        say_on("\n".join(stale))
    else:
        say_on("Notebooks, figures and README are what their sources make.")
    return bool(stale)


def _audit(given) -> bool:
    from emoclass.study.audit import audit

    return audit(given)


def _fetch(given) -> None:
    from emoclass.data.muxspace import fetch_all

    if given.archive and not os.path.isfile(given.archive):
        raise InputError(f"there is no archive {given.archive}")
    fetch_all(given.archive or None, say)


def _export(given) -> None:
    from emoclass.inference import FACTS
    from emoclass.study.export import export

    if not given.dataset:
        raise InputError("DATASET is empty: name muxspace, synthetic or a folder of photos")
    kept = export(given.dataset, given.profile, say_on)
    about = "what it takes, what it yields and what to expect of it"
    say_on(f"{kept}: the model; {FACTS} beside it tells {about}")


def main(arguments: list[str] | None = None) -> int:
    """Run one command, as `run` does."""
    given = _parser().parse_args(arguments)
    return run(given.run, given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("emoclass", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(function: Callable, text: str) -> argparse.ArgumentParser:
        name = function.__name__.strip("_")
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=function)
        return added

    reproduce = command(_reproduce, "train what is missing and execute the notebooks, one by one")
    _add_dataset(reproduce)
    _add_notebook(reproduce)
    reproduce.add_argument(
        "--set",
        default="",
        metavar="SETTINGS",
        help="other values in the notebooks' parameters: \"ROTATION=30 CLASSES=['sadness']\"",
    )
    retrain = command(_retrain, "train everything from nothing, and write new records")
    _add_notebook(retrain)
    verify = command(_verify, "train a random sample again and compare it with the record")
    verify.add_argument("--runs", type=_count, default=8, help="how many runs (default: 8)")
    command(_check, "name each notebook, figure and number that is older than its sources")
    from splitaudit.cli import add_arguments

    add_arguments(command(_audit, "which pictures stand twice, or were made from another"))
    fetch = command(_fetch, "fetch the photos, or unpack them, and verify them")
    fetch.add_argument(
        "--archive", default="", metavar="FILE", help="a .tar.gz or .zip of the pinned commit"
    )
    _add_dataset(command(_export, "train the model to take away on every photo"))
    return parser


def _add_dataset(command: argparse.ArgumentParser) -> None:
    whose = "muxspace, synthetic, or a folder of your own photos"
    command.add_argument("--dataset", default="muxspace", help=whose)
    command.add_argument("--profile", default="full", help="full, or quick: a rehearsal")


def _add_notebook(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--only", default="", metavar="NOTEBOOK", help="one notebook, such as 03_leakage"
    )


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of runs: name at least 1")
    return int(text)


def run(work: Callable, *given) -> int:
    """The exit status of work, which is true if it found something.

    Its errors end here, in one sentence on stderr.
    """
    _prepare()
    try:
        return int(bool(work(*given)))
    except (InputError, LeakError) as error:
        return _failed(error, 2)
    except StudyError as error:
        refusal = _refusal_in_a_notebook(error)
        if refusal:
            return _failed(refusal, 2)
        return _failed(error, 1)
    except BrokenPipeError:  # `| head` has seen enough
        _forget_stdout()
        return 1
    except OSError as error:  # a folder that may not be written, somebody else's file, no room
        if not error.filename:
            raise
        return _failed(f"{os.fsdecode(error.filename)}: {error.strerror}", 2)
    except KeyboardInterrupt:
        print("\nStopped.", end="", file=sys.stderr)
        if work in (_reproduce, _retrain):
            resumed = "the same command goes on from there"
            print(f" What was finished is kept; {resumed}.", end="", file=sys.stderr)
        print(file=sys.stderr)
        return 130


def _prepare() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name that the terminal cannot show ends nothing.
            stream.reconfigure(errors="backslashreplace")
    for name in ("EMOCLASS_DATA", "EMOCLASS_BUILD"):
        if os.environ.get(name):
            # Notebooks run in another folder than this command.
            os.environ[name] = os.path.abspath(os.path.expanduser(os.environ[name]))


def _failed(sentence, status: int) -> int:
    print(f"error: {sentence}", file=sys.stderr)
    return status


def _refusal_in_a_notebook(error: StudyError) -> str:
    """What a cell of an executed notebook refused to take, if that is why it failed."""
    name = getattr(error.__cause__, "ename", "")
    if name in (InputError.__name__, LeakError.__name__):
        return error.__cause__.evalue
    return ""


if __name__ == "__main__":
    sys.exit(main())
