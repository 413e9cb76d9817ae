"""Figures show what they are given, say what their axes mean, and leave it to the notebook to show them."""

from types import SimpleNamespace

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from emoclass import plots, scores
from emoclass.labels import COLOURS, EMOTIONS
from emoclass.predictions import Predictions
from emoclass.scores import METRICS, Number

TITLE = "What is shown"
NUMBER = Number(0.5, 0.4, 0.6, 10)


@pytest.fixture(autouse=True)
def looks(monkeypatch):
    """The study's own style, no window, and no figure left behind."""
    plt.switch_backend("Agg")
    monkeypatch.setattr(plt, "show", lambda *_, **__: pytest.fail("a figure showed itself"))
    with matplotlib.rc_context():
        plots.use_style()
        yield
    plt.close("all")


def speaker(faces, name="net", leaky=False, runs=()):
    rng = np.random.default_rng(len(name))
    guess = np.where(rng.random(len(faces)) < 0.6, faces.labels, rng.integers(0, 8, len(faces)))
    return Predictions(name, faces.table, np.eye(8, dtype=np.float32)[guess], leaky, runs)


def runs(n=2, epochs=3):
    rng = np.random.default_rng(0)
    history = {name: list(rng.random(epochs)) for name in ("loss", "accuracy", "val_loss", "val_accuracy")}
    return tuple(SimpleNamespace(history=history, best_epoch=k + 1) for k in range(n))


def rungs(faces):
    nets = [{"name": f"net {k}", "multiply_adds": 10**k} | dict.fromkeys(METRICS, NUMBER) for k in (4, 6)]
    return pd.DataFrame(nets)


def words_of(figure):
    """Everything written in a figure."""
    figure.canvas.draw()
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text) if text.get_text()]


def title_of(shown):
    return (
        shown.get_title("left") if isinstance(shown, Axes) else shown.get_suptitle() or shown.axes[0].get_title("left")
    )


# Every figure, of faces, with a title. Those in ON_AN_AXIS may be drawn into a figure that is there already.
ON_AN_AXIS = {
    "counts": lambda faces, **how: plots.counts(faces, **how),
    "shares": lambda faces, **how: plots.shares(faces, "source", **how),
    "photos_per_person": lambda faces, **how: plots.photos_per_person(faces, **how),
    "recalls": lambda faces, **how: plots.recalls([speaker(faces), speaker(faces, "leak", True)], **how),
    "confusion": lambda faces, **how: plots.confusion(speaker(faces), **how),
}
WHOLE = {
    "mean_faces": lambda faces, **how: plots.mean_faces(faces, **how),
    "gallery": lambda faces, **how: plots.gallery(faces.pixels[:6].reshape(2, 3, 16, 16), ("a", "b"), **how),
    "intervals": lambda faces, **how: plots.intervals([speaker(faces), speaker(faces, "leak", True)], **how),
    "learning_curves": lambda faces, **how: plots.learning_curves(speaker(faces, runs=runs()), **how),
    "ladder": lambda faces, **how: plots.ladder(rungs(faces), **how),
    "filters": lambda faces, **how: plots.filters(np.random.default_rng(0).normal(size=(5, 3, 3)), **how),
    "occlusion": lambda faces, **how: plots.occlusion(
        faces, {e: np.full((4, 4), 0.1) for e in ("happiness", "neutral")}, **how
    ),
    "gaps": lambda faces, **how: plots.gaps({"a": dict.fromkeys(METRICS, NUMBER)}, **how),
}
ALL = ON_AN_AXIS | WHOLE
BARE = ("gallery", "filters", "mean_faces", "occlusion")  # pictures, whose sides mean nothing


@pytest.fixture(params=["all emotions", "no contempt", "happy and neutral only"])
def some(request, drawn):
    """Drawn faces of all emotions, or of some."""
    kept = {"all emotions": EMOTIONS, "no contempt": set(EMOTIONS) - {"contempt"}}
    return drawn.select(drawn.table.emotion.isin(kept.get(request.param, ("happiness", "neutral"))))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ALL)
def test_every_figure_is_handed_back_with_its_title_whichever_emotions_there_are(name, some):
    shown = ALL[name](some, title=TITLE)
    assert isinstance(shown, Axes if name in ON_AN_AXIS else Figure)
    assert title_of(shown) == TITLE
    (shown.figure if name in ON_AN_AXIS else shown).canvas.draw()
    assert len(plt.get_fignums()) == 1


@pytest.mark.parametrize("name", ON_AN_AXIS)
def test_what_is_given_an_axis_draws_into_it_and_opens_no_other(name, drawn):
    _, axes = plt.subplots(1, 2)
    assert ON_AN_AXIS[name](drawn, ax=axes[1]) is axes[1]
    assert len(plt.get_fignums()) == 1 and not axes[0].has_data() and axes[1].has_data()


@pytest.mark.parametrize("name", [name for name in ALL if name not in BARE])
def test_every_axis_says_what_it_shows(name, drawn):
    shown = ALL[name](drawn)
    figure = shown.figure if name in ON_AN_AXIS else shown
    figure.canvas.draw()
    panels = [ax for ax in figure.axes if ax.get_subplotspec() and not hasattr(ax, "_colorbar")]
    assert panels
    for ax in panels:
        assert ax.get_xlabel()
        named = [tick.get_text() for tick in panels[0].get_yticklabels()]  # panels may share their y axis
        assert ax.get_ylabel() or any(word and not word[-1].isdigit() for word in named)


@pytest.mark.parametrize("name", ("mean_faces", "filters", "confusion"))
def test_shades_are_explained_by_a_bar(name, drawn):
    shown = ALL[name](drawn)
    bars = [ax for ax in (shown.figure if name in ON_AN_AXIS else shown).axes if hasattr(ax, "_colorbar")]
    assert [bool(bar.get_ylabel()) for bar in bars] == [True]


