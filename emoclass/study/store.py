"""Finished runs on disk, found by the content that made them; photos where workers can map them."""

import dataclasses
import errno
import hashlib
import importlib.metadata
import json
import os
import sys
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from emoclass.backend import processor
from emoclass.errors import InputError
from emoclass.faces import Faces
from emoclass.files import replacing
from emoclass.run import TrainedState
from emoclass.study.code import PACKAGE, modules_digest, reached
from emoclass.study.train import Outcome
from emoclass.variant import Variant

PACKAGES = ("numpy", "opencv-python-headless", "pandas", "scikit-learn", "scipy")
ENGINES = {
    "tensorflow": ("tensorflow",),
    "jax": ("jax", "jaxlib"),
}  # of Keras, and what they consist of
# Modules that decide which values may be asked for, or how a run is held: the values themselves are in its key.
NO_TRAINING = ("checked", "errors", "variant", "own_code", "run", "progress")
DAMAGE = (zipfile.BadZipFile, KeyError, ValueError, EOFError, NotImplementedError, RuntimeError)
FIELDS = dataclasses.fields(Outcome)
HEAVY = [field.name for field in FIELDS if field.metadata.get("heavy")]
LIGHT = [field.name for field in FIELDS if field.name not in HEAVY]


@cache
def training_code() -> str:
    """A digest of all code on the way from Faces to weights; comments, docstrings and layout change nothing."""
    apart = {PACKAGE / f"{name}.py" for name in NO_TRAINING}
    return modules_digest(reached("import emoclass.study.train") - apart)


@cache
def versions() -> dict[str, str]:
    """All that decides the bits of a run beside its variant and faces: packages, code, kind of processor."""
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    packages = ("keras", *ENGINES.get(backend, (backend,)), *PACKAGES)
    found = {}
    for name in packages:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError as error:
            raise InputError(
                f"KERAS_BACKEND={backend}: the package {name} is not installed"
            ) from error
    python = sys.version.split()[0]
    return found | {
        "python": python,
        "backend": backend,
        "processor": processor(),
        "threads": "1",
        "code": training_code(),
    }


def run_address(variant: Variant, faces: Faces, fold: int, seed: int) -> str:
    """What a run is known by wherever it was trained: a digest of variant, faces, fold and seed."""
    content = {
        "variant": variant.content,
        "faces": faces.digest,
        "fold": fold,
        "seed": seed,
    }
    if variant.group_by == "given":
        content["split"] = faces.split_digest
    return _digest(content)


def store_key(address: str) -> str:
    """The name of a run in a store: its address, and all else that decides its bits."""
    return _digest([address, versions()])


def _digest(content) -> str:
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def made_now() -> dict:
    """The provenance of what is made in this process."""
    today = datetime.now(UTC).date()
    return {"versions": versions(), "date": today.isoformat()}


