"""Metrics from confusion counts, their intervals over subjects, and paired comparisons on the same photos."""

from functools import lru_cache, reduce
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from emoclass.errors import InputError, listed
from emoclass.labels import MAJORITY, MINORITY
from emoclass.predictions import Predictions

METRICS = {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "macro_f1": "macro-F1", "mcc": "MCC"}
GROUP_RECALLS = {"minority_recall": MINORITY, "majority_recall": MAJORITY}
RESAMPLES = 2000
ROUNDS = 10  # so many times 2,000 for a p-value: the least is then 1e-4, which Holm may multiply by a whole family
BINS = 15  # of the calibration error, as in Guo et al. 2017


class Estimate(NamedTuple):
    """A value, its 95 % interval (None for an exact count) and the number of photos behind it."""

    value: float
    low: float | None
    high: float | None
    n: int

    def __str__(self):
        if self.low is None:
            return f"{self.value:,.10g} (n = {self.n:,})"
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f}; n = {self.n:,})"

    def __format__(self, spec):
        """`f"{estimate:+}"` is for differences: signs, and no n."""
        return f"{self.value:+.3f} ({self.low:+.3f} to {self.high:+.3f})" if spec == "+" else format(str(self), spec)


def confusion(predictions: Predictions) -> np.ndarray:
    """(K, K) int over the K classes: photos by label (row) and by prediction (column)."""
    return _counts(predictions)[0].sum(0).astype(np.int64)


