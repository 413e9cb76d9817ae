"""The package that is built works outside a checkout, in a folder that its user may not write."""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from emoclass.paths import ROOT

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
BUILD = "import sys; from hatchling.build import {0}; print({0}(sys.argv[1]))"


def build(kind: str, folder: Path) -> Path:
    """The wheel of this checkout, unpacked into a folder as an installer does."""
    command = [sys.executable, "-c", BUILD.format(kind), str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def user() -> list[str]:
    """What makes a command that of a user without rights here; nothing where that cannot be done."""
    if os.geteuid() == 0 and shutil.which("setpriv"):
        tried = subprocess.run([*NOBODY, sys.executable, "-c", "import numpy"], capture_output=True)
        if tried.returncode == 0:
            return NOBODY
    return []


@pytest.fixture(scope="module")
def installed():
    """(site, home): an installed package, read-only, and the home of somebody else who uses it."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        folder.chmod(0o755)  # pytest's own folders are closed to others
        site = build("build_wheel", folder)
        for path in (site, *site.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        photos = folder / "home" / "photos"
        for emotion in ("fear", "happy"):
            (photos / emotion).mkdir(parents=True)
            picture = np.random.default_rng(len(emotion)).integers(0, 255, (64, 64), np.uint8)
            cv2.imwrite(str(photos / emotion / "Ann_1.png"), picture)
        if user():
            for path in (folder / "home", *(folder / "home").rglob("*")):
                os.chown(path, 65534, 65534)
        yield site, folder / "home"
        for path in (site, *site.rglob("*")):
            path.chmod(0o755)


def as_somebody(installed, *command):
    site, home = installed
    environment = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(site),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return subprocess.run(
        [*user(), sys.executable, *command],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_wheel_holds_the_package_alone(installed):
    site, _ = installed
    names = {path.name for path in site.iterdir()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"emoclass"}
    assert files_below(ROOT / "emoclass") - files_below(site / "emoclass") == {
        name for name in files_below(ROOT / "emoclass") if "__pycache__" in name
    }


def test_photos_are_cached_in_the_home_of_whoever_reads_them(installed):
    site, home = installed
    before = files_below(site)
    code = (
        "import emoclass; faces = emoclass.load_faces('photos'); from emoclass import paths; "
        "print(emoclass.__file__); print(len(faces)); "
        "print(paths.build_folder()); print(paths.data_folder())"
    )
    done = as_somebody(installed, "-c", code)
    assert done.returncode == 0, done.stderr
    origin, count, cache, data = done.stdout.splitlines()[-4:]
    assert origin == str(site / "emoclass" / "__init__.py")
    assert count == "2"
    for folder in (cache, data):
        assert Path(folder).is_relative_to(home)
    assert list(Path(cache).rglob("pixels-*.npy"))
    assert files_below(site) == before


def test_the_command_line_is_there_and_says_what_needs_a_checkout(installed):
    done = as_somebody(installed, "-m", "emoclass", "--help")
    assert done.returncode == 0 and "reproduce" in done.stdout
    for command in ("reproduce", "retrain", "verify", "check"):
        done = as_somebody(installed, "-m", "emoclass", command)
        assert done.returncode == 2
        assert done.stderr.startswith(f"error: `emoclass {command}` needs a checkout")
        assert done.stderr.count("\n") == 1


def test_an_editable_install_is_found_beside_a_folder_of_the_same_name(tmp_path):
    site = build("build_editable", tmp_path)
    (tmp_path / "elsewhere" / "emoclass").mkdir(parents=True)
    code = (
        f"import site; site.addsitedir({str(site)!r}); "
        "from emoclass import InputError; print(InputError.__module__)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", code],
        cwd=tmp_path / "elsewhere",
        capture_output=True,
        text=True,
    )
    assert done.stdout == "emoclass.errors\n", done.stderr
