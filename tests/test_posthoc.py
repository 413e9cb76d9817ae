"""Once a net is trained its probabilities can be put right, or its last layer; nobody looks at the test's labels."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_info, threadpool_limits

from emoclass import posthoc
from emoclass.errors import InputError
from emoclass.labels import EMOTIONS
from emoclass.predictions import Predictions
from emoclass.run import Run, SplitFacts, TrainedState
from emoclass.variant import Variant

A, H, N = (EMOTIONS.index(emotion) for emotion in ("anger", "happiness", "neutral"))
EVERY = (posthoc.temperature_scaled, posthoc.logit_adjusted, posthoc.retrained_head)


def two(happy) -> np.ndarray:
    """(n, 8) probabilities of somebody who knows happiness, of this probability, and neutral."""
    happy = np.asarray(happy, float)
    probabilities = np.zeros((len(happy), 8))
    probabilities[:, H], probabilities[:, N] = happy, 1 - happy
    return probabilities


def run_of(test, validation, y_true, trained=(H, N), record_features=None, fold=0) -> Run:
    """A run that says this of both parts, whose labels are `truth` and, in training, `trained`; none of the test."""
    photo = np.array([f"photo {fold}.{k}" for k in range(len(test))], object)
    facts = SplitFacts(
        photo=photo,
        parent=photo,
        classes=EMOTIONS,
        places=np.arange(8),
        in_training={},
        rows=(len(trained), len(validation), len(test)),
        y_true={"train": np.asarray(trained, int), "validation": np.asarray(y_true, int)},
    )
    embeddings = {
        part: np.asarray(found, np.float16) for part, found in (record_features or {}).items()
    }
    return Run(
        variant=Variant("net", record_features=bool(embeddings)),
        fold=fold,
        seed=0,
        split=facts,
        probabilities=np.asarray(test, np.float32),
        validation=np.asarray(validation, np.float32),
        epoch_predictions=np.asarray(test).argmax(1).astype(np.uint8)[None],
        history={},
        seconds=1.0,
        load_state=lambda: TrainedState([], embeddings),
    )


def pooled(*runs) -> Predictions:
    rows = [
        pd.DataFrame({"photo": run.photo, "parent": run.photo, "fold": run.fold, "seed": 0})
        for run in runs
    ]
    table = pd.concat(rows, ignore_index=True).assign(emotion="neutral", source="news")
    probabilities = np.concatenate([run.probabilities for run in runs])
    return Predictions("net", table.assign(subject=table.photo), probabilities, runs=tuple(runs))


def clouds(counts, seed, apart, classes=(A, H, N)):
    """Features of so many photos of each class, `apart` from each other along an axis each, and their labels."""
    y_true = np.repeat(classes, counts)
    random = np.random.default_rng(seed)
    return apart * np.eye(8)[y_true] + random.normal(size=(len(y_true), 8)), y_true


def featured(trained, validated, tested, **how) -> Run:
    """A run that guesses nothing by itself and has (features, labels) of the three parts."""
    parts_ = dict(train=trained[0], validation=validated[0], test=tested[0])
    even = [np.full((len(found), 8), 1 / 8) for found in (tested[0], validated[0])]
    return run_of(*even, y_true=validated[1], trained=trained[1], record_features=parts_, **how)


@pytest.fixture(scope="module")
def separable():
    """Three emotions far apart, 300 to 6 photos in training."""
    return clouds((6, 300, 100), 0, 12), clouds((3, 20, 10), 1, 12), clouds((30, 30, 30), 2, 12)


# temperature


def test_who_says_nine_to_one_and_is_right_three_times_in_four_is_twice_too_sure():
    speaker = pooled(run_of(two([0.9, 0.2, 0.5]), two([0.9] * 4), [H, H, H, N]))
    assert [posthoc.temperature(run) for run in speaker.runs] == pytest.approx([2], rel=1e-3)
    cooled = posthoc.temperature_scaled(speaker)
    assert cooled.probabilities[:, H] == pytest.approx(
        [0.75, 1 / 3, 0.5], rel=1e-3
    )  # odds 9, 1/4, 1: their roots
    assert [posthoc.temperature(run) for run in cooled.runs] == pytest.approx([1], rel=1e-3)


@pytest.mark.parametrize("too_sure", [0.5, 1, 3])
def test_the_temperature_is_how_much_too_sure_a_net_is(too_sure):
    random = np.random.default_rng(0)
    logits = random.normal(scale=2, size=(4000, 8))
    y_true = (logits + random.gumbel(size=logits.shape)).argmax(1)  # a draw from softmax(logits)
    predicted = softmax(too_sure * logits, axis=1)
    assert posthoc.temperature(run_of(predicted[:5], predicted, y_true)) == pytest.approx(
        too_sure, rel=0.06
    )


def test_each_run_has_its_own_temperature_and_what_leads_still_leads():
    sure, unsure = run_of(two([0.9, 0.3]), two([0.9] * 4), [H, H, H, N]), two([0.75] * 10)
    speaker = pooled(sure, run_of(two([0.75, 0.4]), unsure, [H] * 9 + [N], fold=1))
    assert [posthoc.temperature(run) for run in speaker.runs] == pytest.approx([2, 0.5], rel=1e-3)
    cooled = posthoc.temperature_scaled(speaker, "cooled")
    assert cooled.probabilities[[0, 2], H] == pytest.approx([0.75, 0.9], rel=1e-3)
    assert cooled.y_pred.tolist() == speaker.y_pred.tolist() and cooled.name == "cooled"
    assert cooled.table is speaker.table and speaker.probabilities[0, H] == np.float32(0.9)


def test_an_emotion_in_validation_that_cannot_be_said_does_not_decide_the_temperature():
    speaker = pooled(run_of(two([0.9]), two([0.9] * 5), [H, H, H, N, A]))
    assert [posthoc.temperature(run) for run in speaker.runs] == pytest.approx([2], rel=1e-3)


# the prior taken out

NINE_TO_ONE = [H] * 90 + [N] * 10


@pytest.mark.parametrize("tau, happy", [(0, 0.9), (0.5, 0.75), (1, 0.5)])
def test_adjusting_takes_out_what_was_said_for_frequency_alone(tau, happy):
    speaker = pooled(run_of(two([0.9]), two([0.9]), [H], NINE_TO_ONE))
    adjusted = posthoc.logit_adjusted(speaker, tau)
    assert adjusted.probabilities[0, [H, N]] == pytest.approx([happy, 1 - happy])
    assert adjusted.runs[0].validation[0, [H, N]] == pytest.approx([happy, 1 - happy])
    assert (
        np.delete(adjusted.probabilities[0], [H, N]).tolist() == [0] * 6
    )  # what is never said is not said now


def test_a_net_taught_an_imbalance_says_after_adjusting_what_one_taught_none_would():
    likelihood = np.random.default_rng(0).dirichlet(np.ones(8), size=20)
    counts = np.array([30, 1, 20, 2, 500, 600, 25, 35])
    taught = likelihood * counts / (likelihood * counts).sum(1, keepdims=True)
    speaker = pooled(run_of(taught, taught[:1], [H], np.repeat(np.arange(8), counts)))
    np.testing.assert_allclose(
        posthoc.logit_adjusted(speaker, 1).probabilities, likelihood, rtol=1e-5
    )


def test_each_fold_is_adjusted_by_what_it_was_trained_on():
    speaker = pooled(
        run_of(two([0.9]), two([0.9]), [H], NINE_TO_ONE),
        run_of(two([0.9]), two([0.9]), [H], [H, N], fold=1),
    )
    assert posthoc.logit_adjusted(speaker, 1).probabilities[:, H] == pytest.approx([0.5, 0.9])


# Odds of h : 1 - h turn at a tau of log(h / (1 - h)) / log(9): .6 at .18, .75 at .5, .8 at .63, .999 never.
TURNS = two([0.6, 0.8, 0.8, 0.8] + [0.75] * 4 + [0.999] * 32)
TURNS_ARE = [N] * 4 + [H] * 36


@pytest.mark.parametrize("at_least, tau", [(0, 0.7), (0.9, 0.7), (0.92, 0.2), (0.95, 0)])
def test_tau_is_the_smallest_of_the_best_macro_f1_with_an_accuracy_that_is_allowed(at_least, tau):
    # Neutral and happy ones right, of 4 and 36: 0, 36 at first; 1, 36 from .2; 1, 32 from .6; 4, 32 from .7.
    speaker = pooled(run_of(two([0.8, 0.75, 0.6]), TURNS, TURNS_ARE, NINE_TO_ONE))
    assert [posthoc.best_tau(run, at_least) for run in speaker.runs] == [tau]
    adjusted = posthoc.logit_adjusted(speaker, at_least=at_least, name="adjusted")
    assert adjusted.y_pred.tolist() == {0.7: [N, N, N], 0.2: [H, H, N], 0: [H, H, H]}[tau]
    assert adjusted.name == "adjusted"


def test_macro_f1_does_not_pay_any_price_for_recall():
    """Neutral and happy ones right, of 2 and 20: 1, 20 from .2; from .7 on 2, 14: the mean recall would rise."""
    turns = two([0.6, 0.8] + [0.75] * 6 + [0.999] * 14)
    speaker = pooled(run_of(two([0.9]), turns, [N] * 2 + [H] * 20, NINE_TO_ONE))
    assert [posthoc.best_tau(run) for run in speaker.runs] == [0.2]


def test_where_no_tau_helps_none_is_chosen():
    speaker = pooled(run_of(two([0.9]), two([0.9, 0.1]), [H, N], NINE_TO_ONE))
    assert (
        [posthoc.best_tau(run) for run in speaker.runs] == [0]
        and posthoc.TAUS[0] == 0
        and posthoc.TAUS[-1] == 1.5
    )
    np.testing.assert_allclose(
        posthoc.logit_adjusted(speaker).probabilities, speaker.probabilities, rtol=1e-6
    )


def test_a_given_tau_needs_no_validation_part():
    speaker = pooled(run_of(two([0.9]), np.zeros((0, 8)), [], NINE_TO_ONE))
    assert posthoc.logit_adjusted(speaker, 1).probabilities[0, H] == pytest.approx(0.5)


# a shift that costs as much as something else


def labelled(predictions: Predictions, emotions) -> Predictions:
    table = predictions.table.assign(emotion=emotions)
    return replace(predictions, table=table)


def of_two_seeds() -> Predictions:
    """Ten happy and two neutral photos; the odds of each happy one turn at another tau."""
    odds = np.linspace(0.55, 0.95, 10)
    runs = []
    for seed in (3, 4):
        run = run_of(two([*odds, 0.3, 0.7]), two([0.9]), [H], NINE_TO_ONE)
        runs.append(replace(run, seed=seed))
    tables = [pooled(run).table.assign(seed=run.seed) for run in runs]
    probabilities = np.concatenate([run.probabilities for run in runs])
    both = replace(pooled(*runs), table=pd.concat(tables), probabilities=probabilities)
    return labelled(both, (["happiness"] * 10 + ["neutral"] * 2) * 2)


def test_a_shift_at_equal_cost_costs_each_seed_what_the_other_nets_cost_it():
    speaker = of_two_seeds()
    first = (speaker.table.seed == 3).to_numpy()
    costly = speaker.probabilities.copy()
    # Lost of ten happy photos: seven by seed 3, two by seed 4.
    costly[np.flatnonzero(first)[:7]] = two([0.1] * 7)
    costly[np.flatnonzero(~first)[:2]] = two([0.1] * 2)
    other = replace(speaker, probabilities=costly)
    taus = posthoc.taus_at_equal_cost(speaker, other, ("happiness",))
    assert list(taus) == [3, 4] and taus[3] > taus[4] > 0
    shifted = posthoc.logit_adjusted(speaker, taus)
    for seed, kept_happy in {3: 3, 4: 8}.items():
        rows = (shifted.table.seed == seed) & (shifted.table.emotion == "happiness")
        assert (shifted.y_pred[rows.to_numpy()] == H).sum() == kept_happy


def test_what_costs_nothing_is_matched_by_no_shift_to_speak_of():
    speaker = of_two_seeds()
    taus = posthoc.taus_at_equal_cost(speaker, speaker, ("happiness",))
    shifted = posthoc.logit_adjusted(speaker, taus)
    assert (shifted.y_pred == speaker.y_pred).all()


def test_a_price_that_no_shift_asks_is_met_as_nearly_as_possible():
    sure = two([1.0] * 10 + [0.3, 0.7]).astype(np.float32)
    speaker = of_two_seeds()
    runs = [replace(run, probabilities=sure) for run in speaker.runs]
    certain = np.concatenate([sure, sure])
    certain = replace(speaker, runs=tuple(runs), probabilities=certain)
    never = replace(speaker, probabilities=two([0.0] * len(speaker)))
    taus = posthoc.taus_at_equal_cost(certain, never, ("happiness",))
    assert taus == {3: posthoc.LARGEST_TAU, 4: posthoc.LARGEST_TAU}


def test_only_the_tests_asked_for_count_towards_the_price():
    speaker = of_two_seeds()
    sure = np.tile(np.arange(12) > 6, 2)  # three happy photos, lost by a large shift alone
    costly = replace(speaker, probabilities=two([0.1] * len(speaker))).where(sure)
    taus = posthoc.taus_at_equal_cost(speaker, costly, ("happiness",), sure)
    assert posthoc.logit_adjusted(speaker, taus).y_pred[:10].tolist() == [N] * 10


def test_the_trade_curve_begins_with_the_net_itself_and_gives_one_kind_for_the_other():
    speaker = labelled(of_two_seeds(), (["happiness"] * 10 + ["anger"] * 2) * 2)
    curve = posthoc.trade_curve(speaker, (0, 0.5, 1))
    assert curve.loc[0].to_dict() == {"minority_recall": 0, "majority_recall": 1}
    assert curve.majority_recall.is_monotonic_decreasing
    of_first = posthoc.trade_curve(speaker, (0,), np.arange(len(speaker)) < 10)
    assert list(of_first) == ["majority_recall"]  # no photo of a minority class is counted


# another last layer


def test_emotions_that_lie_apart_are_told_apart_however_scarce(separable):
    speaker = pooled(featured(*separable), featured(*separable, fold=1))
    changed = posthoc.retrained_head(speaker, "changed")
    assert changed.y_pred.tolist() == separable[2][1].tolist() * 2
    assert changed.name == "changed" and changed.probabilities.dtype == np.float32
    np.testing.assert_allclose(changed.probabilities.sum(1), 1, rtol=1e-5)
    assert (
        np.delete(changed.probabilities, [A, H, N], axis=1) == 0
    ).all()  # nobody was trained on these
    assert (changed.runs[0].validation.argmax(1) == separable[1][1]).all()


def test_a_retrained_head_does_not_depend_on_the_number_of_cores(separable, monkeypatch):
    """With threads of the BLAS side by side it stops elsewhere, and a photo or two are judged otherwise."""
    threads, fit = set(), LogisticRegression.fit

    def watched(*arguments):
        threads.update(
            found["num_threads"] for found in threadpool_info() if found["user_api"] == "blas"
        )
        return fit(*arguments)

    monkeypatch.setattr(LogisticRegression, "fit", watched)
    with threadpool_limits(2, user_api="blas"):
        posthoc.retrained_head(pooled(featured(*separable)))
    assert threads == {1}


def test_a_retrained_layer_draws_the_line_midway_though_one_side_is_scarce():
    parts_ = [
        clouds(counts, k, 1.5, (A, H))
        for k, counts in enumerate(((40, 2000), (200, 200), (500, 500)))
    ]
    speaker = pooled(featured(*parts_))
    right = posthoc.retrained_head(speaker).y_pred == np.repeat([A, H], 500)
    scarce, common = right[:500].mean(), right[500:].mean()
    assert (
        scarce == pytest.approx(common, abs=0.08) and min(scarce, common) > 0.75
    )  # .86 at best, by theory


def test_the_strength_of_a_new_layer_is_chosen_by_balanced_accuracy_where_classes_are_unequal():
    """The one that is right most often would be another: it does without the scarce emotion."""
    counts = (12, 400), (10, 300), (50, 50)
    parts = [clouds(n, 10 + k, 1.0, (A, H)) for k, n in enumerate(counts)]
    run = featured(*parts)
    scores = {}
    for strength in posthoc.STRENGTHS:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                posthoc, "STRENGTHS", posthoc.STRENGTHS[: posthoc.STRENGTHS.index(strength) + 1]
            )
            patch.setattr(posthoc, "_validation_metrics", latest_is_best())
            validation = posthoc.head_outputs(run).validation
        right = validation.argmax(1) == parts[1][1]
        by_class = right[parts[1][1] == A].mean(), right[parts[1][1] == H].mean()
        scores[strength] = (np.mean(by_class), right.mean())
    balanced = max(scores.values(), key=lambda both: both[0])
    assert balanced[1] < max(accuracy for _, accuracy in scores.values())
    chosen = posthoc.head_outputs(run).validation.argmax(1) == parts[1][1]
    assert chosen.mean() == balanced[1]


def latest_is_best():
    """In place of the metrics in validation: whatever is tried later is better."""
    tried = []

    def metrics_of(probabilities, run):
        tried.append(probabilities)
        return {"balanced_accuracy": len(tried), "accuracy": len(tried)}

    return metrics_of


def test_what_one_run_predicts_with_a_new_layer_has_a_row_for_each_photo_of_its_part(separable):
    """And the row is the same one, but for its rounding."""
    outputs = posthoc.head_outputs(featured(*separable))
    assert outputs.validation.shape == (33, 8) and outputs.validation.dtype == np.float32
    assert outputs.test.shape == (90, 8) and outputs.test.dtype == np.float32
    changed = posthoc.retrained_head(pooled(featured(*separable)))
    np.testing.assert_allclose(changed.probabilities, outputs.test, rtol=0.07, atol=1e-6)
    assert np.array_equal(changed.y_pred, outputs.test.argmax(1))


# whole runs, and all that is needed


@pytest.fixture
def speaker(separable):
    return pooled(featured(*separable), featured(*separable, fold=1))


@pytest.mark.parametrize("change", EVERY)
def test_whoever_has_lost_rows_or_runs_or_says_otherwise_by_now_is_refused(change, speaker):
    some = speaker.where(np.arange(len(speaker)) > 0)
    early = speaker.after_epoch(1)
    for lost in (some, early, replace(speaker, runs=()), replace(speaker, runs=speaker.runs[:1])):
        with pytest.raises(
            InputError,
            match="'net': change what whole runs predict first, then choose among rows or epochs",
        ):
            change(lost)


@pytest.mark.parametrize("change", EVERY)
def test_without_a_validation_part_there_is_nothing_to_choose_on(change, speaker):
    one, other = speaker.runs
    bare = replace(other, validation=other.validation[:0])
    with pytest.raises(InputError, match="'net': there is no validation part to choose on"):
        change(replace(speaker, runs=(one, bare)))


def test_a_last_layer_needs_the_features_of_every_run(speaker):
    one, other = speaker.runs
    with pytest.raises(
        InputError,
        match=r"'net': what goes into the last layer was not kept \(record_features=True keeps it\)",
    ):
        bare = replace(other, load_state=lambda: TrainedState([], {}))
        posthoc.retrained_head(replace(speaker, runs=(one, bare)))


@pytest.mark.parametrize("change", EVERY)
def test_who_was_changed_can_be_changed_again_but_not_asked_about_epochs(change, speaker):
    changed = change(speaker)
    assert changed.name == "net" and len(changed.runs) == 2
    assert np.array_equal(posthoc.temperature_scaled(changed).y_pred, changed.y_pred)
    with pytest.raises(InputError, match="predictions after epoch 1 were not kept"):
        changed.after_epoch(1)


@pytest.mark.parametrize("change", EVERY)
def test_labels_of_the_test_part_have_no_say_and_a_leak_stays_one(change, speaker):
    runs = []
    for run in speaker.runs:
        labels = run.y_true | {"test": np.full(len(run.photo), A)}
        runs.append(replace(run, split=replace(run.split, y_true=labels)))
    misled = replace(
        speaker, table=speaker.table.assign(emotion="fear"), runs=tuple(runs), leaky=True
    )
    assert np.array_equal(change(misled).probabilities, change(speaker).probabilities)
    assert change(misled).leaky and not change(speaker).leaky


def test_one_odd_test_photo_changes_nothing_for_the_others(speaker):
    one, other = speaker.runs
    odd = one.embeddings["test"].copy()
    odd[0] = 1000
    embeddings = one.embeddings | {"test": odd}
    changed_run = replace(one, load_state=lambda: TrainedState([], embeddings))
    changed = posthoc.retrained_head(replace(speaker, runs=(changed_run, other)))
    np.testing.assert_allclose(
        changed.probabilities[1:], posthoc.retrained_head(speaker).probabilities[1:], atol=1e-6
    )


def test_one_step_goes_on_from_where_the_other_ended():
    """Odds of 27 to 1, right three times in four, the prior being 9 to 1: without it the net is not too sure."""
    speaker = pooled(run_of(two([27 / 28]), two([27 / 28] * 4), [H, H, H, N], NINE_TO_ONE))
    assert [posthoc.temperature(run) for run in speaker.runs] == pytest.approx([3], rel=1e-3)
    assert posthoc.temperature(posthoc.logit_adjusted(speaker, 1).runs[0]) == pytest.approx(
        1, rel=1e-3
    )


# one of several, or all of them


def candidate(name, *predicted, y_true=(H, H, H, N)):
    """Somebody who says of each fold's one test photo and four validation photos how probable happiness is."""
    runs = [
        run_of(two([test]), two(validation), y_true, fold=fold)
        for fold, (test, validation) in enumerate(predicted)
    ]
    return replace(pooled(*runs), name=name)


