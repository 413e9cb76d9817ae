"""The environment: one list of packages, a light import, and make targets that say what they do."""

import re
import subprocess
import sys
import tomllib

import pytest

from emoclass import backend
from emoclass.paths import ROOT
from emoclass.study.variant import Variant

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()


def wanted():
    everything = PROJECT["dependencies"] + [e for extra in PROJECT["optional-dependencies"].values() for e in extra]
    return [re.match(r"([\w.-]+)(.*)", line).groups() for line in everything]


def version(text):
    return tuple(int(part) for part in re.findall(r"\d+", text))


@pytest.mark.parametrize("name, bounds", wanted())
def test_the_lock_pins_every_package_within_its_bounds(name, bounds):
    pins = re.findall(rf"^{re.escape(name)}==([\w.]+)", LOCK, re.M | re.I)
    assert pins, f"{name} is not in requirements.lock; run make lock"
    for pin in pins:
        for sign, bound in re.findall(r"(>=|<)([\d.]+)", bounds):
            assert (version(pin) >= version(bound)) == (sign == ">=")


def test_the_lock_has_a_hash_for_every_pin_and_names_no_host():
    blocks = re.split(r"\n(?=\S)", LOCK.strip())
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in LOCK


def test_conda_gets_a_python_that_the_project_supports_and_the_same_lock():
    text = (ROOT / "environment.yml").read_text()
    python = re.search(r"python=([\d.]+)", text)[1]
    low, high = re.findall(r"[\d.]+", PROJECT["requires-python"])
    assert version(low) <= version(python) < version(high)
    assert "-r requirements.lock" in text
    assert "python>=" not in text


def test_every_package_that_was_asked_for_is_there():
    promised = "tensorflow keras numpy pandas opencv-python-headless seaborn jupyter papermill pytest".split()
    assert set(promised) <= {name for name, _ in wanted()}


def test_importing_emoclass_loads_no_tensorflow_nor_anything_heavy():
    code = "import sys, emoclass; print([m for m in ('tensorflow', 'keras', 'pandas', 'cv2') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]" and found.stderr == ""


def test_every_name_that_emoclass_offers_is_there():
    import emoclass

    for name in emoclass.__all__:
        assert getattr(emoclass, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = emoclass.no_such_name


def test_keras_comes_without_its_chatter():
    code = "from emoclass.backend import keras; keras().layers.Dense(1)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout + found.stderr == ""


FLAGS = "processor\t: 0\nflags\t\t: fpu sse2 {}\n"


@pytest.mark.parametrize(
    "flags, precision",
    [
        (FLAGS.format("avx512f avx512_bf16"), "mixed_bfloat16"),
        (FLAGS.format("avx2 amx_bf16 amx_tile"), "mixed_bfloat16"),
        (FLAGS.format("avx2 avx512f"), "float32"),
        ("", "float32"),
        (None, "float32"),
    ],
    ids=["AVX512-BF16", "AMX", "neither", "no flags", "not Linux"],
)
def test_half_precision_is_chosen_only_where_the_processor_multiplies_in_it(tmp_path, monkeypatch, flags, precision):
    if flags is not None:
        (tmp_path / "cpuinfo").write_text(flags)
    asked = []
    monkeypatch.setattr(backend, "Path", lambda path: asked.append(path) or tmp_path / "cpuinfo")
    backend.fast_precision.cache_clear()
    try:
        assert backend.fast_precision() == precision
    finally:
        backend.fast_precision.cache_clear()
    assert asked == ["/proc/cpuinfo"] and Variant("x", precision=precision).precision == precision


def test_make_help_names_every_target():
    text = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", text, re.M))
    printed = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {line.split()[0] for line in printed.splitlines()} == targets


def test_make_refuses_another_python_in_one_line(tmp_path):
    strange = tmp_path / "python"
    strange.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.1 && exit 0\nexit 1\n')
    strange.chmod(0o755)
    (tmp_path / "requirements.lock").touch()
    (tmp_path / "pyproject.toml").touch()
    command = ["make", "-s", "-f", ROOT / "Makefile", "test", f"PYTHON={strange}"]
    environment = {"PATH": "/usr/bin:/bin"}
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert found.returncode != 0
    assert "3.11 to 3.13" in found.stderr.splitlines()[0] and "3.9.1" in found.stderr.splitlines()[0]


@pytest.fixture
def checkout(tmp_path):
    """A folder with the Makefile's files and a .venv whose programs only write down what they were asked."""
    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).write_text(f"{name}\n")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    for name in ("python", "uv"):
        program = tmp_path / ".venv" / "bin" / name
        program.write_text(f'#!/bin/sh\necho {name} "$@" >> "{tmp_path}/asked"\n[ ! -e "{tmp_path}/offline" ]\n')
        program.chmod(0o755)

    def lint(**env):
        (tmp_path / "asked").write_text("")
        command = ["make", "-s", "-f", ROOT / "Makefile", "lint", f"PYTHON={sys.executable}"]
        env |= {"PATH": "/usr/bin:/bin"}
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=env)
        return done, [line.split()[0] for line in (tmp_path / "asked").read_text().splitlines()]

    return tmp_path, lint


def test_an_environment_is_made_anew_by_content_in_place(checkout):
    folder, lint = checkout
    assert lint()[1] == ["uv", "uv", "python", "python"]
    (folder / "requirements.lock").touch()  # as a checkout does
    assert lint()[1] == ["python", "python"]
    (folder / "requirements.lock").write_text("another\n")
    assert lint()[1] == ["uv", "uv", "python", "python"] and (folder / ".venv" / "bin" / "uv").exists()


def test_without_network_the_environment_stays_and_one_sentence_says_so(checkout):
    folder, lint = checkout
    (folder / "offline").touch()
    for _ in range(2):
        done, asked = lint()
        assert done.returncode == 2 and asked == ["uv"] and "is there a network" in done.stderr.splitlines()[0]
    (folder / "offline").unlink()
    assert lint()[0].returncode == 0


@pytest.mark.parametrize("given, taken", [("../my photos", "{here}/../my photos"), ("/my photos/ä", "/my photos/ä")])
def test_folders_are_made_absolute_whatever_their_names(checkout, given, taken):
    folder, lint = checkout
    (folder / ".venv" / "bin" / "python").write_text(f'#!/bin/sh\necho "$EMOCLASS_DATA" >> "{folder}/asked"\n')
    lint(EMOCLASS_DATA=given)
    assert taken.format(here=folder) in (folder / "asked").read_text().splitlines()


def test_an_environment_that_is_a_link_is_refused(checkout):
    folder, lint = checkout
    (folder / ".venv").rename(folder / "shared")
    (folder / ".venv").symlink_to("shared")
    done, asked = lint()
    assert done.returncode == 2 and asked == [] and ".venv is a link to shared" in done.stderr.splitlines()[0]


def test_no_photo_is_kept_here():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.splitlines()
    pictures = [name for name in tracked if name.lower().endswith((".jpg", ".jpeg", ".png", ".webp", ".npy", ".npz"))]
    assert all(name.startswith("figures/") for name in pictures)
