"""Scores are what scikit-learn, scipy, pencil and paper make them; intervals tell how sure they are."""

import warnings
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn import metrics as sklearn

from emoclass import estimates, metrics
from emoclass.errors import InputError
from emoclass.labels import EMOTIONS
from emoclass.metrics import METRICS, Estimate, confusion, from_confusion, wilson
from emoclass.predictions import Predictions

A, H, N = (EMOTIONS.index(emotion) for emotion in ("anger", "happiness", "neutral"))
cells = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(1, 9)), min_size=1, max_size=12
)


def predicted(
    y_true, y_pred, subject=None, photo=None, name="net", leaky=False, probabilities=None, seed=0
) -> Predictions:
    """Of a net that gives 1 to one class; each photo is of another subject unless given."""
    photo = [f"photo {k:03d}" for k in range(len(y_true))] if photo is None else photo
    table = pd.DataFrame({"photo": photo, "parent": photo, "emotion": np.array(EMOTIONS)[y_true]})
    table["subject"] = photo if subject is None else [str(p) for p in subject]
    if probabilities is None:
        probabilities = np.eye(8, dtype=np.float32)[y_pred]
    return Predictions(name, table.assign(source="news", fold=0, seed=seed), probabilities, leaky)


def coin(share, n=120, seed=0, **how) -> Predictions:
    """Happy and neutral photos, of which about this share is predicted right."""
    rng = np.random.default_rng(seed)
    y_true = rng.choice([H, N], n)
    return predicted(y_true, np.where(rng.random(n) < share, y_true, H + N - y_true), **how)


# metrics


