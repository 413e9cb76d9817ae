"""What can still be done once nets are trained: take the prior out, calibrate, choose.

Each takes whole Predictions and returns what the same nets predict then. What is to be chosen is
chosen on the run's own validation part, whose probabilities change too. All raise InputError if
rows, runs or what they need is missing.
"""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from emoclass import metrics
from emoclass.confusions import mean_recall_alone
from emoclass.errors import InputError, listed
from emoclass.kept import kept
from emoclass.losses import log_prior
from emoclass.outputs import LOWEST, STEP, to_levels, to_probabilities
from emoclass.predictions import Predictions
from emoclass.run import Run

TAUS = tuple(k / 10 for k in range(16))
LARGEST_TAU = 4.0  # of a shift that is to cost as much as something else
HALVINGS = 30  # of the taus from 0 to this one
STRENGTHS = (
    1e-4,
    1e-3,
    1e-2,
    1e-1,
    1.0,
)  # scikit-learn's C: the larger, the freer the new last layer


@dataclass(frozen=True)
class HeadOutputs:
    """What a run predicts with another last layer: (n, classes) float32 of each part."""

    validation: np.ndarray
    test: np.ndarray


def temperature_scaled(predictions: Predictions, name: str | None = None) -> Predictions:
    """The logits of each run divided by its temperature (Guo et al. 2017).

    Which emotion leads stays as it is.
    """
    runs = []
    for run in _whole(predictions, needs_validation=True):
        divisor = temperature(run)
        validation = softmax(_log(run.validation) / divisor, axis=1)
        test = softmax(_log(run.probabilities) / divisor, axis=1)
        runs.append(_changed(run, validation, test))
    return _with_runs(predictions, runs, name or predictions.name)


def logit_adjusted(
    predictions: Predictions,
    logit_adjustment_tau: float | dict[int, float] | None = None,
    name: str | None = None,
    at_least: float = 0.0,
) -> Predictions:
    """Each probability divided by (the emotion's share of the training part)^tau, to 1 in all.

    Menon et al. 2021.

    logit_adjustment_tau    the same tau for all runs, or one for each seed; None: as `best_tau` has
                            it, with `at_least`
    """
    tau_is_chosen = logit_adjustment_tau is None
    runs = []
    for run in _whole(predictions, needs_validation=tau_is_chosen):
        if tau_is_chosen:
            tau = best_tau(run, at_least)
        elif isinstance(logit_adjustment_tau, dict):
            tau = logit_adjustment_tau[run.seed]
        else:
            tau = logit_adjustment_tau
        validation = _adjusted(run.validation, run, tau)
        test = _adjusted(run.probabilities, run, tau)
        runs.append(_changed(run, validation, test))
    return _with_runs(predictions, runs, name or predictions.name)


def taus_at_equal_cost(
    predictions: Predictions,
    other: Predictions,
    emotions: tuple[str, ...],
    rows: np.ndarray | None = None,
) -> dict[int, float]:
    """For each seed the tau of `logit_adjusted` that costs these emotions as much as `other` does.

    Their mean recall is then that of `other`, in the seed's folds taken together. Nothing is
    chosen to look well: the price is set, what is bought for it is read. Found by halving, from 0,
    where `other` costs nothing, to LARGEST_TAU, where no shift costs as much.
    Raises InputError if a seed of `other` is missing, or if none of the emotions occurs.

    rows    (m,) bool: the tests that count; None: all
    """
    _whole(predictions, needs_validation=False)
    if rows is None:
        rows = np.ones(len(predictions), bool)
    taus = {}
    for seed in sorted({run.seed for run in predictions.runs}):
        of_seed = (predictions.table.seed == seed).to_numpy()
        own = _of_seed(predictions, seed)
        paid = mean_recall_alone(other.where(other.table.seed == seed), emotions)
        smallest = 0.0
        largest = LARGEST_TAU
        for _ in range(HALVINGS):
            tau = (smallest + largest) / 2
            shifted = logit_adjusted(own, tau).where(rows[of_seed])
            if mean_recall_alone(shifted, emotions) > paid:
                smallest = tau
            else:
                largest = tau
        taus[seed] = largest
    return taus


def trade_curve(
    predictions: Predictions,
    taus: Iterable[float] = TAUS,
    rows: np.ndarray | None = None,
) -> pd.DataFrame:
    """What an untrained shift of the logits buys, and its price: a row for each tau.

    Columns: the mean recall of each of metrics.GROUP_RECALLS whose classes occur, all nets together.

    rows    (m,) bool: the tests that count; None: all
    """
    if rows is None:
        rows = np.ones(len(predictions), bool)
    label = predictions.table[predictions.target_column][rows]
    found = {}
    for tau in taus:
        shifted = logit_adjusted(predictions, tau).where(rows)
        found[tau] = {}
        for group, emotions in metrics.GROUP_RECALLS.items():
            if label.isin(emotions).any():
                found[tau][group] = mean_recall_alone(shifted, emotions)
    return pd.DataFrame.from_dict(found, orient="index")


