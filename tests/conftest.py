"""Nothing in these tests touches what the project itself has built; faces of a few pixels are at hand."""

import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

from emoclass.data.synthetic import SyntheticConfig, draw
from emoclass.faces import Faces

settings.register_profile("emoclass", deadline=None, derandomize=True)
settings.load_profile("emoclass")


@pytest.fixture(autouse=True)
def build(tmp_path, monkeypatch):
    """Caches and finished runs go here."""
    monkeypatch.setenv("EMOCLASS_BUILD", str(tmp_path / "build"))
    return tmp_path / "build"


@pytest.fixture(scope="session")
def decoded(tmp_path_factory):
    """A build folder for all tests of this session, so that the real photos are decoded once."""
    own = tmp_path_factory.getbasetemp()
    return str((own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "decoded")


@pytest.fixture(scope="session")
def drawn() -> Faces:
    """57 synthetic faces of 16 pixels: eight emotions, subjects with several photos, two sources, two duplicates."""
    counts = (6, 3, 5, 3, 12, 14, 6, 6)
    faces = draw(
        SyntheticConfig(counts=counts, photos_per_subject=(2, 4), film=0.3, duplicates=2), size=16
    )
    faces.pixels.flags.writeable = False
    return faces


@pytest.fixture(scope="session")
def sharp() -> Faces:
    """32 synthetic faces of 48 pixels without noise, four of each emotion, all of different subjects."""
    faces = draw(
        SyntheticConfig(counts=(4,) * 8, photos_per_subject=(1, 1), film=0.0, noise=0.0), size=48
    )
    faces.pixels.flags.writeable = False
    return faces


@pytest.fixture(scope="session")
def faces_of():
    """Faces of 2 pixels with these columns; the rest of the table says that each photo is of somebody else."""

    def make(name: str = "faces", **columns) -> Faces:
        n = len(next(iter(columns.values())))
        table = {
            "photo": [f"photo {k}" for k in range(n)],
            "emotion": "neutral",
            "source": "news",
            "annotator": "1",
        }
        table |= columns
        table = {
            "subject": table["photo"],
            "parent": table["photo"],
            "duplicate_id": table["photo"],
        } | table
        pixels = np.arange(n, dtype=np.uint8)[:, None, None].repeat(2, axis=1).repeat(2, axis=2)
        return Faces(pixels, pd.DataFrame(table).astype(str), name)

    return make