RIGHT, HALF, WRONG = [0.9, 0.9, 0.9, 0.1], [0.9, 0.9, 0.1, 0.9], [0.1, 0.1, 0.1, 0.9]


def test_each_fold_takes_whom_its_own_validation_persons_prefer():
    one, other = (
        candidate("one", (0.6, RIGHT), (0.7, WRONG)),
        candidate("other", (0.8, HALF), (0.9, HALF)),
    )
    nested = posthoc.select_on_validation([one, other])
    assert nested.probabilities[:, H] == pytest.approx([0.6, 0.9])
    assert nested.name == "selected on validation subjects"
    assert (
        nested.table.photo.tolist() == one.table.photo.tolist()
        and nested.table.index.tolist() == [0, 1]
    )
    assert [run.validation[2, H] for run in nested.runs] == pytest.approx([0.9, 0.1])
    assert posthoc.select_on_validation([other, one], name="again").probabilities[
        :, H
    ] == pytest.approx([0.6, 0.9])


def test_what_is_tested_has_no_say_in_the_choice():
    one, other = candidate("one", (0.6, RIGHT)), candidate("other", (0.8, HALF))
    for test in (0.0, 0.3, 1.0):  # whatever is said of the test photo
        changed = candidate("one", (test, RIGHT))
        assert posthoc.select_on_validation([changed, other]).probabilities[0, H] == pytest.approx(
            test
        )
    assert posthoc.select_on_validation([other, one]).runs[0] is one.runs[0]


