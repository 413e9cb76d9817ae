"""Named numbers of the study on their way to results.json, and from there into the README and the notebooks."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from emoclass import metrics
from emoclass.errors import InputError, listed
from emoclass.files import locked, write_text
from emoclass.metrics import Estimate
from emoclass.predictions import Predictions

HEADS = metrics.METRICS | {"happy_vs_neutral": "happy or neutral"}
VERDICTS = ("stands", "stands with a limit", "falls", "cannot be decided", "description")
NO_SHARES = (
    "macro_f1",
    "mcc",
    "kappa",
)  # metrics that are no share of anything: never per cent, never points
DIGITS = 6  # of each number in results.json; what lies beyond is noise and would clutter every comparison


@dataclass
class Results:
    """What one notebook found, by ids such as "pared_down.random.accuracy", for a results.json that all share."""

    path: Path
    notebook: str
    data: dict
    versions: dict
    numbers: dict[str, dict] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    claims: dict[str, dict] = field(default_factory=dict)
    expectations: dict[str, dict] = field(default_factory=dict)

    def add(self, name: str, estimate: Estimate, unit: str = "share") -> Estimate:
        """Record one number under this id and return it; where nothing is behind it (n = 0), say so instead."""
        if not estimate.n:
            print(f"left out, as no photo can tell it: {name}")
            return estimate
        entry = {
            key: x if x is None else round(float(x), DIGITS)
            for key, x in estimate._asdict().items()
        }
        self.numbers[name] = entry | dict(n=int(estimate.n), unit=unit, notebook=self.notebook)
        return estimate

    def add_scores(self, name: str, predictions: Predictions) -> dict[str, Estimate]:
        """Record every metric and each emotion's recall under ids that begin with `name`; return the metrics."""
        found = metrics.score(predictions)
        recalls = {
            f"recall.{emotion}": estimate
            for emotion, estimate in metrics.recall(predictions).items()
        }
        for what, estimate in (found | recalls).items():
            self.add(f"{name}.{what}", estimate)
        self.labels[name] = predictions.name + (" (leaky)" if predictions.leaky else "")
        return found

    def add_difference(self, name: str, differences: dict[str, Estimate]) -> dict[str, Estimate]:
        """Record the difference in every metric under ids that begin with `name`."""
        for metric, estimate in differences.items():
            self.add(f"{name}.{metric}", estimate, unit="difference")
        return differences

    def expect(self, sentence: str, holds: bool) -> None:
        """Record whether what the prose says holds for these numbers; `make check` names the sentence if not."""
        self.expectations[sentence] = dict(holds=bool(holds), notebook=self.notebook)
        if not holds:
            print(f"does not hold here: {sentence}")

    def claim(self, name: str, verdict: str, numbers: list[str], sentence: str) -> None:
        """Record the verdict, one of VERDICTS, on a claim of the post, and the ids of the numbers behind it."""
        if verdict not in VERDICTS:
            raise InputError(f"claim {name}: the verdict {verdict!r} is none of {listed(VERDICTS)}")
        self.claims[name] = dict(
            verdict=verdict, numbers=numbers, sentence=sentence, notebook=self.notebook
        )

    def save(self) -> Path:
        """Put these numbers in place of this notebook's former ones; InputError if another has one of these ids."""
        with locked(self.path):
            whole = load(self.path) if self.path.exists() else {}
            for what in ("numbers", "claims", "expectations"):
                whole[what] = {
                    k: v for k, v in whole.get(what, {}).items() if v["notebook"] != self.notebook
                }
            if taken := listed(sorted(whole["numbers"].keys() & self.numbers.keys())):
                raise InputError(
                    f"{self.notebook}: other notebooks have recorded {taken} already; find other ids"
                )
            labels = whole.get("labels", {}).items()
            whole["labels"] = {
                k: v
                for k, v in labels
                if any(name.startswith(f"{k}.") for name in whole["numbers"])
            }
            for what in ("numbers", "labels", "claims", "expectations"):
                whole[what] = dict(sorted((whole[what] | getattr(self, what)).items()))
            whole |= dict(data=self.data, versions=self.versions)
            write_text(self.path, json.dumps(whole, indent=1, allow_nan=False) + "\n")
        return self.path