def from_confusion(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Every metric of METRICS, and the recall of each class, from (..., K, K) confusion counts, thousands at once.

    Balanced accuracy and macro-F1 are means over the classes that occur among the labels; recall is NaN for others.
    """
    counts = np.asarray(counts, float)
    hits, actual, predicted = np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(-1), counts.sum(-2)
    total, right, matched = counts.sum((-2, -1)), hits.sum(-1), (actual * predicted).sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = np.where(actual > 0, hits / actual, np.nan)
        f1 = np.where(actual > 0, 2 * hits / (actual + predicted), np.nan)
        root = np.sqrt((total**2 - (predicted**2).sum(-1)) * (total**2 - (actual**2).sum(-1)))
        chance = matched / total**2
        return {
            "accuracy": right / total,
            "balanced_accuracy": np.nanmean(recall, -1),
            "macro_f1": np.nanmean(f1, -1),
            "mcc": np.where(root > 0, (right * total - matched) / root, 0.0),  # 0: one who always predicts the same
            "recall": recall,
            "kappa": (right / total - chance) / (1 - chance),
        }


def wilson(hits: int, n: int) -> Estimate:
    """The share hits / n with Wilson's interval; 0 of 4 is 0 to .49."""
    if n == 0:
        return Estimate(float("nan"), 0.0, 1.0, 0)
    return Estimate(hits / n, *binomtest(int(hits), int(n)).proportion_ci(method="wilson"), int(n))


def recall(predictions: Predictions, seed: int = 0) -> dict[str, Estimate]:
    """For each class that occurs: the share recognised, its interval over resampled subjects, and n = its photos.

    Where every subject has one picture, or all or none are recognised (no resample then differs), it is Wilson's, for
    as many trials as there are subjects. A photo tested with several seeds is one photo, which may be right in part.
    """
    rows = predictions.table.assign(right=predictions.y_pred == predictions.y_true)
    photos = rows.groupby([predictions.target_column, "subject", "photo"], sort=False).right.mean()
    found = {}
    for name, right in photos.groupby(level=0):
        subject, value = right.index.get_level_values("subject"), float(right.mean())
        n_subjects = subject.nunique()
        if n_subjects == len(right) or value in (0, 1):
            found[name] = wilson(round(value * n_subjects), n_subjects)._replace(value=value, n=len(right))
        else:
            found[name] = mean_over_subjects(right.to_numpy(float), subject, seed)
    return {name: found[name] for name in predictions.classes if name in found}


def mean_over_subjects(values: np.ndarray, subjects: np.ndarray, seed: int = 0) -> Estimate:
    """Mean of (n,) values, one for each photo, with its interval over resampled subjects, (n,) names."""
    sums = pd.DataFrame({"value": values, "n": 1}).groupby(np.asarray(subjects)).sum().to_numpy(float)
    drawn = _weights(len(sums), seed) @ sums
    return Estimate(float(np.mean(values)), *_middle(drawn[:, 0] / drawn[:, 1]), len(values))


def score(predictions: Predictions, seed: int = 0) -> dict[str, Estimate]:
    """Each metric; its interval is the middle 95 % of 2,000 resamples of the subjects, not of dependent photos."""
    return _estimates(predictions, seed=seed)


def table(several: list[Predictions] | dict[str, Predictions]) -> pd.DataFrame:
    """One row each: n, every metric as "value (low to high)", and the caveats of its split."""
    rows = {}
    for p in _by_name(several):
        found = score(p)
        cells = {METRICS[m]: f"{x.value:.3f} ({x.low:.3f} to {x.high:.3f})" for m, x in found.items()}
        rows[p.name] = {"n": found["accuracy"].n, **cells, "caveats of the split": listed(p.caveats) or "none"}
    return pd.DataFrame.from_dict(rows, orient="index")


def recall_table(several: list[Predictions] | dict[str, Predictions]) -> pd.DataFrame:
    """One row each, one column for each class: "recall (low to high) of n", as `recall` has it."""
    several, rows = _by_name(several), {}
    for p in several:
        found = recall(p).items()
        cells = {emotion: f"{x.value:.2f} ({x.low:.2f} to {x.high:.2f}) of {x.n:,}" for emotion, x in found}
        rows[p.name] = dict.fromkeys(several[0].classes, "not tested") | cells
    return pd.DataFrame.from_dict(rows, orient="index")


def paired_difference(one: Predictions, other: Predictions, seed: int = 0) -> dict[str, Estimate]:
    """`one` minus `other` in each metric, the same subjects drawn for both; InputError if their photos differ."""
    _check_same_photos(one, other)
    return difference_by_subject(one, other, seed)


def difference_by_subject(one: Predictions, other: Predictions, seed: int = 0) -> dict[str, Estimate]:
    """As `paired_difference`, where the photos tested differ (copies, say) but the subjects are shared."""
    return _estimates(one, other, seed=seed)


def mean_recall(predictions: Predictions, emotions: tuple[str, ...], seed: int = 0) -> Estimate:
    """Mean of the recalls of those of these emotions that occur, n = photos of theirs; InputError if none occurs."""
    return _estimates(predictions, seed=seed, emotions=emotions)["mean_recall"]


def mean_recall_difference(one: Predictions, other: Predictions, emotions: tuple[str, ...], seed: int = 0) -> Estimate:
    """`one` minus `other` in the mean recall of these emotions, as in `paired_difference`; InputError as there."""
    _check_same_photos(one, other)
    return _estimates(one, other, seed=seed, emotions=emotions)["mean_recall"]


def p_values(one: Predictions, other: Predictions, seed: int = 0) -> dict[str, float]:
    """Two-sided p-values that `one` and `other` score alike: in each metric, and in each of GROUP_RECALLS.

    Twice the smaller share of 20,000 resamples on either side of 0, one added to both counts (Davison & Hinkley 1997):
    at least 1e-4. A group without any photo is left out. InputError if their photos differ.
    """
    _check_same_photos(one, other)
    counts, draws = _counts(one, other), range(ROUNDS * seed, ROUNDS * (seed + 1))  # first that of `paired_difference`
    drawn = (_weights(len(counts[0]), draw) for draw in draws)
    gains = pd.concat([pd.DataFrame(_scores(counts, often, one.classes, GROUP_RECALLS)) for often in drawn])
    n = gains.notna().sum()  # a resample without any photo of these emotions tells nothing about them
    p = 2 * (np.minimum((gains <= 0).sum(), (gains >= 0).sum()) + 1) / (n + 1)
    return p[n > 0].clip(upper=1.0).to_dict()


def holm(p: dict[str, float]) -> dict[str, float]:
    """p-values, so adjusted that the family errs as seldom as one would (Holm 1979); InputError names what is none."""
    if wrong := [f"{name}={value}" for name, value in p.items() if not 0 <= value <= 1]:
        raise InputError(f"p-values lie between 0 and 1: {listed(wrong)}")
    names = sorted(p, key=p.get)
    adjusted = np.maximum.accumulate([(len(p) - k) * p[name] for k, name in enumerate(names)])
    return p | dict(zip(names, np.minimum(adjusted, 1.0).tolist()))


def mcnemar(one: Predictions, other: Predictions) -> float:
    """Exact two-sided p-value that both are right equally often (McNemar 1947); a photo's tests: the majority."""
    _check_same_photos(one, other)
    a, b = (pd.Series(p.y_pred == p.y_true).groupby(p.table.photo.to_numpy()).mean().gt(0.5) for p in (one, other))
    only_one, only_other = int((a & ~b).sum()), int((~a & b).sum())
    return binomtest(only_one, only_one + only_other).pvalue if only_one + only_other else 1.0


def reliability(predictions: Predictions, bins: int = 10) -> pd.DataFrame:
    """For each equally wide bin that is not empty: mean confidence, accuracy, and n, how often a photo was tested."""
    confidence, right, place = _confidence(predictions, bins)
    rows = pd.DataFrame({"confidence": confidence, "accuracy": right}).groupby(place)
    return rows.mean().assign(n=rows.size()).reset_index(drop=True)


def calibration_error(predictions: Predictions, seed: int = 0) -> Estimate:
    """How far confidence is from accuracy: the mean over 15 bins, each as heavy as it is full (ECE; Guo et al. 2017).

    A sum of absolute values grows with noise, and resampling adds noise: the interval is moved back by that much.
    """
    confidence, right, place = _confidence(predictions, BINS)
    subjects, subject = np.unique(predictions.table.subject, return_inverse=True)
    excess = np.bincount(subject * BINS + place, right - confidence, minlength=len(subjects) * BINS).reshape(-1, BINS)
    value = np.abs(excess.sum(0)).sum() / len(confidence)
    drawn = _weights(len(subjects), seed)
    resampled = np.abs(drawn @ excess).sum(1) / (drawn @ np.bincount(subject).astype(float))
    low, high = _middle(resampled - resampled.mean() + value)
    return Estimate(float(value), max(low, 0.0), high, predictions.table.photo.nunique())


def kappa(predictions: Predictions, seed: int = 0) -> Estimate:
    """Cohen's kappa (1960) of labels and predictions: agreement beyond chance, with its interval over subjects."""
    return _estimates(predictions, seed=seed, names=("kappa",))["kappa"]


def forced_choice(predictions: Predictions, between: tuple[str, str] = ("happiness", "neutral")) -> Estimate:
    """Share of the photos of two emotions for which the right one of the two is more probable; equals count half.

    Where one of the two does not occur there is nothing to tell apart: n = 0. Raises InputError if neither does.
    """
    _count_photos(predictions, between)
    if not set(between) <= set(predictions.table.emotion):
        return wilson(0, 0)
    a, b = (predictions.classes.index(emotion) for emotion in between)
    tested = predictions.where(predictions.table.emotion.isin(between))
    lead = tested.probabilities[:, a] - tested.probabilities[:, b]
    right = 0.5 + 0.5 * np.sign(lead) * np.where(tested.y_true == a, 1, -1)
    return mean_over_subjects(right, tested.table.subject)._replace(n=tested.table.photo.nunique())


def _by_name(several: list[Predictions] | dict[str, Predictions]) -> list[Predictions]:
    several = list(several.values()) if isinstance(several, dict) else several
    names = [predictions.name for predictions in several]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"a table cannot tell apart what bears the same name: {listed(repeated)}")
    return several


