"""Metrics from confusion counts, their intervals, and paired comparisons on the same photos."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import binomtest, t

from emoclass.faces import BadInput, listed
from emoclass.labels import COMMON, SCARCE
from emoclass.predictions import Predictions

METRICS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro-F1",
    "mcc": "MCC",
}
RESAMPLES = 2000
ROUNDS = 10  # so many times 2,000 for a p-value: the least is then 1e-4, which Holm may multiply by a whole family
BINS = 15  # of the calibration error, as in Guo et al. 2017


class Number(NamedTuple):
    """A value, its 95 % interval (None for an exact count) and the number of photos behind it."""

    value: float
    low: float | None
    high: float | None
    n: int

    def __str__(self):
        if self.low is None:
            return f"{self.value:,.10g} (n = {self.n:,})"
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f}; n = {self.n:,})"

    def __format__(self, how):
        """`f"{number:+}"` is for differences: signs, and no n."""
        return f"{self.value:+.3f} ({self.low:+.3f} to {self.high:+.3f})" if how == "+" else format(str(self), how)


def confusion(predictions: Predictions) -> np.ndarray:
    """(K, K) int over the speaker's K classes: photos by label (row) and by what was said (column)."""
    return _per_person(predictions)[0].sum(0).astype(np.int64)


def metrics(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Every metric of METRICS, and the recall of each emotion, from (..., K, K) confusion counts.

    Balanced accuracy and macro-F1 are means over the emotions that occur among the labels; an emotion that nobody
    was asked about counts in neither. Recall is NaN where there is no such photo. Each is checked against
    scikit-learn in the tests; this one takes thousands of resamples at once.
    """
    counts = np.asarray(counts, float)
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    actual, said, total = counts.sum(-1), counts.sum(-2), counts.sum((-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = np.where(actual > 0, hits / actual, np.nan)
        f1 = np.where(actual > 0, 2 * hits / (actual + said), np.nan)
        root = np.sqrt((total**2 - (said**2).sum(-1)) * (total**2 - (actual**2).sum(-1)))
        mcc = (hits.sum(-1) * total - (actual * said).sum(-1)) / root
        return {
            "accuracy": hits.sum(-1) / total,
            "balanced_accuracy": np.nanmean(recall, -1),
            "macro_f1": np.nanmean(f1, -1),
            "mcc": np.where(root > 0, mcc, 0.0),  # who always says the same is not correlated with anything
            "recall": recall,
        }


def wilson(hits: int, n: int) -> Number:
    """The share hits / n with Wilson's interval; 0 of 4 is 0 to .49."""
    if n == 0:
        return Number(float("nan"), 0.0, 1.0, 0)
    interval = binomtest(int(hits), int(n)).proportion_ci(method="wilson")
    return Number(hits / n, interval.low, interval.high, int(n))


def recall(predictions: Predictions) -> dict[str, Number]:
    """For each emotion (or source, if asked for it) that occurs: the share recognised, with Wilson's interval."""
    right = pd.Series(predictions.guess == predictions.truth)
    # A photo tested with several seeds is one witness still, who may be right in part.
    label, photo = (predictions.table[column].to_numpy() for column in (predictions.asked, "photo"))
    shares = right.groupby([label, photo]).mean()
    found = shares.groupby(level=0).agg(["sum", "size"])
    return {
        emotion: wilson(round(found.loc[emotion, "sum"]), int(found.loc[emotion, "size"]))
        for emotion in predictions.classes
        if emotion in found.index
    }


def score(predictions: Predictions, seed: int = 0) -> dict[str, Number]:
    """Each metric with its interval: the middle 95 % of 2,000 resamples of the persons.

    Persons are drawn, not photos, because several photos of one person are less than so many witnesses.
    """
    n = predictions.table.photo.nunique()
    counts, _ = _per_person(predictions)
    value = metrics(_mixed(counts.sum(0), predictions))
    resampled = metrics(_mixed(_resample(counts, seed), predictions))
    return {name: Number(float(value[name]), *_middle(resampled[name]), n) for name in METRICS}


def table(spoken: list[Predictions] | dict[str, Predictions]) -> pd.DataFrame:
    """One row for each speaker: n, every metric as "value (low to high)", and whether its split leaks."""
    spoken = _each_by_its_name(spoken)
    rows = {}
    for predictions in spoken:
        scores = score(predictions)
        cells = {METRICS[m]: f"{x.value:.3f} ({x.low:.3f} to {x.high:.3f})" for m, x in scores.items()}
        rows[predictions.name] = {"n": scores["accuracy"].n, **cells, "leak": "LEAKY" if predictions.leaky else "no"}
    return pd.DataFrame.from_dict(rows, orient="index")


def recall_table(spoken: list[Predictions] | dict[str, Predictions]) -> pd.DataFrame:
    """One row for each speaker, one column for each emotion: "recall (low to high) of n", Wilson's interval."""
    spoken = _each_by_its_name(spoken)
    rows = {
        p.name: {e: f"{x.value:.2f} ({x.low:.2f} to {x.high:.2f}) of {x.n:,}" for e, x in recall(p).items()}
        for p in spoken
    }
    return (
        pd.DataFrame.from_dict(rows, orient="index")
        .reindex(columns=spoken[0].classes)
        .astype(object)
        .fillna("not asked")
    )


def difference(one: Predictions, other: Predictions, seed: int = 0) -> dict[str, Number]:
    """`one` minus `other` for each metric, paired: the same persons are drawn for both, 2,000 times.

    Both must have been tested on the same photos, however often; BadInput if not.
    """
    _refuse_other_photos(one, other)
    return gap(one, other, seed)


def gap(one: Predictions, other: Predictions, seed: int = 0) -> dict[str, Number]:
    """`one` minus `other` for each metric where the photos tested differ (copies, say) but the persons are shared.

    The same persons are drawn for both, so that what both owe to the draw cancels.
    """
    left, right = _side_by_side(one, other)
    a, b = metrics(_mixed(left.sum(0), one)), metrics(_mixed(right.sum(0), other))
    c, d = metrics(_mixed(_resample(left, seed), one)), metrics(_mixed(_resample(right, seed), other))
    n = one.table.photo.nunique()
    return {m: Number(float(a[m] - b[m]), *_middle(c[m] - d[m]), n) for m in METRICS}


def mean_recall(predictions: Predictions, emotions: tuple[str, ...], seed: int = 0) -> Number:
    """Mean of the recalls of those of these emotions that occur, over resampled persons; n = photos of theirs.

    Raises BadInput if none of them does.
    """
    n = _asked(predictions, emotions)
    counts, _ = _per_person(predictions)
    value, resampled = (_mean_recall(c, predictions, emotions) for c in (counts.sum(0), _resample(counts, seed)))
    return Number(float(value), *_middle(resampled), n)


def mean_recall_difference(one: Predictions, other: Predictions, emotions: tuple[str, ...], seed: int = 0) -> Number:
    """`one` minus `other` in the mean recall of these emotions, paired as in `difference`; BadInput as there."""
    _refuse_other_photos(one, other)
    n = _asked(one, emotions)
    left, right = _side_by_side(one, other)
    value, resampled = (
        _mean_recall(a, one, emotions) - _mean_recall(b, other, emotions)
        for a, b in ((left.sum(0), right.sum(0)), (_resample(left, seed), _resample(right, seed)))
    )
    return Number(float(value), *_middle(resampled), n)


def p_values(one: Predictions, other: Predictions, seed: int = 0) -> dict[str, float]:
    """Two-sided p-values that `one` and `other` score alike: in each metric, and in `scarce_recall`, `common_recall`.

    The level at which the paired interval of `difference` would just hold 0: twice the smaller share of the resamples
    on either side of it, from ten times as many resamples. One is added to both counts (Davison & Hinkley 1997), for
    no number of resamples shows a p of 0; the least is 1e-4. What nobody was asked about is left out. Both must have
    been tested on the same photos; BadInput if not.
    """
    _refuse_other_photos(one, other)
    left, right = _side_by_side(one, other)
    draws = range(ROUNDS * seed, ROUNDS * (seed + 1))  # the first is that of `difference`
    rounds = [(_resampled_scores(left, one, draw), _resampled_scores(right, other, draw)) for draw in draws]
    found = {}
    for name in rounds[0][0]:
        gaps = np.concatenate([a[name] - b[name] for a, b in rounds])
        gaps = gaps[~np.isnan(gaps)]  # a resample without any photo of these emotions says nothing about them
        if len(gaps):
            fewer = min((gaps <= 0).sum(), (gaps >= 0).sum())
            found[name] = min(1.0, 2 * float(fewer + 1) / (len(gaps) + 1))
    return found


def holm(p: dict[str, float]) -> dict[str, float]:
    """p-values of a family of comparisons, so adjusted that all of it errs as seldom as one would (Holm 1979).

    The smallest is multiplied by the size of the family, the next by one less, and so on; none falls below the one
    before it, none exceeds 1. Raises BadInput, naming what is not a p-value.
    """
    if wrong := [f"{name}={value}" for name, value in p.items() if not 0 <= value <= 1]:
        raise BadInput(f"p-values lie between 0 and 1: {listed(wrong)}")
    names = sorted(p, key=p.get)
    adjusted = np.maximum.accumulate([(len(names) - k) * p[name] for k, name in enumerate(names)])
    found = {name: min(1.0, float(value)) for name, value in zip(names, adjusted)}
    return {name: found[name] for name in p}


def reliability(predictions: Predictions, bins: int = 10) -> pd.DataFrame:
    """How often a speaker is right that is so sure: one row for each bin of the highest probability that has any.

    Columns: confidence (mean of the highest probability), accuracy, n (times that a photo was tested). The bins are
    equally wide. Raises BadInput if the speaker is weighted to another mix.
    """
    sure, right, place = _confidence(predictions, bins)
    rows = pd.DataFrame({"confidence": sure, "accuracy": right, "n": 1})
    return rows.groupby(place).agg({"confidence": "mean", "accuracy": "mean", "n": "size"}).reset_index(drop=True)


def calibration_error(predictions: Predictions, seed: int = 0) -> Number:
    """How far confidence is from accuracy: the mean over 15 bins, each as heavy as it is full (ECE; Guo et al. 2017).

    A sum of absolute values grows with noise, and resampling adds noise: the interval over resampled persons is
    moved back by that much. Raises BadInput if the speaker is weighted to another mix.
    """
    sure, right, place = _confidence(predictions, BINS)
    persons, person = np.unique(predictions.table.person, return_inverse=True)
    cell = person * BINS + place
    excess = np.bincount(cell, right - sure, minlength=len(persons) * BINS).reshape(-1, BINS)
    value = np.abs(excess.sum(0)).sum() / len(sure)
    drawn = _weights(len(persons), seed)
    resampled = np.abs(drawn @ excess).sum(1) / (drawn @ np.bincount(person).astype(float))
    low, high = _middle(resampled - resampled.mean() + value)
    return Number(float(value), max(low, 0.0), high, predictions.table.photo.nunique())


def brier(predictions: Predictions) -> Number:
    """Brier's score (1950), from 0 to 2: the squared errors of all probabilities of a photo, mean over photos.

    Raises BadInput if the speaker is weighted to another mix.
    """
    _refuse_mix(predictions)
    wanted = np.eye(len(predictions.classes))[predictions.truth]
    return _mean(predictions, ((predictions.probabilities - wanted) ** 2).sum(1))


def mcnemar(one: Predictions, other: Predictions) -> float:
    """Exact two-sided p-value that both are right equally often on the same photos (McNemar 1947).

    Raises BadInput if the photos are not the same.
    """
    _refuse_other_photos(one, other)
    right = [p.table.assign(right=p.guess == p.truth).groupby("photo").right.mean().gt(0.5) for p in (one, other)]
    only_one, only_other = int((right[0] & ~right[1]).sum()), int((~right[0] & right[1]).sum())
    return binomtest(only_one, only_one + only_other).pvalue if only_one + only_other else 1.0


def resplit_interval(differences: np.ndarray, test_share: float) -> Number:
    """Mean of (J,) differences over J re-splits with the corrected interval of Nadeau & Bengio 2003.

    test_share    photos tested / photos trained on; re-splits share photos, so their spread alone is too small
    """
    d = np.asarray(differences, float)
    width = t.ppf(0.975, len(d) - 1) * np.sqrt((1 / len(d) + test_share) * d.var(ddof=1))
    return Number(float(d.mean()), float(d.mean() - width), float(d.mean() + width), len(d))


def forced_choice(predictions: Predictions, between: tuple[str, str] = ("happiness", "neutral")) -> Number:
    """Share of the photos of two emotions for which the right one of the two is the more probable, with interval."""
    a, b = (predictions.classes.index(emotion) for emotion in between)
    asked = predictions.where(predictions.table.emotion.isin(between))
    chosen = np.where(asked.probabilities[:, a] >= asked.probabilities[:, b], a, b)
    return _mean(asked, chosen == asked.truth)


def _each_by_its_name(spoken: list[Predictions] | dict[str, Predictions]) -> list[Predictions]:
    spoken = list(spoken.values()) if isinstance(spoken, dict) else spoken
    names = [predictions.name for predictions in spoken]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BadInput(f"a table cannot tell apart what bears the same name: {listed(twice)}")
    return spoken


def _refuse_other_photos(one: Predictions, other: Predictions) -> None:
    if apart := set(one.table.photo) ^ set(other.table.photo):
        which = listed(sorted(apart), 5)
        raise BadInput(f"{one.name!r} and {other.name!r} were not tested on the same photos: {which}")


def _refuse_mix(predictions: Predictions) -> None:
    if predictions.mix is not None:
        raise BadInput(f"{predictions.name!r}: probabilities are judged on the photos as they are, not on another mix")


def _asked(predictions: Predictions, emotions: tuple[str, ...]) -> int:
    """How many photos there are of these emotions."""
    n = predictions.table.photo[predictions.table[predictions.asked].isin(emotions)].nunique()
    if not n:
        raise BadInput(f"{predictions.name!r} was asked about none of {listed(emotions)}")
    return n


def _mean_recall(counts: np.ndarray, predictions: Predictions, emotions: tuple[str, ...]) -> np.ndarray:
    """(...) from (..., K, K) confusion counts; NaN where there is no photo of any of these emotions."""
    recalls = metrics(counts)["recall"][..., np.isin(predictions.classes, emotions)]
    with np.errstate(invalid="ignore"):
        return np.nansum(recalls, -1) / (~np.isnan(recalls)).sum(-1)


def _resampled_scores(counts: np.ndarray, predictions: Predictions, seed: int) -> dict[str, np.ndarray]:
    """(2000,) of all that has a p-value."""
    drawn = _resample(counts, seed)
    found = metrics(_mixed(drawn, predictions))
    found["scarce_recall"], found["common_recall"] = (_mean_recall(drawn, predictions, e) for e in (SCARCE, COMMON))
    return {name: found[name] for name in (*METRICS, "scarce_recall", "common_recall")}


def _confidence(predictions: Predictions, bins: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each row its highest probability, whether that is right (0 or 1), and its bin, which holds its upper end."""
    _refuse_mix(predictions)
    sure = predictions.probabilities.max(1).astype(float)
    place = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)
    return sure, (predictions.guess == predictions.truth).astype(float), place


def _mean(predictions: Predictions, each: np.ndarray) -> Number:
    """Mean over the rows of (m,) values, with its interval over resampled persons."""
    rows = pd.DataFrame({"person": predictions.table.person.to_numpy(), "value": each, "n": 1})
    sums = rows.groupby("person")[["value", "n"]].sum().to_numpy(float)
    resampled = _weights(len(sums), 0) @ sums
    return Number(
        float(sums[:, 0].sum() / sums[:, 1].sum()),
        *_middle(resampled[:, 0] / resampled[:, 1]),
        predictions.table.photo.nunique(),
    )


def _side_by_side(one: Predictions, other: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """(persons, K, K) confusion counts of both speakers, person by person in the same order."""
    persons = np.union1d(one.table.person, other.table.person)
    return _per_person(one, persons)[0], _per_person(other, persons)[0]


def _per_person(predictions: Predictions, persons=None) -> tuple[np.ndarray, np.ndarray]:
    """(persons, K, K) float32 confusion counts of each person, and the persons in order."""
    persons = np.unique(predictions.table.person) if persons is None else persons
    row = np.searchsorted(persons, predictions.table.person)
    k = len(predictions.classes)
    cell = (row * k + predictions.truth) * k + predictions.guess
    return np.bincount(cell, minlength=len(persons) * k * k).reshape(-1, k, k).astype(np.float32), persons


def _mixed(counts: np.ndarray, predictions: Predictions) -> np.ndarray:
    """(..., K, K) counts, each label's row scaled to what the speaker's mix has of it."""
    if predictions.mix is None:
        return counts
    actual = counts.sum(-1, keepdims=True)
    wanted = np.asarray(predictions.mix, float)[:, None]
    return np.where(actual > 0, counts * wanted / np.maximum(actual, 1), 0.0)


def _weights(persons: int, seed: int) -> np.ndarray:
    """(2000, persons) float32: how often each person is drawn in each resample."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(persons, size=(RESAMPLES, persons)) + persons * np.arange(RESAMPLES)[:, None]
    return np.bincount(drawn.ravel(), minlength=RESAMPLES * persons).reshape(RESAMPLES, persons).astype(np.float32)


def _resample(counts: np.ndarray, seed: int) -> np.ndarray:
    return (_weights(len(counts), seed) @ counts.reshape(len(counts), -1)).reshape(-1, *counts.shape[1:])


def _middle(values: np.ndarray) -> tuple[float, float]:
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)
