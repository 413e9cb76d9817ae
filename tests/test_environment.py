"""The environment: one list of packages, a light import, and make targets that say what they do."""

import os
import re
import subprocess
import sys
import tomllib

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from emoclass.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
AUDIT = tomllib.loads((ROOT / "splitaudit" / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()


def wanted():
    everything = [*PROJECT["dependencies"], *AUDIT["dependencies"]]
    for extra in PROJECT["optional-dependencies"].values():
        everything += extra
    everything.remove(AUDIT["name"])  # of this repository
    return [re.match(r"([\w.-]+)(.*)", line).groups() for line in everything]


def version(text):
    return tuple(int(part) for part in re.findall(r"\d+", text))


@pytest.mark.parametrize("name, bounds", wanted())
def test_the_lock_pins_every_package_within_its_bounds(name, bounds):
    pins = re.findall(rf"^{re.escape(name)}==([\w.]+)", LOCK, re.M | re.I)
    assert pins, f"{name} is not in requirements.lock; run make lock"
    for pin in pins:
        for sign, bound in re.findall(r"(>=|<)([\d.]+)", bounds):
            at_least = version(pin) >= version(bound)
            assert at_least if sign == ">=" else not at_least


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


def test_importing_emoclass_loads_no_tensorflow_nor_anything_heavy():
    heavy = {"tensorflow", "keras", "pandas", "cv2"}
    code = f"import sys, emoclass; print({heavy} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"
    assert found.stderr == ""


def test_every_name_that_emoclass_offers_is_there():
    import emoclass

    for name in emoclass.__all__:
        assert getattr(emoclass, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = emoclass.no_such_name


def test_make_help_names_every_target():
    text = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", text, re.M))
    printed = subprocess.run(
        ["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert {line.split()[0] for line in printed.splitlines()} == targets


WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=[path.stem for path in WORKFLOWS])
def test_a_workflow_runs_each_python_that_the_project_supports_and_targets_that_there_are(path):
    (job,) = yaml.safe_load(path.read_text())["jobs"].values()
    supported = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    versions = [f"3.{minor}" for minor in range(9, 20)]
    wanted = [v for v in versions if v in SpecifierSet(supported)]
    if path.stem == "site":  # publishes, and tests nothing
        (setup,) = [step for step in job["steps"] if "python-version" in step.get("with", {})]
        assert setup["with"]["python-version"] in wanted
    else:
        assert job["strategy"]["matrix"]["python"] == wanted
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    commands = [step.get("run", "") for step in job["steps"]]
    made = {command.split()[1] for command in commands if command.startswith("make ")}
    assert made <= targets
    assert made or any("pytest" in command for command in commands)


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
    assert (
        "3.11 to 3.13" in found.stderr.splitlines()[0] and "3.9.1" in found.stderr.splitlines()[0]
    )


RECORDER = """#!{python}
import os, sys
with open({path!r}, "ab") as file:
    said = [os.path.basename(sys.argv[0]), *sys.argv[1:]]
    for name in ("EMOCLASS_DATA", "EMOCLASS_SUBJECT"):
        said.append(name + "=" + os.environ.get(name, ""))
    file.write(b"\\0".join(os.fsencode(word) for word in said) + b"\\0\\n")
sys.exit(os.path.exists({path!r} + ".offline"))
"""


class Checkout:
    """A folder with the Makefile's files and a .venv whose programs only write down their words."""

    def __init__(self, folder):
        self.folder = folder
        self.calls = folder / "calls"
        for name in ("requirements.lock", "pyproject.toml"):
            (folder / name).write_text(f"{name}\n")
        programs = folder / ".venv" / "bin"
        programs.mkdir(parents=True)
        for name in ("python", "uv"):
            text = RECORDER.format(python=sys.executable, path=str(self.calls))
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)

    def make(self, *words, **environment):
        """make with these words, and every call of a program as a list of words."""
        self.calls.write_bytes(b"")
        command = ["make", "-s", "-f", ROOT / "Makefile", *words, f"PYTHON={sys.executable}"]
        environment["PATH"] = "/usr/bin:/bin"
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, env=environment
        )
        calls = self.calls.read_bytes().split(b"\0\n")[:-1]
        return done, [call.split(b"\0") for call in calls]

    def programs(self):
        """make lint, and the names of the programs that it called."""
        done, calls = self.make("lint")
        return done, [call[0].decode() for call in calls]


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


def test_an_environment_is_made_anew_by_content_in_place(checkout):
    lock = checkout.folder / "requirements.lock"
    assert checkout.programs()[1] == ["uv", "uv", "python", "python"]
    lock.touch()  # as a checkout does
    assert checkout.programs()[1] == ["python", "python"]
    lock.write_text("another\n")
    assert checkout.programs()[1] == ["uv", "uv", "python", "python"]
    assert (checkout.folder / ".venv" / "bin" / "uv").exists()


def test_a_second_package_is_installed_beside_the_first_once_it_is_there(checkout):
    install = checkout.make("lint")[1][1]
    assert b"./splitaudit" not in install and b"." in install
    (checkout.folder / "splitaudit").mkdir()
    assert checkout.programs()[1] == ["python", "python"]
    (checkout.folder / "splitaudit" / "pyproject.toml").write_text("another\n")
    install = checkout.make("lint")[1][1]
    at = install.index(b"./splitaudit")
    assert install[at - 3 : at] == [b"--editable", b".", b"--editable"]


def test_without_network_the_environment_stays_and_one_sentence_says_so(checkout):
    offline = checkout.folder / "calls.offline"
    offline.touch()
    for _ in range(2):
        done, programs = checkout.programs()
        assert done.returncode == 2 and programs == ["uv"]
        assert "is there a network" in done.stderr.splitlines()[0]
    offline.unlink()
    assert checkout.programs()[0].returncode == 0


@pytest.mark.parametrize(
    "given, taken",
    [("../my photos", "{here}/../my photos"), ("/my $HOME/`ä", "/my $HOME/`ä"), ("~/a", "~/a")],
)
def test_folders_are_made_absolute_whatever_their_names(checkout, given, taken):
    expected = "EMOCLASS_DATA=" + taken.format(here=checkout.folder)
    for words, environment in ([], {"EMOCLASS_DATA": given}), ([f"EMOCLASS_DATA={given}"], {}):
        _, calls = checkout.make("lint", *words, **environment)
        assert os.fsencode(expected) in calls[-1]


HOSTILE = b'a b/$x/$(HOME)/"q"/`id`/it\'s \\ \xff \xc3\xa4'


@pytest.mark.parametrize(
    "target, variable, option",
    [
        ("audit", b"PHOTOS", b""),
        ("reproduce", b"DATASET", b"--dataset="),
        ("reproduce", b"ONLY", b"--only="),
        ("reproduce", b"SET", b"--set="),
        ("reproduce", b"SUBJECT", b"EMOCLASS_SUBJECT="),
        ("retrain", b"ONLY", b"--only="),
        ("verify", b"RUNS", b"--runs="),
        ("data", b"ARCHIVE", b"--archive="),
        ("model", b"DATASET", b"--dataset="),
    ],
)
def test_what_is_named_to_make_arrives_byte_for_byte(checkout, target, variable, option):
    typed = variable + b"=" + HOSTILE
    in_environment = {os.fsdecode(variable): os.fsdecode(HOSTILE)}
    for words, environment in ([typed], {}), ([], in_environment):
        done, calls = checkout.make(target, *words, **environment)
        assert done.returncode == 0, done.stderr
        assert option + HOSTILE in calls[-1]


def test_what_is_not_named_to_make_is_what_the_command_takes_by_itself(checkout):
    _, calls = checkout.make("reproduce")
    options = [b"--dataset=muxspace", b"--profile=full", b"--only=", b"--set="]
    assert calls[-1][1:8] == [b"-m", b"emoclass", b"reproduce", *options]
    _, calls = checkout.make("verify")
    assert b"--runs=8" in calls[-1]


def test_an_environment_that_is_a_link_is_refused(checkout):
    (checkout.folder / ".venv").rename(checkout.folder / "shared")
    (checkout.folder / ".venv").symlink_to("shared")
    done, programs = checkout.programs()
    assert done.returncode == 2 and programs == []
    assert ".venv is a link to shared" in done.stderr.splitlines()[0]


def test_no_photo_is_kept_here():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True
    ).stdout.splitlines()
    suffixes = (".jpg", ".jpeg", ".png", ".webp", ".npy", ".npz")
    pictures = [name for name in tracked if name.lower().endswith(suffixes)]
    assert all(name.startswith("figures/") for name in pictures)
