"""The study's own look, no window, and no figure left behind."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from emoclass import plots
from emoclass.faces import Faces
from emoclass.labels import EMOTIONS


@pytest.fixture(autouse=True)
def look(monkeypatch):
    plt.switch_backend("Agg")
    monkeypatch.setattr(plt, "show", lambda *_, **__: pytest.fail("a figure showed itself"))
    with matplotlib.rc_context():
        plots.use_style()
        yield
    plt.close("all")


@pytest.fixture
def faces() -> Faces:
    """57 pictures of 16 pixels: all eight emotions, 20 subjects, two sources."""
    emotion = np.repeat(EMOTIONS, (6, 3, 5, 3, 12, 14, 7, 7))
    photo, source = (
        [f"p{k:02d}" for k in range(57)],
        np.where(np.arange(57) % 3, "newspaper", "film"),
    )
    table = pd.DataFrame(
        {"photo": photo, "emotion": emotion, "subject": [f"s{k % 20}" for k in range(57)]}
    )
    table = table.assign(source=source, annotator="1", parent=photo, duplicate_id=photo, seed=0)
    return Faces(np.random.default_rng(0).integers(0, 256, (57, 16, 16), np.uint8), table)
