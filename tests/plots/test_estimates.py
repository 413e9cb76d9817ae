"""Figures of estimates draw each value and its interval where it belongs."""

import numpy as np
import pandas as pd
from reading_axes import dots, marks, spans, written

from emoclass import metrics, plots
from emoclass.metrics import METRICS, Estimate
from emoclass.plots.style import HONEST, INK, LEAKY

ESTIMATES = [Estimate(0.2 + 0.1 * k, 0.15 + 0.1 * k, 0.3 + 0.1 * k, 10) for k in range(3)]


def test_estimates_stand_with_their_intervals_in_place_each_series_with_a_grey_and_a_mark_of_its_own():
    series = {"before": ([1, 2, 4], ESTIMATES), "after": ([1, 2, 4], ESTIMATES[::-1])}
    ax = plots.line_with_ci(series, "copies of each (logarithmic)", "accuracy", "Copies")
    assert (ax.get_xscale(), ax.get_yscale(), ax.get_title("left")) == ("log", "linear", "Copies")
    before, after = (container.lines[0] for container in ax.containers)
    assert before.get_xydata().tolist() == [
        [1, ESTIMATES[0].value],
        [2, ESTIMATES[1].value],
        [4, ESTIMATES[2].value],
    ]
    reach = [segment[:, 1] for segment in ax.containers[0].lines[2][0].get_segments()]
    np.testing.assert_allclose(reach, [e[1:3] for e in ESTIMATES])
    assert before.get_color() != after.get_color() and before.get_marker() != after.get_marker()
    assert before.get_linestyle() != after.get_linestyle()
    assert sorted(written(ax.get_legend().get_texts())) == sorted(series)
    apart = plots.line_with_ci({"net": ([1, 2], ESTIMATES[:2])}, "kind", "accuracy", joined=False)
    assert apart.containers[0].lines[0].get_linestyle() == "None"


def test_where_an_interval_reaches_below_zero_a_line_marks_it():
    below, above = (
        plots.line_with_ci({"net": ([1], [Estimate(0.1, low, 0.3, 9)])}, "epoch", "y")
        for low in (-0.1, 0)
    )
    flat = [
        [line for line in ax.lines if list(line.get_ydata()) == [0, 0]] for ax in (below, above)
    ]
    assert (
        [len(lines) for lines in flat] == [1, 0]
        and below.get_xscale() == "linear"
        and not below.get_legend()
    )


def test_each_leak_has_a_row_where_the_formula_stands_beside_what_was_measured():
    rows = [
        ("none", 0.1, ESTIMATES[0], False),
        ("twins", 0.8, ESTIMATES[2], True),
        ("twins", 0.1, ESTIMATES[1], False),
    ]
    points = pd.DataFrame(rows, columns=["leak", "formula", "measured", "leaky"])
    assert (
        written(plots.measured_vs_formula(points, chance=0.1).get_legend().get_texts())[-1]
        == "chance"
    )
    ax = plots.measured_vs_formula(points)
    assert written(ax.get_yticklabels()) == ["twins", "none"]
    look = {
        (0.2, 1): (HONEST, HONEST),
        (0.4, -0.17): (LEAKY, "white"),
        (0.3, 0.17): (HONEST, HONEST),
    }
    assert marks(ax) == look  # at three heights: nothing hides another
    assert [x for x, _ in spans(ax)] == [
        [0.15, 0.3],
        [0.1, 0.1],
        [0.35, 0.5],
        [0.8, 0.8],
        [0.25, 0.4],
        [0.1, 0.1],
    ]
    assert written(ax.get_legend().get_texts())[:2] == ["leak open", "leak closed"]


def test_differences_are_times_100_with_their_sign_and_zero_is_marked():
    found = {
        "a": {"accuracy": Estimate(0.106, 0.02, 0.2, 9)},
        "b": {"accuracy": Estimate(-0.1, -0.2, 0.0, 9)},
    }
    a, b = plots.differences(found, ("accuracy",), "Gains").axes
    assert [ax.get_title("left") for ax in (a, b)] == ["a", "b"] and "x 100" in a.get_xlabel()
    assert written([*a.texts, *b.texts]) == ["+10.6", "-10.0"] and marks(a) == {
        (10.6, 0): (INK, INK)
    }
    assert a.lines[0].get_xdata() == [0, 0] and spans(a)[1] == [[2, 20], [0, 0]]


