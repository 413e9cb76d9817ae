"""Scores are what scikit-learn, scipy and pencil and paper make them; intervals say how far they may be off."""

import math
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn import metrics as sklearn

from emoclass import metrics
from emoclass.errors import InputError
from emoclass.labels import EMOTIONS
from emoclass.metrics import METRICS, Estimate, confusion, from_confusion, wilson
from emoclass.predictions import Predictions

A, H, N = (EMOTIONS.index(emotion) for emotion in ("anger", "happiness", "neutral"))
cells = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(1, 9)), min_size=1, max_size=12)


def predicted(y_true, y_pred, subject=None, photo=None, name="net", leaky=False, probabilities=None) -> Predictions:
    """What a speaker said who is sure of each guess; every photo of somebody else unless told."""
    photo = [f"photo {k:03d}" for k in range(len(y_true))] if photo is None else photo
    table = pd.DataFrame({"photo": photo, "parent": photo, "emotion": np.array(EMOTIONS)[y_true]})
    table["subject"] = photo if subject is None else [str(p) for p in subject]
    if probabilities is None:
        probabilities = np.eye(8, dtype=np.float32)[y_pred]
    return Predictions(name, table.assign(source="news", fold=0, seed=0), probabilities, leaky)


def coin(share, n=120, seed=0, **how) -> Predictions:
    """Happy and neutral photos, of which about this share is said right."""
    rng = np.random.default_rng(seed)
    y_true = rng.choice([H, N], n)
    return predicted(y_true, np.where(rng.random(n) < share, y_true, H + N - y_true), **how)


# metrics


@pytest.mark.filterwarnings("ignore:A single label was found")
@pytest.mark.filterwarnings("ignore:`y1`, `y2` and `labels` have only one label")
@given(cells)
def test_metrics_are_those_of_scikit_learn_for_any_confusion(cells):
    y_true, y_pred = (np.repeat([cell[side] for cell in cells], [n for *_, n in cells]) for side in (0, 1))
    counts = sklearn.confusion_matrix(y_true, y_pred, labels=range(8))
    found, target_column = from_confusion(counts), np.unique(y_true)
    expected = {
        "accuracy": sklearn.accuracy_score(y_true, y_pred),
        "balanced_accuracy": sklearn.recall_score(
            y_true, y_pred, labels=target_column, average="macro", zero_division=0
        ),
        "macro_f1": sklearn.f1_score(y_true, y_pred, labels=target_column, average="macro", zero_division=0),
        "mcc": sklearn.matthews_corrcoef(y_true, y_pred),
        "recall": sklearn.recall_score(y_true, y_pred, labels=range(8), average=None, zero_division=np.nan),
        "kappa": sklearn.cohen_kappa_score(y_true, y_pred),
    }
    assert found.keys() == expected.keys()
    for metric, value in expected.items():
        np.testing.assert_allclose(found[metric], value, atol=1e-12, err_msg=metric)


def test_many_confusions_at_once_are_each_as_if_alone():
    counts = np.random.default_rng(0).integers(0, 5, (3, 4, 8, 8))
    together = from_confusion(counts)
    for at in np.ndindex(3, 4):
        for metric, value in from_confusion(counts[at]).items():
            np.testing.assert_array_equal(together[metric][at], value)


def test_an_emotion_nobody_was_asked_about_counts_in_no_mean():
    found = from_confusion(confusion(predicted([H, H, N], [H, A, N])))
    assert found["balanced_accuracy"] == 0.75
    assert found["macro_f1"] == pytest.approx((2 / 3 + 1) / 2)
    assert np.isnan(found["recall"][A]) and found["recall"][[H, N]].tolist() == [0.5, 1]


def test_who_always_says_the_same_has_no_correlation():
    assert from_confusion(confusion(predicted([H, N, N], [N, N, N])))["mcc"] == 0


