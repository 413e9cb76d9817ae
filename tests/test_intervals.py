"""Intervals over subjects and seeds, which are crossed: by hand, and by simulation."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from emoclass import metrics
from emoclass.errors import InputError
from emoclass.estimates import mean_over_subjects, middle, subject_weights, wilson
from emoclass.labels import EMOTIONS
from emoclass.predictions import NO_SEED, Predictions

A, F, H = (EMOTIONS.index(emotion) for emotion in ("anger", "fear", "happiness"))


def crossed(subjects, seeds, of_subject, of_seed, of_both, random):
    """(subjects, seeds) values around .5, with these standard deviations."""
    values = 0.5 + random.normal(0, of_both, (subjects, seeds))
    return (
        values + random.normal(0, of_subject, (subjects, 1)) + random.normal(0, of_seed, (1, seeds))
    )


def estimate(values, least=-1.0):
    """The mean of (subjects, seeds) values; with `least` 0 they are shares."""
    subjects, seeds = values.shape
    who = np.repeat(np.arange(subjects), seeds)
    which = np.tile(np.arange(seeds), subjects)
    return mean_over_subjects(values.ravel(), who, seeds=which, least=least)


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
    share = estimate(values, least=0.0)
    assert 0 < share.low < 0.01 and 0.99 < share.high < 1
    assert estimate(values)[1:3] == (-1.0, 1.0)


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


@pytest.mark.parametrize("subjects", [9, 16])
@pytest.mark.parametrize("seeds", [5, 10])
def test_19_in_20_intervals_hold_a_rare_share(subjects, seeds):
    """Most people are hardly ever recognised, a few often: a tenth in the mean."""
    random = np.random.default_rng(6)
    held = 0
    for _ in range(200):
        often = random.beta(0.2, 1.8, (subjects, 1))
        right = random.random((subjects, seeds)) < often
        found = estimate(right.astype(float), least=0.0)
        held += found.low <= 0.1 <= found.high
    assert held / 200 >= 0.9


def test_a_share_that_varies_little_has_nearly_the_interval_of_a_difference():
    values = crossed(400, 5, 0.05, 0.001, 0.05, np.random.default_rng(7))
    share, difference = estimate(values, least=0.0), estimate(values)
    assert share[1:3] == pytest.approx(difference[1:3], abs=1e-4)


@pytest.mark.parametrize("seeds", [1, 5])
def test_where_nobody_is_recognised_in_any_seed_others_may_be(seeds):
    none = np.zeros((9, seeds))
    assert estimate(none, least=0.0)[:3] == pytest.approx(wilson(0, 9)[:3])
    assert estimate(none + 1, least=0.0)[:3] == pytest.approx(wilson(9, 9)[:3])
    most = wilson(0, 9).high
    assert estimate(none)[:3] == pytest.approx((0, -most, most))


def test_neither_net_recognising_anybody_is_no_proof_that_they_are_alike():
    truth, photos = [F] * 9 + [A], [f"photo {k}" for k in range(10)]
    one = predictions_of(truth, [H] * 9 + [A], photos, photos, 0)
    other = predictions_of(truth, [H] * 10, photos, photos, 0)
    most = wilson(0, 9).high
    found = metrics.mean_recall_difference(one, other, ("fear",))
    assert found[:3] == pytest.approx((0, -most, most)) and found.n == 9
    assert metrics.mean_recall_difference(one, one, ("fear",))[:3] == (0, 0, 0)
    assert metrics.contribution(one, one, ("fear",))[:3] == (0, 0, 0)


def test_two_seeds_that_differ_tell_next_to_nothing():
    values = np.repeat([[0.1, 0.4]], 30, axis=0)
    found = estimate(values)
    half = student.ppf(0.975, 1) * 0.15
    assert half > 1 and found[:3] == pytest.approx((0.25, -1, 1))


def test_a_subject_whom_one_seed_did_not_test_counts_where_it_was():
    values = np.array([0.0, 1.0, 1.0, 0.0, 1.0])
    found = mean_over_subjects(values, list("AABBC"), seeds=[0, 1, 0, 1, 1], least=-1.0)
    assert found.value == 0.6 and found.by_seed == pytest.approx((0.5, 2 / 3))
    assert (found.subjects, found.seeds) == (3, 2) and found.low < 0.6 < found.high


def test_a_photo_and_its_copies_are_one_photo():
    parent = ["a", "a", "b", "b", "c"] * 2
    photo = ["a", "a, copy 1", "b", "b, copy 1", "c", "a", "a, copy 2", "b", "b, copy 2", "c"]
    seed = [0] * 5 + [1] * 5
    net = predictions_of([F] * 8 + [H] * 2, [F] * 10, photo, parent, seed)
    assert metrics.recall(net)["fear"].n == metrics.mean_recall(net, ("fear",)).n == 3
    assert metrics.score(net)["accuracy"].n == metrics.share(net, net.y_pred == F).n == 3


def nets_of_seeds(shares, seeds, name="net"):
    """80 photos, of which so many are right, other ones with each seed."""
    random = np.random.default_rng(8)
    truth = np.tile([A, H], 40)
    photos = [f"photo {k}" for k in range(80)]
    parts = [np.where(random.random(80) < share, truth, F) for share in shares]
    return predictions_of(
        np.tile(truth, len(seeds)),
        np.concatenate(parts),
        photos * len(seeds),
        photos * len(seeds),
        np.repeat(seeds, 80),
    )


def test_p_is_below_a_twentieth_exactly_where_the_interval_over_seeds_leaves_out_0():
    seeds = list(range(5))
    other = nets_of_seeds([0.6] * 5, seeds)
    significant = set()
    for gain in (0.0, 0.05, 0.1, 0.2):
        one = nets_of_seeds([0.6 + gain] * 4 + [0.6], seeds)
        p = metrics.p_values(one, other)
        for metric, found in metrics.paired_difference(one, other).items():
            excludes_0 = found.low > 0 or found.high < 0
            assert (p[metric] < 0.05) == excludes_0
            significant.add(excludes_0)
    assert significant == {True, False}
    assert metrics.p_values(one, one) == dict.fromkeys(p, 1.0)


def test_a_calibration_error_is_over_seeds_too():
    one = nets_of_seeds([0.9, 0.5, 0.7], [0, 1, 2])
    found = metrics.calibration_error(one)
    alone = [metrics.calibration_error(one.where(one.table.seed == k)) for k in range(3)]
    assert found.by_seed == pytest.approx([each.value for each in alone])
    assert (found.seeds, found.subjects) == (3, 80)
    widest = max(each.high - each.low for each in alone)
    assert found.high - found.low > 2 * widest


@pytest.mark.parametrize(
    "counts, head",
    [
        ((1, 1), "one seed, no interval over seeds"),
        ((1, 3), "where there is one seed, no interval over seeds"),
        ((3, 3), None),
    ],
)
def test_tables_say_once_in_their_head_where_there_is_one_seed(counts, head):
    nets = {}
    for name, n in zip("ab", counts):
        nets[name] = replace(nets_of_seeds([0.5] * n, list(range(n))), name=name)
    for table in (metrics.table(nets), metrics.recall_table(nets)):
        assert table.columns.name == head and list(table.seeds) == list(counts)
        assert "one seed" not in table.to_csv(index=False)
        assert ("one seed" in table.to_html()) == (head is not None)
    assert metrics.recall_table(nets).loc["a", "anger"].endswith("of 40 (40 subjects)")


def test_what_has_no_seed_is_not_said_to_have_one():
    baseline = replace(nets_of_seeds([0.5], [NO_SEED]), name="baseline")
    assert metrics.score(baseline)["accuracy"].seeds is None
    assert metrics.recall(baseline)["anger"].seeds is None
    assert metrics.calibration_error(baseline).seeds is None
    assert mean_over_subjects([0.0, 1.0], ["A", "B"]).seeds is None
    for table in (metrics.table([baseline]), metrics.recall_table([baseline])):
        assert table.seeds.tolist() == [""] and table.columns.name is None
    both = metrics.table([baseline, nets_of_seeds([0.5], [0])])
    assert both.columns.name == "one seed, no interval over seeds"


def test_a_baseline_stands_beside_each_seed_of_a_net():
    baseline = nets_of_seeds([0.5], [NO_SEED])
    net = nets_of_seeds([0.9, 0.7, 0.8], [0, 1, 2])
    found = metrics.paired_difference(net, baseline)["accuracy"]
    lower = metrics.score(baseline)["accuracy"].value
    of_seeds = metrics.score(net)["accuracy"].by_seed
    assert found.seeds == 3 and found.by_seed == pytest.approx([x - lower for x in of_seeds])


def test_two_nets_without_a_seed_in_common_have_one_each():
    found = metrics.paired_difference(nets_of_seeds([0.9], [0]), nets_of_seeds([0.5], [1]))
    assert found["accuracy"].seeds == 1 and found["accuracy"].by_seed == ()
