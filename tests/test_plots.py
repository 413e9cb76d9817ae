"""Figures show what they are given, say what their axes mean, and leave it to the notebook to show them."""

from dataclasses import replace
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
from emoclass.faces import BadInput
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


def on_a_ladder(faces, name="net", leaky=False, parent=0.0):
    """A speaker of whose photos this share had its copy in training, 2 in 57 a near-duplicate, half its source."""
    n = len(faces)
    shares = dict(parent=parent, cluster=0.0, alike=2 / 57, person=0.0, source=0.5)
    shared = {f"{key}_in_training": np.arange(n) < round(share * n) for key, share in shares.items()}
    spoken = speaker(faces, name, leaky)
    return replace(spoken, table=spoken.table.assign(**shared))


def over(*places):
    """Numbers over these places, each with another interval."""
    return list(places), [Number(0.2 + 0.1 * k, 0.15 + 0.1 * k, 0.3 + 0.1 * k, 10) for k in range(len(places))]


def points(faces):
    rows = [
        ("nothing", 0.125, Number(0.1, 0.05, 0.2, 10), False),
        ("twins", 0.8, Number(0.75, 0.7, 0.85, 10), True),
        ("twins", 0.125, Number(0.15, 0.05, 0.25, 10), False),
    ]
    return pd.DataFrame(rows, columns=["leak", "formula", "measured", "leaky"])


BINS = pd.DataFrame({"confidence": [0.3, 0.9], "accuracy": [0.2, 0.95], "n": [10, 40]})


def trades():
    """Two arms on one net, one of them on another too."""
    rows = [("weights", "small", -0.2, 0.3), ("focal", "small", 0.01, 0.02), ("weights", "large", -0.1, 0.2)]
    named = [
        (name, group, *(Number(value, value - 0.03, value + 0.02, 10) for value in values))
        for name, group, *values in rows
    ]
    return pd.DataFrame(named, columns=["name", "group", "common", "scarce"])


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
    "against": lambda faces, **how: plots.against({"net": over(1, 2, 4)}, "copies (logarithmic)", "accuracy", **how),
    "distances": lambda faces, **how: plots.distances({"by photo": np.array([3.0, 0, 9])}, **how),
    "predicted": lambda faces, **how: plots.predicted(points(faces), **how),
    "trade": lambda faces, **how: plots.trade(trades(), **how),
    "by_epoch": lambda faces, **how: plots.by_epoch({"net": over(1, 2, 3)[1]}, "recall", **how),
    "bars": lambda faces, **how: plots.bars(np.full(8, 1 / 8), **how),
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
    "leak_ladder": lambda faces, **how: plots.leak_ladder(
        [on_a_ladder(faces), on_a_ladder(faces, "leak", True, 0.9)], **how
    ),
    "side_by_side": lambda faces, **how: plots.side_by_side({"a": (faces.pixels[:3], faces.pixels[3:6])}, **how),
    "reliability": lambda faces, **how: plots.reliability({"a": scores.reliability(speaker(faces)), "b": BINS}, **how),
    "gaps": lambda faces, **how: plots.gaps({"a": dict.fromkeys(METRICS, NUMBER)}, **how),
}
ALL = ON_AN_AXIS | WHOLE
BARE = ("gallery", "filters", "mean_faces", "occlusion", "side_by_side")  # pictures, whose sides mean nothing


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


@pytest.mark.parametrize("name", ("mean_faces", "filters", "confusion", "occlusion"))
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
        darker = (mean[emotion] - mean["neutral"] < -plots.photos.DARKER).any()
        (hatched,) = [area for area in bottom.collections if area.hatches]
        assert darker == any(len(path.vertices) for path in hatched.get_paths())


def test_falls_are_shares_of_the_largest_white_where_it_rises_and_the_worse_half_is_enclosed(drawn):
    fall = np.zeros((3, 3))
    fall[1, 1], fall[0, 0] = 0.2, -0.3
    above, below, *_ = plots.occlusion(drawn, {"fear": fall}).axes
    assert below.images[0].get_array().tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
    (line,) = above.collections
    middle = line.get_paths()[0].vertices.mean(0)
    np.testing.assert_allclose(middle, [(drawn.size - 1) / 2] * 2, atol=0.5)
    assert below.get_xlabel() == "at most 0.20"


