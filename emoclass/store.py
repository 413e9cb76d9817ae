"""Finished runs on disk, found by the content that made them."""

import ast
import hashlib
import importlib.metadata
import json
import os
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from emoclass.faces import Faces
from emoclass.train import Run
from emoclass.variant import Variant

# Modules whose code decides what a run yields. The photos' own code needs no place here: what it yields, pixels
# and table, is in the address as the digest of the faces.
DECISIVE = ("augment", "backend", "labels", "losses", "models", "split", "train", "variant")
GROUPS = ("in_training", "truth", "features")  # what a run holds several arrays of
PACKAGES = ("keras", "tensorflow", "numpy", "opencv-python-headless", "scikit-learn")


def code_digest(sources: Iterable[str]) -> str:
    """sha256 of Python code without its comments, docstrings and layout: to explain it better changes nothing."""
    sha = hashlib.sha256()
    for source in sources:
        tree = ast.parse(source)
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
                if isinstance(body[0].value, ast.Constant) and isinstance(body[0].value.value, str):
                    body[0].value.value = ""
        sha.update(ast.dump(tree).encode())
    return sha.hexdigest()


@cache
def versions() -> dict[str, str]:
    """Versions of the packages and a digest of the code that decide what a run yields."""
    code = code_digest(Path(__file__).with_name(f"{module}.py").read_text() for module in DECISIVE)
    found = {name: importlib.metadata.version(name) for name in PACKAGES}
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    return found | {"python": sys.version.split()[0], "backend": backend, "threads": "1", "code": code}


def address(variant: Variant, faces: Faces, fold: int, seed: int) -> str:
    """Where this run lies: a digest of all that decides what it yields."""
    what = dict(variant=variant.content, faces=faces.digest, fold=fold, seed=seed, versions=versions())
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Store:
    """A folder of finished runs, one file each. A run is there whole or not at all."""

    folder: Path

    def path(self, at: str) -> Path:
        """The file of the run with this address."""
        return Path(self.folder) / f"{at}.npz"

    def __contains__(self, at: str) -> bool:
        return self.path(at).exists()

    def put(self, at: str, run: Run) -> None:
        """Keep a run. It is written beside its place and then moved, so that a crash leaves no half of one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        facts = dict(history=run.history, rows=run.rows, seconds=run.seconds, name=run.variant.name)
        facts |= dict(classes=run.classes)
        arrays = dict(photo=run.photo.astype(str), parent=run.parent.astype(str))
        arrays |= dict(probabilities=run.probabilities, guesses=run.guesses)
        arrays |= dict(validation=run.validation)
        for name in GROUPS:
            arrays |= {f"{name}.{key}": value for key, value in getattr(run, name).items()}
        arrays |= {f"weights.{k:03d}": value for k, value in enumerate(run.weights)}
        handle, draft = tempfile.mkstemp(dir=self.folder, prefix=".draft-", suffix=".npz")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, facts=np.array(json.dumps(facts)), **arrays)
            os.replace(draft, self.path(at))
        except BaseException:
            os.unlink(draft)
            raise

    def get(self, at: str, variant: Variant, fold: int, seed: int) -> Run | None:
        """The run with this address, or None; a damaged file is set aside, which one line on stderr says."""
        try:
            with np.load(self.path(at), allow_pickle=False) as file:
                facts = json.loads(str(file["facts"]))
                return Run(
                    variant=variant,
                    fold=fold,
                    seed=seed,
                    photo=file["photo"].astype(object),
                    parent=file["parent"].astype(object),
                    classes=tuple(facts["classes"]),
                    probabilities=file["probabilities"],
                    guesses=file["guesses"],
                    validation=file["validation"],
                    **{
                        group: {n.split(".")[1]: file[n] for n in file.files if n.startswith(f"{group}.")}
                        for group in GROUPS
                    },
                    history=facts["history"],
                    rows=tuple(facts["rows"]),
                    seconds=facts["seconds"],
                    weights=[file[name] for name in sorted(file.files) if name.startswith("weights.")],
                )
        except FileNotFoundError:
            return None
        except (zipfile.BadZipFile, KeyError, ValueError, EOFError, OSError) as damage:
            aside = self.path(at).with_suffix(".damaged")
            os.replace(self.path(at), aside)
            print(
                f"store: {aside.name} cannot be read ({damage}); set aside, to be trained again",
                file=sys.stderr,
            )
            return None