def test_confusion_has_labels_in_rows_and_what_was_said_in_columns():
    counts = confusion(predicted([H, H, N], [H, A, N], subject="XXY"))
    assert counts.shape == (8, 8) and counts.sum() == 3 and counts.dtype.kind == "i"
    assert counts[H, H] == counts[H, A] == counts[N, N] == 1


# intervals


@pytest.mark.parametrize(
    "hits, n, low, high", [(0, 4, 0, 0.490), (0, 9, 0, 0.299), (9, 9, 0.701, 1), (1, 2, 0.095, 0.905)]
)
def test_wilson_says_how_little_a_few_photos_say(hits, n, low, high):
    number = wilson(hits, n)
    assert number.value == hits / n and number.n == n
    assert (number.low, number.high) == pytest.approx((low, high), abs=5e-4)


def test_of_no_photos_at_all_wilson_knows_nothing():
    number = wilson(0, 0)
    assert math.isnan(number.value) and number[1:] == (0, 1, 0)


def test_recall_is_given_for_the_emotions_that_were_asked_about_alone():
    found = metrics.recall(predicted([H, H, H, N], [H, H, A, A]))
    assert list(found) == ["happiness", "neutral"]
    assert found["happiness"] == wilson(2, 3) and found["neutral"] == wilson(0, 1)


def test_each_score_lies_within_its_interval_and_knows_its_photos(drawn):
    rng = np.random.default_rng(0)
    y_pred = np.where(rng.random(len(drawn)) < 0.6, drawn.labels, rng.integers(0, 8, len(drawn)))
    found = metrics.score(predicted(drawn.labels, y_pred, drawn.table.subject))
    assert list(found) == list(METRICS)
    for number in found.values():
        assert 0 < number.low < number.value < number.high < 1 and number.n == len(drawn)


def test_the_interval_of_an_accuracy_over_independent_photos_is_that_of_the_binomial():
    predictions_list = coin(0.8, n=1000)
    found, hits = (
        metrics.score(predictions_list)["accuracy"],
        int((predictions_list.y_pred == predictions_list.y_true).sum()),
    )
    exact = binomtest(hits, 1000).proportion_ci(method="wilson")
    assert found.high - found.low == pytest.approx(exact.high - exact.low, rel=0.06)  # 90 % would be 16 % less


def test_95_intervals_in_100_hold_the_true_accuracy(monkeypatch):
    monkeypatch.setattr(metrics, "RESAMPLES", 300)
    rng = np.random.default_rng(0)
    held = []
    for draw in range(200):
        subject = np.repeat(np.arange(40), 3)
        right = rng.random(40)[subject] < 0.7  # a subject's photos are all right or all wrong
        number = metrics.score(predicted(np.full(120, H), np.where(right, H, N), subject), seed=draw)["accuracy"]
        held.append(number.low <= 0.7 <= number.high)
    assert 0.89 <= np.mean(held) <= 0.99


