"""Intervals over subjects and seeds, which are crossed: by hand, and by simulation."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from emoclass import metrics
from emoclass.errors import InputError
from emoclass.estimates import mean_over_subjects, middle, subject_weights
from emoclass.labels import EMOTIONS
from emoclass.predictions import Predictions

A, F, H = (EMOTIONS.index(emotion) for emotion in ("anger", "fear", "happiness"))


def crossed(subjects, seeds, of_subject, of_seed, of_both, random):
    """(subjects, seeds) values around .5, with these standard deviations."""
    values = 0.5 + random.normal(0, of_both, (subjects, seeds))
    return (
        values + random.normal(0, of_subject, (subjects, 1)) + random.normal(0, of_seed, (1, seeds))
    )


def estimate(values):
    subjects, seeds = values.shape
    who = np.repeat(np.arange(subjects), seeds)
    return mean_over_subjects(values.ravel(), who, seeds=np.tile(np.arange(seeds), subjects))


def by_analysis_of_variance(values):
    """Half the width of the interval, from mean squares (Searle, Casella & McCulloch 1992)."""
    n, s = values.shape
    grand = values.mean()
    of_subjects = s * ((values.mean(1) - grand) ** 2).sum() / (n - 1)
    of_seeds = n * ((values.mean(0) - grand) ** 2).sum() / (s - 1)
    rest = values - values.mean(1, keepdims=True) - values.mean(0, keepdims=True) + grand
    of_both = (rest**2).sum() / ((n - 1) * (s - 1))
    variance = (of_subjects + of_seeds - of_both) / (n * s)
    first = of_subjects / (n * s)
    second = of_seeds / (n * s)
    freedom = variance**2 / (first**2 / (n - 1) + second**2 / (s - 1))
    return student.ppf(0.975, freedom) * np.sqrt(variance)


@pytest.mark.parametrize("sizes", [(40, 5), (25, 10), (200, 3)])
@pytest.mark.parametrize("spreads", [(0.1, 0.05, 0.05), (0.02, 0.05, 0.02), (0.1, 0.01, 0.1)])
def test_the_interval_is_that_of_an_analysis_of_variance(sizes, spreads):
    values = crossed(*sizes, *spreads, np.random.default_rng(1))
    found = estimate(values)
    assert found.value == pytest.approx(values.mean())
    assert (found.subjects, found.seeds) == sizes
    assert found.by_seed == pytest.approx(values.mean(0))
    half = by_analysis_of_variance(values)
    assert found.high - found.value == pytest.approx(half, rel=0.08)
    assert found.value - found.low == pytest.approx(half, rel=0.08)


def test_one_seed_has_the_middle_of_the_resamples():
    values = crossed(30, 1, 0.1, 0.0, 0.0, np.random.default_rng(2))
    found = estimate(values)
    drawn = subject_weights(30, 0) @ values[:, 0] / 30
    assert [found.low, found.high] == pytest.approx(middle(drawn), abs=1e-6)
    assert found.seeds == 1 and found.by_seed == ()


def test_seeds_that_differ_widen_the_interval_and_seeds_that_do_not_leave_it():
    random = np.random.default_rng(3)
    same = np.repeat(crossed(50, 1, 0.1, 0.0, 0.0, random), 5, axis=1)
    apart = same + np.array([-0.1, 0.05, 0.0, 0.1, -0.05])
    one, many, wide = estimate(same[:, :1]), estimate(same), estimate(apart)
    assert many.high - many.low == pytest.approx(one.high - one.low, rel=0.15)
    assert wide.high - wide.low > 2 * (many.high - many.low)
    two = estimate(apart[:, [0, 3]])
    assert two.high - two.low > 1.5 * (wide.high - wide.low)  # two seeds tell little of others


def test_no_end_lies_beyond_what_is_possible():
    values = np.array([[0.0, 1.0], [0.0, 1.0], [1.0, 1.0]])
    found = estimate(values)
    assert found.low == 0.0 and found.high == 1.0


def test_19_in_20_intervals_hold_what_is_estimated():
    random = np.random.default_rng(4)
    held = 0
    for _ in range(300):
        found = estimate(crossed(16, 5, 0.1, 0.05, 0.05, random))
        held += found.low <= 0.5 <= found.high
    assert 0.9 <= held / 300 <= 0.99


def predictions_of(truth, predicted, photo, parent, seed):
    table = pd.DataFrame(
        {"photo": photo, "parent": parent, "emotion": np.array(EMOTIONS)[truth], "fold": 0}
    )
    table = table.assign(subject=table.parent, source="news", seed=seed)
    return Predictions("net", table, np.eye(8, dtype=np.float32)[predicted])


def test_of_a_class_with_copies_as_many_pictures_count_in_each_resample():
    """Fear has 30 pictures by design, of 3 photos; how many a draw of subjects has is no chance of the world."""
    truth = [F] * 30 + [H] * 30
    parent = [f"fear {k // 10}" for k in range(30)] + [f"happy {k}" for k in range(30)]
    copied = [f"{name}, copy {k}" for k, name in enumerate(parent[:30])] + parent[30:]
    right = [F if k % 10 < 2 else H for k in range(30)] + [H] * 30  # each photo of fear alike
    fixed = metrics.score(predictions_of(truth, right, copied, parent, 0))["accuracy"]
    assert fixed.high - fixed.low < 0.06  # of happiness the number is drawn
    drawn = metrics.score(predictions_of(truth, right, copied, copied, 0))["accuracy"]
    assert drawn.high - drawn.low > 0.1


def test_a_difference_is_over_the_seeds_that_both_have():
    random = np.random.default_rng(5)
    truth = np.tile([A, H], 40)
    photos = [f"photo {k}" for k in range(80)]

    def net(seeds, share):
        parts = [np.where(random.random(80) < share, truth, F) for _ in seeds]
        return predictions_of(
            np.tile(truth, len(seeds)),
            np.concatenate(parts),
            photos * len(seeds),
            photos * len(seeds),
            np.repeat(seeds, 80),
        )

    found = metrics.paired_difference(net([0, 1, 2], 0.8), net([1, 2, 3], 0.6))["accuracy"]
    assert found.seeds == 2 and len(found.by_seed) == 2
    assert found.low < found.value < found.high


def test_the_excess_of_a_step_over_the_next_one():
    """By hand: recalls of anger 1, .5, .25; so (1 - .5) - (.5 - .25)."""
    truth, photos = [A, A, A, A, H], [f"photo {k}" for k in range(5)]
    nets = [
        predictions_of(truth, [A] * k + [H] * (4 - k) + [H], photos, photos, 0) for k in (4, 2, 1)
    ]
    found = metrics.excess_mean_recall(*nets, ("anger",))
    assert found.value == pytest.approx(0.25)
    backwards = metrics.excess_mean_recall(*nets[::-1], ("anger",))
    assert backwards.value == pytest.approx((0.25 - 0.5) - (0.5 - 1))


def test_halves_of_the_seeds_differ_by_what_they_differ_by():
    seeds = (0.1, 0.2, 0.3, 0.5, 0.4, 0.6)
    found = metrics.difference_of_halves(metrics.Estimate(0.35, 0, 1, 9, 9, 6, seeds))
    assert found.value == pytest.approx(0.2 - 0.5)
    half = student.ppf(0.975, 4) * 0.1 * np.sqrt(2 / 3)  # both halves have the deviation .1
    assert found.high - found.value == pytest.approx(half)
    with pytest.raises(InputError, match="3 seeds cannot be halved"):
        metrics.difference_of_halves(metrics.Estimate(0.2, 0, 1, 9, 9, 3, seeds[:3]))
