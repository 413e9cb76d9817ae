"""Figures of predictions draw each number and its interval where it belongs and show what is leaky."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from emoclass import metrics, plots
from emoclass.metrics import METRICS, Estimate
from emoclass.plots.style import HONEST, INK, LEAKY, MARKERS, PALE
from emoclass.predictions import Predictions

BINS = pd.DataFrame({"confidence": [0.3, 0.9], "accuracy": [0.2, 0.95], "n": [10, 40]})
ESTIMATES = [Estimate(0.2 + 0.1 * k, 0.15 + 0.1 * k, 0.3 + 0.1 * k, 10) for k in range(3)]
CHANGES = [("weights", "small", -0.2, 0.3), ("focal", "small", 0.01, 0.02), ("weights", "large", -0.1, 0.2)]
CHANGES = pd.DataFrame(
    [(name, group, *(Estimate(v, v - 0.03, v + 0.02, 10) for v in both)) for name, group, *both in CHANGES],
    columns=["name", "group", "majority", "minority"],
)


@pytest.fixture
def several(faces):
    """A leaky model of whose photos 51 in 57 had their original in training, 2 a near-duplicate, and an honest one."""
    wrong = np.random.default_rng(0).permuted(np.where(np.arange(57) % 3, faces.labels, np.arange(57) % 8))
    table = faces.table.assign(subject_in_training=False, source_in_training=np.arange(57) < 28)
    table = table.assign(near_duplicate_id_in_training=np.arange(57) < 2, parent_in_training=np.arange(57) < 51)
    leaky = Predictions("copies", table, np.eye(8, dtype=np.float32)[wrong], leaky=True)
    return [leaky, Predictions("honest", table.assign(parent_in_training=False), np.eye(8)[faces.labels])]


def marks(ax):
    """{(x, y): (colour, face)} of each single mark."""
    lines = [line for line in ax.lines if len(line.get_xdata()) == 1 and line.get_marker() in MARKERS]
    return {tuple(line.get_xydata()[0].round(6)): (line.get_color(), line.get_markerfacecolor()) for line in lines}


def spans(ax):
    return [line.get_xydata().round(6).T.tolist() for line in ax.lines if len(np.atleast_1d(line.get_xdata())) == 2]


def written(texts):
    return [text.get_text() for text in texts]


def test_scores_and_shared_photos_stand_row_by_row_and_leaky_is_orange_hollow_and_named(several):
    shared, *scored = plots.protocols(several, "Leaks").axes
    assert written(shared.texts)[:5] == ["89.5 %", "3.5 %", "0.0 %", "49.1 %", "0.0 %"]
    assert written(shared.get_xticklabels()) == ["same original", "near-duplicate", "same subject", "same source"]
    assert shared.images[0].get_array()[0, 0] == pytest.approx(51 / 57)
    assert min(shared.images[0].cmap(1.0)[:3]) > 0.5 and {text.get_color() for text in shared.texts} == {INK}
    assert shared.figure.get_suptitle() == "Leaks"
    for ax, metric in zip(scored, ("macro_f1", "accuracy")):
        found = [metrics.score(p)[metric] for p in several]
        look = (LEAKY, "white"), (HONEST, HONEST)
        assert marks(ax) == {(round(e.value, 6), k): look[k] for k, e in enumerate(found)}
        assert spans(ax) == [[[round(e.low, 6), round(e.high, 6)], [k, k]] for k, e in enumerate(found)]
        assert written(ax.texts) == [f"{e.value:.3f}" for e in found] and METRICS[metric] in ax.get_xlabel()
        assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first row on top
    assert written(shared.get_yticklabels()) == ["copies (leaky)", "honest"]


def test_recalls_are_drawn_over_their_emotions_and_only_of_those_tested(several):
    some = [p.where(p.table.emotion.isin(("fear", "neutral"))) for p in (several[0], several[1])]
    ax = plots.recalls([some[0], some[1].where(np.arange(17) != 0)], "Recall")
    assert [("fear", "neutral")[round(x)] for (x, _), _ in spans(ax)] == ["fear", "neutral"] * 2
    assert [y for _, y in marks(ax)] == [pytest.approx(e.value) for p in some for e in metrics.recall(p).values()]
    assert [face == "white" for _, face in marks(ax).values()] == [True, True, False, False]
    assert written(ax.get_xticklabels())[0] == "fear\nn = 3, 2" and len(ax.get_xticklabels()) == 2
    assert written(ax.get_legend().get_texts()) == ["copies (leaky)", "honest"]


def test_the_confusion_matrix_prints_counts_in_shades_of_grey(several):
    ax = plots.confusion(several[0])
    assert [int(text) for text in written(ax.texts)] == metrics.confusion(several[0]).ravel().tolist()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted emotion", "labelled emotion")
    assert ax.collections[0].get_facecolor()[:, :3].min() > 0.5 and "%" in ax.figure.axes[1].get_ylabel()


def test_learning_curves_begin_with_the_first_epoch_and_mark_the_best(several):
    history = {key: [0.3, 0.2, 0.5] for key in ("loss", "accuracy", "val_loss", "val_accuracy")}
    later = {name: [2 * value for value in values] + [4.0] for name, values in history.items()}  # stopped later
    runs = (SimpleNamespace(history=history, best_epoch=2), SimpleNamespace(history=later, best_epoch=3))
    loss, accuracy = plots.learning_curves(replace(several[1], runs=runs)).axes
    for line in (*loss.lines[:2], *accuracy.lines[:2]):
        np.testing.assert_allclose(line.get_xydata(), [[1, 0.45], [2, 0.3], [3, 0.75]])  # that all have
    assert [line.get_xdata()[0] for line in loss.lines[2:4]] == [2, 3] and "nats" in loss.get_ylabel()
    assert written(accuracy.get_legend().get_texts()) == ["training", "validation", "best epoch, by run"]


def test_estimates_stand_with_their_intervals_in_place_each_series_with_a_grey_and_a_mark_of_its_own():
    series = {"before": ([1, 2, 4], ESTIMATES), "after": ([1, 2, 4], ESTIMATES[::-1])}
    ax = plots.line_with_ci(series, "copies of each (logarithmic)", "accuracy", "Copies")
    assert (ax.get_xscale(), ax.get_yscale(), ax.get_title("left")) == ("log", "linear", "Copies")
    before, after = (container.lines[0] for container in ax.containers)
    assert before.get_xydata().tolist() == [[1, ESTIMATES[0].value], [2, ESTIMATES[1].value], [4, ESTIMATES[2].value]]
    reach = [segment[:, 1] for segment in ax.containers[0].lines[2][0].get_segments()]
    np.testing.assert_allclose(reach, [e[1:3] for e in ESTIMATES])
    assert before.get_color() != after.get_color() and before.get_marker() != after.get_marker()
    assert before.get_linestyle() != after.get_linestyle()
    assert sorted(written(ax.get_legend().get_texts())) == sorted(series)
    apart = plots.line_with_ci({"net": ([1, 2], ESTIMATES[:2])}, "kind", "accuracy", joined=False)
    assert apart.containers[0].lines[0].get_linestyle() == "None"


def test_where_an_interval_reaches_below_zero_a_line_marks_it():
    below, above = (
        plots.line_with_ci({"net": ([1], [Estimate(0.1, low, 0.3, 9)])}, "epoch", "y") for low in (-0.1, 0)
    )
    flat = [[line for line in ax.lines if list(line.get_ydata()) == [0, 0]] for ax in (below, above)]
    assert [len(lines) for lines in flat] == [1, 0] and below.get_xscale() == "linear" and not below.get_legend()


def test_each_leak_has_a_row_where_the_formula_stands_beside_what_was_measured():
    rows = [
        ("none", 0.1, ESTIMATES[0], False),
        ("twins", 0.8, ESTIMATES[2], True),
        ("twins", 0.1, ESTIMATES[1], False),
    ]
    points = pd.DataFrame(rows, columns=["leak", "formula", "measured", "leaky"])
    assert written(plots.measured_vs_formula(points, chance=0.1).get_legend().get_texts())[-1] == "chance"
    ax = plots.measured_vs_formula(points)
    assert written(ax.get_yticklabels()) == ["twins", "none"]
    look = {(0.2, 1): (HONEST, HONEST), (0.4, -0.17): (LEAKY, "white"), (0.3, 0.17): (HONEST, HONEST)}
    assert marks(ax) == look  # at three heights: nothing hides another
    assert [x for x, _ in spans(ax)] == [[0.15, 0.3], [0.1, 0.1], [0.35, 0.5], [0.8, 0.8], [0.25, 0.4], [0.1, 0.1]]
    assert written(ax.get_legend().get_texts())[:2] == ["leak open", "leak closed"]


def test_differences_are_times_100_with_their_sign_and_zero_is_marked():
    found = {"a": {"accuracy": Estimate(0.106, 0.02, 0.2, 9)}, "b": {"accuracy": Estimate(-0.1, -0.2, 0.0, 9)}}
    a, b = plots.differences(found, ("accuracy",), "Gains").axes
    assert [ax.get_title("left") for ax in (a, b)] == ["a", "b"] and "x 100" in a.get_xlabel()
    assert written([*a.texts, *b.texts]) == ["+10.6", "-10.0"] and marks(a) == {(10.6, 0): (INK, INK)}
    assert a.lines[0].get_xdata() == [0, 0] and spans(a)[1] == [[2, 20], [0, 0]]


def test_a_tradeoff_has_a_marker_for_each_condition_a_fill_for_each_net_and_crosses_as_wide_as_the_intervals():
    ax = plots.tradeoff(CHANGES)
    assert marks(ax) == {(-20, 30): (INK, INK), (1, 2): (INK, INK), (-10, 20): (INK, "white")}
    shape = {line.get_xdata()[0]: line.get_marker() for line in ax.lines if line.get_markersize() == 8}
    assert shape[-20] == shape[-10] != shape[1]
    across, upright = (lines.get_segments()[0] for lines in ax.collections[:2])  # of the first point
    np.testing.assert_allclose([*across, *upright], [[-23, 30], [-18, 30], [-20, 27], [-20, 32]])
    # Two majority classes lose a share each, six minority ones gain a third of it: the mean of all eight stays.
    (even,) = [line for line in ax.lines if line.get_linestyle() == ":"]
    assert even.get_slope() == pytest.approx(-1 / 3) and even.get_xy1() == (0, 0) and even.get_color() != PALE
    named = written(ax.get_legend().get_texts())
    assert named[0].startswith("balanced accuracy as before") and named[1:] == ["weights", "focal", "small", "large"]
    alone = plots.tradeoff(CHANGES[:2]).get_legend().get_texts()
    assert written(alone) == named[:3]  # with one net there is nothing to tell apart


def test_what_loses_too_much_to_be_drawn_in_place_has_an_arrow_and_its_number():
    ax = plots.tradeoff(CHANGES, least=-0.15)
    assert set(marks(ax)) == {(-16.2, 30), (1, 2), (-10, 20)} and ax.get_xlim()[0] < -18
    number, arrow = ax.texts
    assert number.get_text() == "-20.0 (off the scale)" and arrow.xy[0] < -18 and arrow.arrow_patch
    assert not plots.tradeoff(CHANGES).texts


def test_reliability_stands_against_the_diagonal_in_areas_as_large_as_the_bins_are_full():
    for ax, name in zip(plots.reliability({"plain": BINS, "cooled": BINS}).axes, ("plain", "cooled")):
        assert ax.get_title("left") == name and ax.lines[0].get_xydata().tolist() == [[0, 0], [1, 1]]
        (marked,) = ax.collections
        assert marked.get_offsets().tolist() == ax.lines[1].get_xydata().tolist() == [[0.3, 0.2], [0.9, 0.95]]
        assert np.subtract(marked.get_sizes(), 6).tolist() == (600 * BINS.n / 50).tolist()