@pytest.mark.filterwarnings("ignore:A single label was found")
@pytest.mark.filterwarnings("ignore:`y1`, `y2` and `labels` have only one label")
@given(cells)
def test_metrics_are_those_of_scikit_learn_for_any_confusion(cells):
    y_true, y_pred = (
        np.repeat([cell[side] for cell in cells], [n for *_, n in cells]) for side in (0, 1)
    )
    counts = sklearn.confusion_matrix(y_true, y_pred, labels=range(8))
    found, target_column = from_confusion(counts), np.unique(y_true)
    expected = {
        "accuracy": sklearn.accuracy_score(y_true, y_pred),
        "balanced_accuracy": sklearn.recall_score(
            y_true, y_pred, labels=target_column, average="macro", zero_division=0
        ),
        "macro_f1": sklearn.f1_score(
            y_true, y_pred, labels=target_column, average="macro", zero_division=0
        ),
        "mcc": sklearn.matthews_corrcoef(y_true, y_pred),
        "recall": sklearn.recall_score(
            y_true, y_pred, labels=range(8), average=None, zero_division=np.nan
        ),
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


def test_confusion_has_labels_in_rows_and_what_was_said_in_columns():
    counts = confusion(predicted([H, H, N], [H, A, N], subject="XXY"))
    assert counts.shape == (8, 8) and counts.sum() == 3 and counts.dtype.kind == "i"
    assert counts[H, H] == counts[H, A] == counts[N, N] == 1


# intervals


@pytest.mark.parametrize(
    "hits, n, low, high",
    [(0, 4, 0, 0.490), (0, 9, 0, 0.299), (9, 9, 0.701, 1), (1, 2, 0.095, 0.905)],
)
def test_wilson_says_how_little_a_few_photos_say(hits, n, low, high):
    number = wilson(hits, n)
    assert number.value == hits / n and number.n == n
    assert (number.low, number.high) == pytest.approx((low, high), abs=5e-4)


def test_recall_is_given_for_the_emotions_that_were_asked_about_alone():
    found = metrics.recall(predicted([H, H, H, N], [H, H, A, A]))
    assert list(found) == ["happiness", "neutral"]
    assert found["happiness"][:4] == wilson(2, 3)[:4]
    assert found["neutral"][:4] == wilson(0, 1)[:4]


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
    assert found.high - found.low == pytest.approx(
        exact.high - exact.low, rel=0.06
    )  # 90 % would be 16 % less


@pytest.fixture
def few_resamples(monkeypatch):
    """300 resamples, not 2,000, and none of them kept for other tests."""
    estimates.subject_weights.cache_clear()
    monkeypatch.setattr(estimates, "RESAMPLES", 300)
    yield
    estimates.subject_weights.cache_clear()


def test_95_intervals_in_100_hold_the_true_accuracy(few_resamples):
    rng = np.random.default_rng(0)
    held = []
    for draw in range(200):
        subject = np.repeat(np.arange(40), 3)
        right = rng.random(40)[subject] < 0.7  # a subject's photos are all right or all wrong
        number = metrics.score(
            predicted(np.full(120, H), np.where(right, H, N), subject), seed=draw
        )["accuracy"]
        held.append(number.low <= 0.7 <= number.high)
    assert 0.89 <= np.mean(held) <= 0.99


def test_a_photo_tested_with_two_seeds_is_one_photo_and_no_second_witness():
    once = coin(0.8)
    both_seeds = pool_of(once, once)
    assert len(both_seeds) == 2 * len(once)
    alone = metrics.score(once)
    for name, found in metrics.score(both_seeds).items():
        assert (found.value, found.n) == (alone[name].value, alone[name].n)
        assert found.by_seed == (found.value, found.value)
        assert found.high - found.low == pytest.approx(alone[name].high - alone[name].low, rel=0.1)


def pool_of(*predictions_list):
    """The same photos, tested with several seeds."""
    tables = [p.table.assign(seed=k) for k, p in enumerate(predictions_list)]
    probabilities = np.concatenate([p.probabilities for p in predictions_list])
    return Predictions(
        predictions_list[0].name, pd.concat(tables, ignore_index=True), probabilities
    )


# comparisons


def test_a_net_differs_from_itself_by_exactly_nothing():
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
        assert there[metric][:3] == pytest.approx(
            (-back[metric].value, -back[metric].high, -back[metric].low)
        )


@pytest.mark.parametrize(
    "judge",
    [
        metrics.score,
        metrics.recall,
        metrics.kappa,
        metrics.calibration_error,
        lambda net, **seed: metrics.share(net, net.y_pred == H, **seed),
        lambda net, **seed: metrics.p_values(net, turned(net, 9, 5), **seed),
    ],
)
def test_the_same_seed_draws_the_same_resamples_and_another_seed_others(judge, few_rounds):
    net = coin(0.8, subject=np.arange(120) // 3)
    assert judge(net) == judge(net, seed=0) != judge(net, seed=1)


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
    with pytest.raises(
        InputError, match="'one' and 'other' were not tested on the same photos: photo 001, x"
    ):
        metrics.paired_difference(one, other)


def test_what_was_tested_on_nothing_or_for_other_classes_is_named():
    net, source = coin(0.7), replace(coin(0.7, name="source"), classes=("film", "news"))
    for judge in (metrics.score, metrics.confusion):
        with pytest.raises(InputError, match="tested on no photo at all: 'net'"):
            judge(net.where(np.zeros(len(net), bool)))
    with pytest.raises(InputError, match="'net' and 'source' predict different classes"):
        metrics.paired_difference(net, source)


def test_a_forced_choice_asks_which_of_the_two_is_the_likelier():
    probabilities = np.zeros((5, 8), np.float32)
    probabilities[:, A] = 0.5  # anger leads everywhere, and is not tested about
    probabilities[[0, 1, 2, 3], [H, H, N, N]] = 0.3
    probabilities[[0, 1, 2, 3], [N, N, H, H]] = 0.2
    net = predicted([H, N, N, N, A], None, probabilities=probabilities)
    found = metrics.forced_choice(net)
    assert found.value == 0.75 and found.n == 4 and 0 <= found.low < 0.75 < found.high == 1
    assert (
        metrics.forced_choice(net, ("neutral", "anger")).value == 0.25
    )  # anger alone is said to be anger


# recall of some emotions


def test_a_mean_of_recalls_is_of_the_emotions_named_that_occur():
    net = predicted([H, H, H, H, N, A, A], [H, H, H, A, N, A, H])
    assert metrics.mean_recall(net, ("happiness", "neutral"))[:4:3] == ((0.75 + 1) / 2, 5)
    assert metrics.mean_recall(net, ("anger", "fear"))[:4:3] == (0.5, 2)
    assert metrics.mean_recall(net, EMOTIONS).value == metrics.score(net)["balanced_accuracy"].value


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
    assert everything[0][:4] == pytest.approx(everything[1][:4])


def test_one_subject_alone_says_little():
    found = metrics.mean_recall(predicted([A, *[H] * 9], [A, *[N] * 9]), ("anger",))
    assert found[:4] == pytest.approx((1, wilson(1, 1).low, 1, 1)) and found.subjects == 1


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
    unchanged = metrics.mean_recall_difference(better, one, ("happiness",))
    most = wilson(0, 400 - n).high  # other photos may well change
    assert unchanged[:3] == pytest.approx((0, -most, most))
    assert metrics.mean_recall_difference(one, one, ("happiness",))[:3] == (0, 0, 0)


def test_recall_of_what_nobody_was_asked_about_is_refused_and_so_are_other_photos():
    with pytest.raises(InputError, match="'net' was tested on no photo of fear, disgust"):
        metrics.mean_recall(predicted([H, N], [H, N]), ("fear", "disgust"))
    with pytest.raises(InputError, match="'net' was tested on no photo of joy"):
        metrics.mean_recall_difference(
            predicted([H, N], [H, N]), predicted([H, N], [H, N]), ("joy",)
        )

    def recall_difference(one, other):
        return metrics.mean_recall_difference(one, other, ("neutral",))

    def contribution(one, other):
        return metrics.contribution(one, other, ("neutral",))

    for compare in (metrics.p_values, metrics.mcnemar, recall_difference, contribution):
        with pytest.raises(InputError, match="not tested on the same photos: photo 119"):
            compare(coin(0.5), coin(0.5, n=119))


# pencil and paper: subjects of different sizes


def test_the_mean_is_over_photos_not_over_subjects():
    """Ann's four photos are right, Bob's one is wrong: .8, where the mean of two means is .5."""
    found = metrics.mean_over_subjects(np.array([1, 1, 1, 1, 0]), ["Ann"] * 4 + ["Bob"])
    assert found.value == 0.8 and found.n == 5
    # A quarter of all resamples draw Ann alone, a quarter Bob alone.
    assert (found.low, found.high) == (0, 1)
    values = np.array([1, 1, 1, 1, 0, 0])
    names = ["Ann"] * 4 + ["Bob", "Cid"]
    three = metrics.mean_over_subjects(values, names, seeds=[0] * 6)
    net = predicted([H] * 6, np.where(values, H, N), subject=["Ann"] * 4 + ["Bob", "Cid"])
    assert three == metrics.recall(net)["happiness"] == metrics.share(net, net.y_pred == H)
    assert three[:3] == pytest.approx(metrics.score(net)["accuracy"][:3])
    drawn = np.random.default_rng(0).integers(3, size=(2000, 3))
    share = 4 * (drawn == 0).sum(1) / (4 * (drawn == 0).sum(1) + (drawn > 0).sum(1))
    assert (three.low, three.high) == pytest.approx(tuple(np.percentile(share, [2.5, 97.5])))


def test_in_each_resample_the_mean_is_over_photos_too():
    """Ten subjects with nine photos, mostly right; ten with one, mostly wrong."""
    subject = np.repeat(np.arange(20), [9] * 10 + [1] * 10)
    values = np.concatenate([np.arange(90) % 6 > 0, np.arange(10) % 5 == 0]).astype(float)
    found = metrics.mean_over_subjects(values, subject)
    drawn = np.random.default_rng(0).integers(20, size=(2000, 20))
    right = np.bincount(subject, values)[drawn].sum(1)
    share = right / np.bincount(subject)[drawn].sum(1)
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(share, [2.5, 97.5])))


