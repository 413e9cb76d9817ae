"""Figures of predictions draw each number and its interval where it belongs and show what is leaky."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from reading_axes import dots, marks, spans, written

from emoclass import metrics, plots
from emoclass.labels import COLOURS
from emoclass.metrics import METRICS
from emoclass.plots.style import HONEST, INK, LEAKY
from emoclass.predictions import Predictions

BINS = pd.DataFrame({"confidence": [0.3, 0.9], "accuracy": [0.2, 0.95], "n": [10, 40]})


@pytest.fixture
def several(faces):
    """A leaky model of whose photos 51 in 57 had their original in training, 2 a near-duplicate, and an honest one."""
    wrong = np.random.default_rng(0).permuted(
        np.where(np.arange(57) % 3, faces.labels, np.arange(57) % 8)
    )
    table = faces.table.assign(
        seed=0, subject_in_training=False, source_in_training=np.arange(57) < 28
    )
    table = table.assign(
        near_duplicate_id_in_training=np.arange(57) < 2, parent_in_training=np.arange(57) < 51
    )
    leaky = Predictions("copies", table, np.eye(8, dtype=np.float32)[wrong], leaky=True)
    return [
        leaky,
        Predictions("honest", table.assign(parent_in_training=False), np.eye(8)[faces.labels]),
    ]


def test_scores_and_shared_photos_stand_row_by_row_and_leaky_is_orange_hollow_and_named(several):
    shared, *scored = plots.protocols(several, "Leaks").axes
    assert written(shared.texts)[:5] == ["89.5 %", "3.5 %", "0.0 %", "49.1 %", "0.0 %"]
    assert written(shared.get_xticklabels()) == [
        "same original",
        "near-duplicate",
        "same subject",
        "same source",
    ]
    assert shared.images[0].get_array()[0, 0] == pytest.approx(51 / 57)
    assert min(shared.images[0].cmap(1.0)[:3]) > 0.5 and {
        text.get_color() for text in shared.texts
    } == {INK}
    assert shared.figure.get_suptitle() == "Leaks"
    for ax, metric in zip(scored, ("macro_f1", "accuracy")):
        found = [metrics.score(p)[metric] for p in several]
        look = (LEAKY, "white"), (HONEST, HONEST)
        assert marks(ax) == {(round(e.value, 6), k): look[k] for k, e in enumerate(found)}
        assert spans(ax) == [
            [[round(e.low, 6), round(e.high, 6)], [k, k]] for k, e in enumerate(found)
        ]
        assert (
            written(ax.texts) == [f"{e.value:.3f}" for e in found]
            and METRICS[metric] in ax.get_xlabel()
        )
        assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first row on top
    assert written(shared.get_yticklabels()) == ["copies (leaky)", "honest"]


def test_recalls_are_drawn_over_their_emotions_and_only_of_those_tested(several):
    some = [p.where(p.table.emotion.isin(("fear", "neutral"))) for p in (several[0], several[1])]
    ax = plots.recalls([some[0], some[1].where(np.arange(17) != 0)], "Recall")
    assert [("fear", "neutral")[round(x)] for (x, _), _ in spans(ax)] == ["fear", "neutral"] * 2
    assert [y for _, y in marks(ax)] == [
        pytest.approx(e.value) for p in some for e in metrics.recall(p).values()
    ]
    assert list(marks(ax).values()) == [(LEAKY, "white")] * 2 + [(HONEST, HONEST)] * 2
    assert written(ax.get_xticklabels())[0] == "fear\nn = 3, 2" and len(ax.get_xticklabels()) == 2
    assert written(ax.get_legend().get_texts()) == ["copies (leaky)", "honest"]


def test_recalls_show_each_seed_as_a_dot(several):
    once = several[1].where(several[1].table.emotion == "fear")
    missed = replace(once, probabilities=np.roll(once.probabilities, 1, axis=1))
    assert dots(plots.recalls([once])) == []
    table = pd.concat([once.table.assign(seed=k) for k in (0, 1)], ignore_index=True)
    probabilities = np.concatenate([once.probabilities, missed.probabilities])
    ((x, y),) = dots(plots.recalls([replace(once, table=table, probabilities=probabilities)]))
    assert y == [1, 0] and x[0] == x[1] == pytest.approx(0, abs=0.2)


def test_where_nothing_leaks_each_emotion_has_its_own_colour(several):
    honest = several[1].where(several[1].table.emotion.isin(("fear", "neutral")))
    ax = plots.recalls([honest])
    wanted = [(COLOURS[name], COLOURS[name]) for name in ("fear", "neutral")]
    assert list(marks(ax).values()) == wanted


def test_whatever_was_to_be_predicted_stands_on_the_axis(several):
    table = several[1].table
    table = table.assign(weather=np.where(table.emotion == "fear", "rain", "sun"))
    probabilities = np.eye(2, dtype=np.float32)[(table.weather == "sun").to_numpy().astype(int)]
    weather = Predictions(
        "forecast", table, probabilities, target_column="weather", classes=("rain", "sun")
    )
    ax = plots.recalls({"forecast": weather})
    assert written(ax.get_xticklabels()) == ["rain\nn = 3", "sun\nn = 54"]
    assert ax.get_xlabel() == "weather"
    assert list(marks(ax).values()) == [(INK, INK)] * 2


def test_the_confusion_matrix_prints_counts_in_shades_of_grey(several):
    ax = plots.confusion(several[0])
    assert [int(text) for text in written(ax.texts)] == metrics.confusion(
        several[0]
    ).ravel().tolist()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted emotion", "labelled emotion")
    assert (
        ax.collections[0].get_facecolor()[:, :3].min() > 0.5
        and "%" in ax.figure.axes[1].get_ylabel()
    )


def test_learning_curves_begin_with_the_first_epoch_and_mark_the_best(several):
    history = {key: [0.3, 0.2, 0.5] for key in ("loss", "accuracy", "val_loss", "val_accuracy")}
    later = {
        name: [2 * value for value in values] + [4.0] for name, values in history.items()
    }  # stopped later
    runs = (
        SimpleNamespace(history=history, best_epoch=2),
        SimpleNamespace(history=later, best_epoch=3),
    )
    loss, accuracy = plots.learning_curves(replace(several[1], runs=runs)).axes
    for line in (*loss.lines[:2], *accuracy.lines[:2]):
        np.testing.assert_allclose(
            line.get_xydata(), [[1, 0.45], [2, 0.3], [3, 0.75]]
        )  # that all have
    assert [line.get_xdata()[0] for line in loss.lines[2:4]] == [
        2,
        3,
    ] and "nats" in loss.get_ylabel()
    assert written(accuracy.get_legend().get_texts()) == [
        "training",
        "validation",
        "best epoch, by run",
    ]


def test_reliability_stands_against_the_diagonal_in_areas_as_large_as_the_bins_are_full():
    for ax, name in zip(
        plots.reliability({"plain": BINS, "cooled": BINS}).axes, ("plain", "cooled")
    ):
        assert ax.get_title("left") == name and ax.lines[0].get_xydata().tolist() == [
            [0, 0],
            [1, 1],
        ]
        (marked,) = ax.collections
        assert (
            marked.get_offsets().tolist()
            == ax.lines[1].get_xydata().tolist()
            == [[0.3, 0.2], [0.9, 0.95]]
        )
        assert np.subtract(marked.get_sizes(), 6).tolist() == (600 * BINS.n / 50).tolist()