def test_an_emotion_that_is_hardly_ever_said_has_no_map(drawn):
    above, below, *_ = plots.occlusion(drawn, {"fear": np.eye(3) * 0.009}).axes
    assert not below.images[0].get_array().any() and not above.collections
    assert below.get_xlabel() == "below 0.01"


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
    assert [mark.get_markerfacecolor() for mark in marks] == [plots.style.INK, "white"]
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
    assert "bands: their range" in accuracy.get_legend().get_title().get_text()


def test_a_ladder_names_every_net(drawn):
    figure = plots.ladder(rungs(drawn), tested="on the first fold")
    assert {"net 4", "net 6"} <= set(words_of(figure)) and figure.axes[0].get_xscale() == "log"
    assert figure.axes[1].get_ylabel() == "macro-F1 on the first fold\n(95 % interval, n = 10)"


def test_no_gap_is_marked_and_each_gap_is_printed_with_its_sign():
    found = {"a": {"accuracy": Number(0.1, 0.0, 0.2, 9)}, "b": {"accuracy": Number(-0.1, -0.2, 0.0, 9)}}
    figure = plots.gaps(found, metrics=("accuracy",))
    assert [ax.get_title("left") for ax in figure.axes] == ["a", "b"]
    assert {"+0.100", "-0.100"} <= set(words_of(figure))
    assert all(list(ax.lines[0].get_xdata()) == [0, 0] for ax in figure.axes)


def marks(ax):
    """{(x, y): face} of each single mark."""
    lines = [line for line in ax.lines if len(line.get_xdata()) == 1 and line.get_marker() not in ("None", "", None)]
    return {(line.get_xdata()[0], line.get_ydata()[0]): line.get_markerfacecolor() for line in lines}


def test_each_rung_says_what_its_test_shares_with_training_and_what_score_that_goes_with(drawn):
    spoken = [on_a_ladder(drawn, "copied first", True, 0.9), on_a_ladder(drawn, "by person")]
    figure = plots.leak_ladder(spoken)
    shared, *scored = figure.axes
    assert [tick.get_text() for tick in shared.get_xticklabels()] == [
        "its own copy",
        "a near-duplicate",
        "its person",
        "its source",
    ]
    said = {text.get_position(): text.get_text() for text in shared.texts}
    assert [said[column, 0] for column in range(4)] == ["89%", "3.5%", "0%", "49%"]  # 51, 2, 0 and 28 of 57
    ink = {text.get_position(): text.get_color() for text in shared.texts}
    assert [ink[column, 0] for column in range(4)] == ["white", *[plots.style.INK] * 3]  # dark on light, light on dark
    assert said[0, 1] == "0%" and float(shared.images[0].get_array()[0, 0]) == pytest.approx(51 / 57)
    assert [tick.get_text() for tick in shared.get_yticklabels()] == ["copied first (leaky)", "by person"]
    for ax, metric in zip(scored, ("macro_f1", "accuracy")):
        numbers = [scores.score(p)[metric] for p in spoken]
        assert marks(ax) == {(numbers[0].value, 0): "white", (numbers[1].value, 1): plots.style.INK}
        assert [list(line.get_xdata()) for line in ax.lines[::2]] == [[n.low, n.high] for n in numbers]
        assert [text.get_text() for text in ax.texts] == [f"{n.value:.3f}" for n in numbers]
        assert METRICS[metric] in ax.get_xlabel()
        assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first rung on top


def test_numbers_are_drawn_with_their_intervals_over_their_places_and_a_formula_as_a_line(drawn):
    numbers = over(1, 2, 4)[1]
    formula = [Number(0.1 * k, None, None, 0) for k in range(3)]
    series = {"leaky": ([1, 2, 4], numbers), "formula": ([1, 2, 4], formula), "honest": ([1, 2, 4], numbers[::-1])}
    ax = plots.against(series, "copies of each (logarithmic)", "accuracy")
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "linear")
    assert sorted(text.get_text() for text in ax.get_legend().get_texts()) == sorted(series)
    leaky, honest = ax.containers  # what has an interval
    assert [bar.lines[0].get_markerfacecolor() for bar in (leaky, honest)] == ["white", plots.style.INK]
    assert leaky.lines[0].get_xdata().tolist() == [1, 2, 4]
    assert leaky.lines[0].get_ydata().tolist() == [number.value for number in numbers]
    reach = [segment[:, 1].tolist() for segment in leaky.lines[2][0].get_segments()]
    assert np.ravel(reach) == pytest.approx(np.ravel([[number.low, number.high] for number in numbers]))
    (line,) = [line for line in ax.lines if line.get_label() == "formula"]
    assert line.get_linestyle() == ":" and line.get_ydata().tolist() == [number.value for number in formula]
    alone = plots.against({"net": over(1, 2)}, "epoch", "accuracy")
    assert alone.get_xscale() == "linear" and alone.get_legend() is None