def test_a_difference_by_subject_is_between_other_photos_of_the_same_subjects():
    copies = predicted(
        [H, H, N, N], [H, H, N, N], subject="AABB", photo=["a", "a, copy 1", "b", "b, copy 1"]
    )
    originals = predicted([H, N], [H, H], subject="AB", photo=["a", "b"])
    found = metrics.difference_by_subject(copies, originals)["accuracy"]
    assert found.value == 0.5 and found.n == 4
    assert (found.low, found.high) == (0, 1)  # A alone: no difference; B alone: right or wrong


@pytest.mark.parametrize("turn", [False, True])
def test_a_subject_who_occurs_in_one_of_two_alone_counts_there_and_only_there(turn):
    """Zoe was tested by one of the two alone, and sorts last; Abe by the other, and sorts first."""
    one = predicted([H] * 6, [H, H, H, N, N, N], subject=["Bob", "Bob", "Cid", "Cid", "Zoe", "Zoe"])
    other = predicted([H] * 5, [N, H, N, N, H], subject=["Abe", "Abe", "Bob", "Bob", "Cid"])
    sign = -1 if turn else 1
    pair = (other, one) if turn else (one, other)
    found = metrics.difference_by_subject(*pair)["accuracy"]
    assert found.value == pytest.approx(sign * (3 / 6 - 2 / 5))
    assert found.n == (5 if turn else 6)
    right = np.array([[0, 2, 1, 0], [1, 0, 1, 0]])  # of Abe, Bob, Cid, Zoe
    tested = np.array([[0, 2, 2, 2], [2, 2, 1, 0]])
    drawn = np.random.default_rng(0).integers(4, size=(2000, 4))
    often = np.array([np.bincount(names, minlength=4) for names in drawn])
    with np.errstate(invalid="ignore"):
        accuracy = (often @ right.T) / (often @ tested.T)
    expected = np.nanpercentile(sign * (accuracy[:, 0] - accuracy[:, 1]), [2.5, 97.5])
    assert (found.low, found.high) == pytest.approx(tuple(expected))


