"""What can still be done once nets are trained: take the prior out, cool down, change the last layer; choose, average.

Each function takes whole Predictions and hands back what the same nets say then, run by run. What is to be chosen is
chosen on the run's own validation part, whose probabilities change along with those of the test, so that one step can
follow another. The runs' `weights` stay those of the trained nets; what was said after each epoch is dropped.

All raise BadInput if rows or runs are missing, or if what they need (a validation part, features) was not kept.
"""

import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from emoclass import scores
from emoclass.faces import BadInput, listed
from emoclass.losses import log_prior
from emoclass.predictions import Predictions
from emoclass.train import Run

TAUS = tuple(k / 10 for k in range(16))
STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # scikit-learn's C: the larger, the freer the new last layer
LACKING = {
    "validation": "there is no validation part to choose on",
    "features": "what goes into the last layer was not kept (features=True keeps it)",
}
Said = dict[str, np.ndarray]  # for validation and test: (n, classes)


def temperatures(predictions: Predictions) -> np.ndarray:
    """(runs,) float64: each run's temperature of least negative log-likelihood on its own validation part.

    Above 1 the net was too sure of itself, below 1 not sure enough (Guo et al. 2017).
    """
    return np.array(
        [_temperature(_log(run.validation), run.truth["validation"]) for run in _whole(predictions, "validation")]
    )


def scaled(predictions: Predictions, name: str | None = None) -> Predictions:
    """The logits of each run divided by its temperature (Guo et al. 2017); which emotion leads stays as it is."""

    def say(run: Run) -> Said:
        temperature = _temperature(_log(run.validation), run.truth["validation"])
        return {part: softmax(_log(said) / temperature, axis=1) for part, said in _said(run).items()}

    return _each(_whole(predictions, "validation"), say, predictions, name)


def chosen_taus(predictions: Predictions, at_least: float = 0.0) -> np.ndarray:
    """(runs,) float64: each run's tau of TAUS with the highest macro-F1 on its own validation part.

    The smallest of equals.

    at_least    lowest accuracy on the validation part; where no tau has it, 0
    """
    return np.array([_tau(run, at_least) for run in _whole(predictions, "validation")])


def logit_adjusted(
    predictions: Predictions, tau: float | None = None, name: str | None = None, at_least: float = 0.0
) -> Predictions:
    """Each probability divided by (the emotion's share of the training part)^tau, to 1 in all (Menon et al. 2021).

    For nets trained on photos as they are, without label smoothing: a floor under every probability would send all
    photos to the scarcest emotion.

    tau         the same for all runs; None: as `chosen_taus` has it, with `at_least`
    """

    def say(run: Run) -> Said:
        chosen = _tau(run, at_least) if tau is None else tau
        return {part: _adjusted(said, run, chosen) for part, said in _said(run).items()}

    return _each(_whole(predictions, *["validation"] * (tau is None)), say, predictions, name)


def nearest_mean(predictions: Predictions, name: str | None = None) -> Predictions:
    """The emotion whose mean feature in training is the nearest (Kang et al. 2020): scarce ones have a mean as well.

    Nearness is the cosine of features and means; the probabilities are its softmax at the temperature of least
    negative log-likelihood on the validation part. An emotion that was not trained on gets 0.
    """

    def say(run: Run) -> Said:
        features = {part: _unit(found.astype(np.float64)) for part, found in run.features.items()}
        member = np.eye(len(run.classes))[run.truth["train"]]  # (n, classes)
        means = _unit(member.T @ features["train"])  # a sum points where the mean does
        nearness = {part: np.where(member.any(0), features[part] @ means.T, -np.inf) for part in _said(run)}
        temperature = _temperature(nearness["validation"], run.truth["validation"])
        return {part: softmax(near / temperature, axis=1) for part, near in nearness.items()}

    return _each(_whole(predictions, "validation", "features"), say, predictions, name)


