"""What takes minutes (`make soak`): killed at any moment, two at once, and whatever somebody may hand in."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import cv2
import nbformat
import numpy as np
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emoclass import models, paths
from emoclass.data import annotations, layouts, load_faces
from emoclass.data.synthetic import SyntheticConfig, draw
from emoclass.errors import InputError
from emoclass.study.store import Store
from emoclass.study.sweep import tasks
from emoclass.study.train import train
from emoclass.variant import Variant

pytestmark = pytest.mark.soak
KILLS = 20
LOTS = settings(
    max_examples=2000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

SWEEP = """
import sys
from pathlib import Path
from test_soak import FACES, WANTED
from emoclass.study.store import Store
from emoclass.study.sweep import tasks, train_missing
if __name__ == "__main__":
    train_missing(tasks(WANTED, FACES), Store(Path(sys.argv[1])))
"""
FACES = draw(SyntheticConfig(counts=(6,) * 8, duplicates=2), size=12)
START = Variant("start", net=models.ConvNet(dense=(4,)), n_folds=3, epochs=2)
WANTED = [START.replace(name=f"{epochs} epochs", epochs=epochs) for epochs in (2, 3, 4)]
WANTED += [START.replace(name="from it", init_from=START)]


def test_killed_at_twenty_moments_the_runs_are_those_of_an_undisturbed_study(tmp_path):
    script, rng = tmp_path / "study.py", random.Random(0)
    script.write_text(SWEEP)
    env = os.environ | {
        "EMOCLASS_BUILD": str(tmp_path / "build"),
        "PYTHONPATH": os.path.dirname(__file__),
    }
    command = [sys.executable, str(script), str(tmp_path / "runs")]
    for _ in range(KILLS):
        process = subprocess.Popen(
            command, env=env, start_new_session=True, stdout=subprocess.DEVNULL
        )
        time.sleep(rng.uniform(1, 14))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
    store = Store(tmp_path / "runs")
    for task in tasks(WANTED, FACES):
        kept = store.get(task.key, task.variant, task.fold, task.seed)
        anew = train(task.variant, FACES, task.fold, task.seed)
        assert all((a == b).all() for a, b in zip(kept.weights, anew.weights))
        assert (kept.probabilities == anew.probabilities).all()
    assert not list(store.folder.glob("*.damaged"))


@pytest.fixture
def checkout(tmp_path):
    """A copy of what a study needs, below a folder with a space and an umlaut."""
    home = tmp_path / "Übung mit Leer"
    for name in ("emoclass", "notebooks", "docs"):
        shutil.copytree(
            paths.ROOT / name, home / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("README.md", "requirements.lock", "pyproject.toml"):
        shutil.copy(paths.ROOT / name, home)
    yield home
    for folder, _, _ in os.walk(home):
        os.chmod(folder, 0o755)


def bare(checkout, *words):
    """A command of ours without HOME, git or a locale, in a checkout; its process."""
    env = {
        "PATH": "/nowhere",
        "LC_ALL": "C",
        "PYTHONPATH": str(checkout),
        "EMOCLASS_BUILD": str(checkout.parent / "b ü"),
    }
    command = [sys.executable, "-m", "emoclass", *words]
    return subprocess.Popen(
        command, env=env, cwd=checkout, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def test_a_bare_machine_is_enough_and_nothing_listens_to_others(checkout):
    study = bare(
        checkout,
        "reproduce",
        "--dataset",
        "synthetic",
        "--profile",
        "quick",
        "--only",
        "02_training",
    )
    heard = set()
    while study.poll() is None:
        for process in [
            psutil.Process(study.pid),
            *psutil.Process(study.pid).children(recursive=True),
        ]:
            with contextlib.suppress(psutil.Error):
                heard |= {
                    each.laddr.ip
                    for each in process.net_connections("inet")
                    if each.status == "LISTEN"
                }
        time.sleep(0.5)
    assert study.returncode == 0, study.stdout.read()
    assert heard <= {"127.0.0.1", "::1"} and heard  # a notebook's kernel is spoken to over loopback


def test_a_checkout_that_cannot_be_written_rehearses_all_the_same(checkout):
    for folder, _, _ in os.walk(checkout):
        os.chmod(folder, 0o555)
    if os.access(checkout, os.W_OK):
        pytest.skip("this user may write everywhere")
    study = bare(
        checkout, "reproduce", "--dataset", "synthetic", "--profile", "quick", "--only", "01_eda"
    )
    said = study.communicate()[0]
    assert study.returncode == 0, said


def test_two_at_once_wait_for_each_other_and_spoil_nothing(tmp_path):
    env = os.environ | {"EMOCLASS_BUILD": str(tmp_path)}
    command = [
        sys.executable,
        "-m",
        "emoclass",
        "reproduce",
        "--dataset",
        "synthetic",
        "--profile",
        "quick",
    ]
    both = [
        subprocess.Popen([*command, "--only", name], env=env, stdout=subprocess.PIPE, text=True)
        for name in ("01_eda", "02_training")
    ]
    said = [process.communicate(timeout=900)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("another make reproduce is at work" in text for text in said) == 1
    for name in ("01_eda", "02_training"):
        nbformat.read(tmp_path / "synthetic-quick" / "notebooks" / f"{name}.ipynb", as_version=4)


WORDS = [
    "photo",
    "emotion",
    "pixels",
    "Usage",
    "split",
    "subject",
    "fear",
    "sad",
    "0",
    "Training",
    "a.jpg",
    "b.jpg",
    "x",
]
cells = st.one_of(st.sampled_from(WORDS), st.text(max_size=8))
tables = st.lists(st.lists(cells, min_size=1, max_size=5), max_size=8)


def no_other_error(work, *arguments):
    """Whatever it is given, it works or says in one sentence why not."""
    try:
        work(*arguments)
    except InputError as error:
        assert "\n" not in str(error)


@LOTS
@given(st.one_of(st.binary(max_size=300), tables, st.text(max_size=200)), st.sampled_from(",;\t"))
def test_any_annotation_file_is_read_or_refused_in_a_sentence(tmp_path, content, comma):
    if isinstance(content, list):
        content = "\n".join(comma.join(row) for row in content)
    data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    (tmp_path / "legend.csv").write_bytes(data)
    for name in ("a.jpg", "b.jpg"):
        if not (tmp_path / name).exists():
            cv2.imwrite(str(tmp_path / name), np.arange(256, dtype=np.uint8).reshape(16, 16))
    no_other_error(annotations.read, tmp_path / "legend.csv")
    no_other_error(load_faces, tmp_path)


@LOTS
@given(st.lists(st.tuples(cells, st.text("0123456789 -.", max_size=40), cells), max_size=5))
def test_any_csv_of_pixels_is_read_or_refused_in_a_sentence(tmp_path, rows):
    lines = ["emotion,pixels,Usage", *(f"{label},{pixels},{part}" for label, pixels, part in rows)]
    (tmp_path / "fer.csv").write_text("\n".join(lines), encoding="utf-8", errors="replace")
    no_other_error(layouts.look, tmp_path / "fer.csv")
    no_other_error(load_faces, tmp_path / "fer.csv")


PICTURES = {
    suffix: cv2.imencode(suffix, np.arange(1024, dtype=np.uint8).reshape(32, 32))[1].tobytes()
    for suffix in (".png", ".jpg", ".bmp", ".webp", ".tif", ".pgm")
}


@LOTS
@given(
    st.sampled_from(list(PICTURES)),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=6),
    st.data(),
)
def test_any_header_of_a_picture_is_read_or_refused_in_a_sentence(tmp_path, suffix, changes, data):
    content = bytearray(PICTURES[suffix])
    for at, value in changes:
        content[at % len(content)] = value
    content = (
        content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content
    )
    (tmp_path / "fear").mkdir(exist_ok=True)
    for old in (tmp_path / "fear").iterdir():
        old.unlink()
    (tmp_path / "fear" / f"a{suffix}").write_bytes(content)
    no_other_error(load_faces, tmp_path)