def test_a_figure_that_is_closed_is_not_shown_again(drawn):
    plots.close(plots.counts(drawn).figure)
    assert plt.get_fignums() == []


# what each one shows


def test_bars_are_as_long_as_emotions_are_frequent_and_wear_their_colours(drawn):
    ax = plots.counts(drawn)
    assert [bar.get_width() for bar in ax.patches] == drawn.counts.tolist()
    assert [to_hex(bar.get_facecolor()).upper() for bar in ax.patches] == [COLOURS[e].upper() for e in EMOTIONS]
    assert ax.get_xscale() == "log"
    n = drawn.counts["fear"]
    assert f"{n} ({n / len(drawn):.2%})" in [text.get_text() for text in ax.texts]


def test_shares_of_an_emotion_add_up_to_one(drawn):
    ax = plots.shares(drawn, "source")
    film, news = ([bar.get_width() for bar in bars] for bars in reversed(ax.containers))
    np.testing.assert_allclose(np.add(film, news), 1)
    assert [bar.get_x() for bar in ax.containers[1]] == pytest.approx(news)  # film begins where newspaper ends
    happy = drawn.table.source[drawn.table.emotion == "happiness"]
    assert film[EMOTIONS.index("happiness")] == pytest.approx((happy == "film").mean())
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["newspaper", "film"]


def test_persons_are_counted_by_their_photos(faces_of):
    ax = plots.photos_per_person(faces_of(person=["Ann"] * 3 + ["Bob"] * 3 + ["Cid"]))
    assert ax.lines[0].get_xydata().tolist() == [[1, 1], [3, 2]]


def test_under_each_mean_face_stands_how_it_differs_from_neutral(drawn):
    figure = plots.mean_faces(drawn)
    above, below = figure.axes[:8], figure.axes[8:16]
    mean = {e: drawn.pixels[drawn.table.emotion == e].mean(0) for e in EMOTIONS}
    for emotion, top, bottom in zip(EMOTIONS, above, below):
        assert top.get_title("center") == f"{emotion}\nn = {drawn.counts[emotion]}"
        np.testing.assert_allclose(top.images[0].get_array(), mean[emotion])
        np.testing.assert_allclose(bottom.images[0].get_array(), mean[emotion] - mean["neutral"])


def test_a_gallery_lays_pictures_out_as_they_are_numbered(drawn):
    pictures = drawn.pixels[:6].reshape(2, 3, 16, 16)
    ax = plots.gallery(pictures, ("a", "b"), columns=2).axes[0]
    sheet = ax.images[0].get_array()
    assert sheet.shape == (32, 32) and np.array_equal(sheet[16:, 16:], pictures[1, 1])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]


def test_leaky_splits_are_hollow_and_named_so(drawn):
    spoken = [speaker(drawn), speaker(drawn, "other", leaky=True)]
    ax = plots.intervals(spoken, ("accuracy",)).axes[0]
    marks = [line for line in ax.lines if line.get_marker() not in ("None", "", None)]
    assert [mark.get_markerfacecolor() for mark in marks] == [plots.INK, "white"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["net", "other (leaky)"]
    legend = plots.recalls(spoken).get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["net", "other (leaky)"]


def test_intervals_are_drawn_where_the_scores_say(drawn):
    spoken = {"net": speaker(drawn)}
    figure = plots.intervals(spoken)
    for ax, metric in zip(figure.axes, METRICS):
        number = scores.score(spoken["net"])[metric]
        line, mark = ax.lines
        assert line.get_xdata().tolist() == [number.low, number.high] and list(mark.get_xdata()) == [number.value]
        assert METRICS[metric] in ax.get_xlabel()


def test_recalls_are_drawn_over_their_emotions_and_only_where_asked(drawn):
    kept = drawn.select(drawn.table.emotion.isin(("fear", "neutral")))
    ax = plots.recalls([speaker(kept)])
    at = [round(float(line.get_xdata()[0])) for line in ax.lines if len(line.get_xdata()) == 2]
    assert [EMOTIONS[x] for x in at] == ["fear", "neutral"]


def test_the_confusion_matrix_prints_counts(drawn):
    predictions = speaker(drawn)
    ax = plots.confusion(predictions)
    assert [int(text.get_text()) for text in ax.texts] == scores.confusion(predictions).ravel().tolist()


def test_learning_curves_begin_with_the_first_epoch_and_mark_the_one_kept(drawn):
    figure = plots.learning_curves(speaker(drawn, runs=runs(epochs=4)))
    loss, accuracy = figure.axes
    assert loss.lines[0].get_xdata().tolist() == accuracy.lines[1].get_xdata().tolist() == [1, 2, 3, 4]
    assert [line.get_xdata()[0] for line in loss.lines[2:4]] == [1, 2]
    assert {"training", "validation", "epoch kept, by run"} <= set(words_of(figure))


def test_a_ladder_names_every_net(drawn):
    figure = plots.ladder(rungs(drawn))
    assert {"net 4", "net 6"} <= set(words_of(figure)) and figure.axes[0].get_xscale() == "log"


def test_no_gap_is_marked_and_each_gap_is_printed_with_its_sign():
    found = {"a": {"accuracy": Number(0.1, 0.0, 0.2, 9)}, "b": {"accuracy": Number(-0.1, -0.2, 0.0, 9)}}
    figure = plots.gaps(found, metrics=("accuracy",))
    assert [ax.get_title("left") for ax in figure.axes] == ["a", "b"]
    assert {"+0.100", "-0.100"} <= set(words_of(figure))
    assert all(list(ax.lines[0].get_xdata()) == [0, 0] for ax in figure.axes)