def retrained_head(predictions: Predictions, name: str | None = None) -> Predictions:
    """A new last layer for the features as they are (cRT, Kang et al. 2020): see head_outputs."""
    runs = []
    for run in _whole(predictions, needs_validation=True):
        found = _from_levels(_head_levels(run), run)
        n_validation = len(run.validation)
        runs.append(_changed(run, found[:n_validation], found[n_validation:]))
    return _with_runs(predictions, runs, name or predictions.name)


@kept
def _head_levels(run: Run) -> np.ndarray:
    """(v + m, classes) uint8 levels (see `outputs`) of validation and test part: `head_outputs`, to be kept."""
    found = head_outputs(run)
    with np.errstate(divide="ignore"):
        logits = np.log(np.concatenate([found.validation, found.test]).astype(np.float64))
    return to_levels(np.maximum(logits, -STEP * 2 * LOWEST))


def _from_levels(levels: np.ndarray, run: Run) -> np.ndarray:
    """(n, classes) float32 probabilities; 0 for classes without any level, which nobody trained."""
    probabilities = to_probabilities(levels, np.arange(len(run.classes)), len(run.classes))
    return np.where(levels == LOWEST, np.float32(0), probabilities)


def head_outputs(run: Run) -> HeadOutputs:
    """What one run predicts with a new last layer, each emotion counting the same.

    A logistic regression with balanced class weights; its C of STRENGTHS has the best balanced
    accuracy in validation. Raises InputError if the features were not kept.
    """
    embeddings = run.embeddings
    if not embeddings:
        problem = "what goes into the last layer was not kept (record_features=True keeps it)"
        raise InputError(f"{run.variant.name!r}: {problem}")
    scale = StandardScaler().fit(embeddings["train"].astype(np.float32))
    features = {}
    for part, rows in embeddings.items():
        features[part] = scale.transform(rows.astype(np.float32))
    head = LogisticRegression(class_weight="balanced", max_iter=100, warm_start=True)
    best = None
    best_accuracy = -np.inf
    for strength in STRENGTHS:
        # On one thread: those of the BLAS wait for each other on products as small as these.
        # What is stopped early is held back too, and judged on the validation part.
        with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            head.set_params(C=strength).fit(features["train"], run.y_true["train"])
        place = np.eye(len(run.classes))[head.classes_]  # emotions not trained on get 0
        validation = head.predict_proba(features["validation"]) @ place
        accuracy = _validation_metrics(validation, run)["balanced_accuracy"]
        if accuracy > best_accuracy:
            test = head.predict_proba(features["test"]) @ place
            best = HeadOutputs(validation.astype(np.float32), test.astype(np.float32))
            best_accuracy = accuracy
    return best


def select_on_validation(
    candidates: Iterable[Predictions],
    metric: str = "accuracy",
    at_least: float = 0.0,
    name: str | None = None,
) -> Predictions:
    """For each fold and seed, the predictions of the candidate best on the fold's validation part.

    A nested choice (Cawley & Talbot 2010): nobody tested in a fold has a say in what is used there.
    First of equals; where no accuracy in validation is `at_least` so much, the most accurate.
    Raises InputError too if photos or folds differ.
    """
    candidates = list(candidates)
    if not candidates:
        raise InputError("there is no candidate to choose from")
    _check_same_photos(candidates)
    tables = []
    runs = []
    first = 0
    for same in zip(*(predictions.runs for predictions in candidates)):
        best = _best(same, metric, at_least)
        run = same[best]
        last = first + len(run.photo)
        runs.append(run)
        tables.append(candidates[best].table[first:last])
        first = last
    leaky = any(predictions.leaky for predictions in candidates)
    selected = replace(candidates[0], table=pd.concat(tables), leaky=leaky)
    return _with_runs(selected, runs, name or "selected on validation subjects")


def names_selected(selected: Predictions, candidates: Iterable[Predictions]) -> list[str]:
    """Which candidate `select_on_validation` took for each run: its name, in the order of the runs."""
    candidates = list(candidates)
    names = []
    for k, run in enumerate(selected.runs):
        names += [each.name for each in candidates if each.runs[k] is run][:1]
    return names


