"""Nets made by hand that look at one patch of a picture, and pictures lit there."""

from dataclasses import replace

import numpy as np

from emoclass import models
from emoclass.labels import EMOTIONS
from emoclass.predictions import Predictions
from emoclass.run import Run, SplitFacts, TrainedState
from emoclass.variant import Variant

SIZE = 12


def run_with(weights, variant):
    """A run that tested nothing and left these weights."""
    nothing = np.zeros(0)
    facts = SplitFacts(nothing, nothing, EMOTIONS, nothing, {}, (0, 0, 0), {})
    return Run(
        variant=variant,
        fold=0,
        seed=0,
        split=facts,
        probabilities=nothing,
        validation=nothing,
        epoch_predictions=nothing,
        history={},
        seconds=0.0,
        load_state=lambda: TrainedState(weights, {}),
    )


def having_tested(run, photo):
    """The same run, as if it had tested these photos."""
    return replace(run, split=replace(run.split, photo=np.asarray(photo)))


def looking_at(top, left, emotions=EMOTIONS):
    """A run whose net says happiness the more, the lighter one 4 x 4 patch is."""
    weights = np.zeros((SIZE, SIZE, len(emotions)), np.float32)
    weights[top : top + 4, left : left + 4, sorted(emotions).index("happiness")] = 1.0
    variant = Variant("looks", net=models.LOGISTIC_REGRESSION, emotions=emotions)
    arrays = [weights.reshape(SIZE * SIZE, -1), np.zeros(len(emotions), np.float32)]
    return run_with(arrays, variant)


def picture(top, left):
    lit = np.full((SIZE, SIZE), 20, np.uint8)
    lit[top : top + 4, left : left + 4] = 250
    return lit


def one_test(run, faces, fold=0):
    """Predictions of this run, as if it had been tested on all of these faces."""
    run = replace(having_tested(run, faces.table.photo), fold=fold)
    return Predictions("net", faces.table, np.eye(8, dtype=np.float32)[faces.labels], runs=(run,))
