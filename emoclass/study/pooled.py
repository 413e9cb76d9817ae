"""Runs of one variant, pooled into one table of predictions."""

import numpy as np
import pandas as pd

from emoclass.faces import Faces
from emoclass.predictions import Predictions
from emoclass.run import Run
from emoclass.study.samples import select_samples


def concat_folds(runs: list[Run], faces: Faces) -> Predictions:
    """Runs of one variant, over folds and seeds, as one table.

    What is known of a copy is what its parent has.
    """
    variant = runs[0].variant
    tables = {}
    for seed in {run.seed for run in runs}:
        selected = select_samples(variant, faces, seed)
        tables[seed] = selected.table.set_index("photo")
    rows = []
    for run in runs:
        columns = {"photo": run.photo, "parent": run.parent, "fold": run.fold, "seed": run.seed}
        for key, value in run.in_training.items():
            columns[f"{key}_in_training"] = value
        tested = tables[run.seed].loc[run.parent, ["subject", "source", "emotion"]]
        rows.append(tested.assign(**columns))
    return Predictions(
        name=variant.name,
        table=pd.concat(rows, ignore_index=True),
        probabilities=np.concatenate([run.probabilities for run in runs]),
        leaky=variant.allow_leak,
        runs=tuple(runs),
        target_column="source" if variant.target == "source" else "emotion",
        classes=runs[0].classes,
    )
