"""Named numbers of the study on their way to results.json."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from emoclass import metrics
from emoclass.errors import InputError, listed
from emoclass.files import locked, write_text
from emoclass.labels import MINORITY
from emoclass.metrics import Estimate
from emoclass.predictions import Predictions
from emoclass.study.prose import fill

__all__ = ["VERDICTS", "Results", "fill", "load"]

VERDICTS = (
    "stands",
    "stands with a limit",
    "falls",
    "cannot be decided",
    "description",
)
MEASURED = ("value", "low", "high")  # of an estimate
COUNTED = ("n", "subjects", "seeds")  # of an estimate, where they were counted
DIGITS = 6  # of each number; what lies beyond is noise and would clutter every comparison


@dataclass
class Results:
    """What one notebook found, for a results.json that all share.

    path         of results.json
    notebook     whose numbers these are
    data         of the photos: name, number, digest, profile
    versions     of the libraries
    parameters   that the notebook was run with
    numbers, labels, claims, expectations
                 by ids such as "pared_down.random.accuracy", an expectation by its sentence
    """

    path: Path
    notebook: str
    data: dict
    versions: dict
    parameters: dict = field(default_factory=dict)
    numbers: dict[str, dict] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    claims: dict[str, dict] = field(default_factory=dict)
    expectations: dict[str, dict] = field(default_factory=dict)

    def add(self, name: str, estimate: Estimate, unit: str = "share") -> Estimate:
        """Record one number under this id and return it.

        Where nothing is behind it (n = 0), say so instead.
        """
        if not estimate.n:
            print(f"left out, as no photo can tell it: {name}")
            return estimate
        entry = {}
        for key in MEASURED:
            number = getattr(estimate, key)
            entry[key] = None if number is None else round(float(number), DIGITS)
        for key in COUNTED:
            number = getattr(estimate, key)
            if number is not None:
                entry[key] = int(number)
        entry["unit"] = unit
        entry["notebook"] = self.notebook
        self.numbers[name] = entry
        return estimate

    def add_scores(self, name: str, predictions: Predictions) -> dict[str, Estimate]:
        """Record every metric and each emotion's recall under ids that begin with `name`.

        Returns the metrics.
        """
        found = metrics.score(predictions)
        for metric, estimate in found.items():
            self.add(f"{name}.{metric}", estimate)
        for emotion, estimate in metrics.recall(predictions).items():
            self.add(f"{name}.recall.{emotion}", estimate)
        self.labels[name] = predictions.name
        if predictions.leaky:
            self.labels[name] += " (leaky)"
        return found

    def add_difference(self, name: str, differences: dict[str, Estimate]) -> dict[str, Estimate]:
        """Record the difference in every metric under ids that begin with `name`."""
        self.add_all(name, differences, "difference")
        return differences

    def add_all(self, name: str, estimates: dict[str, Estimate], unit: str = "share") -> None:
        """Record several numbers of one unit under ids that begin with `name`."""
        for key, estimate in estimates.items():
            self.add(f"{name}.{key}", estimate, unit)

    def add_groups(self, name: str, predictions: Predictions) -> None:
        """Record how far happiness is told from neutral, and the mean recall of the minority classes."""
        self.add(f"{name}.happy_vs_neutral", metrics.forced_choice(predictions))
        self.add(f"{name}.minority_recall", metrics.mean_recall(predictions, MINORITY))

    def add_decomposition(
        self, name: str, pair: dict[str, Predictions], parts: metrics.LeakDecomposition
    ) -> None:
        """Record the scores of `leaky`, `by_family` and `originals`, the epochs kept, and what the leak adds."""
        for protocol, predictions in pair.items():
            self.add_scores(f"{name}.{protocol}", predictions)
        for protocol in ("leaky", "by_family"):
            self.add(f"{name}.{protocol}.epochs", metrics.mean_epoch(pair[protocol]), "epochs")
        common = pair["leaky"].epochs_in_common(pair["by_family"])
        self.add(f"{name}.epochs_in_common", Estimate(common, None, None, 1), "epochs")
        for part, differences in vars(parts).items():
            self.add_difference(f"{name}.{part}", differences)

    def expect(self, sentence: str, holds: bool, registered: str | None = None) -> None:
        """Record whether what the prose says holds for these numbers.

        `make check` names the sentence if not.

        registered   id under which it was registered before it was measured, such as "LEAK1"
        """
        self.expectations[sentence] = {
            "holds": bool(holds),
            "registered": registered,
            "notebook": self.notebook,
        }
        if not holds:
            print(f"does not hold here: {sentence}")

    def expect_all(self, sentences: dict[str, bool]) -> None:
        """Record of several sentences whether each holds."""
        for sentence, holds in sentences.items():
            self.expect(sentence, holds)

    def claim(self, name: str, verdict: str, numbers: list[str], sentence: str) -> None:
        """Record the verdict on a claim of the post, and the ids of the numbers behind it.

        Raises InputError if the verdict is none of VERDICTS.
        """
        if verdict not in VERDICTS:
            known = listed(VERDICTS)
            raise InputError(f"claim {name}: the verdict {verdict!r} is none of {known}")
        self.claims[name] = {
            "verdict": verdict,
            "numbers": numbers,
            "sentence": sentence,
            "notebook": self.notebook,
        }

    def save(self) -> Path:
        """Put what was recorded in place of what this notebook recorded before.

        Raises InputError if another notebook has one of these ids.
        """
        with locked(self.path):
            former = load(self.path) if self.path.exists() else {}
            whole = self._merged(former)
            text = json.dumps(whole, indent=1, allow_nan=False)
            write_text(self.path, text + "\n")
        return self.path

    def _merged(self, former: dict) -> dict:
        """The file as it is to be; what is in it besides stays."""
        numbers = self._of_others(former.get("numbers", {}))
        taken = sorted(numbers.keys() & self.numbers.keys())
        if taken:
            ids = listed(taken)
            raise InputError(
                f"{self.notebook}: other notebooks have recorded {ids} already; find other ids",
            )
        labels = self._labels_of_others(former, numbers)
        owners = former.get("labelled_by", {})
        labelled_by = {name: owners.get(name) for name in labels}
        labelled_by |= dict.fromkeys(self.labels, self.notebook)
        claims = self._of_others(former.get("claims", {}))
        expectations = self._of_others(former.get("expectations", {}))
        parameters = former.get("parameters", {})
        return former | {
            "numbers": _in_order(numbers | self.numbers),
            "labels": _in_order(labels | self.labels),
            "labelled_by": _in_order(labelled_by),
            "claims": _in_order(claims | self.claims),
            "expectations": _in_order(expectations | self.expectations),
            "parameters": _in_order(parameters | {self.notebook: self.parameters}),
            "data": self.data,
            "versions": self.versions,
        }

    def _of_others(self, entries: Mapping[str, dict]) -> dict[str, dict]:
        """What other notebooks recorded."""
        kept = {}
        for name, entry in entries.items():
            if entry["notebook"] != self.notebook:
                kept[name] = entry
        return kept

    def _labels_of_others(
        self,
        former: dict,
        numbers: Mapping[str, dict],
    ) -> dict[str, str]:
        """Labels that other notebooks gave; `numbers`: theirs."""
        kept = {}
        for name, label in former.get("labels", {}).items():
            owner = former.get("labelled_by", {}).get(name)
            if owner is None:  # recorded before owners were: whose numbers does it stand for?
                is_theirs = any(number.startswith(f"{name}.") for number in numbers)
            else:
                is_theirs = owner != self.notebook
            if is_theirs:
                kept[name] = label
        return kept


def load(path: Path) -> dict:
    """A results.json as written by `Results.save`. Raises InputError if it is damaged."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(
            f"{path} is damaged ({error}): take it back from git, or away",
        ) from error


def _in_order(entries: Mapping) -> dict:
    return dict(sorted(entries.items()))
