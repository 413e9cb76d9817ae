"""What can still be done once nets are trained: take the prior out, calibrate, change the last layer, choose.

Each takes whole Predictions and returns what the same nets predict then. What is to be chosen is chosen on the run's
own validation part, whose probabilities change too. All raise InputError if rows, runs or what they need is missing.
"""

import warnings
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from emoclass import metrics
from emoclass.errors import InputError, listed
from emoclass.losses import log_prior
from emoclass.predictions import Predictions

if TYPE_CHECKING:
    from emoclass.run import Run

TAUS = tuple(k / 10 for k in range(16))
STRENGTHS = (
    1e-4,
    1e-3,
    1e-2,
    1e-1,
    1.0,
)  # scikit-learn's C: the larger, the freer the new last layer


def temperature_scaled(predictions: Predictions, name: str | None = None) -> Predictions:
    """The logits of each run divided by its temperature (Guo et al. 2017); which emotion leads stays as it is."""
    found = []
    for run in _whole(predictions, "validation"):
        divisor = temperature(run)
        found.append(
            [softmax(_log(p) / divisor, axis=1) for p in (run.validation, run.probabilities)]
        )
    return _changed(predictions, found, name)


def logit_adjusted(
    predictions: Predictions,
    logit_adjustment_tau: float | None = None,
    name: str | None = None,
    at_least: float = 0.0,
) -> Predictions:
    """Each probability divided by (the emotion's share of the training part)^tau, to 1 in all (Menon et al. 2021).

    logit_adjustment_tau    the same tau for all runs; None: as `best_tau` has it, with `at_least`
    """
    found, needed = [], ["validation"] if logit_adjustment_tau is None else []
    for run in _whole(predictions, *needed):
        tau = best_tau(run, at_least) if logit_adjustment_tau is None else logit_adjustment_tau
        found.append([_adjusted(p, run, tau) for p in (run.validation, run.probabilities)])
    return _changed(predictions, found, name)


def retrained_head(predictions: Predictions, name: str | None = None) -> Predictions:
    """A new last layer for the features as they are, each emotion counting the same (cRT, Kang et al. 2020).

    A logistic regression with balanced class weights; its C of STRENGTHS has the best balanced accuracy in validation.
    """
    found = []
    for run in _whole(predictions, "validation", "embeddings"):
        scale = StandardScaler().fit(run.embeddings["train"].astype(np.float32))
        features = {
            part: scale.transform(rows.astype(np.float32)) for part, rows in run.embeddings.items()
        }
        head = LogisticRegression(class_weight="balanced", max_iter=100, warm_start=True)
        tried = []
        for strength in STRENGTHS:
            # On one thread: those of the BLAS wait for each other on products as small as these. What is stopped
            # early is held back too, and judged on the validation part.
            with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                head.set_params(C=strength).fit(features["train"], run.y_true["train"])
            place = np.eye(len(run.classes))[head.classes_]  # emotions not trained on get 0
            tried.append(
                [head.predict_proba(features[part]) @ place for part in ("validation", "test")]
            )
        found.append(
            max(tried, key=lambda parts: _validation_metrics(parts[0], run)["balanced_accuracy"])
        )
    return _changed(predictions, found, name)


def select_on_validation(
    candidates: Iterable[Predictions],
    metric: str = "accuracy",
    at_least: float = 0.0,
    name: str | None = None,
) -> Predictions:
    """For each fold and seed, the predictions of the candidate that does best on the fold's own validation part.

    A nested choice (Cawley & Talbot 2010): nobody tested in a fold has a say in what is used there. First of equals;
    where no accuracy in validation is `at_least` so much, the most accurate. InputError too if photos or folds differ.
    """
    if not (candidates := list(candidates)):
        raise InputError("there is no candidate to choose from")
    tested_on = [
        [
            (run.fold, run.seed, list(run.photo), run.classes, list(run.y_true["validation"]))
            for run in runs
        ]
        for runs in (_whole(p, "validation") for p in candidates)
    ]
    if others := [
        repr(p.name) for p, tested in zip(candidates, tested_on) if tested != tested_on[0]
    ]:
        alike = "on the same photos in the same folds: only such can be compared there"
        raise InputError(
            f"{listed(others)} and {candidates[0].name!r} were not tested and validated {alike}"
        )
    tables, runs = [], []
    for same in zip(*(p.runs for p in candidates)):
        found = [_validation_metrics(run.validation, run) for run in same]
        allowed = [k for k, score in enumerate(found) if score["accuracy"] >= at_least]
        criterion = metric if allowed else "accuracy"
        best = max(allowed or range(len(same)), key=lambda k: found[k][criterion])
        first = sum(len(run.photo) for run in runs)
        runs.append(same[best])
        tables.append(candidates[best].table[first : first + len(same[best].photo)])
    chosen = replace(candidates[0], table=pd.concat(tables), leaky=any(p.leaky for p in candidates))
    return _with_runs(chosen, runs, name or "selected on validation subjects")