def load(path: Path) -> dict:
    """A results.json as written by `Results.save`. Raises InputError if it is damaged."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is damaged ({error}): take it back from git, or away") from error


def in_words(entry: dict, name: str = "") -> str:
    """A number for prose: shares in per cent, differences in points, with interval and n; NO_SHARES plain."""
    return _written(entry, name.rsplit(".", 1)[-1] in NO_SHARES, f", n = {entry['n']:,}")


def in_cell(entry: dict | None) -> str:
    """A number for a table: value and interval."""
    return _written(entry, plain=True) if entry else ""


def _written(entry: dict, plain: bool, n: str = "") -> str:
    value, low, high, unit = (entry[what] for what in ("value", "low", "high", "unit"))
    if unit not in ("share", "difference"):
        number = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.6g}"
        number += f" {unit}" * (unit not in ("", "count"))
        return number if low is None else f"{number} ({low:,.4g} to {high:,.4g})"
    sign, per_cent, points = ("+", "", " points") if unit == "difference" else ("", " %", "")

    def say(x):
        return f"{x:{sign}.3f}" if plain else f"{100 * x:{sign}.1f}{per_cent}"

    number = say(value) + ("" if plain else points)
    return number if low is None else f"{number} ({say(low)} to {say(high)}{n})"


def fill(text: str, results: dict, absent: str | None = None) -> str:
    """The same Markdown with every marked number and table written anew from the results.

    `<!-- number ID -->...<!-- / -->` holds one number in words, `<!-- verdict C9 -->...<!-- / -->` the verdict on a
    claim, `<!-- table COLUMN, COLUMN | ROW, ROW = LABEL -->...<!-- / -->` a row for each id prefix. Raises InputError
    if a mark is not closed, or naming every id that is unknown, unless `absent` is to stand there.
    """
    claims, unknown = (
        {f"claim {name}": claim for name, claim in results.get("claims", {}).items()},
        [],
    )
    known = results["numbers"] | claims

    def look_up(name):
        if name not in known:
            unknown.append(name)
        return known.get(name)

    def number(found):
        entry = look_up(found[2])
        return f"{found[1]}{in_words(entry, found[2]) if entry else absent}<!-- / -->"

    def verdict(found):
        claim = look_up(f"claim {found[2]}")
        return f"{found[1]}{claim['verdict'] if claim else absent}<!-- / -->"

    def table(found):
        columns, rows = ([part.strip() for part in side.split(",")] for side in found[2].split("|"))
        heads = [HEADS.get(column, column.replace("recall.", "recall of ")) for column in columns]
        lines = [f"| | n | {' | '.join(heads)} |", "| --- | ---: |" + " --- |" * len(columns)]
        for row, _, label in (row.partition("=") for row in rows):
            row = row.strip()
            entries = [look_up(f"{row}.{column}") for column in columns]
            cells = [f"{entries[0]['n']:,}" if entries[0] else "", *map(in_cell, entries)]
            lines.append(
                f"| {label.strip() or results['labels'].get(row, row)} | {' | '.join(cells)} |"
            )
        return "\n".join([found[1], *lines, "<!-- / -->"])

    until = r"(?:(?!<!--).)*<!-- / -->"  # no further than to the next mark, so that an open one swallows nothing
    text, some = re.subn(rf"(<!-- number (\S+) -->){until}", number, text, flags=re.S)
    text, verdicts = re.subn(rf"(<!-- verdict (\S+) -->){until}", verdict, text, flags=re.S)
    text, more = re.subn(rf"(<!-- table ([^|>]*\|[^|>]*) -->){until}", table, text, flags=re.S)
    if (
        open_marks := len(re.findall("<!-- (?:number|verdict|table) ", text))
        - some
        - verdicts
        - more
    ):
        raise InputError(
            f"{open_marks} marks are not closed with <!-- / -->, or name a table without rows"
        )
    if unknown and absent is None:
        raise InputError(f"results.json holds no {listed(unknown)}")
    return text
