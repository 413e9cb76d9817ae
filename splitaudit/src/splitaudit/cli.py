"""`splitaudit PATH`: does an image data set leak?

Exit status: 0 no picture is shown twice, 1 some are, 2 bad input, 130 interrupted.
"""

import argparse
import io
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from splitaudit import __version__
from splitaudit.auditing import audit
from splitaudit.config import SearchConfig
from splitaudit.errors import InputError
from splitaudit.files import refuse_unwritable, write_text
from splitaudit.progress import Reporter
from splitaudit.report import Report

NOTHING_FOUND = 0
FOUND = 1
BAD_INPUT = 2
INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    for stream in (sys.stdout, sys.stderr):  # a name that the terminal cannot show ends nothing
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(arguments)
    try:
        return run(options)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "splitaudit",
        description="Find the test pictures that training has: as they are, or transformed.",
        epilog="Exit status: 0 no picture is shown twice, 1 some are, 2 bad input.",
    )
    add_arguments(parser)
    parser.add_argument("--version", action="version", version=f"splitaudit {__version__}")
    return parser


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is audited, how, and what is written; also for the commands of other programs."""
    parser.add_argument("path", nargs="?", help="a folder of pictures, or a table of them")
    parser.add_argument("--train", metavar="A", help="instead: what is trained on ...")
    parser.add_argument("--test", metavar="B", help="... and what is tested")
    parser.add_argument("--csv", metavar="FILE", help="write every pair")
    parser.add_argument("--json", metavar="FILE", help="write verdict, counts and every pair")
    parser.add_argument("--html", metavar="FILE", help="write a page with the pairs side by side")
    parser.add_argument("--fix", metavar="FILE", help="write a split that keeps copies together")
    parser.add_argument(
        "--max-false",
        type=float,
        metavar="SHARE",
        default=SearchConfig().max_false,
        help="highest share of false pairs among those called copies (%(default)s)",
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(options: argparse.Namespace, audit: Callable[..., Report] = audit) -> int:
    """Audits, prints and writes.

    Args:
        options: What `add_arguments` asks for.
        audit: Called like `splitaudit.audit`.

    Returns:
        FOUND or NOTHING_FOUND.

    Raises:
        InputError: As `audit` does, or a file cannot be written.
    """
    chosen = (options.csv, options.json, options.html, options.fix)
    refuse_unwritable([Path(file).expanduser() for file in chosen if file])
    if not 0 < options.max_false < 1:
        raise InputError(f"--max-false is {options.max_false}: it has to lie between 0 and 1")
    if options.path is None and options.train is None and options.test is None:
        raise InputError("name a folder of pictures, or --train A and --test B")
    config = replace(SearchConfig(), max_false=options.max_false)
    reporter = Reporter() if options.quiet else Reporter.on_stderr()
    report = audit(
        options.path, train=options.train, test=options.test, config=config, reporter=reporter
    )
    written = _write(report, options)
    try:
        print(report)
        for file in written:
            print(f"written: {file}")
        sys.stdout.flush()
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FOUND if report.leaks else NOTHING_FOUND


def _write(report: Report, options: argparse.Namespace) -> list[str]:
    """Write what was asked for; before anything is printed, for readers may leave early."""
    written = []
    if options.csv:
        report.to_csv(options.csv)
        written.append(options.csv)
    if options.json:
        report.to_json(options.json)
        written.append(options.json)
    if options.html:
        report.to_html(options.html)
        written.append(options.html)
    if options.fix:
        split = report.fixed_split().to_csv(index=False, lineterminator="\n")
        write_text(Path(options.fix), split)
        written.append(options.fix)
    return written
