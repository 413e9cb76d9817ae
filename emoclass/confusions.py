"""Confusion counts, the metrics that follow from them, and their intervals over subjects."""

from collections.abc import Iterable

import numpy as np

from emoclass.errors import InputError, listed
from emoclass.estimates import Estimate, middle, subject_weights
from emoclass.predictions import Predictions

METRICS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro-F1",
    "mcc": "MCC",
}


def confusion(predictions: Predictions) -> np.ndarray:
    """(K, K) int over the K classes: photos by label (row) and by prediction (column)."""
    (by_subject,) = counts_by_subject(predictions)
    return by_subject.sum(0).astype(np.int64)


def from_confusion(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Every metric of METRICS, the recall of each class, and kappa, from (..., K, K) counts.

    Balanced accuracy and macro-F1 are means over the classes that occur among the labels; recall
    is NaN for the others. MCC is Gorodkin's (2004), and 0 where one class is always predicted.
    """
    counts = np.asarray(counts, float)
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    actual = counts.sum(-1)
    predicted = counts.sum(-2)
    total = counts.sum((-2, -1))
    right = hits.sum(-1)
    matched = (actual * predicted).sum(-1)
    predicted_spread = total**2 - (predicted**2).sum(-1)
    actual_spread = total**2 - (actual**2).sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        root = np.sqrt(predicted_spread * actual_spread)
        recall = np.where(actual > 0, hits / actual, np.nan)
        f1 = 2 * hits / (actual + predicted)
        f1 = np.where(actual > 0, f1, np.nan)
        accuracy = right / total
        chance = matched / total**2
        mcc = (right * total - matched) / root
        mcc = np.where(root > 0, mcc, 0.0)
        return {
            "accuracy": accuracy,
            "balanced_accuracy": np.nanmean(recall, -1),
            "macro_f1": np.nanmean(f1, -1),
            "mcc": mcc,
            "recall": recall,
            "kappa": (accuracy - chance) / (1 - chance),
        }


def counts_by_subject(*several: Predictions) -> list[np.ndarray]:
    """(subjects, K, K) float32 confusion counts of each, all with the same subjects in order.

    Raises InputError if one was tested on nothing or if their classes differ.
    """
    _check_comparable(several)
    subjects = np.unique(np.concatenate([p.table.subject for p in several]))
    k = len(several[0].classes)
    found = []
    for predictions in several:
        row = np.searchsorted(subjects, predictions.table.subject)
        cell = (row * k + predictions.y_true) * k + predictions.y_pred
        counts = np.bincount(cell, minlength=len(subjects) * k * k)
        counts = counts.reshape(-1, k, k)
        found.append(counts.astype(np.float32))
    return found


def _check_comparable(several: tuple[Predictions, ...]) -> None:
    empty = [repr(predictions.name) for predictions in several if not len(predictions)]
    if empty:
        raise InputError(f"tested on no photo at all: {listed(empty)}")
    first = several[0]
    for other in several[1:]:
        if other.classes != first.classes:
            raise InputError(
                f"{first.name!r} and {other.name!r} predict different classes and cannot be compared"
            )


def scores_by_draw(
    counts: list[np.ndarray],
    drawn: np.ndarray,
    classes: tuple[str, ...],
    metrics: Iterable[str],
    recall_groups: dict[str, tuple[str, ...]],
) -> dict[str, np.ndarray]:
    """(draws,) values of each metric, and of the mean recall of each group of classes.

    A group's mean recall is NaN in a draw without any photo of its classes.

    counts   of one, or of two: then their difference, the same subjects drawn for both
    drawn    (draws, subjects) float32: how often each subject is drawn
    """
    found = [_scores(each, drawn, classes, recall_groups) for each in counts]
    scores = {}
    for name in (*metrics, *recall_groups):
        scores[name] = found[0][name]
        if len(found) == 2:
            scores[name] = found[0][name] - found[1][name]
    return scores


def _scores(
    counts: np.ndarray,
    drawn: np.ndarray,
    classes: tuple[str, ...],
    recall_groups: dict[str, tuple[str, ...]],
) -> dict[str, np.ndarray]:
    n_subjects, k, _ = counts.shape
    drawn_counts = drawn @ counts.reshape(n_subjects, k * k)
    found = from_confusion(drawn_counts.reshape(-1, k, k))
    for name, members in recall_groups.items():
        recalls = found["recall"][..., np.isin(classes, members)]
        occurring = (~np.isnan(recalls)).sum(-1)
        with np.errstate(invalid="ignore"):
            found[name] = np.nansum(recalls, -1) / occurring
    return found


def estimate_metrics(
    *several: Predictions,
    seed: int,
    metrics: Iterable[str] = tuple(METRICS),
) -> dict[str, Estimate]:
    """Each metric of one, or of two the difference; n is the number of photos of the first.

    The interval is the middle 95 % of 2,000 resamples of the subjects, the same for both.
    """
    n = several[0].table.photo.nunique()
    return _estimates(several, seed, metrics, {}, n)


def estimate_mean_recall(
    *several: Predictions,
    seed: int,
    classes: tuple[str, ...],
) -> Estimate:
    """Mean recall of these classes, of two the difference; n is the number of photos of theirs.

    Raises InputError if none of the classes occurs.
    """
    _check_comparable(several)
    n = count_photos(several[0], classes)
    return _estimates(several, seed, (), {"mean_recall": classes}, n)["mean_recall"]


def _estimates(
    several: tuple[Predictions, ...],
    seed: int,
    metrics: Iterable[str],
    recall_groups: dict[str, tuple[str, ...]],
    n: int,
) -> dict[str, Estimate]:
    counts = counts_by_subject(*several)
    classes = several[0].classes
    n_subjects = len(counts[0])
    each_once = np.ones((1, n_subjects), np.float32)
    observed = scores_by_draw(counts, each_once, classes, metrics, recall_groups)
    weights = subject_weights(n_subjects, seed)
    resampled = scores_by_draw(counts, weights, classes, metrics, recall_groups)
    estimates = {}
    for name in observed:
        low, high = middle(resampled[name])
        estimates[name] = Estimate(observed[name].item(), low, high, n)
    return estimates


def count_photos(
    predictions: Predictions,
    classes: tuple[str, ...],
) -> int:
    """How many photos of these classes were tested; InputError if none."""
    label = predictions.table[predictions.target_column]
    n = predictions.table.photo[label.isin(classes)].nunique()
    if n == 0:
        raise InputError(f"{predictions.name!r} was tested on no photo of {listed(classes)}")
    return n