def temperature(run: Run) -> float:
    """The temperature of least negative log-likelihood on a run's validation part.

    Above 1, it was too confident.
    """
    y_true = run.y_true["validation"]
    # What cannot be predicted costs the same at any temperature.
    possible = run.validation[np.arange(len(y_true)), y_true] > 0
    logits = _log(run.validation[possible])
    y_true = y_true[possible]
    rows = np.arange(len(y_true))

    def negative_log_likelihood(log_temperature: float) -> float:
        log_probabilities = log_softmax(logits / np.exp(log_temperature), axis=1)
        return -log_probabilities[rows, y_true].sum()

    found = minimize_scalar(negative_log_likelihood, bounds=(-7, 7), method="bounded")
    return float(np.exp(found.x))


def best_tau(run: Run, at_least: float = 0.0) -> float:
    """The first tau of TAUS with the best macro-F1 in validation; 0 if none is allowed.

    Allowed is where accuracy is `at_least` so much.
    """
    best = 0.0
    best_score = -np.inf
    for tau in TAUS:
        found = _validation_metrics(_adjusted(run.validation, run, tau), run)
        if found["accuracy"] >= at_least and found["macro_f1"] > best_score:
            best = tau
            best_score = found["macro_f1"]
    return best


def _whole(predictions: Predictions, needs_validation: bool) -> "tuple[Run, ...]":
    """The runs, if they are all there, with all their rows as they were predicted."""
    runs = predictions.runs
    problem = ""
    if not runs or not np.array_equal(_probabilities(runs), predictions.probabilities):
        problem = "change what whole runs predict first, then choose among rows or epochs"
    elif needs_validation and not all(len(run.validation) for run in runs):
        problem = "there is no validation part to choose on"
    if problem:
        raise InputError(f"{predictions.name!r}: {problem}")
    return runs


def _of_seed(predictions: Predictions, seed: int) -> Predictions:
    """The runs of one seed alone, with their rows."""
    runs = [run for run in predictions.runs if run.seed == seed]
    table = predictions.table[predictions.table.seed == seed]
    return _with_runs(replace(predictions, table=table), runs, predictions.name)


def _check_same_photos(candidates: list[Predictions]) -> None:
    expected = _tested_on(candidates[0])
    others = []
    for predictions in candidates[1:]:
        if _tested_on(predictions) != expected:
            others.append(repr(predictions.name))
    if others:
        names = f"{listed(others)} and {candidates[0].name!r}"
        why = "on the same photos in the same folds: only such can be compared there"
        raise InputError(f"{names} were not tested and validated {why}")


def _tested_on(predictions: Predictions) -> list[tuple]:
    """What must be equal of two models for their runs to be compared."""
    tested = []
    for run in _whole(predictions, needs_validation=True):
        y_true = list(run.y_true["validation"])
        tested.append((run.fold, run.seed, list(run.photo), run.classes, y_true))
    return tested


def _best(runs: "tuple[Run, ...]", metric: str, at_least: float) -> int:
    """The place of the first run that does best on the validation part."""
    found = [_validation_metrics(run.validation, run) for run in runs]
    allowed = [k for k, score in enumerate(found) if score["accuracy"] >= at_least]
    if allowed:
        return max(allowed, key=lambda k: found[k][metric])
    return max(range(len(runs)), key=lambda k: found[k]["accuracy"])


def _changed(run: Run, validation: np.ndarray, test: np.ndarray) -> Run:
    """The same run with other probabilities, of which none are known by epoch."""
    return replace(
        run,
        validation=validation.astype(np.float32),
        probabilities=test.astype(np.float32),
        epoch_predictions=run.epoch_predictions[:0],
    )


def _with_runs(predictions: Predictions, runs: "list[Run]", name: str) -> Predictions:
    return replace(
        predictions,
        name=name,
        probabilities=_probabilities(runs),
        runs=tuple(runs),
    )


def _probabilities(runs: "Iterable[Run]") -> np.ndarray:
    return np.concatenate([run.probabilities for run in runs])


def _log(probabilities: np.ndarray) -> np.ndarray:
    """float64; what has no probability stays without, however it is scaled or adjusted."""
    with np.errstate(divide="ignore"):
        return np.log(probabilities.astype(np.float64))


def _adjusted(probabilities: np.ndarray, run: Run, tau: float) -> np.ndarray:
    """(n, classes) float64, logit-adjusted by the prior of the run's training part."""
    counts = np.bincount(run.y_true["train"], minlength=len(run.classes))
    return softmax(_log(probabilities) - tau * log_prior(counts), axis=1)


def _validation_metrics(probabilities: np.ndarray, run: Run) -> dict[str, np.ndarray]:
    n_classes = len(run.classes)
    cells = run.y_true["validation"] * n_classes + probabilities.argmax(1)
    counts = np.bincount(cells, minlength=n_classes * n_classes)
    return metrics.from_confusion(counts.reshape(n_classes, n_classes))
