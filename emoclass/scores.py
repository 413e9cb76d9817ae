"""Metrics from confusion counts, their intervals, and paired comparisons on the same photos."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import binomtest, t

from emoclass.faces import BadInput, listed
from emoclass.predictions import Predictions

METRICS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro-F1",
    "mcc": "MCC",
}
RESAMPLES = 2000


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
    persons = np.union1d(one.table.person, other.table.person)
    (left, _), (right, _) = _per_person(one, persons), _per_person(other, persons)
    a, b = metrics(_mixed(left.sum(0), one)), metrics(_mixed(right.sum(0), other))
    c, d = metrics(_mixed(_resample(left, seed), one)), metrics(_mixed(_resample(right, seed), other))
    n = one.table.photo.nunique()
    return {m: Number(float(a[m] - b[m]), *_middle(c[m] - d[m]), n) for m in METRICS}


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
    hits = pd.DataFrame({"person": asked.table.person.to_numpy(), "hit": chosen == asked.truth, "n": 1})
    counts = hits.groupby("person")[["hit", "n"]].sum().to_numpy(float)
    resampled = _weights(len(counts), 0) @ counts
    return Number(
        float(counts[:, 0].sum() / counts[:, 1].sum()),
        *_middle(resampled[:, 0] / resampled[:, 1]),
        asked.table.photo.nunique(),
    )


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