def test_where_a_person_s_photos_agree_the_interval_over_persons_is_the_wider():
    right = np.repeat(np.random.default_rng(0).random(20) < 0.7, 10)
    y_pred = np.where(right, H, N)
    by_photo, by_subject = (
        metrics.score(predicted(np.full(200, H), y_pred, subject))["accuracy"]
        for subject in (None, np.arange(200) // 10)
    )
    assert by_photo.value == by_subject.value
    assert by_subject.high - by_subject.low > 2.5 * (by_photo.high - by_photo.low)  # root ten in theory


def test_the_same_seed_draws_the_same_interval():
    assert metrics.score(coin(0.8)) == metrics.score(coin(0.8)) != metrics.score(coin(0.8), seed=1)


def test_a_photo_tested_with_two_seeds_is_one_photo_and_no_second_witness():
    once = coin(0.8)
    both_seeds = pool_of(once, once)
    assert len(both_seeds) == 2 * len(once)
    assert metrics.score(both_seeds) == metrics.score(once)


def pool_of(*predictions_list):
    """The same speaker, heard several times."""
    tables = [p.table.assign(seed=k) for k, p in enumerate(predictions_list)]
    probabilities = np.concatenate([p.probabilities for p in predictions_list])
    return Predictions(predictions_list[0].name, pd.concat(tables, ignore_index=True), probabilities)


# comparisons


def test_a_speaker_differs_from_itself_by_exactly_nothing():
    for compare in (metrics.paired_difference, metrics.difference_by_subject):
        for number in compare(coin(0.7), coin(0.7)).values():
            assert number[:3] == (0, 0, 0) and number.n == 120


def test_a_difference_is_of_the_scores_and_turns_its_sign_with_its_sides():
    one, other = coin(0.9, seed=1), coin(0.9, seed=1)
    worse = other.probabilities.copy()
    worse[:30] = worse[:30, ::-1]
    other = predicted(one.y_true, worse.argmax(1), name="other")
    there, back = metrics.paired_difference(one, other), metrics.paired_difference(other, one)
    for metric in METRICS:
        value = metrics.score(one)[metric].value - metrics.score(other)[metric].value
        assert there[metric].value == pytest.approx(value) and value > 0
        assert there[metric][:3] == pytest.approx((-back[metric].value, -back[metric].high, -back[metric].low))


def test_paired_intervals_are_narrower_than_those_of_two_draws():
    one = coin(0.7, seed=3)
    y_pred = one.y_pred.copy()
    y_pred[:6] = one.y_true[:6]
    found = metrics.paired_difference(predicted(one.y_true, y_pred), one)["accuracy"]
    alone = metrics.score(one)["accuracy"]
    assert found.high - found.low < 0.5 * (alone.high - alone.low)


def test_photos_tested_by_one_alone_are_named():
    one, other = (
        predicted([H, N], [H, N], name="one"),
        predicted([H, N], [H, N], photo=["photo 000", "x"], name="other"),
    )
    with pytest.raises(InputError, match="'one' and 'other' were not tested on the same photos: photo 001, x"):
        metrics.paired_difference(one, other)


def test_what_was_tested_on_nothing_or_for_other_classes_is_named():
    net, source = coin(0.7), replace(coin(0.7, name="source"), classes=("film", "news"))
    for judge in (metrics.score, metrics.confusion):
        with pytest.raises(InputError, match="tested on no photo at all: 'net'"):
            judge(net.where(np.zeros(len(net), bool)))
    with pytest.raises(InputError, match="'net' and 'source' predict different classes"):
        metrics.paired_difference(net, source)


def test_a_gap_is_between_other_photos_of_the_same_persons():
    copies = predicted([H, H, N, N], [H, H, N, N], subject="AABB", photo=["a", "a, copy 1", "b", "b, copy 1"])
    originals = predicted([H, N], [H, H], subject="AB", photo=["a", "b"])
    found = metrics.difference_by_subject(copies, originals)["accuracy"]
    assert found.value == 0.5 and found.n == 4
    assert (found.low, found.high) == (0, 1)  # A alone: no gap; B alone: right with copies, wrong without


def test_mcnemar_is_the_exact_test_on_the_photos_that_one_alone_gets_right():
    y_true = np.full(20, H)
    one, other = np.full(20, H), np.full(20, H)
    one[0], other[1:8] = N, N  # one is wrong once where the other is right, and the other seven times
    one[8:12] = other[8:12] = N  # both wrong: says nothing
    p = metrics.mcnemar(predicted(y_true, one), predicted(y_true, other))
    assert p == pytest.approx(2 * (1 + 8) / 2**8) == metrics.mcnemar(predicted(y_true, other), predicted(y_true, one))


def test_mcnemar_finds_nothing_where_both_are_right_on_the_same_photos():
    assert metrics.mcnemar(coin(0.7), coin(0.7)) == 1


def test_mcnemar_finds_photos_whatever_their_order():
    one = coin(0.7, n=30)
    back = np.arange(30)[::-1]
    turned = predicted(one.y_true[back], one.y_pred[back], photo=one.table.photo[back].tolist())
    assert metrics.mcnemar(one, turned) == 1


def test_a_forced_choice_asks_which_of_the_two_is_the_likelier():
    probabilities = np.zeros((5, 8), np.float32)
    probabilities[:, A] = 0.5  # anger leads everywhere, and is not tested about
    probabilities[[0, 1, 2, 3], [H, H, N, N]] = 0.3
    probabilities[[0, 1, 2, 3], [N, N, H, H]] = 0.2
    speaker = predicted([H, N, N, N, A], None, probabilities=probabilities)
    found = metrics.forced_choice(speaker)
    assert found.value == 0.75 and found.n == 4 and 0 <= found.low < 0.75 < found.high == 1
    assert metrics.forced_choice(speaker, ("neutral", "anger")).value == 0.25  # anger alone is said to be anger


# recall of some emotions


def test_a_mean_of_recalls_is_of_the_emotions_named_that_occur():
    speaker = predicted([H, H, H, H, N, A, A], [H, H, H, A, N, A, H])
    assert metrics.mean_recall(speaker, ("happiness", "neutral"))[::3] == ((0.75 + 1) / 2, 5)
    assert metrics.mean_recall(speaker, ("anger", "fear"))[::3] == (0.5, 2)
    assert metrics.mean_recall(speaker, EMOTIONS).value == metrics.score(speaker)["balanced_accuracy"].value


def test_its_interval_is_that_of_resampled_persons():
    y_true = np.array([A] * 200 + [H] * 100)
    y_pred = np.where(np.arange(300) % 4 == 0, N, y_true)
    by_photo = metrics.mean_recall(predicted(y_true, y_pred), ("anger",))
    exact = wilson(150, 200)
    assert by_photo.high - by_photo.low == pytest.approx(exact.high - exact.low, rel=0.1)
    everything = (
        metrics.mean_recall(predicted(y_true, y_pred), EMOTIONS),
        metrics.score(predicted(y_true, y_pred))["balanced_accuracy"],
    )
    assert everything[0] == pytest.approx(everything[1])
    both_seeds = pool_of(predicted(y_true, y_pred), predicted(y_true, y_pred))
    assert metrics.mean_recall(both_seeds, ("anger",)) == by_photo


def test_resamples_without_any_photo_of_an_emotion_say_nothing_of_it():
    found = metrics.mean_recall(predicted([A, *[H] * 9], [A, *[N] * 9]), ("anger",))
    assert found == Estimate(1, 1, 1, 1)  # a third of all draws leave the one angry subject out


def test_a_difference_of_mean_recalls_is_paired():
    one = coin(0.7, n=400)
    y_pred = one.y_pred.copy()
    wrong = np.flatnonzero((y_pred != one.y_true) & (one.y_true == N))
    y_pred[wrong[:9]] = N
    better = predicted(one.y_true, y_pred, name="better")
    there = metrics.mean_recall_difference(better, one, ("neutral",))
    n, alone = int((one.y_true == N).sum()), metrics.mean_recall(one, ("neutral",))
    assert there.value == pytest.approx(9 / n) and there.n == n and 0 < there.low
    assert there.high - there.low < 0.5 * (alone.high - alone.low)
    back = metrics.mean_recall_difference(one, better, ("neutral",))
    assert there[:3] == pytest.approx((-back.value, -back.high, -back.low))
    assert metrics.mean_recall_difference(better, one, ("happiness",))[:3] == (0, 0, 0)


def test_recall_of_what_nobody_was_asked_about_is_refused_and_so_are_other_photos():
    with pytest.raises(InputError, match="'net' was tested on no photo of fear, disgust"):
        metrics.mean_recall(predicted([H, N], [H, N]), ("fear", "disgust"))
    with pytest.raises(InputError, match="'net' was tested on no photo of joy"):
        metrics.mean_recall_difference(predicted([H, N], [H, N]), predicted([H, N], [H, N]), ("joy",))
    for compare in (metrics.p_values, lambda one, other: metrics.mean_recall_difference(one, other, ("neutral",))):
        with pytest.raises(InputError, match="not tested on the same photos: photo 119"):
            compare(coin(0.5), coin(0.5, n=119))


# p-values


@pytest.fixture
def few_rounds(monkeypatch):
    """4,000 resamples, not 20,000."""
    monkeypatch.setattr(metrics, "ROUNDS", 2)


def turned(speaker, better, worse):
    """The same speaker, right about so many photos more and wrong about so many others."""
    y_pred, right = speaker.y_pred.copy(), speaker.y_pred == speaker.y_true
    y_pred[np.flatnonzero(~right)[:better]] = speaker.y_true[~right][:better]
    y_pred[np.flatnonzero(right)[:worse]] = H + N - speaker.y_true[right][:worse]
    return predicted(speaker.y_true, y_pred, name="turned")


def test_who_says_the_same_differs_with_p_of_one(few_rounds):
    p = metrics.p_values(coin(0.7), coin(0.7))
    assert p == dict.fromkeys((*METRICS, "majority_recall"), 1.0)  # nobody was asked about a scarce emotion


def test_who_is_never_the_worse_in_any_resample_has_the_least_p_there_is(few_rounds):
    p = metrics.p_values(turned(coin(0.7), 30, 0), coin(0.7))
    assert p["accuracy"] == p["mcc"] == pytest.approx(2 / 4001)


@pytest.mark.parametrize("better, worse", [(12, 8), (16, 6), (20, 8)])
def test_p_is_near_that_of_mcnemar_where_photos_are_independent(few_rounds, better, worse):
    one = coin(0.7, n=300)
    other = turned(one, better, worse)
    p, exact = metrics.p_values(other, one)["accuracy"], metrics.mcnemar(other, one)
    assert p == pytest.approx(binomtest(worse, better + worse).pvalue, abs=0.12) and exact >= p > exact / 4
    assert metrics.p_values(one, other)["accuracy"] == pytest.approx(p)


def test_p_is_below_a_twentieth_exactly_where_the_interval_leaves_out_no_difference(few_rounds):
    one = coin(0.7, n=300)
    for better, worse in ((12, 8), (14, 4), (20, 8)):
        other = turned(one, better, worse)
        p, differences = metrics.p_values(other, one), metrics.paired_difference(other, one)
        recall = metrics.mean_recall_difference(other, one, ("happiness", "neutral"))
        assert (p["majority_recall"] < 0.05) == (recall.low > 0 or recall.high < 0)
        for metric in METRICS:
            assert (p[metric] < 0.05) == (differences[metric].low > 0 or differences[metric].high < 0)


def test_scarce_and_common_emotions_have_a_p_of_their_own(few_rounds):
    y_true = np.array([A] * 40 + [H] * 80)
    plain, other = np.full(120, H), np.where(np.arange(120) < 60, A, H)
    p = metrics.p_values(predicted(y_true, other), predicted(y_true, plain))
    assert p["minority_recall"] == p["majority_recall"] == pytest.approx(2 / 4001)
    assert p["accuracy"] > 0.002  # 40 photos more and 20 less
    assert list(p) == [*METRICS, "minority_recall", "majority_recall"]


def test_the_seed_draws_p(few_rounds):
    one = coin(0.7, n=300)
    other = turned(one, 12, 8)
    assert metrics.p_values(one, other) == metrics.p_values(one, other) != metrics.p_values(one, other, seed=1)


def test_holm_s_steps_are_those_of_a_worked_example():
    """.01 x 4, .005 x ... by pencil: sorted .005, .01, .03, .04 become .02, .03, .06 and, no less than that, .06."""
    adjusted = metrics.holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert adjusted == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})
    assert list(adjusted) == ["a", "b", "c", "d"]


