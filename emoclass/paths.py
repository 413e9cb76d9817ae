"""Where photos, caches, finished runs and figures live. Nothing here touches the disk."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
FIGURES = ROOT / "figures"
RECORD = ROOT / "record"


def data_folder() -> Path:
    """The folder that holds the photo collection: `EMOCLASS_DATA`, else `data/` in the project."""
    return Path(os.environ.get("EMOCLASS_DATA") or ROOT / "data").expanduser().resolve()


def build_folder() -> Path:
    """Everything that can be made again (caches, finished runs): `EMOCLASS_BUILD`, else `build/`."""
    return Path(os.environ.get("EMOCLASS_BUILD") or ROOT / "build").expanduser().resolve()