def test_what_a_leak_adds_is_drawn_part_by_part():
    changes = {}
    for part, value in {"memorisation": 0.2, "composition": -0.3, "inflation": -0.1}.items():
        changes[part] = dict.fromkeys(METRICS, Estimate(value, value, value, 9))
    panels = plots.leak_decomposition(metrics.LeakDecomposition(**changes), "A leak").axes
    assert [ax.get_title("left").partition(":")[0] for ax in panels] == list(changes)
    assert [ax.texts[0].get_text() for ax in panels] == ["+20.0", "-30.0", "-10.0"]


def test_gains_stand_filled_above_losses_hollow_with_numbers_and_dots_for_seeds():
    gain = Estimate(0.3, 0.25, 0.35, 9, 9, 2, (0.28, 0.32))
    loss = Estimate(-0.2, -0.3, -0.1, 9)
    row = {"rare": gain, "frequent": loss}
    kept = {"rare": loss, "frequent": gain}
    changes = {"new photos": {"weights": row}, "old photos": {"weights": kept}}
    new, old = plots.gains_and_losses(changes, "points", "A trade").axes
    assert [ax.get_title("left") for ax in (new, old)] == ["new photos", "old photos"]
    ((above, filled), (below, hollow)) = sorted(marks(new).items(), key=lambda mark: mark[0][1])
    assert (above[0], below[0]) == (30, -20) and above[1] < 0 < below[1]
    assert filled[0] == filled[1] and hollow[1] == "white" and hollow[0] != filled[0]
    assert written(new.texts) == ["+30", "-20"] and written(old.texts) == ["-20", "+30"]
    assert [[25, 35], [-30, -10]] == [span[0] for span in spans(new) if span[1] != [0, 1]]
    assert [x for x, _ in dots(new)] == [[28, 32]]
    assert written(old.get_legend().get_texts()) == ["rare", "frequent"]
    assert written(new.get_yticklabels()) == ["weights"]


def test_an_exact_value_stands_without_a_bar():
    exact = Estimate(0.5, None, None, 9)
    ax = plots.line_with_ci({"net": ([1, 2], [exact, ESTIMATES[0]])}, "epoch", "y")
    assert ax.containers[0].lines[0].get_ydata().tolist() == [0.5, ESTIMATES[0].value]


SEEDED = Estimate(0.2, 0.1, 0.3, 9, 9, 3, (0.15, 0.2, 0.25))


def test_seeds_are_dots_beside_their_estimate():
    ax = plots.line_with_ci({"net": ([4], [SEEDED])}, "epoch", "y")
    assert dots(ax) == [[[4, 4, 4], [0.15, 0.2, 0.25]]]
    (ax,) = plots.differences({"a": {"accuracy": SEEDED}}, ("accuracy",)).axes
    ((x, y),) = dots(ax)
    assert x == [15, 20, 25] and len(set(y)) == 1 and 0 < y[0] < 0.5


def test_with_one_seed_there_are_no_dots():
    assert dots(plots.line_with_ci({"net": ([1, 2, 4], ESTIMATES)}, "epoch", "y")) == []
    assert dots(plots.differences({"a": {"accuracy": ESTIMATES[0]}}, ("accuracy",)).axes[0]) == []


def test_two_shares_of_a_row_are_joined_and_written_beside_their_marks():
    rows = {
        "copies": {
            "untouched": Estimate(0.01, 0.0, 0.02, 50, 20, 3, (0.0, 0.01, 0.02)),
            "transformed": Estimate(0.25, 0.2, 0.3, 50, 20, 3, (0.2, 0.25, 0.3)),
        },
        "nothing": {
            "untouched": Estimate(0.04, 0.0, 0.1, 50),
            "transformed": Estimate(0.02, 0.0, 0.1, 50),
        },
    }
    figure = plots.before_and_after(rows, "share, %", "title")
    ax = figure.axes[0]
    assert [row[0] for row in spans(ax)] == [[1.0, 25.0], [4.0, 2.0]]
    faces = {place: face for place, (_, face) in marks(ax).items()}
    assert faces[1.0, 0.0] == "white" and faces[25.0, 0.0] != "white"
    assert faces[4.0, 1.0] == "white" and faces[2.0, 1.0] != "white"
    assert written(ax.texts) == ["1.0", "25", "4.0", "2.0"]
    assert len(dots(ax)) == 2
    assert written(ax.get_legend().get_texts()) == ["untouched", "transformed"]