@given(st.dictionaries(st.text(), st.floats(0, 1), max_size=9))
def test_holm_keeps_the_order_and_stays_between_each_p_and_bonferroni(p):
    adjusted = metrics.holm(p)
    assert list(adjusted) == list(p)
    for name, value in p.items():
        assert value <= adjusted[name] <= min(1, len(p) * value + 1e-12)
        assert all(adjusted[other] >= adjusted[name] for other in p if p[other] >= value)


@pytest.mark.parametrize("wrong", [-0.1, 1.2, float("nan")])
def test_what_is_no_p_value_is_named(wrong):
    with pytest.raises(InputError, match=f"p-values lie between 0 and 1: b={wrong}"):
        metrics.holm({"a": 0.1, "b": wrong})


# probabilities


def sure(confidence, right, **how) -> Predictions:
    """Happy photos; happiness (or neutral, where wrong) is said with this probability, anger with the rest."""
    confidence, right = np.asarray(confidence), np.asarray(right, bool)
    probabilities = np.zeros((len(right), 8), np.float32)
    probabilities[np.arange(len(right)), np.where(right, H, N)] = confidence
    probabilities[:, A] = 1 - confidence
    return predicted(np.full(len(right), H), None, probabilities=probabilities, **how)


def test_reliability_is_what_was_right_of_what_was_said_so_surely():
    found = metrics.reliability(sure([0.91, 0.97, 0.95, 0.95, 0.62, 0.66, 1], [1, 1, 1, 0, 1, 0, 1]))
    assert list(found) == ["confidence", "accuracy", "n"] and found.n.tolist() == [2, 5]
    assert found.confidence.tolist() == pytest.approx([0.64, 4.78 / 5]) and found.accuracy.tolist() == [0.5, 0.8]
    assert metrics.reliability(sure([0.7, 0.75, 0.8], [1, 1, 1]), bins=4).n.tolist() == [2, 1]  # .75 in the lower