def test_the_first_of_equals_is_chosen():
    one, other = candidate("one", (0.6, RIGHT)), candidate("other", (0.8, RIGHT))
    assert posthoc.select_on_validation([one, other]).runs[0] is one.runs[0]
    assert posthoc.select_on_validation([other, one]).runs[0] is other.runs[0]


# Of four happy ones and one neutral: all but the neutral right (accuracy .8); or two happy ones and the neutral (.6).
ACCURATE, FAIR = [0.9, 0.9, 0.9, 0.9, 0.9], [0.9, 0.9, 0.1, 0.1, 0.1]


@pytest.mark.parametrize(
    "metric, at_least, test",
    [("accuracy", 0, 0.6), ("balanced_accuracy", 0, 0.8), ("balanced_accuracy", 0.7, 0.6)],
)
def test_any_metric_may_decide_among_those_that_are_accurate_enough(metric, at_least, test):
    y_true = (H, H, H, H, N)
    both = (
        candidate("one", (0.6, ACCURATE), y_true=y_true),
        candidate("other", (0.8, FAIR), y_true=y_true),
    )
    assert posthoc.select_on_validation(both, metric, at_least).probabilities[
        0, H
    ] == pytest.approx(test)


def test_where_nobody_is_accurate_enough_the_most_accurate_is_taken():
    y_true = (H, H, H, H, N)
    both = (
        candidate("other", (0.8, FAIR), y_true=y_true),
        candidate("one", (0.6, ACCURATE), y_true=y_true),
    )
    assert posthoc.select_on_validation(both, "balanced_accuracy", at_least=0.9).probabilities[
        0, H
    ] == pytest.approx(0.6)


