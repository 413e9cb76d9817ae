"""Scores, recalls and calibration with their intervals; what compares two is reachable here too."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from emoclass.comparisons import (
    GROUP_RECALLS,
    LeakDecomposition,
    accuracy_difference_within,
    adjusted_p_values,
    contribution,
    difference_by_epoch,
    difference_by_fold,
    difference_by_seed,
    difference_by_subject,
    difference_of_halves,
    excess_mean_recall,
    gains,
    holm,
    leak_decomposition,
    mcnemar,
    mean_recall_difference,
    p_values,
    paired_difference,
)
from emoclass.confusions import (
    METRICS,
    confusion,
    count_photos,
    estimate_mean_recall,
    estimate_metrics,
    from_confusion,
)
from emoclass.errors import InputError, listed
from emoclass.estimates import (
    ONE_SEED,
    Estimate,
    Resampled,
    mean_over_subjects,
    subject_weights,
    wilson,
)
from emoclass.predictions import NO_SEED, Predictions

__all__ = [
    "GROUP_RECALLS",
    "METRICS",
    "Estimate",
    "LeakDecomposition",
    "accuracy_above_guessing",
    "accuracy_difference_within",
    "accuracy_if_memorised",
    "adjusted_p_values",
    "calibration_error",
    "confusion",
    "contribution",
    "difference_by_epoch",
    "difference_by_fold",
    "difference_by_seed",
    "difference_by_subject",
    "difference_of_halves",
    "excess_mean_recall",
    "forced_choice",
    "from_confusion",
    "gains",
    "holm",
    "kappa",
    "leak_decomposition",
    "mcnemar",
    "mean_epoch",
    "mean_over_subjects",
    "mean_recall",
    "mean_recall_difference",
    "p_values",
    "paired_difference",
    "recall",
    "recall_table",
    "reliability",
    "score",
    "share",
    "table",
    "wilson",
    "with_seeds_in_head",
]
BINS = 15  # of the calibration error, as in Guo et al. 2017


def score(
    predictions: Predictions,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Each metric, with its interval over subjects and seeds: `estimates.Resampled.estimate`.

    Subjects are resampled because photos of one subject depend on each other.
    """
    return estimate_metrics(predictions, seed=seed)


def kappa(predictions: Predictions, seed: int = 0) -> Estimate:
    """Cohen's kappa (1960) of labels and predictions: agreement beyond chance."""
    return estimate_metrics(predictions, seed=seed, metrics=("kappa",))["kappa"]


def mean_recall(
    predictions: Predictions,
    emotions: tuple[str, ...],
    seed: int = 0,
) -> Estimate:
    """Mean of the recalls of those of these emotions that occur, n = photos of theirs.

    Raises InputError if none occurs.
    """
    return estimate_mean_recall(predictions, seed=seed, classes=emotions)


def recall(
    predictions: Predictions,
    seed: int = 0,
) -> dict[str, Estimate]:
    """For each class that occurs: the share recognised of its tests, n = its photos.

    The interval is over subjects and seeds. With one seed and one picture of each subject it is
    Wilson's, and also, over subjects, where all or none are recognised.
    """
    rows = predictions.table.assign(right=predictions.y_pred == predictions.y_true)
    found = {}
    for name, tests in rows.groupby(predictions.target_column, sort=False):
        found[name] = _share_recognised(tests, seed)
    return {name: found[name] for name in predictions.classes if name in found}


def _share_recognised(tests: pd.DataFrame, seed: int) -> Estimate:
    """Of `tests`, one row each: `right`, `subject`, `parent`, `seed`."""
    n_photos = tests.parent.nunique()
    resampled = mean_over_subjects(tests.right.to_numpy(), tests.subject, seed, tests.seed)
    if resampled.subjects == len(tests):
        hits = round(resampled.value * resampled.subjects)
        interval = wilson(hits, resampled.subjects)
        return resampled._replace(low=interval.low, high=interval.high, n=n_photos)
    return resampled._replace(n=n_photos)


