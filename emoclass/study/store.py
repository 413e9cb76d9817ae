"""Finished runs on disk, found by the content that made them; and photos where workers can map them."""

import errno
import hashlib
import importlib.metadata
import json
import os
import sys
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from emoclass.errors import InputError
from emoclass.faces import Faces
from emoclass.files import replacing
from emoclass.study.code import PACKAGE, modules_digest, reached
from emoclass.study.train import Run
from emoclass.study.variant import Variant

PACKAGES = ("numpy", "opencv-python-headless", "pandas", "scikit-learn", "scipy")
ENGINES = {"tensorflow": ("tensorflow",), "jax": ("jax", "jaxlib")}  # of Keras, and what they consist of
ARRAYS = ("photo", "parent", "probabilities", "epoch_predictions", "validation")
GROUPS = ("in_training", "y_true", "embeddings")  # what a run holds several arrays of
FACTS = ("history", "rows", "seconds", "classes")
# Modules that say which values may be asked for: those asked for are in a run's key themselves.
CHECKS = {PACKAGE / name for name in ("checked.py", "errors.py", "study/variant.py")}
DAMAGE = (zipfile.BadZipFile, KeyError, ValueError, EOFError, NotImplementedError, RuntimeError)


@cache
def versions() -> dict[str, str]:
    """Versions of the packages, and a digest of all code on the way from Faces to weights, that decide a run."""
    code = modules_digest(reached("import emoclass.study.train") - CHECKS)
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    packages = ("keras", *ENGINES.get(backend, (backend,)), *PACKAGES)
    try:
        found = {name: importlib.metadata.version(name) for name in packages}
    except importlib.metadata.PackageNotFoundError as error:
        raise InputError(f"KERAS_BACKEND={backend}: the package {error.name} is not installed") from error
    return found | {"python": sys.version.split()[0], "backend": backend, "threads": "1", "code": code}


def run_key(variant: Variant, faces: Faces, fold: int, seed: int) -> str:
    """The name of this run in a store: a digest of all that decides what it yields."""
    what = dict(variant=variant.content, faces=faces.digest, fold=fold, seed=seed, versions=versions())
    what |= dict(split=faces.split_digest) if variant.group_by == "given" else {}
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Store:
    """A folder of finished runs, one file each. A run is there whole or not at all."""

    folder: Path

    def path(self, key: str) -> Path:
        """The file of the run with this key."""
        return Path(self.folder) / f"{key}.npz"

    def __contains__(self, key: str) -> bool:
        return self.path(key).exists()

    def put(self, key: str, run: Run) -> None:
        """Keep a run."""
        arrays = {name: getattr(run, name) for name in ARRAYS}
        arrays |= {name: arrays[name].astype(str) for name in ("photo", "parent")}
        for group in GROUPS:
            arrays |= {f"{group}.{name}": value for name, value in getattr(run, group).items()}
        arrays |= {f"weights.{k:03d}": value for k, value in enumerate(run.weights)}
        facts = {name: getattr(run, name) for name in FACTS} | {"name": run.variant.name, "sha256": _sha(arrays)}
        with replacing(self.path(key)) as draft:
            np.savez(draft, facts=np.array(json.dumps(facts)), **arrays)

    def get(self, key: str, variant: Variant, fold: int, seed: int) -> Run | None:
        """The run with this key, or None; a damaged file is set aside, which one line on stderr says."""
        try:
            with np.load(self.path(key), allow_pickle=False) as file:
                facts, kept = json.loads(str(file["facts"])), {name: file[name] for name in sorted(file.files)}
            del kept["facts"]
            if facts["sha256"] != _sha(kept):
                raise ValueError("its arrays are not those that were kept")
            arrays = {name: kept[name] for name in ARRAYS}
            arrays |= {name: arrays[name].astype(object) for name in ("photo", "parent")}
            for group in GROUPS:
                arrays[group] = {name.split(".", 1)[1]: kept[name] for name in kept if name.startswith(f"{group}.")}
            arrays["weights"] = [array for name, array in kept.items() if name.startswith("weights.")]
            facts = {name: facts[name] for name in FACTS}
            facts |= {name: tuple(facts[name]) for name in ("rows", "classes")}
            return Run(variant=variant, fold=fold, seed=seed, **facts, **arrays)
        except FileNotFoundError:
            pass
        except (*DAMAGE, OSError) as damage:
            if isinstance(damage, OSError) and damage.errno != errno.EINVAL:  # what zipfile says of a broken offset
                raise
            aside = self.path(key).with_suffix(".damaged")
            os.replace(self.path(key), aside)
            print(f"store: {aside.name} cannot be read ({damage}); set aside, to be trained again", file=sys.stderr)
        return None


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
    return Faces(np.load(folder / "pixels.npy", mmap_mode="r"), table, os.fsdecode((folder / "name.txt").read_bytes()))