def test_rows_go_with_whoever_is_chosen_and_a_leak_stays_one():
    one, other = (
        candidate("one", (0.6, RIGHT), (0.7, WRONG)),
        candidate("other", (0.8, HALF), (0.9, HALF)),
    )
    other = replace(other, table=other.table.assign(source_in_training=True), leaky=True)
    one = replace(one, table=one.table.assign(source_in_training=False))
    nested = posthoc.select_on_validation([one, other])
    assert nested.table.source_in_training.tolist() == [False, True] and nested.leaky


def test_only_those_who_were_tested_and_validated_alike_are_put_together():
    one = candidate("one", (0.6, RIGHT), (0.7, WRONG))
    another_fold = replace(
        pooled(run_of(two([0.6]), two(RIGHT), (H, H, H, N), fold=5)), name="elsewhere"
    )
    fewer_folds = candidate("fewer", (0.6, RIGHT))
    other_validation = candidate("asked otherwise", (0.6, RIGHT), (0.7, WRONG), y_true=(N, H, H, N))
    with pytest.raises(
        InputError, match="'elsewhere', 'fewer', 'asked otherwise' and 'one' were not tested"
    ):
        posthoc.select_on_validation([one, another_fold, fewer_folds, other_validation])
    with pytest.raises(InputError, match="no candidate"):
        posthoc.select_on_validation([])
    with pytest.raises(InputError, match="'one': change what whole runs predict first"):
        posthoc.select_on_validation([one, one.where(np.array([True, False]))])


def test_whom_each_fold_took_is_known_by_name():
    one, other = (
        candidate("one", (0.6, RIGHT), (0.7, WRONG)),
        candidate("other", (0.8, HALF), (0.9, HALF)),
    )
    nested = posthoc.select_on_validation([one, other])
    assert posthoc.names_selected(nested, [one, other]) == ["one", "other"]