def test_mcnemar_compares_photo_by_photo_whatever_their_order():
    """One is right alone on seven photos, the other on two; both right on five, both wrong on six."""
    y_true = np.full(20, H)
    one = np.repeat([H, N, H, N], [7, 2, 5, 6])
    other = np.repeat([N, H, H, N], [7, 2, 5, 6])
    exact = binomtest(2, 9).pvalue
    photo = np.array([f"photo {k:02d}" for k in range(20)])
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(20)
        back = np.random.default_rng(seed + 9).permutation(20)
        first = predicted(y_true, one[order], photo=photo[order].tolist())
        second = predicted(y_true, other[back], photo=photo[back].tolist())
        assert metrics.mcnemar(first, second) == pytest.approx(exact)
        assert metrics.mcnemar(second, first) == pytest.approx(exact)
    again = predicted(y_true, one[::-1], photo=photo[::-1].tolist())
    assert metrics.mcnemar(predicted(y_true, one, photo=photo.tolist()), again) == 1


def test_kappa_is_that_of_scikit_learn():
    net = coin(0.8, n=200)
    found = metrics.kappa(net)
    assert found.value == pytest.approx(sklearn.cohen_kappa_score(net.y_true, net.y_pred))
    assert found.n == 200 and found.low < found.value < found.high


# what a leak adds


def leaky_and_by_family():
    """Two seeds; the leaky net knows a photo's copies, the other does not. Order and folds differ."""
    photo = ["a", "a, copy 1", "b", "b, copy 1", "c", "d", "e", "f"]
    parent = ["a", "a", "b", "b", "c", "d", "e", "f"]
    y_true = [A, A, A, A, H, H, N, N]
    right = {  # by seed and net
        (0, "leaky"): [1, 1, 1, 1, 1, 0, 1, 0],
        (0, "by family"): [0, 1, 0, 0, 1, 1, 1, 0],
        (1, "leaky"): [1, 1, 1, 0, 1, 1, 0, 0],
        (1, "by family"): [0, 0, 0, 1, 0, 1, 1, 0],
    }
    found = []
    for name in ("leaky", "by family"):
        each = []
        for seed in (0, 1):
            y_pred = np.where(right[seed, name], y_true, EMOTIONS.index("fear"))
            net = predicted(y_true, y_pred, subject=parent, photo=photo, name=name)
            order = np.arange(8) if name == "leaky" else np.array([4, 5, 6, 0, 1, 2, 3, 7])
            table = net.table.assign(seed=seed, parent=parent, fold=np.arange(8) % 2)
            probabilities = net.probabilities[order]
            each.append(replace(net, table=table.iloc[order], probabilities=probabilities))
        table = pd.concat([p.table for p in each], ignore_index=True)
        probabilities = np.concatenate([p.probabilities for p in each])
        found.append(Predictions(name, table, probabilities))
    return found


def test_memorisation_and_composition_add_up_to_inflation():
    leaky, by_family = leaky_and_by_family()
    found = metrics.leak_decomposition(leaky, by_family, by_family.originals())
    assert found.memorisation["accuracy"].value == pytest.approx(11 / 16 - 7 / 16)
    assert found.composition["accuracy"].value == pytest.approx(7 / 16 - 5 / 12)
    assert found.inflation["accuracy"].value == pytest.approx(11 / 16 - 5 / 12)
    for metric in METRICS:
        parts = found.memorisation[metric].value + found.composition[metric].value
        assert found.inflation[metric].value == pytest.approx(parts)
    with pytest.raises(InputError, match="not tested on the same photos: a, copy 1, b, copy 1"):
        metrics.leak_decomposition(leaky, by_family.originals(), by_family.originals())


def test_contributions_of_all_classes_add_up_to_the_difference_in_accuracy():
    leaky, by_family = leaky_and_by_family()
    anger = metrics.contribution(leaky, by_family, ("anger",))
    assert anger.value == pytest.approx((7 - 2) / 16) and anger.n == 6
    rest = metrics.contribution(leaky, by_family, ("happiness", "neutral"))
    whole = metrics.paired_difference(leaky, by_family)["accuracy"]
    assert anger.value + rest.value == pytest.approx(whole.value)
    everything = metrics.contribution(leaky, by_family, EMOTIONS)
    assert everything[:4:3] == pytest.approx(whole[:4:3])
    assert metrics.contribution(leaky, by_family, ("disgust",))[:3] == (0, 0, 0)