def share(
    predictions: Predictions,
    rows: np.ndarray,
    seed: int = 0,
) -> Estimate:
    """Share of the tests for which `rows`, (m,) bool, holds; n = photos tested."""
    table = predictions.table
    value = mean_over_subjects(np.asarray(rows, float), table.subject, seed, table.seed)
    return value._replace(n=predictions.table.parent.nunique())


def accuracy_if_memorised(predictions: Predictions) -> float:
    """What a net would score that had memorised its training part and had learnt nothing else.

    It is right where training has a copy, a duplicate or a near-duplicate of what is tested, and
    guesses, all classes equally often, elsewhere. Raises InputError where nobody knows what
    training had: of a baseline.
    """
    partners = ["parent_in_training", "near_duplicate_id_in_training"]
    if not set(partners) <= set(predictions.table):
        raise InputError(f"{predictions.name!r}: nobody knows what was trained on")
    seen = predictions.table[partners].any(axis=1).mean()
    chance = 1 / len(predictions.classes)
    return float(chance + (1 - chance) * seen)


def accuracy_above_guessing(predictions: Predictions, seed: int = 0) -> Estimate:
    """Accuracy minus what guessing gives, each class as often as it occurs: a difference.

    n = photos. Around 0 nothing was learnt that the labels' shares do not tell.
    """
    table = predictions.table
    shares = table[predictions.target_column].value_counts(normalize=True)
    guessing = float((shares**2).sum())
    right = (predictions.y_pred == predictions.y_true).astype(float)
    found = mean_over_subjects(right - guessing, table.subject, seed, table.seed, least=-1.0)
    return found._replace(n=table.parent.nunique())


def mean_epoch(predictions: Predictions) -> Estimate:
    """The epoch that was kept, counted from 1: its mean over the runs, n = runs; to one decimal."""
    epochs = [run.best_epoch for run in predictions.runs]
    return Estimate(round(float(np.mean(epochs)), 1), None, None, len(epochs))


def forced_choice(
    predictions: Predictions, between: tuple[str, str] = ("happiness", "neutral")
) -> Estimate:
    """Share of the photos of two emotions for which the right one of the two is more probable.

    Equals count half. Where one of the two does not occur there is nothing to tell apart: n = 0.
    Raises InputError if neither does.
    """
    count_photos(predictions, between)
    emotion = predictions.table.emotion
    if not set(between) <= set(emotion):
        return wilson(0, 0)
    first, second = (predictions.classes.index(name) for name in between)
    tested = predictions.where(emotion.isin(between))
    probabilities = tested.probabilities
    lead = probabilities[:, first] - probabilities[:, second]
    wanted_sign = np.where(tested.y_true == first, 1, -1)
    right = 0.5 + 0.5 * np.sign(lead) * wanted_sign
    value = mean_over_subjects(right, tested.table.subject, seeds=tested.table.seed)
    return value._replace(n=tested.table.parent.nunique())


def table(several: list[Predictions] | dict[str, Predictions]) -> pd.DataFrame:
    """One row each: photos, subjects, seeds, every metric as "value (low to high)", caveats of its split.

    With one seed an interval is over subjects alone; the head says so, once.
    Raises InputError if two bear the same name.
    """
    rows = {}
    for predictions in _with_different_names(several):
        found = score(predictions)
        accuracy = found["accuracy"]
        row = {"photos": accuracy.n, "subjects": accuracy.subjects, "seeds": accuracy.seeds or ""}
        for metric, x in found.items():
            row[METRICS[metric]] = f"{x.value:.3f} ({x.low:.3f} to {x.high:.3f})"
        row["caveats of the split"] = listed(predictions.caveats) or "none"
        rows[predictions.name] = row
    return with_seeds_in_head(pd.DataFrame.from_dict(rows, orient="index"))


def recall_table(several: list[Predictions] | dict[str, Predictions]) -> pd.DataFrame:
    """One row each, one column for each class, as `recall` has it: "recall (low to high) of n".

    n are photos, behind them stands how many subjects they show. The last column has the seeds; the
    head is as in `table`. Raises InputError if two bear the same name.
    """
    several = _with_different_names(several)
    rows = {}
    for predictions in several:
        row = dict.fromkeys(several[0].classes, "not tested")
        row["seeds"] = ""
        for emotion, x in recall(predictions).items():
            behind = f"{x.n:,} ({x.subjects:,} subjects)"
            row[emotion] = f"{x.value:.2f} ({x.low:.2f} to {x.high:.2f}) of {behind}"
            row["seeds"] = x.seeds or ""
        rows[predictions.name] = row
    return with_seeds_in_head(pd.DataFrame.from_dict(rows, orient="index"))