def _check_same_photos(one: Predictions, other: Predictions) -> None:
    if apart := set(one.table.photo) ^ set(other.table.photo):
        which = listed(sorted(apart), 5)
        raise InputError(f"{one.name!r} and {other.name!r} were not tested on the same photos: {which}")


def _count_photos(predictions: Predictions, emotions: tuple[str, ...]) -> int:
    n = predictions.table.photo[predictions.table[predictions.target_column].isin(emotions)].nunique()
    if not n:
        raise InputError(f"{predictions.name!r} was tested on no photo of {listed(emotions)}")
    return n


def _scores(counts: list[np.ndarray], drawn: np.ndarray, classes: tuple, groups: dict, names=METRICS) -> dict:
    """In each draw of subjects, METRICS and the groups' mean recalls (or NaN); of two, the difference."""
    scores = [from_confusion((drawn @ c.reshape(len(c), -1)).reshape(-1, *c.shape[1:])) for c in counts]
    for found in scores:
        for name, emotions in groups.items():
            recalls = found["recall"][..., np.isin(classes, emotions)]
            with np.errstate(invalid="ignore"):
                found[name] = np.nansum(recalls, -1) / (~np.isnan(recalls)).sum(-1)
    return {name: reduce(np.subtract, [found[name] for found in scores]) for name in (*names, *groups)}