def test_where_an_interval_reaches_below_zero_a_line_marks_it(drawn):
    gap = [Number(0.1, -0.1, 0.3, 10)]
    flat = [
        [
            line
            for line in plots.against({"net": ([1], numbers)}, "epoch", "gap").lines
            if list(line.get_ydata()) == [0, 0]
        ]
        for numbers in (gap, over(1)[1])
    ]
    assert [len(lines) for lines in flat] == [1, 0]


def test_distances_rise_to_the_share_of_photos_that_are_so_near(drawn):
    ax = plots.distances({"by photo": np.array([3.0, 0, 9, 5]), "by person": np.array([8.0, 6])})
    near, far = ax.lines
    assert near.get_xydata().tolist() == [[0, 0.25], [3, 0.5], [5, 0.75], [9, 1]]
    assert far.get_xydata().tolist() == [[6, 0.5], [8, 1]]
    assert near.get_linestyle() != far.get_linestyle()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["by photo", "by person"]
    assert "grey levels" in ax.get_xlabel() and ax.get_xlim()[0] == 0


def test_under_what_is_tested_stands_what_is_nearest_in_training(drawn):
    pairs = {"copies": (drawn.pixels[:3], drawn.pixels[3:6]), "persons": (drawn.pixels[6:9], drawn.pixels[9:12])}
    ax = plots.side_by_side(pairs).axes[0]
    sheet = ax.images[0].get_array()
    assert sheet.shape == (4 * 16, 3 * 16)
    for row, start in enumerate((0, 3, 6, 9)):
        pictures = drawn.pixels[start : start + 3]
        assert np.array_equal(sheet[16 * row : 16 * (row + 1)], np.concatenate(pictures, axis=1))
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["copies: tested", "nearest in training", "persons: tested", "nearest in training"]


def test_more_than_ten_pairs_are_all_shown(drawn):
    ax = plots.side_by_side({"a": (drawn.pixels[:12], drawn.pixels[12:24])}).axes[0]
    assert ax.images[0].get_array().shape == (2 * 16, 12 * 16)


def test_each_leak_has_a_row_where_the_formula_stands_beside_what_was_measured_and_open_is_hollow(drawn):
    ax = plots.predicted(points(drawn))
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["twins", "nothing"]
    assert {(x, round(y)): face for (x, y), face in marks(ax).items()} == {
        (0.1, 1): plots.style.INK,
        (0.75, 0): "white",
        (0.15, 0): plots.style.INK,
    }
    assert len({y for _, y in marks(ax)}) == 3  # nothing hides another
    spans = [
        line.get_xdata().tolist() if hasattr(line.get_xdata(), "tolist") else list(line.get_xdata())
        for line in ax.lines
    ]
    assert [[0.05, 0.2], [0.125, 0.125]] == [span for span in spans if len(span) == 2][:2]
    assert [0.8, 0.8] in spans
    assert [text.get_text() for text in ax.get_legend().get_texts()][:2] == ["leak open", "leak shut"]


def test_a_trade_has_a_marker_for_each_arm_a_fill_for_each_net_and_crosses_as_wide_as_the_intervals(drawn):
    ax = plots.trade(trades())
    assert marks(ax) == {(-0.2, 0.3): plots.style.INK, (0.01, 0.02): plots.style.INK, (-0.1, 0.2): "white"}
    shape = {line.get_xdata()[0]: line.get_marker() for line in ax.lines if len(line.get_xdata()) == 1}
    assert shape[-0.2] == shape[-0.1] != shape[0.01]
    across, along = ([line.get_xydata().tolist() for line in ax.lines[k : k + 9 : 3]] for k in (3, 4))
    assert across[0] == [[-0.2 - 0.03, 0.3], [-0.2 + 0.02, 0.3]] and along[0] == [
        [-0.2, 0.3 - 0.03],
        [-0.2, 0.3 + 0.02],
    ]
    named = [text.get_text() for text in ax.get_legend().get_texts()]
    assert named == ["balanced accuracy as before", "weights", "focal", "small", "large"]
    alone = plots.trade(trades().query("group == 'small'")).get_legend().get_texts()
    assert [text.get_text() for text in alone] == named[:3]  # with one net there is nothing to tell apart


