"""The package that is built works outside of its checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from drawn import put
from drawn_textures import texture

PROJECT = Path(__file__).resolve().parents[1]
BUILD = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
LIGHT = ("tensorflow", "keras", "torch", "sklearn", "emoclass", "matplotlib")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with what the wheel holds, as an installer unpacks it."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-c", BUILD, str(folder)]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(site: Path, home: Path, *command: str) -> subprocess.CompletedProcess:
    """Python where the installed package is found, and nothing of the checkout is."""
    environment = {**os.environ, "PYTHONPATH": str(site)}
    environment["SPLITAUDIT_CACHE"] = str(home / "cache")
    return subprocess.run(
        [sys.executable, *command], cwd=home, env=environment, capture_output=True, text=True
    )


def test_the_wheel_holds_the_package_its_page_and_its_command(site):
    names = {path.name for path in site.iterdir()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"splitaudit"}
    sources = (PROJECT / "src" / "splitaudit").iterdir()
    expected = {path.name for path in sources if path.suffix in (".py", ".html")}
    assert expected <= {path.name for path in (site / "splitaudit").iterdir()}
    [facts] = site.glob("*.dist-info")
    assert "splitaudit = splitaudit.cli:main" in (facts / "entry_points.txt").read_text()


def test_the_installed_package_audits_a_folder_of_cats_and_dogs(site, tmp_path):
    for number in range(16):
        part = "test" if number > 11 else "train"
        name = f"{('cats', 'dogs')[number % 2]}/{number}.png"
        put(tmp_path / "pets" / part / name, texture(number))
    put(tmp_path / "pets" / "test" / "dogs" / "again.png", texture(3)[:, ::-1])
    done = run(site, tmp_path, "-m", "splitaudit", "pets", "--html", "page.html")
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("20 % of the test pictures (1 of 5)")
    assert "train/dogs/3.png (mirrored; probability" in done.stdout
    assert "again.png" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_nothing_heavy_is_imported(site, tmp_path):
    code = (
        f"import sys, splitaudit.cli; print(splitaudit.__file__, set({LIGHT}) & set(sys.modules))"
    )
    done = run(site, tmp_path, "-c", code)
    assert done.stdout == f"{site / 'splitaudit' / '__init__.py'} set()\n"