def _estimates(*several: Predictions, seed: int, emotions=None, names=METRICS) -> dict[str, Estimate]:
    """Each metric and `mean_recall` of `emotions`; of two, their difference, the same subjects drawn for both."""
    counts, classes = _counts(*several), several[0].classes
    groups, n = {}, several[0].table.photo.nunique()
    if emotions is not None:
        groups, n = {"mean_recall": emotions}, _count_photos(several[0], emotions)
    value = _scores(counts, np.ones((1, len(counts[0])), np.float32), classes, groups, names)
    resampled = _scores(counts, _weights(len(counts[0]), seed), classes, groups, names)
    return {name: Estimate(*value[name].tolist(), *_middle(resampled[name]), n) for name in value}


def _confidence(predictions: Predictions, bins: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each row its highest probability, whether that is right (0 or 1), and its bin, which holds its upper end."""
    confidence = predictions.probabilities.max(1).astype(float)
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    return confidence, (predictions.y_pred == predictions.y_true).astype(float), place


def _counts(*several: Predictions) -> list[np.ndarray]:
    """(subjects, K, K) float32 confusion counts of each, subject by subject in the same order, or InputError."""
    if empty := [repr(predictions.name) for predictions in several if not len(predictions)]:
        raise InputError(f"tested on no photo at all: {listed(empty)}")
    if several[0].classes != several[-1].classes:
        raise InputError(
            f"{several[0].name!r} and {several[-1].name!r} predict different classes and cannot be compared"
        )
    subjects = np.unique(np.concatenate([predictions.table.subject for predictions in several]))
    found = []
    for predictions in several:
        row, k = np.searchsorted(subjects, predictions.table.subject), len(predictions.classes)
        cell = (row * k + predictions.y_true) * k + predictions.y_pred
        found.append(np.bincount(cell, minlength=len(subjects) * k * k).reshape(-1, k, k).astype(np.float32))
    return found


@lru_cache(maxsize=ROUNDS)
def _weights(subjects: int, seed: int) -> np.ndarray:
    """(2000, subjects) float32: how often each subject is drawn in each resample; kept, so not to be written to."""
    shape = RESAMPLES, subjects
    drawn = np.random.default_rng(seed).integers(subjects, size=shape) + subjects * np.arange(RESAMPLES)[:, None]
    return np.bincount(drawn.ravel(), minlength=RESAMPLES * subjects).reshape(shape).astype(np.float32)


def _middle(values: np.ndarray) -> list[float]:
    return np.nanpercentile(values, [2.5, 97.5]).tolist()