def test_the_calibration_error_is_that_of_pencil_and_paper():
    """Bins of 1/15: .62 and .66 share one and are right in half; .95, .97 another, always right; 1/8 the second."""
    speaker = sure([0.62, 0.66, 0.95, 0.97], [1, 0, 1, 1])
    assert metrics.calibration_error(speaker).value == pytest.approx((2 * 0.14 + 2 * 0.04) / 4, abs=1e-6)
    assert metrics.calibration_error(speaker).n == 4
    even = predicted([A, H], None, probabilities=np.full((2, 8), 1 / 8, np.float32))
    assert metrics.calibration_error(even).value == pytest.approx(abs(0.5 - 1 / 8))  # anger comes first: right once


@pytest.mark.parametrize("too_sure", [0, 0.1])
def test_the_interval_of_a_calibration_error_holds_it_though_noise_only_adds(too_sure):
    random = np.random.default_rng(0)
    confidence = random.uniform(0.55, 0.99, 2000)
    speaker = sure(confidence, random.random(2000) < confidence - too_sure)
    found = metrics.calibration_error(speaker)
    assert 0 <= found.low < found.value < found.high and found.low < too_sure + 0.01
    assert found == metrics.calibration_error(speaker) != metrics.calibration_error(speaker, seed=1)
    if not too_sure:
        assert found.high < 0.05


