"""What each way of treating imbalance gives one group of classes, and what another pays for it."""

import pandas as pd

from emoclass import metrics
from emoclass.errors import InputError
from emoclass.metrics import GROUP_RECALLS, Estimate
from emoclass.predictions import Predictions


def changes(
    ways: dict[str, Predictions],
    control: Predictions,
    groups: dict[str, tuple[str, ...]] = GROUP_RECALLS,
) -> pd.DataFrame:
    """Accuracy and mean recalls of each way, and how they differ from those of the control.

    A row for each way, by its key. Columns: `name`, `accuracy`, and for each group GROUP and
    GROUP_change (Estimates); a group of which there is no photo is left out. The control counts
    with the seeds of the way alone. Raises InputError if photos differ or no seed is shared.
    """
    rows = {}
    for way, predictions in ways.items():
        beside = with_seeds_of(control, predictions)
        accuracy = metrics.score(predictions)["accuracy"]
        rows[way] = {"name": predictions.name, "accuracy": accuracy}
        label = predictions.table[predictions.target_column]
        for group, emotions in groups.items():
            if label.isin(emotions).any():
                change = metrics.mean_recall_difference(predictions, beside, emotions)
                rows[way][group] = metrics.mean_recall(predictions, emotions)
                rows[way][f"{group}_change"] = change
    return pd.DataFrame.from_dict(rows, orient="index")


def table(found: pd.DataFrame, heads: dict[str, str]) -> pd.DataFrame:
    """`changes` in words: a row for each way by its name, shares in per cent, changes in points.

    heads    {column of `changes`: what the table calls it}; what is not there is left out
    """
    rows = {}
    for _, way in found.iterrows():
        row = {"seeds": way.accuracy.seeds or ""}
        for column, head in heads.items():
            if column in way:
                row[head] = _in_words(way[column], is_change=column.endswith("_change"))
        rows[way["name"]] = row
    return metrics.with_seeds_in_head(pd.DataFrame.from_dict(rows, orient="index"))


def with_seeds_of(predictions: Predictions, other: Predictions) -> Predictions:
    """The rows that were tested with a seed of `other`: another seed has other folds.

    Raises InputError if there is none.
    """
    seeds = other.table.seed.unique()
    shared = predictions.where(predictions.table.seed.isin(seeds))
    if not len(shared):
        raise InputError(f"{predictions.name!r} and {other.name!r} share no seed")
    return shared


def _in_words(estimate: Estimate, is_change: bool) -> str:
    sign = "+" if is_change else ""
    numbers = [f"{100 * number:{sign}.1f}" for number in estimate[:3]]
    return f"{numbers[0]} ({numbers[1]} to {numbers[2]})"
