"""`emoclass audit`: splitaudit, with the eight emotions and the two collections known by name."""

import argparse
import os

from splitaudit.cli import FOUND, run
from splitaudit.pictures import SIDE

import splitaudit
from emoclass.data import load_faces
from emoclass.data.folder import BUILT_IN
from emoclass.errors import InputError
from emoclass.labels import canonical
from emoclass.paths import build_folder


def audit(options: argparse.Namespace) -> bool:
    """Audit what the options of `splitaudit.cli.add_arguments` name; whether a picture leaks.

    Raises InputError where nothing can be read or a file cannot be written.
    """
    os.environ.setdefault("SPLITAUDIT_CACHE", str(build_folder() / "splitaudit"))
    try:
        return run(options, report) == FOUND
    except splitaudit.InputError as error:
        raise InputError(str(error)) from error


def report(path: str | None = None, **options) -> splitaudit.Report:
    """As `splitaudit.audit`: labels are emotions, and a path may be "muxspace" or "synthetic"."""
    if path not in BUILT_IN:
        return splitaudit.audit(path, normalise_label=canonical, **options)
    faces = load_faces(path, SIDE)
    table = faces.table.rename(columns={"emotion": "label", "subject": "group"})
    pictures = splitaudit.Pictures.from_arrays(list(faces.pixels), list(faces.table.photo))
    chosen = {name: options[name] for name in ("config", "reporter") if name in options}
    return splitaudit.audit_pictures(pictures, table, **chosen)
