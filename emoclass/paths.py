"""Where photos, caches and figures live: in the checkout, else where the system keeps such."""

import os
from pathlib import Path

import platformdirs

from emoclass.errors import InputError

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
FIGURES = ROOT / "figures"
RECORD = ROOT / "record"


def in_checkout() -> bool:
    """Whether this is the repository, and not the package alone, installed elsewhere."""
    return (ROOT / "pyproject.toml").is_file()


def require_checkout(command: str) -> None:
    """Raise InputError, naming the command that needs the notebooks, unless they are there."""
    if not in_checkout():
        raise InputError(
            f"`emoclass {command}` needs a checkout of the repository, with its notebooks: "
            f"this emoclass is installed in {ROOT}, without them"
        )


def data_folder() -> Path:
    """The folder of the photo collection.

    `EMOCLASS_DATA`, else `data/` in a checkout, else the user's data folder.
    """
    return _folder("EMOCLASS_DATA", "data", platformdirs.user_data_dir)


def build_folder() -> Path:
    """The folder of everything that can be made again: caches, finished runs.

    `EMOCLASS_BUILD`, else `build/` in a checkout, else the user's cache folder.
    """
    return _folder("EMOCLASS_BUILD", "build", platformdirs.user_cache_dir)


def _folder(variable: str, in_project: str, of_user) -> Path:
    named = os.environ.get(variable)
    if named:
        folder = Path(named).expanduser()
    elif in_checkout():
        folder = ROOT / in_project
    else:
        folder = Path(of_user("emoclass", appauthor=False))
    return folder.resolve()