def retrained_head(predictions: Predictions, name: str | None = None) -> Predictions:
    """A new last layer for the features as they are, each emotion counting the same (cRT, Kang et al. 2020).

    A logistic regression with balanced class weights: the convex counterpart of training the last layer anew on
    balanced batches, with the optimum that these would wander about. How strongly it is held back is chosen among
    STRENGTHS by balanced accuracy on the validation part, the most strongly of equals.
    """

    def say(run: Run) -> Said:
        scale = StandardScaler().fit(run.features["train"].astype(np.float32))
        features = {part: scale.transform(found.astype(np.float32)) for part, found in run.features.items()}
        head = LogisticRegression(class_weight="balanced", max_iter=100, warm_start=True)
        tried = []
        for strength in STRENGTHS:
            with warnings.catch_warnings():  # stopped early is held back too, and judged on the validation part
                warnings.simplefilter("ignore", ConvergenceWarning)
                head.set_params(C=strength).fit(features["train"], run.truth["train"])
            said = {part: np.zeros((len(features[part]), len(run.classes))) for part in _said(run)}
            for part, probabilities in said.items():
                probabilities[:, head.classes_] = head.predict_proba(features[part])
            tried.append(said)
        return max(tried, key=lambda said: _metrics(said["validation"], run)["balanced_accuracy"])  # first of equals

    return _each(_whole(predictions, "validation", "features"), say, predictions, name)


def chosen(
    candidates: Iterable[Predictions],
    metric: str = "accuracy",
    at_least: float = 0.0,
    name: str = "chosen by validation persons",
) -> Predictions:
    """For each fold and seed, what that candidate says which does best on the fold's own validation part.

    A nested choice (Cawley & Talbot 2010): nobody who is tested in a fold has a say in what is used there, so the
    scores of the choice are as honest as those of a single candidate. The first of equals.

    metric      any of scores.METRICS
    at_least    lowest accuracy on the validation part; where no candidate has it, the most accurate is taken

    Raises BadInput also if the candidates were not tested, or not validated, on the same photos in the same folds.
    """
    candidates = _alike(candidates)
    table, runs = [], []
    for place, same in enumerate(zip(*(p.runs for p in candidates))):
        found = [_metrics(run.validation, run) for run in same]
        allowed = [k for k, score in enumerate(found) if score["accuracy"] >= at_least]
        by = metric if allowed else "accuracy"
        best = max(allowed or range(len(same)), key=lambda k: found[k][by])
        start = sum(len(run.photo) for run in candidates[0].runs[:place])
        table.append(candidates[best].table.iloc[start : start + len(same[best].photo)])
        runs.append(same[best])
    return replace(
        candidates[0],
        name=name,
        table=pd.concat(table),
        probabilities=np.concatenate([run.probabilities for run in runs]),
        leaky=any(p.leaky for p in candidates),
        runs=tuple(runs),
    )


def ensemble(candidates: Iterable[Predictions], name: str = "ensemble") -> Predictions:
    """For each fold and seed, the mean of what all candidates say, which counts as one speaker with many nets.

    Of the runs only what was said is kept, not weights and features, which are those of several nets. The prior of
    the training part, for `logit_adjusted`, is the first candidate's. Raises BadInput as `chosen` does.
    """
    candidates = _alike(candidates)
    runs = tuple(
        replace(
            same[0],
            probabilities=np.mean([run.probabilities for run in same], axis=0),
            validation=np.mean([run.validation for run in same], axis=0),
            guesses=same[0].guesses[:0],
            features={},
            weights=[],
            seconds=sum(run.seconds for run in same),
        )
        for same in zip(*(p.runs for p in candidates))
    )
    probabilities = np.concatenate([run.probabilities for run in runs])
    leaky = any(p.leaky for p in candidates)
    return replace(candidates[0], name=name, probabilities=probabilities, leaky=leaky, runs=runs)


