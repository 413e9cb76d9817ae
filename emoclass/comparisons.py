"""What one classifier gains over another on the same photos, and what a leak adds."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import binomtest, ttest_ind

from emoclass import estimates
from emoclass.confusions import (
    METRICS,
    are_one,
    confusion,
    counts_by_subject,
    estimate_mean_recall,
    estimate_metrics,
    from_confusion,
    resample,
    scores_by_draw,
)
from emoclass.errors import InputError, listed
from emoclass.estimates import Estimate, mean_over_subjects, subject_weights
from emoclass.labels import MAJORITY, MINORITY
from emoclass.predictions import Predictions

GROUP_RECALLS = {"minority_recall": MINORITY, "majority_recall": MAJORITY}


@dataclass(frozen=True)
class LeakDecomposition:
    """What augmenting before the split does to each metric: inflation and its two parts.

    Each is a dict of Estimate by metric; memorisation and composition add up to inflation.
    """

    memorisation: dict[str, Estimate]  # leaky minus leak-free, tested on the same pictures
    composition: dict[str, Estimate]  # leak-free nets: all test pictures minus originals
    inflation: dict[str, Estimate]  # leaky on all test pictures minus leak-free on originals


def leak_decomposition(
    leaky: Predictions, by_family: Predictions, originals: Predictions, seed: int = 0
) -> LeakDecomposition:
    """How far a leaky score lies above the honest one, and why.

    Raises InputError if `leaky` and `by_family` were not tested on the same pictures.

    leaky      copies of tested photos were in training
    by_family  the same pictures, but each photo and its copies on one side of the split
    originals  `by_family` on the photos that are nobody's copy: `by_family.originals()`
    """
    return LeakDecomposition(
        memorisation=paired_difference(leaky, by_family, seed),
        composition=difference_by_subject(by_family, originals, seed),
        inflation=difference_by_subject(leaky, originals, seed),
    )


def paired_difference(
    one: Predictions,
    other: Predictions,
    seed: int = 0,
) -> dict[str, Estimate]:
    """`one` minus `other` in each metric, the same subjects drawn for both.

    Raises InputError if they were not tested on the same photos.
    """
    _check_same_photos(one, other)
    return difference_by_subject(one, other, seed)


def difference_by_subject(
    one: Predictions, other: Predictions, seed: int = 0
) -> dict[str, Estimate]:
    """As `paired_difference`, where the photos tested differ (copies, say) but not the subjects."""
    return estimate_metrics(one, other, seed=seed)


def mean_recall_difference(
    one: Predictions,
    other: Predictions,
    emotions: tuple[str, ...],
    seed: int = 0,
) -> Estimate:
    """`one` minus `other` in the mean recall of these emotions, as in `paired_difference`.

    Raises InputError as there, or if none of the emotions occurs.
    """
    _check_same_photos(one, other)
    return estimate_mean_recall(one, other, seed=seed, classes=emotions)


def excess_mean_recall(
    first: Predictions,
    second: Predictions,
    third: Predictions,
    emotions: tuple[str, ...],
    seed: int = 0,
) -> Estimate:
    """(first minus second) minus (second minus third), in the mean recall of these emotions.

    Positive where the step from `second` to `first` is the larger one. Raises InputError as
    `mean_recall_difference` does.
    """
    _check_same_photos(first, second)
    _check_same_photos(second, third)
    return estimate_mean_recall(first, second, third, seed=seed, classes=emotions)


def difference_of_halves(estimate: Estimate) -> Estimate:
    """The first half of an estimate's seeds minus the second: what chance alone makes of it.

    The interval is Student's, over the seeds, both halves with one variance. Raises InputError if
    there are fewer than four seeds.
    """
    by_seed = np.array(estimate.by_seed)
    seeds = len(by_seed)
    if seeds < 4:
        raise InputError(f"{seeds} seeds cannot be halved: four are the least")
    first, second = by_seed[: seeds // 2], by_seed[seeds // 2 :]
    test = ttest_ind(first, second)
    low, high = test.confidence_interval(0.95)
    value = float(first.mean() - second.mean())
    return Estimate(value, float(low), float(high), estimate.n, estimate.subjects, seeds)


def accuracy_difference_within(
    one: Predictions,
    other: Predictions,
    classes: tuple[str, ...],
    inside: bool = True,
    seed: int = 0,
) -> Estimate:
    """`one` minus `other` in accuracy over the pictures of these classes alone, or of all others.

    Raises InputError as `paired_difference` does, or if there is no such picture.
    """
    chosen = []
    for predictions in (one, other):
        label = predictions.table[predictions.target_column]
        chosen.append(predictions.where(label.isin(classes) == inside))
    return paired_difference(*chosen, seed)["accuracy"]


def contribution(
    one: Predictions,
    other: Predictions,
    classes: tuple[str, ...],
    seed: int = 0,
) -> Estimate:
    """What the pictures of these classes add to `one` minus `other` in accuracy over all pictures.

    The contributions of classes that are disjoint and complete add up to that difference; n is the
    number of all photos. Raises InputError if the photos, or the seeds that each was tested
    with, differ.
    """
    _check_same_photos(one, other)
    one_right = _right_by_photo_and_seed(one)
    other_right = _right_by_photo_and_seed(other)
    apart = one_right.index.symmetric_difference(other_right.index)
    if len(apart):
        which = listed((f"{photo} (seed {seed})" for photo, seed in apart), 5)
        raise InputError(
            f"{one.name!r} and {other.name!r} were not tested with the same seeds: {which}"
        )
    difference = one_right - other_right.reindex(one_right.index)
    of_classes = one.table[one.target_column].isin(classes)
    change = difference.where(of_classes.to_numpy(), 0)
    table = one.table
    value = mean_over_subjects(change.to_numpy(), table.subject, seed, table.seed, least=-1.0)
    if are_one((one, other)) or not of_classes.any():
        value = value._replace(low=0.0, high=0.0)
    return value._replace(n=one.table.parent.nunique())


def gains(
    one: Predictions,
    other: Predictions,
    classes: tuple[str, ...],
    seed: int = 0,
) -> dict[str, Estimate]:
    """`paired_difference`, and where it comes from when these classes alone were augmented.

    by_augmented_classes  their `contribution` to the difference in accuracy
    augmented_classes, other_classes
                          `accuracy_difference_within` each; left out where there is no picture
    recall.NAME           the difference in recall of each of these classes that occurs

    Raises InputError as these do, or if none of the classes occurs.
    """
    label = one.table[one.target_column]
    occurring = [name for name in classes if (label == name).any()]
    if not occurring:
        raise InputError(f"{one.name!r} was tested on no picture of {listed(classes)}")
    found = paired_difference(one, other, seed)
    found["by_augmented_classes"] = contribution(one, other, classes, seed)
    found["augmented_classes"] = accuracy_difference_within(one, other, classes, seed=seed)
    if not label.isin(classes).all():
        others = accuracy_difference_within(one, other, classes, inside=False, seed=seed)
        found["other_classes"] = others
    for name in occurring:
        found[f"recall.{name}"] = mean_recall_difference(one, other, (name,), seed)
    return found


def _right_by_photo_and_seed(predictions: Predictions) -> pd.Series:
    """1.0 where right, 0.0 where not, in the order of the rows."""
    index = pd.MultiIndex.from_frame(predictions.table[["photo", "seed"]])
    repeated = index[index.duplicated()]
    if len(repeated):
        which = listed((f"{photo} (seed {seed})" for photo, seed in repeated.unique()), 5)
        raise InputError(f"{predictions.name!r} was tested twice with one seed on: {which}")
    right = predictions.y_pred == predictions.y_true
    return pd.Series(right.astype(float), index=index)


def difference_by_seed(
    one: Predictions, other: Predictions, resampling_seed: int = 0
) -> dict[int, dict[str, Estimate]]:
    """For each seed that nets were trained with: the `paired_difference` of that seed alone.

    Raises InputError as there, or if the seeds of the two differ.
    """
    differences = {}
    for seed in _shared_values("seed", one, other):
        one_seed = one.where(one.table.seed == seed)
        other_seed = other.where(other.table.seed == seed)
        differences[seed] = paired_difference(one_seed, other_seed, resampling_seed)
    return differences


def difference_by_fold(
    one: Predictions,
    other: Predictions,
) -> dict[int, dict[str, float]]:
    """For each fold: `one` minus `other` in each metric, without an interval.

    Two split protocols test other photos in a fold of the same number: the spread over folds is
    then that of both together. Raises InputError if the numbers of the folds differ.
    """
    differences = {}
    for fold in _shared_values("fold", one, other):
        one_fold = one.where(one.table.fold == fold)
        other_fold = other.where(other.table.fold == fold)
        one_scores = from_confusion(confusion(one_fold))
        other_scores = from_confusion(confusion(other_fold))
        differences[fold] = {}
        for metric in METRICS:
            difference = one_scores[metric] - other_scores[metric]
            differences[fold][metric] = float(difference)
    return differences


def difference_by_epoch(
    one: Predictions,
    other: Predictions,
    difference: Callable = paired_difference,
    *more,
) -> dict:
    """For each epoch, from 1: `difference(one, other, *more)` of what was predicted after it.

    The last epoch is the last that every run of both was trained for. Raises InputError as
    `difference` does, or naming what was not kept after each epoch.
    """
    found = {}
    for epoch in range(1, one.epochs_in_common(other) + 1):
        found[epoch] = difference(one.after_epoch(epoch), other.after_epoch(epoch), *more)
    return found


def _shared_values(
    column: str,
    one: Predictions,
    other: Predictions,
) -> list[int]:
    values = sorted(one.table[column].unique().tolist())
    other_values = sorted(other.table[column].unique().tolist())
    if values != other_values:
        raise InputError(
            f"{one.name!r} has the {column}s {listed(values)}, {other.name!r} has {listed(other_values)}"
        )
    return values


def p_values(
    one: Predictions,
    other: Predictions,
    seed: int = 0,
) -> dict[str, float]:
    """Two-sided p-values that `one` and `other` score alike, by metric and by GROUP_RECALLS.

    If both have several seeds, by t, as the interval of `paired_difference`. With one: twice the
    smaller share of 20,000 resamples of the subjects on either side of 0, one added to both counts
    (Davison & Hinkley 1997), at least 1e-4. A group without any photo is left out.
    Raises InputError if they were not tested on the same photos.
    """
    _check_same_photos(one, other)
    counts = counts_by_subject(one, other)
    if len(set(counts[0].seeds) & set(counts[1].seeds)) > 1:  # of nets, not of a baseline
        return _p_over_seeds(one, other, seed)
    n_subjects = len(counts[0].counts)
    first_draw = estimates.ROUNDS * seed  # with seed 0 the resamples of `paired_difference`
    rounds = []
    for draw in range(first_draw, first_draw + estimates.ROUNDS):
        weights = subject_weights(n_subjects, draw)
        scores = scores_by_draw(counts, weights, one.classes, METRICS, GROUP_RECALLS)
        rounds.append(pd.DataFrame(scores))
    gains = pd.concat(rounds)
    n = gains.notna().sum()  # a resample without any photo of these emotions tells nothing
    not_above = (gains <= 0).sum()
    not_below = (gains >= 0).sum()
    fewer = np.minimum(not_above, not_below)
    p = 2 * (fewer + 1) / (n + 1)
    return p[n > 0].clip(upper=1.0).to_dict()


def _p_over_seeds(
    one: Predictions,
    other: Predictions,
    seed: int,
) -> dict[str, float]:
    label = one.table[one.target_column]
    groups = {}
    for name, classes in GROUP_RECALLS.items():
        if label.isin(classes).any():
            groups[name] = classes
    found = resample((one, other), seed, METRICS, groups)
    return {name: each.p_value for name, each in found.items()}


def holm(p: dict[str, float]) -> dict[str, float]:
    """p-values adjusted so that the whole family errs as seldom as one alone would (Holm 1979).

    Raises InputError that names what is no p-value.
    """
    wrong = [f"{name}={value}" for name, value in p.items() if not 0 <= value <= 1]
    if wrong:
        raise InputError(f"p-values lie between 0 and 1: {listed(wrong)}")
    adjusted = dict(p)  # in the order given
    at_least = 0.0
    for k, name in enumerate(sorted(p, key=p.get)):
        at_least = max(at_least, (len(p) - k) * p[name])
        adjusted[name] = float(min(at_least, 1.0))
    return adjusted


def adjusted_p_values(
    pairs: dict[str, tuple[Predictions, Predictions]],
    seed: int = 0,
) -> pd.DataFrame:
    """p-values that the two of each pair score alike, all of them adjusted together by `holm`.

    A row for each pair. Columns: accuracy by `mcnemar`; macro_f1 and minority_recall by `p_values`,
    NaN where no photo can tell it. Raises InputError as these do.
    """
    found = {}
    for name, (one, other) in pairs.items():
        found[name, "accuracy"] = mcnemar(one, other)
        by_resampling = p_values(one, other, seed)
        for metric in ("macro_f1", "minority_recall"):
            if metric in by_resampling:
                found[name, metric] = by_resampling[metric]
    return pd.Series(holm(found)).unstack().reindex(list(pairs))


def mcnemar(one: Predictions, other: Predictions) -> float:
    """Exact two-sided p-value that both are right equally often (McNemar 1947).

    A photo that was tested several times is right if most of its tests are. Raises InputError if
    they were not tested on the same photos.
    """
    _check_same_photos(one, other)
    one_right = _mostly_right(one)
    other_right = _mostly_right(other)
    only_one = int((one_right & ~other_right).sum())
    only_other = int((~one_right & other_right).sum())
    if only_one + only_other == 0:
        return 1.0
    return binomtest(only_one, only_one + only_other).pvalue


def _mostly_right(predictions: Predictions) -> pd.Series:
    """For each photo, sorted by its name: whether more than half of its tests are right."""
    right = pd.Series(predictions.y_pred == predictions.y_true)
    by_photo = right.groupby(predictions.table.photo.to_numpy())
    return by_photo.mean() > 0.5


def _check_same_photos(one: Predictions, other: Predictions) -> None:
    apart = set(one.table.photo) ^ set(other.table.photo)
    if apart:
        which = listed(sorted(apart), 5)
        raise InputError(
            f"{one.name!r} and {other.name!r} were not tested on the same photos: {which}"
        )
