"""Confusion counts, the metrics that follow from them, and their intervals over subjects and seeds."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from emoclass.errors import InputError, listed
from emoclass.estimates import Estimate, Resampled, subject_weights
from emoclass.predictions import NO_SEED, Predictions

# How often each of so many counts, in what `scores_by_draw` gives.
CONTRASTS = {1: (1,), 2: (1, -1), 3: (1, -2, 1)}
DRAWS_OF_ONE_SEED = 500
METRICS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro-F1",
    "mcc": "MCC",
}


def confusion(predictions: Predictions) -> np.ndarray:
    """(K, K) int over the K classes: photos by label (row) and by prediction (column)."""
    (by_subject,) = counts_by_subject(predictions)
    return by_subject.counts.sum((0, 1)).astype(np.int64)


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


@dataclass(frozen=True, eq=False)
class Counts:
    """Confusion counts of some predictions, subject by subject and seed by seed."""

    seeds: tuple[int, ...]  # those that nets were trained with, in order
    counts: np.ndarray  # (subjects, seeds, K, K) float32, by label and by prediction
    # (K,) bool: classes of which the design fixes how many pictures are tested, by making copies.
    # Of these as many are counted in each resample.
    fixed: np.ndarray

    @property
    def of_subjects(self) -> np.ndarray:
        """(subjects, K, K) float32: all seeds together."""
        return self.counts.sum(1)


def counts_by_subject(*several: Predictions) -> list[Counts]:
    """The Counts of each, all with the same subjects in order.

    Raises InputError if one was tested on nothing or if their classes differ.
    """
    _check_comparable(several)
    subjects = np.unique(np.concatenate([p.table.subject for p in several]))
    k = len(several[0].classes)
    found = []
    for predictions in several:
        row = np.searchsorted(subjects, predictions.table.subject)
        seeds, which = np.unique(predictions.table.seed.to_numpy(), return_inverse=True)
        cell = ((row * len(seeds) + which) * k + predictions.y_true) * k + predictions.y_pred
        counts = np.bincount(cell, minlength=len(subjects) * len(seeds) * k * k)
        counts = counts.reshape(-1, len(seeds), k, k)
        is_copy = (predictions.table.photo != predictions.table.parent).to_numpy()
        fixed = np.isin(np.arange(k), predictions.y_true[is_copy])
        found.append(Counts(tuple(seeds.tolist()), counts.astype(np.float32), fixed))
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
    several: list[Counts],
    drawn: np.ndarray,
    classes: tuple[str, ...],
    metrics: Iterable[str],
    recall_groups: dict[str, tuple[str, ...]],
    seed: int | None = None,
) -> dict[str, np.ndarray]:
    """(draws,) values of each metric, and of the mean recall of each group of classes.

    A group's mean recall is NaN in a draw without any photo of its classes.

    several  of one; of two: their difference; of three: how far the first lies above the second
             beyond how far the second lies above the third. The same subjects are drawn for all
    drawn    (draws, subjects) float32: how often each subject is drawn
    seed     of this one's nets alone; None: of all
    """
    found = []
    for each in several:
        counts = each.of_subjects
        if seed is not None and each.seeds != (NO_SEED,):
            counts = each.counts[:, each.seeds.index(seed)]
        found.append(_scores(counts, drawn, classes, recall_groups, each.fixed))
    scores = {}
    for name in (*metrics, *recall_groups):
        scores[name] = sum(
            times * each[name] for times, each in zip(CONTRASTS[len(found)], found, strict=True)
        )
    return scores


def _scores(
    counts: np.ndarray,
    drawn: np.ndarray,
    classes: tuple[str, ...],
    recall_groups: dict[str, tuple[str, ...]],
    fixed: np.ndarray,
) -> dict[str, np.ndarray]:
    n_subjects, k, _ = counts.shape
    drawn_counts = (drawn @ counts.reshape(n_subjects, k * k)).reshape(-1, k, k)
    if fixed.any():
        observed = counts.sum(0)[fixed]
        there = drawn_counts[:, fixed]
        n_there = there.sum(2, keepdims=True)
        scaled = there * observed.sum(1)[:, None] / np.maximum(n_there, 1)
        drawn_counts[:, fixed] = np.where(n_there > 0, scaled, observed)
    found = from_confusion(drawn_counts)
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

    The interval is over subjects, of whom the same are drawn for both, and over the seeds that both
    have, as `estimates.Resampled.estimate` says.
    """
    n = several[0].table.parent.nunique()
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