def _alike(candidates: Iterable[Predictions]) -> list[Predictions]:
    """The candidates, if each has whole runs and all have the same folds, seeds, tested and validation photos."""
    candidates = list(candidates)
    if not candidates:
        raise BadInput("there is no candidate to choose from or to average")
    first, *others = ([_part(run) for run in _whole(p, "validation")] for p in candidates)
    if other := [p.name for p, parts in zip(candidates[1:], others) if parts != first]:
        raise BadInput(
            f"{listed(map(repr, other))} and {candidates[0].name!r} were not tested and validated on the same photos "
            "in the same folds: only such can be compared there"
        )
    return candidates


def _part(run: Run) -> tuple:
    """What two runs must share to be comparable, on the test and on the validation part."""
    return run.fold, run.seed, tuple(run.photo), run.classes, run.truth["validation"].tobytes()


def _whole(predictions: Predictions, *needed: str) -> tuple[Run, ...]:
    """The runs, if they are all there, with all their rows as they were said and with all that is needed."""
    runs = predictions.runs
    if not runs or not np.array_equal(np.concatenate([run.probabilities for run in runs]), predictions.probabilities):
        raise BadInput(f"{predictions.name!r}: change what whole runs say first, then choose among rows or epochs")
    for what in needed:
        if not all(len(getattr(run, what)) for run in runs):
            raise BadInput(f"{predictions.name!r}: {LACKING[what]}")
    return runs


def _each(runs: tuple[Run, ...], say: Callable[[Run], Said], predictions: Predictions, name: str | None):
    """The same Predictions with what `say` has each run say instead."""
    changed = []
    for run in runs:
        said = {part: probabilities.astype(np.float32) for part, probabilities in say(run).items()}
        changed.append(
            replace(run, probabilities=said["test"], validation=said["validation"], guesses=run.guesses[:0])
        )
    probabilities = np.concatenate([run.probabilities for run in changed])
    return replace(predictions, name=name or predictions.name, probabilities=probabilities, runs=tuple(changed))


def _said(run: Run) -> Said:
    return {"validation": run.validation, "test": run.probabilities}


def _log(probabilities: np.ndarray) -> np.ndarray:
    """float64; what has no probability stays without, however it is scaled or adjusted."""
    with np.errstate(divide="ignore"):
        return np.log(probabilities.astype(np.float64))


def _unit(vectors: np.ndarray) -> np.ndarray:
    """(n, units) of length 1 each; one without a direction stays 0."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def _temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """What (n, K) logits are to be divided by so that (n,) labels are the likeliest."""
    at = logits[np.arange(len(truth)), truth]
    logits, truth = logits[np.isfinite(at)], truth[np.isfinite(at)]  # what cannot be said costs the same at any

    def loss(log_temperature: float) -> float:
        logs = log_softmax(logits / np.exp(log_temperature), axis=1)
        return -logs[np.arange(len(truth)), truth].sum()

    return float(np.exp(minimize_scalar(loss, bounds=(-7, 7), method="bounded").x))


def _adjusted(said: np.ndarray, run: Run, tau: float) -> np.ndarray:
    """(n, classes) float64 probabilities with the prior of the run's training part taken out."""
    counts = np.bincount(run.truth["train"], minlength=len(run.classes))
    return softmax(_log(said) - tau * log_prior(counts), axis=1)


def _tau(run: Run, at_least: float) -> float:
    found = {tau: _metrics(_adjusted(run.validation, run, tau), run) for tau in TAUS}
    allowed = [tau for tau in TAUS if found[tau]["accuracy"] >= at_least] or [0.0]
    return max(allowed, key=lambda tau: found[tau]["macro_f1"])  # the first of equals


def _metrics(said: np.ndarray, run: Run) -> dict[str, np.ndarray]:
    """Scores of what is said of the run's validation part."""
    k = len(run.classes)
    cell = run.truth["validation"] * k + said.argmax(1)
    return scores.metrics(np.bincount(cell, minlength=k * k).reshape(k, k))