def test_within_classes_accuracies_are_compared_on_their_pictures_alone():
    leaky, by_family = leaky_and_by_family()
    anger = metrics.accuracy_difference_within(leaky, by_family, ("anger",))
    assert anger.value == pytest.approx((7 - 2) / 8) and anger.n == 2
    others = metrics.accuracy_difference_within(leaky, by_family, ("anger",), inside=False)
    assert others.value == pytest.approx((4 - 5) / 8) and others.n == 4
    with pytest.raises(InputError, match="tested on no photo at all: 'leaky', 'by family'"):
        metrics.accuracy_difference_within(leaky, by_family, ("disgust",))


def test_gains_say_which_classes_they_come_from():
    leaky, by_family = leaky_and_by_family()
    found = metrics.gains(leaky, by_family, ("anger", "disgust"))
    whole = metrics.paired_difference(leaky, by_family)
    assert {name: found[name] for name in METRICS} == whole
    assert found["by_augmented_classes"].value == pytest.approx((7 - 2) / 16)
    assert found["augmented_classes"].value == pytest.approx((7 - 2) / 8)
    assert found["other_classes"].value == pytest.approx((4 - 5) / 8)
    assert found["recall.anger"].value == pytest.approx((7 - 2) / 8)
    assert "recall.disgust" not in found  # nobody was tested on it
    assert "other_classes" not in metrics.gains(leaky, by_family, EMOTIONS)
    with pytest.raises(InputError, match="'leaky' was tested on no picture of disgust"):
        metrics.gains(leaky, by_family, ("disgust",))


def test_each_seed_is_compared_with_itself():
    leaky, by_family = leaky_and_by_family()
    found = metrics.difference_by_seed(leaky, by_family)
    values = {seed: each["accuracy"].value for seed, each in found.items()}
    assert values == pytest.approx({0: (6 - 4) / 8, 1: (5 - 3) / 8})
    for seed, each in found.items():
        one = leaky.where(leaky.table.seed == seed)
        other = by_family.where(by_family.table.seed == seed)
        assert each == metrics.paired_difference(one, other)


def test_each_fold_is_compared_with_that_of_the_same_number_though_it_tests_other_photos():
    leaky, by_family = leaky_and_by_family()
    moved = replace(by_family, table=by_family.table.assign(fold=np.repeat([0, 1], 8)))
    found = metrics.difference_by_fold(leaky, moved)
    assert list(found) == [0, 1] and list(found[0]) == list(METRICS)
    for fold, each in found.items():
        one = metrics.score(leaky.where(leaky.table.fold == fold))
        other = metrics.score(moved.where(moved.table.fold == fold))
        for metric in METRICS:
            assert each[metric] == one[metric].value - other[metric].value
    assert found[0]["accuracy"] == pytest.approx(7 / 8 - 4 / 8)


def test_other_seeds_or_folds_are_refused_by_number():
    leaky, by_family = leaky_and_by_family()
    first = by_family.where(by_family.table.seed == 0)
    with pytest.raises(InputError, match="'leaky' has the seeds 0, 1, 'by family' has 0"):
        metrics.difference_by_seed(leaky, first)
    with pytest.raises(InputError, match=r"not tested with the same seeds: a \(seed 1\), a, copy"):
        metrics.contribution(leaky, first, ("anger",))
    one_fold = by_family.where(by_family.table.fold == 1)
    with pytest.raises(InputError, match="'leaky' has the folds 0, 1, 'by family' has 1"):
        metrics.difference_by_fold(leaky, one_fold)
    twice = replace(leaky, table=leaky.table.assign(seed=0))
    with pytest.raises(
        InputError, match=r"'leaky' was tested twice with one seed on: a \(seed 0\)"
    ):
        metrics.contribution(twice, by_family, ("anger",))


# p-values


@pytest.fixture
def few_rounds(monkeypatch):
    """4,000 resamples, not 20,000."""
    monkeypatch.setattr(estimates, "ROUNDS", 2)


def turned(net, better, worse):
    """The same net, right about so many photos more and wrong about so many others."""
    y_pred, right = net.y_pred.copy(), net.y_pred == net.y_true
    y_pred[np.flatnonzero(~right)[:better]] = net.y_true[~right][:better]
    y_pred[np.flatnonzero(right)[:worse]] = H + N - net.y_true[right][:worse]
    return predicted(net.y_true, y_pred, name="turned")


def test_equal_predictions_differ_with_p_of_one(few_rounds):
    p = metrics.p_values(coin(0.7), coin(0.7))
    assert p == dict.fromkeys((*METRICS, "majority_recall"), 1.0)  # no minority class was tested


def test_who_is_never_the_worse_in_any_resample_has_the_least_p_there_is(few_rounds):
    p = metrics.p_values(turned(coin(0.7), 30, 0), coin(0.7))
    assert p["accuracy"] == p["mcc"] == pytest.approx(2 / 4001)