def test_a_trade_shows_where_nothing_changes(drawn):
    ax = plots.trade(trades())
    across, upright, even = ax.lines[:3]
    assert across.get_ydata() == [0, 0] and upright.get_xdata() == [0, 0]
    # Two common emotions lose a share each, six scarce ones gain a third of it: the mean of all eight stays.
    assert even.get_slope() == pytest.approx(-1 / 3) and even.get_xy1() == (0, 0)


def test_what_costs_too_much_to_be_shown_in_place_stands_at_the_edge_with_its_number(drawn):
    ax = plots.trade(trades(), least=-0.15)
    assert set(marks(ax)) == {(-0.15, 0.3), (0.01, 0.02), (-0.1, 0.2)}
    assert "◂ -0.20" in [text.get_text() for text in ax.texts] and len(ax.texts) == 1


def test_after_each_epoch_stands_a_number_with_its_interval(drawn):
    numbers = over(1, 2, 3)[1]
    ax = plots.by_epoch({"plain": numbers, "weights": numbers[::-1]}, "recall", "fades")
    plain, weights = (container.lines[0] for container in ax.containers)
    assert np.round(plain.get_xdata()).tolist() == [1, 2, 3] and (plain.get_xdata() < weights.get_xdata()).all()
    assert plain.get_ydata().tolist() == [number.value for number in numbers]
    assert plain.get_linestyle() != weights.get_linestyle() and plain.get_marker() != weights.get_marker()
    (bars,) = ax.containers[0].lines[2]
    assert np.allclose([segment[:, 1] for segment in bars.get_segments()], [number[1:3] for number in numbers])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["plain", "weights"]
    assert "95 %" in ax.get_legend().get_title().get_text() and (ax.get_xlabel(), ax.get_ylabel()) == (
        "epoch",
        "recall",
    )


def test_reliability_stands_against_the_diagonal_in_areas_as_large_as_the_bins_are_full(drawn):
    figure = plots.reliability({"plain": BINS, "cooled": BINS[::-1]})
    assert [ax.get_title("left") for ax in figure.axes] == ["plain", "cooled"]
    for ax, bins in zip(figure.axes, (BINS, BINS[::-1])):
        assert ax.lines[0].get_xydata().tolist() == [[0, 0], [1, 1]]
        assert ax.lines[1].get_xydata().tolist() == bins[["confidence", "accuracy"]].to_numpy().tolist()
        (marked,) = ax.collections
        assert marked.get_offsets().tolist() == bins[["confidence", "accuracy"]].to_numpy().tolist()
        assert np.subtract(marked.get_sizes(), 6).tolist() == (600 * bins.n / 50).tolist()


def test_bars_show_what_a_net_makes_of_a_photo_in_the_emotions_order_and_colours(drawn):
    ax = plots.bars({"happiness": 0.9, "anger": 0.1})
    assert [bar.get_width() for bar in ax.patches] == [0.1, 0, 0, 0, 0.9, 0, 0, 0]
    assert [to_hex(bar.get_facecolor()).upper() for bar in ax.patches] == [COLOURS[e].upper() for e in EMOTIONS]
    assert [text.get_text() for text in ax.texts] == ["10.0%", *["0.0%"] * 3, "90.0%", *["0.0%"] * 3]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == list(EMOTIONS)
    same = plots.bars(np.array([0.1, 0, 0, 0, 0.9, 0, 0, 0]))
    assert [bar.get_width() for bar in same.patches] == [bar.get_width() for bar in ax.patches]
    with pytest.raises(BadInput, match="no emotions: joy, ennui; choose from anger"):
        plots.bars({"joy": 1, "anger": 0, "ennui": 0})


def test_panels_stand_side_by_side():
    figure, axes = plots.panels(3)
    assert list(axes) == figure.axes and len({ax.get_position().y0 for ax in axes}) == 1