def _whole(predictions: Predictions, *needed: str) -> "tuple[Run, ...]":
    """The runs, if they are all there, with all their rows as they were predicted and with all that is needed."""
    runs, problem = predictions.runs, ""
    if not runs or not np.array_equal(
        np.concatenate([run.probabilities for run in runs]), predictions.probabilities
    ):
        problem = "change what whole runs predict first, then choose among rows or epochs"
    elif "validation" in needed and not all(len(run.validation) for run in runs):
        problem = "there is no validation part to choose on"
    elif "embeddings" in needed and not all(run.embeddings for run in runs):
        problem = "what goes into the last layer was not kept (record_features=True keeps it)"
    if problem:
        raise InputError(f"{predictions.name!r}: {problem}")
    return runs


def _changed(predictions: Predictions, found: list, name: str | None) -> Predictions:
    """The same Predictions with what was found for each run: probabilities of its validation and test part."""
    runs = []
    for run, parts in zip(predictions.runs, found):
        validation, test = (probabilities.astype(np.float32) for probabilities in parts)
        none = run.epoch_predictions[:0]
        runs.append(replace(run, validation=validation, probabilities=test, epoch_predictions=none))
    return _with_runs(predictions, runs, name or predictions.name)


def _with_runs(predictions: Predictions, runs: "list[Run]", name: str) -> Predictions:
    probabilities = np.concatenate([run.probabilities for run in runs])
    return replace(predictions, name=name, probabilities=probabilities, runs=tuple(runs))


def _log(probabilities: np.ndarray) -> np.ndarray:
    """float64; what has no probability stays without, however it is scaled or adjusted."""
    with np.errstate(divide="ignore"):
        return np.log(probabilities.astype(np.float64))


def temperature(run: "Run") -> float:
    """The temperature of least negative log-likelihood on a run's validation part: above 1, it was too confident."""
    y_true = run.y_true["validation"]
    possible = (
        run.validation[np.arange(len(y_true)), y_true] > 0
    )  # what cannot be predicted costs the same at any
    logits, y_true = _log(run.validation[possible]), y_true[possible]

    def negative_log_likelihood(log_temperature: float) -> float:
        return -log_softmax(logits / np.exp(log_temperature), axis=1)[
            np.arange(len(y_true)), y_true
        ].sum()

    return float(
        np.exp(minimize_scalar(negative_log_likelihood, bounds=(-7, 7), method="bounded").x)
    )


def _adjusted(probabilities: np.ndarray, run: "Run", strength: float) -> np.ndarray:
    """(n, classes) float64 probabilities, logit-adjusted by the prior of the run's training part."""
    counts = np.bincount(run.y_true["train"], minlength=len(run.classes))
    return softmax(_log(probabilities) - strength * log_prior(counts), axis=1)


def best_tau(run: "Run", at_least: float = 0.0) -> float:
    """The first tau of TAUS with the best macro-F1 in validation, where accuracy is `at_least` so much; else 0."""
    found = {tau: _validation_metrics(_adjusted(run.validation, run, tau), run) for tau in TAUS}
    allowed = [tau for tau in TAUS if found[tau]["accuracy"] >= at_least] or [0.0]
    return max(allowed, key=lambda tau: found[tau]["macro_f1"])


def _validation_metrics(probabilities: np.ndarray, run: "Run") -> dict[str, np.ndarray]:
    k = len(run.classes)
    cell = run.y_true["validation"] * k + probabilities.argmax(1)
    return metrics.from_confusion(np.bincount(cell, minlength=k * k).reshape(k, k))