@pytest.mark.parametrize("better, worse", [(12, 8), (16, 6), (20, 8)])
def test_p_is_near_that_of_mcnemar_where_photos_are_independent(few_rounds, better, worse):
    one = coin(0.7, n=300)
    other = turned(one, better, worse)
    p, exact = metrics.p_values(other, one)["accuracy"], metrics.mcnemar(other, one)
    assert (
        p == pytest.approx(binomtest(worse, better + worse).pvalue, abs=0.12)
        and exact >= p > exact / 4
    )
    assert metrics.p_values(one, other)["accuracy"] == pytest.approx(p)


def test_p_is_below_a_twentieth_exactly_where_the_interval_leaves_out_no_difference(few_rounds):
    one = coin(0.7, n=300)
    for better, worse in ((12, 8), (14, 4), (20, 8)):
        other = turned(one, better, worse)
        p, differences = metrics.p_values(other, one), metrics.paired_difference(other, one)
        recall = metrics.mean_recall_difference(other, one, ("happiness", "neutral"))
        assert (p["majority_recall"] < 0.05) == (recall.low > 0 or recall.high < 0)
        for metric in METRICS:
            assert (p[metric] < 0.05) == (
                differences[metric].low > 0 or differences[metric].high < 0
            )


def test_minority_and_majority_classes_have_a_p_of_their_own(few_rounds):
    y_true = np.array([A] * 40 + [H] * 80)
    plain, other = np.full(120, H), np.where(np.arange(120) < 60, A, H)
    p = metrics.p_values(predicted(y_true, other), predicted(y_true, plain))
    assert p["minority_recall"] == p["majority_recall"] == pytest.approx(2 / 4001)
    assert p["accuracy"] > 0.002  # 40 photos more and 20 less
    assert list(p) == [*METRICS, "minority_recall", "majority_recall"]


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
    found = metrics.reliability(
        sure([0.91, 0.97, 0.95, 0.95, 0.62, 0.66, 1], [1, 1, 1, 0, 1, 0, 1])
    )
    assert list(found) == ["confidence", "accuracy", "n"] and found.n.tolist() == [2, 5]
    assert found.confidence.tolist() == pytest.approx(
        [0.64, 4.78 / 5]
    ) and found.accuracy.tolist() == [0.5, 0.8]
    assert metrics.reliability(sure([0.7, 0.75, 0.8], [1, 1, 1]), bins=4).n.tolist() == [
        2,
        1,
    ]  # .75 in the lower


def test_the_calibration_error_is_that_of_pencil_and_paper():
    """Bins of 1/15: .62 and .66 share one and are right in half; .95, .97 another, always right; 1/8 the second."""
    net = sure([0.62, 0.66, 0.95, 0.97], [1, 0, 1, 1])
    assert metrics.calibration_error(net).value == pytest.approx(
        (2 * 0.14 + 2 * 0.04) / 4, abs=1e-6
    )
    assert metrics.calibration_error(net).n == 4
    even = predicted([A, H], None, probabilities=np.full((2, 8), 1 / 8, np.float32))
    assert metrics.calibration_error(even).value == pytest.approx(
        abs(0.5 - 1 / 8)
    )  # anger comes first: right once


@pytest.mark.parametrize("too_sure", [0, 0.1])
def test_the_interval_of_a_calibration_error_holds_it_though_noise_only_adds(too_sure):
    random = np.random.default_rng(0)
    confidence = random.uniform(0.55, 0.99, 2000)
    net = sure(confidence, random.random(2000) < confidence - too_sure)
    found = metrics.calibration_error(net)
    assert 0 <= found.low < found.value < found.high and found.low < too_sure + 0.01
    assert found == metrics.calibration_error(net) != metrics.calibration_error(net, seed=1)
    if not too_sure:
        assert found.high < 0.05


# several pictures of one subject


def blocks(share, subjects=60, each=10, seed=0, name="net", label=H):
    """Ten pictures of each subject, all of them right or all wrong; half of the subjects are happy."""
    rng = np.random.default_rng(seed)
    right = np.repeat(rng.random(subjects) < share, each)
    y_true = np.repeat(np.where(np.arange(subjects) % 2, label, N), each)
    return predicted(
        y_true, np.where(right, y_true, A), subject=np.arange(subjects * each) // each, name=name
    )


def alone(predictions):
    """The same pictures, each of a subject of its own."""
    return replace(predictions, table=predictions.table.assign(subject=predictions.table.photo))


def width(estimate):
    return estimate.high - estimate.low


