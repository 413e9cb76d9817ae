"""Names in a notebook are formed from its parameters, and its tables can be read without the photos."""

import pandas as pd
import pytest

from emoclass import paths
from emoclass.data.synthetic import SyntheticConfig, draw
from emoclass.errors import InputError
from emoclass.faces import without_pixels
from emoclass.labels import EMOTIONS, MINORITY
from emoclass.study import notebook
from emoclass.study.notebook import PUBLISH, Study


@pytest.fixture
def study_of(monkeypatch, tmp_path):
    """A study of these faces, as if they were those of the study itself."""
    monkeypatch.setenv("EMOCLASS_BUILD", str(tmp_path / "build"))
    monkeypatch.setattr(paths, "RECORD", tmp_path / "record")
    monkeypatch.setattr(paths, "FIGURES", tmp_path / "figures")

    def make(faces, published=False):
        monkeypatch.setattr(notebook, "_load", lambda dataset, new_faces: faces)
        monkeypatch.setenv(PUBLISH, "01_eda" if published else "")
        return Study("01_eda", {"DATASET": "muxspace", "PROFILE": "full"})

    yield make
    notebook.kept.use(None)


@pytest.fixture(scope="module")
def faces():
    counts = [3 * (emotion != "contempt") for emotion in EMOTIONS]
    return draw(SyntheticConfig(counts=tuple(counts)), size=12)


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        (["sadness"], "sadness"),
        (["fear", "contempt"], "fear and contempt"),
        (["sad", "sadness", "fear", "anger"], "sadness, fear and anger"),
        (MINORITY, "six classes"),
    ],
)
def test_classes_are_named_in_their_order_and_many_are_counted(classes, words):
    assert Study.named(classes) == words


def test_of_the_classes_asked_for_those_are_taken_that_there_are(study_of, faces):
    study = study_of(faces)
    assert study.present(["scared", "contempt", "anger", "fear"]) == ("fear", "anger")
    assert study.present(["contempt"]) == ("anger",)  # the first minority class that there is
    with pytest.raises(InputError, match="classes rage, joyfull: name some of"):
        study.present(["rage", "fear", "joyfull"])


def test_tables_are_the_same_with_the_photos_and_without(study_of, faces):
    """An annotator is called "906", an emotion may be missing, and a count stays a count."""
    opinions = pd.DataFrame(
        {
            "photo": ["a.jpg", "b.jpg"],
            "label": ["happy", "???"],
            "annotator": ["906", "nmg"],
            "emotion": ["happiness", None],
        }
    )
    index = pd.Index(["fear", "anger"], name="label")
    counts = pd.Series([21, 9], index, name="rows")
    study = study_of(faces, published=True)
    study.read("opinions", lambda: opinions)
    study.read("counts", lambda: counts)
    bare = study_of(without_pixels(faces))
    pd.testing.assert_frame_equal(bare.read("opinions", None), opinions, check_dtype=False)
    pd.testing.assert_series_equal(bare.read("counts", None), counts, check_index_type=False)
    assert bare.read("opinions", None).emotion.isna().tolist() == [False, True]
    with pytest.raises(InputError, match="more is not recorded, and the photos are not here"):
        bare.read("more", None)


def test_what_a_list_leaves_out_is_left_out_and_a_slip_of_the_pen_is_named():
    known = ("pared_down", "compact", "large")
    assert Study.chosen("NETS", ["large", "pared_down"], known) == ["pared_down", "large"]
    assert Study.chosen("NETS", "compact", known) == ["compact"]
    assert Study.chosen("NETS", [], known) == []
    with pytest.raises(InputError) as caught:
        Study.chosen("NETS", ["compct", "large", "tiny"], known)
    expected = "NETS names compct, tiny: choose some of pared_down, compact, large"
    assert str(caught.value) == expected


def test_a_notebook_run_by_hand_still_sees_what_all_notebooks_published(study_of, faces):
    study = study_of(faces)
    assert study.of_all_notebooks["claims"] == {}
    other = study_of(faces, published=True).results
    other.claim("C9", "stands", [], "It leaks.")
    other.save()
    assert study.of_all_notebooks["claims"]["C9"]["verdict"] == "stands"
    assert study.folder != study_of(faces, published=True).folder