def test_intervals_of_probabilities_are_over_persons_too():
    right = np.repeat(np.random.default_rng(0).random(40) < 0.7, 10)
    by_photo, by_subject = (
        metrics.calibration_error(sure(np.full(400, 0.9), right, subject=p)) for p in (None, np.arange(400) // 10)
    )
    assert by_photo.value == pytest.approx(by_subject.value)
    assert by_subject.high - by_subject.low > 2.5 * (by_photo.high - by_photo.low)


# several pictures of one subject


def blocks(share, subjects=60, each=10, seed=0, name="net", label=H):
    """Ten pictures of each subject, all of them right or all wrong; half of the subjects are happy."""
    rng = np.random.default_rng(seed)
    right = np.repeat(rng.random(subjects) < share, each)
    y_true = np.repeat(np.where(np.arange(subjects) % 2, label, N), each)
    return predicted(y_true, np.where(right, y_true, A), subject=np.arange(subjects * each) // each, name=name)


def alone(predictions):
    """The same pictures, each of a subject of its own."""
    return replace(predictions, table=predictions.table.assign(subject=predictions.table.photo))


def width(estimate):
    return estimate.high - estimate.low


@pytest.mark.parametrize(
    "interval",
    [
        lambda one, other: metrics.paired_difference(one, other)["accuracy"],
        lambda one, other: metrics.difference_by_subject(one, other)["macro_f1"],
        lambda one, other: metrics.mean_recall_difference(one, other, ("happiness",)),
        lambda one, other: metrics.mean_recall(one, ("happiness",)),
        lambda one, other: metrics.recall(one)["happiness"],
        lambda one, other: metrics.forced_choice(one),
    ],
    ids=["difference", "difference of F1", "difference of recalls", "mean recall", "recall", "forced choice"],
)
def test_pictures_of_one_subject_that_agree_make_the_interval_wider(interval):
    one, other = blocks(0.7), blocks(0.5, seed=1, name="other")
    grouped, single = interval(one, other), interval(alone(one), alone(other))
    assert grouped.value == pytest.approx(single.value) and width(grouped) > 2 * width(single)


def test_p_is_larger_where_pictures_of_one_subject_agree(few_rounds):
    one, other = blocks(0.7), blocks(0.5, seed=1, name="other")
    assert metrics.p_values(one, other)["accuracy"] > 5 * metrics.p_values(alone(one), alone(other))["accuracy"]


def test_recall_of_one_picture_each_or_of_none_right_is_wilson_s_over_subjects():
    single = metrics.recall(coin(0.7))
    hits = coin(0.7)
    for name, place in (("happiness", H), ("neutral", N)):
        of_it = hits.y_true == place
        assert single[name] == wilson((hits.y_pred == place)[of_it].sum(), of_it.sum())
    none = metrics.recall(blocks(0.0))["happiness"]
    assert none == wilson(0, 30)._replace(n=300)


def test_mcnemar_counts_a_photo_that_is_half_right_as_wrong():
    right, wrong = predicted([H] * 8, [H] * 8), predicted([H] * 8, [N] * 8)
    half = pool_of(right, wrong)
    assert metrics.mcnemar(half, wrong) == 1
    assert metrics.mcnemar(half, right) == metrics.mcnemar(wrong, right) == pytest.approx(2 / 2**8)


def test_in_a_forced_choice_a_tie_counts_half_and_without_one_of_the_two_there_is_nothing_to_tell():
    tied = np.zeros((4, 8), np.float32)
    tied[:, [H, N]] = [[0.5, 0.5], [0.7, 0.3], [0.3, 0.7], [0.5, 0.5]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert metrics.forced_choice(predicted([H, H, H, H], None, probabilities=tied))[1:] == (0, 1, 0)
        assert metrics.forced_choice(predicted([H, H, N, N], None, probabilities=tied)).value == 0.75
    with pytest.raises(InputError, match="no photo of happiness, neutral"):
        metrics.forced_choice(predicted([A, A, A, A], None, probabilities=tied))


# asked for something else than the emotion


def test_scores_of_a_net_asked_for_the_source_are_over_sources():
    table = predicted([H, N, A, A], [H, H, H, H]).table.assign(source=["film", "film", "news", "news"])
    probabilities = np.eye(3, dtype=np.float32)[[0, 1, 1, 1]]
    speaker = Predictions("net", table, probabilities, target_column="source", classes=("film", "news", "web"))
    assert confusion(speaker).tolist() == [[1, 1, 0], [0, 2, 0], [0, 0, 0]]
    assert metrics.recall(speaker) == {"film": wilson(1, 2), "news": wilson(2, 2)}
    found = metrics.score(speaker)
    assert found["accuracy"].value == found["balanced_accuracy"].value == 0.75 and found["accuracy"].n == 4


# tables


def test_a_table_of_scores_marks_the_leaky_ones():
    table = metrics.table([coin(0.8, name="honest"), coin(0.9, name="leaky", leaky=True)])
    assert list(table) == ["n", *METRICS.values(), "caveats of the split"]
    assert table["caveats of the split"].to_dict() == {
        "honest": "subjects unknown",
        "leaky": "guard overridden, subjects unknown",
    } and table.n.tolist() == [120, 120]
    number = metrics.score(coin(0.8))["macro_f1"]
    assert table.loc["honest", "macro-F1"] == f"{number.value:.3f} ({number.low:.3f} to {number.high:.3f})"


def test_a_table_of_recalls_says_where_nobody_was_asked():
    rest = [k for k in range(8) if k not in (A, H)]
    predictions_list = {
        "one": predicted([H, H, *rest], [H, N, *rest], name="one"),
        "another": predicted([A], [A], name="another"),
    }
    table = metrics.recall_table(predictions_list)
    assert tuple(table) == EMOTIONS and list(table.index) == ["one", "another"]
    assert table.loc["one", "happiness"] == "0.50 (0.09 to 0.91) of 2"
    assert table.loc["one", "anger"] == table.loc["another", "happiness"] == "not tested"


def test_a_number_prints_with_its_interval_if_it_has_one():
    assert str(Estimate(0.8014, 0.79, 0.81234, 13_690)) == "0.801 (0.790 to 0.812; n = 13,690)"
    assert str(Estimate(21, None, None, 13_690)) == "21 (n = 13,690)"


def test_a_photo_tested_with_two_seeds_is_one_witness():
    once = predicted([A, A, H, N], [A, H, H, N])
    both_seeds = predicted([A, A, H, N] * 2, [A, H, H, N, A, A, H, N], photo=[f"photo {k}" for k in range(4)] * 2)
    assert metrics.recall(once)["anger"] == wilson(1, 2)
    twice = metrics.recall(both_seeds)["anger"]
    assert twice == wilson(2, 2)._replace(value=0.75)  # 1.5 of 2; the interval is of two photos, rounded
    assert metrics.forced_choice(both_seeds).n == 2


def test_two_speakers_of_one_name_are_not_mixed_up():
    with pytest.raises(InputError, match="the same name: net"):
        metrics.table([coin(0.5), coin(0.9)])


def test_mcnemar_refuses_other_photos():
    with pytest.raises(InputError, match="not tested on the same photos: photo 119"):
        metrics.mcnemar(coin(0.5), coin(0.5, n=119))


# agreement beyond chance


def test_kappa_is_that_of_scikit_learn_and_subjects_with_many_photos_widen_it():
    alone = coin(0.8, n=200)
    together = coin(0.8, n=200, subject=np.arange(200) // 20)
    found, wide = metrics.kappa(alone), metrics.kappa(together)
    assert found.value == pytest.approx(sklearn.cohen_kappa_score(alone.y_true, alone.y_pred)) and found.n == 200
    assert found.low < found.value < found.high and wide.value == found.value
    agree = [H, N] * 50
    series = [*agree, *[H] * 100]  # ten photos a subject, all judged alike: fewer witnesses
    one, ten = (
        metrics.kappa(predicted(series, [*agree, *[N] * 100], subject=s)) for s in (None, np.arange(200) // 10)
    )
    assert ten.high - ten.low > one.high - one.low