@pytest.mark.parametrize(
    "interval",
    [
        lambda one, other: metrics.score(one)["accuracy"],
        lambda one, other: metrics.kappa(one),
        lambda one, other: metrics.calibration_error(one),
        lambda one, other: metrics.share(one, one.y_pred == A),
        lambda one, other: metrics.contribution(one, other, ("happiness",)),
        lambda one, other: metrics.paired_difference(one, other)["accuracy"],
        lambda one, other: metrics.difference_by_subject(one, other)["macro_f1"],
        lambda one, other: metrics.mean_recall_difference(one, other, ("happiness",)),
        lambda one, other: metrics.mean_recall(one, ("happiness",)),
        lambda one, other: metrics.recall(one)["happiness"],
        lambda one, other: metrics.forced_choice(one),
    ],
    ids=[
        "accuracy",
        "kappa",
        "calibration error",
        "share",
        "contribution",
        "difference",
        "difference of F1",
        "difference of recalls",
        "mean recall",
        "recall",
        "forced choice",
    ],
)
def test_pictures_of_one_subject_that_agree_make_the_interval_wider(interval):
    one, other = blocks(0.7), blocks(0.5, seed=1, name="other")
    grouped, single = interval(one, other), interval(alone(one), alone(other))
    assert grouped.value == pytest.approx(single.value) and width(grouped) > 2 * width(single)


def test_p_is_larger_where_pictures_of_one_subject_agree(few_rounds):
    one, other = blocks(0.7), blocks(0.5, seed=1, name="other")
    assert (
        metrics.p_values(one, other)["accuracy"]
        > 5 * metrics.p_values(alone(one), alone(other))["accuracy"]
    )


def test_recall_of_one_picture_each_or_of_none_right_is_wilson_s_over_subjects():
    single = metrics.recall(coin(0.7))
    hits = coin(0.7)
    for name, place in (("happiness", H), ("neutral", N)):
        of_it = hits.y_true == place
        wanted = wilson((hits.y_pred == place)[of_it].sum(), of_it.sum())
        assert single[name][:4] == wanted[:4]
    none = metrics.recall(blocks(0.0))["happiness"]
    assert none[:4] == wilson(0, 30)._replace(n=300)[:4]
    assert none.subjects == 30


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
        alone = metrics.forced_choice(predicted([H, H, H, H], None, probabilities=tied))
        assert alone[1:4] == (0, 1, 0)
        assert (
            metrics.forced_choice(predicted([H, H, N, N], None, probabilities=tied)).value == 0.75
        )
    with pytest.raises(InputError, match="no photo of happiness, neutral"):
        metrics.forced_choice(predicted([A, A, A, A], None, probabilities=tied))


# asked for something else than the emotion


def test_scores_of_a_net_asked_for_the_source_are_over_sources():
    table = predicted([H, N, A, A], [H, H, H, H]).table.assign(
        source=["film", "film", "news", "news"]
    )
    probabilities = np.eye(3, dtype=np.float32)[[0, 1, 1, 1]]
    net = Predictions(
        "net", table, probabilities, target_column="source", classes=("film", "news", "web")
    )
    assert confusion(net).tolist() == [[1, 1, 0], [0, 2, 0], [0, 0, 0]]
    recalls = {name: found[:4] for name, found in metrics.recall(net).items()}
    assert recalls == {"film": wilson(1, 2)[:4], "news": wilson(2, 2)[:4]}
    found = metrics.score(net)
    assert (
        found["accuracy"].value == found["balanced_accuracy"].value == 0.75
        and found["accuracy"].n == 4
    )


# tables


def test_a_table_of_scores_marks_the_leaky_ones():
    table = metrics.table([coin(0.8, name="honest"), coin(0.9, name="leaky", leaky=True)])
    assert list(table) == [
        "photos", "subjects", "seeds", *METRICS.values(), "caveats of the split"
    ]  # fmt: skip
    assert table["caveats of the split"].to_dict() == {
        "honest": "subjects unknown",
        "leaky": "split leaks on purpose, subjects unknown",
    } and table.photos.tolist() == [120, 120]
    number = metrics.score(coin(0.8))["macro_f1"]
    assert (
        table.loc["honest", "macro-F1"]
        == f"{number.value:.3f} ({number.low:.3f} to {number.high:.3f})"
    )


def test_a_table_of_recalls_says_where_nobody_was_asked():
    rest = [k for k in range(8) if k not in (A, H)]
    predictions_list = {
        "one": predicted([H, H, *rest], [H, N, *rest], name="one"),
        "another": predicted([A], [A], name="another"),
    }
    table = metrics.recall_table(predictions_list)
    assert tuple(table) == (*EMOTIONS, "seeds") and list(table.index) == ["one", "another"]
    assert table.loc["one", "happiness"] == "0.50 (0.09 to 0.91) of 2 (2 subjects)"
    assert table.loc["one", "anger"] == table.loc["another", "happiness"] == "not tested"