def mean_recall_alone(
    predictions: Predictions,
    classes: tuple[str, ...],
) -> float:
    """Mean recall of those of these classes that occur, without an interval.

    Raises InputError if none of the classes occurs.
    """
    count_photos(predictions, classes)
    recalls = from_confusion(_plain_counts(predictions))["recall"]
    return float(np.nanmean(recalls[np.isin(predictions.classes, classes)]))


def _plain_counts(predictions: Predictions) -> np.ndarray:
    """(K, K) int, as `confusion`, without asking who is on the photos."""
    k = len(predictions.classes)
    cells = predictions.y_true * k + predictions.y_pred
    return np.bincount(cells, minlength=k * k).reshape(k, k)


def _estimates(
    several: tuple[Predictions, ...],
    seed: int,
    metrics: Iterable[str],
    recall_groups: dict[str, tuple[str, ...]],
    n: int,
) -> dict[str, Estimate]:
    estimates = {}
    for name, found in resample(several, seed, metrics, recall_groups).items():
        can_be_negative = len(several) > 1 or name in ("mcc", "kappa")
        is_recall = name in recall_groups
        can_differ = is_recall if len(several) == 1 else not are_one(several)
        estimates[name] = found.estimate(n, -1.0 if can_be_negative else 0.0, can_differ)
    return estimates


def are_one(several: tuple[Predictions, ...]) -> bool:
    """Whether all are one net on the same tests: two nets never agree in every probability."""
    first = several[0]
    for other in several[1:]:
        if len(other) != len(first) or not np.array_equal(other.table.photo, first.table.photo):
            return False
        if not np.array_equal(other.probabilities, first.probabilities):
            return False
    return True


def resample(
    several: tuple[Predictions, ...],
    seed: int,
    metrics: Iterable[str],
    recall_groups: dict[str, tuple[str, ...]],
) -> dict[str, Resampled]:
    """What `scores_by_draw` gives, as observed, by seed, and in each draw of subjects.

    Raises InputError as `counts_by_subject`.
    """
    counts = counts_by_subject(*several)
    classes = several[0].classes
    n_subjects = len(counts[0].counts)
    each_once = np.ones((1, n_subjects), np.float32)
    weights = subject_weights(n_subjects, seed)

    def scores(drawn, seed_alone=None):
        return scores_by_draw(counts, drawn, classes, metrics, recall_groups, seed_alone)

    observed = scores(each_once)
    resampled = scores(weights)
    of_nets = [set(each.seeds) for each in counts if each.seeds != (NO_SEED,)]
    shared = sorted(set.intersection(*of_nets)) if of_nets else [NO_SEED]
    alone = [scores(each_once, seed) for seed in shared]
    if len(shared) > 1:
        # Of these the variance alone is asked for, which fewer draws tell as well.
        fewer = weights[:DRAWS_OF_ONE_SEED]
        resampled_alone = [scores(fewer, seed) for seed in shared]
    else:
        resampled_alone = [resampled]
    found = {}
    for name in observed:
        found[name] = Resampled(
            value=observed[name].item(),
            by_seed=np.array([each[name].item() for each in alone]),
            draws=resampled[name],
            draws_by_seed=np.array([each[name] for each in resampled_alone]),
            subjects=_subjects_of(counts, classes, recall_groups.get(name)),
            has_seeds=bool(of_nets),
        )
    return found


def _subjects_of(
    several: list[Counts],
    classes: tuple[str, ...],
    members: tuple[str, ...] | None,
) -> int:
    """How many subjects have a photo of these classes; None: of any."""
    wanted = np.isin(classes, classes if members is None else members)
    photos = sum(each.of_subjects[:, wanted].sum((1, 2)) for each in several)
    return int((photos > 0).sum())


def count_photos(
    predictions: Predictions,
    classes: tuple[str, ...],
) -> int:
    """How many photos of these classes were tested, copies apart; InputError if none."""
    label = predictions.table[predictions.target_column]
    n = predictions.table.parent[label.isin(classes)].nunique()
    if n == 0:
        raise InputError(f"{predictions.name!r} was tested on no photo of {listed(classes)}")
    return n