@dataclass(frozen=True)
class Store:
    """A folder of finished runs, one file each. A run is there whole or not at all."""

    folder: Path

    def path(self, key: str) -> Path:
        """The file of the run with this key."""
        return Path(self.folder) / f"{key}.npz"

    def __contains__(self, key: str) -> bool:
        return self.path(key).exists()

    def put(self, key: str, outcome: Outcome) -> None:
        """Keep what a run brought."""
        light, facts = _flat(outcome, LIGHT)
        heavy, _ = _flat(outcome, HEAVY)
        facts["sha256"] = {"light": _sha(light), "heavy": _sha(heavy)}
        facts["made"] = made_now()
        text = np.array(json.dumps(facts))
        with replacing(self.path(key)) as draft:
            np.savez(draft, facts=text, **light, **heavy)

    def get(self, key: str) -> Outcome | None:
        """What the run with this key brought, without weights; None if it is not there.

        A damaged file is set aside, which one line on stderr says.
        """
        found = self._read(key, LIGHT, "light")
        return found and Outcome(**found)

    def state(self, key: str) -> TrainedState | None:
        """Weights and embeddings of the run with this key; None as in `get`."""
        found = self._read(key, HEAVY, "heavy")
        return found and TrainedState(**found)

    def made(self, key: str) -> dict:
        """With which versions, on which processor and when the run with this key was trained."""
        with np.load(self.path(key), allow_pickle=False) as file:
            return json.loads(str(file["facts"]))["made"]

    def _read(self, key: str, names: list[str], part: str) -> dict | None:
        try:
            arrays = {}
            with np.load(self.path(key), allow_pickle=False) as file:
                facts = json.loads(str(file["facts"]))
                for name in sorted(file.files):
                    if name.partition(".")[0] in names:
                        arrays[name] = file[name]
            if facts["sha256"][part] != _sha(arrays):
                raise ValueError("its arrays are not those that were kept")
            return _unflat(arrays, facts, names)
        except FileNotFoundError:
            return None
        except (*DAMAGE, OSError) as damage:
            # EINVAL is what zipfile says of a broken offset.
            if isinstance(damage, OSError) and damage.errno != errno.EINVAL:
                raise
            self._set_aside(key, damage)
            return None

    def _set_aside(self, key: str, damage: Exception) -> None:
        aside = self.path(key).with_suffix(".damaged")
        os.replace(self.path(key), aside)
        print(
            f"store: {aside.name} cannot be read ({damage}); set aside, to be trained again",
            file=sys.stderr,
        )


def _flat(outcome: Outcome, names: list[str]) -> tuple[dict[str, np.ndarray], dict]:
    """Arrays by name (`weights.003`, `embeddings.test`), and what is plain."""
    arrays = {}
    facts = {}
    for name in names:
        value = getattr(outcome, name)
        if isinstance(value, np.ndarray):
            arrays[name] = value
        elif isinstance(value, list):
            for k, array in enumerate(value):
                arrays[f"{name}.{k:03d}"] = array
        elif isinstance(value, dict) and _are_arrays(value):
            for key, array in value.items():
                arrays[f"{name}.{key}"] = array
        else:
            facts[name] = value
    return arrays, facts


def _are_arrays(values: dict) -> bool:
    return all(isinstance(value, np.ndarray) for value in values.values())


def _unflat(arrays: dict[str, np.ndarray], facts: dict, names: list[str]) -> dict:
    found = {}
    for name in names:
        inner = {}
        for key, array in arrays.items():
            outer, _, rest = key.partition(".")
            if outer == name and rest:
                inner[rest] = array
        if name in arrays:
            found[name] = arrays[name]
        elif name in facts:
            found[name] = facts[name]
        elif name == "weights":
            found[name] = list(inner.values())
        elif name == "embeddings":
            found[name] = inner
        else:
            raise KeyError(name)
    return found


def _sha(arrays: dict[str, np.ndarray]) -> str:
    """sha256 over names, types, shapes and bytes: a flipped bit in a zip archive may pass unnoticed."""
    sha = hashlib.sha256()
    for name in sorted(arrays):
        sha.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        sha.update(np.ascontiguousarray(arrays[name]).tobytes())
    return sha.hexdigest()


def save_faces(faces: Faces, folder: Path) -> Path:
    """Keep photos at `folder`/<digests>, unless they are there already, for workers to `open_faces`."""
    final = folder / f"{faces.digest}{faces.split_digest}"
    if not final.exists():
        with replacing(final) as draft:
            draft.mkdir()
            np.save(draft / "pixels.npy", faces.pixels)
            faces.table.to_csv(draft / "table.csv", index=False)
            (draft / "name.txt").write_bytes(os.fsencode(faces.name))
    return final


def open_faces(folder: Path) -> Faces:
    """Photos kept by `save_faces`, without their report; pixels are memory-mapped, so that workers share them."""
    table = pd.read_csv(folder / "table.csv", dtype=str, keep_default_na=False)
    pixels = np.load(folder / "pixels.npy", mmap_mode="r")
    name = os.fsdecode((folder / "name.txt").read_bytes())
    return Faces(pixels, table, name)