def test_a_number_prints_with_its_interval_if_it_has_one():
    assert str(Estimate(0.8014, 0.79, 0.81234, 13_690)) == "0.801 (0.790 to 0.812; n = 13,690)"
    assert str(Estimate(21, None, None, 13_690)) == "21 (n = 13,690)"


def test_a_photo_tested_with_two_seeds_is_one_witness():
    once = predicted([A, A, H, N], [A, H, H, N])
    both_seeds = predicted(
        [A, A, H, N] * 2,
        [A, H, H, N, A, A, H, N],
        photo=[f"photo {k}" for k in range(4)] * 2,
        seed=[0] * 4 + [1] * 4,
    )
    assert metrics.recall(once)["anger"][:4] == wilson(1, 2)[:4]
    twice = metrics.recall(both_seeds)["anger"]
    assert twice[:1] + twice[3:] == (0.75, 2, 2, 2, (0.5, 1.0))
    assert 0 < twice.low < 0.02 and 0.98 < twice.high < 1  # two of two: little is known
    assert metrics.forced_choice(both_seeds).n == 2


def test_two_nets_of_one_name_are_not_mixed_up():
    with pytest.raises(InputError, match="the same name: net"):
        metrics.table([coin(0.5), coin(0.9)])


# by epoch, by memory, several p-values


def after_epochs(*y_pred_by_epoch, name="net"):
    """Four photos, two happy and two neutral, and what was predicted after each epoch."""
    y_pred = np.array(y_pred_by_epoch, np.uint8)
    found = predicted([H, H, N, N], y_pred[-1], name=name)
    photo = found.table.photo.to_numpy()
    run = SimpleNamespace(epoch_predictions=y_pred, photo=photo, fold=0, seed=0)
    return replace(found, runs=(run,))


def test_epochs_are_compared_with_the_same_epoch_up_to_the_last_of_both():
    one = after_epochs([H, H, H, H], [H, H, N, N], [A, A, A, A])
    other = after_epochs([H, H, H, H], [H, H, H, N], name="other")
    found = metrics.difference_by_epoch(one, other)
    assert {epoch: each["accuracy"].value for epoch, each in found.items()} == {1: 0, 2: 0.25}
    neutral = metrics.difference_by_epoch(one, other, metrics.mean_recall_difference, ("neutral",))
    assert {epoch: each.value for epoch, each in neutral.items()} == {1: 0, 2: 0.5}
    with pytest.raises(InputError, match="of 'without'"):
        metrics.difference_by_epoch(one, predicted([H], [H], name="without"))


def test_who_memorised_everything_is_right_about_what_was_seen_and_guesses_the_rest():
    net = predicted([H] * 8, [N] * 8)
    seen = [True, False, True, False, False, False, False, False]
    copies = [True, True, False, False, False, False, False, False]
    table = net.table.assign(parent_in_training=copies, near_duplicate_id_in_training=seen)
    found = metrics.accuracy_if_memorised(replace(net, table=table))
    assert found == pytest.approx(3 / 8 + 5 / 8 * 1 / 8)
    with pytest.raises(InputError, match="'net': nobody knows what was trained on"):
        metrics.accuracy_if_memorised(net)


def test_guessing_at_the_shares_of_the_classes_is_taken_off_the_accuracy():
    # 6 of 8 are neutral and 2 happy: guessing so is right in 36/64 + 4/64 of cases
    labels = [N] * 6 + [H] * 2
    always = predicted(labels, [N] * 8)
    found = metrics.accuracy_above_guessing(always)
    assert found.value == pytest.approx(6 / 8 - 40 / 64)
    assert found.low < found.value < found.high and found.n == 8
    wrong = predicted(labels, [A] * 8)
    assert metrics.accuracy_above_guessing(wrong).value == pytest.approx(-40 / 64)


def test_p_values_of_several_pairs_are_adjusted_together(few_rounds):
    plain = coin(0.6)
    better = coin(0.9, seed=0)
    pairs = {"better": (better, plain), "alike": (plain, plain)}
    found = metrics.adjusted_p_values(pairs)
    assert found.index.tolist() == ["better", "alike"]
    assert set(found) == {"accuracy", "macro_f1"}  # no minority class was tested
    raw = {
        ("better", "accuracy"): metrics.mcnemar(better, plain),
        ("better", "macro_f1"): metrics.p_values(better, plain)["macro_f1"],
        ("alike", "accuracy"): 1.0,
        ("alike", "macro_f1"): 1.0,
    }
    for (pair, metric), p in metrics.holm(raw).items():
        assert found.loc[pair, metric] == p
    assert found.loc["better", "accuracy"] > raw["better", "accuracy"]