def with_seeds_in_head(rows: pd.DataFrame) -> pd.DataFrame:
    """The same table, whose head says it if one seed is behind all or some of its column `seeds`."""
    counted = rows.seeds[rows.seeds != ""]
    if len(counted) and (counted == 1).all():
        rows.columns.name = ONE_SEED
    elif (counted == 1).any():
        rows.columns.name = f"where there is {ONE_SEED}"
    return rows


def _with_different_names(
    several: list[Predictions] | dict[str, Predictions],
) -> list[Predictions]:
    if isinstance(several, dict):
        several = list(several.values())
    names = [predictions.name for predictions in several]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InputError(f"a table cannot tell apart what bears the same name: {listed(repeated)}")
    return several


def reliability(predictions: Predictions, bins: int = 10) -> pd.DataFrame:
    """For each equally wide bin that is not empty: mean confidence, accuracy, and n.

    n is how often a photo was tested.
    """
    confident = _confidence(predictions, bins)
    rows = pd.DataFrame({"confidence": confident.confidence, "accuracy": confident.right})
    by_bin = rows.groupby(confident.bin)
    means = by_bin.mean().assign(n=by_bin.size())
    return means.reset_index(drop=True)


def calibration_error(predictions: Predictions, seed: int = 0) -> Estimate:
    """How far confidence is from accuracy (expected calibration error; Guo et al. 2017).

    The mean over 15 bins, each as heavy as it is full. A sum of absolute values grows with noise,
    and resampling adds noise: the interval is moved back by that much.
    """
    confident = _confidence(predictions, BINS)
    subjects, subject = np.unique(predictions.table.subject, return_inverse=True)
    seeds, which = np.unique(predictions.table.seed, return_inverse=True)
    shape = (len(subjects), len(seeds), BINS)
    cell = np.ravel_multi_index((subject, which, confident.bin), shape)
    apart = confident.right - confident.confidence
    excess = np.bincount(cell, apart, np.prod(shape)).reshape(shape)
    tests = np.bincount(cell, minlength=np.prod(shape)).reshape(shape).sum(-1)
    weights = subject_weights(len(subjects), seed)
    value = _gap(excess.sum((0, 1)), tests.sum())
    by_seed = _gap(excess.sum(0), tests.sum(0))
    draws_by_seed = []
    for k in range(len(seeds)):
        draws = _gap(weights @ excess[:, k], weights @ tests[:, k].astype(float))
        draws_by_seed.append(draws - draws.mean() + by_seed[k])
    draws = _gap(weights @ excess.sum(1), weights @ tests.sum(1).astype(float))
    found = Resampled(
        value=float(value),
        by_seed=by_seed,
        draws=draws - draws.mean() + value,
        draws_by_seed=np.array(draws_by_seed),
        subjects=len(subjects),
        has_seeds=NO_SEED not in seeds,
    )
    return found.estimate(predictions.table.parent.nunique())


def _gap(excess: np.ndarray, tests: np.ndarray) -> np.ndarray:
    """From (..., bins), what is right beyond what was confident: the calibration error."""
    return np.abs(excess).sum(-1) / tests


@dataclass(frozen=True, eq=False)
class _Confidence:
    confidence: np.ndarray  # (m,) float64: the highest probability of each row
    right: np.ndarray  # (m,) float64: 1 if the class that has it is the label, else 0
    bin: np.ndarray  # (m,) int: the bin of the confidence; a bin holds its upper end


def _confidence(predictions: Predictions, bins: int) -> _Confidence:
    confidence = predictions.probabilities.max(1).astype(float)
    right = (predictions.y_pred == predictions.y_true).astype(float)
    place = np.ceil(confidence * bins).astype(int) - 1
    place = np.clip(place, 0, bins - 1)
    return _Confidence(confidence, right, place)
