"""Numbers from results.json in prose and tables: Markdown whose marks are filled in."""

import math
import re
from dataclasses import dataclass

from emoclass.errors import InputError, listed
from emoclass.estimates import ONE_SEED, in_numbers
from emoclass.metrics import METRICS

COLUMN_NAMES = METRICS | {"happy_vs_neutral": "happy or neutral"}

# Metrics that are no share of anything: never per cent, never points.
NO_SHARES = ("macro_f1", "mcc", "kappa")

END = "<!-- / -->"
# No further than to the next mark: an open one swallows nothing.
UNTIL_END = rf"(?:(?!<!--).)*{END}"
NUMBER = re.compile(rf"(<!-- number (?P<name>\S+)(?P<short> short)? -->){UNTIL_END}", re.S)
VERDICT = re.compile(rf"(<!-- verdict (?P<name>\S+) -->){UNTIL_END}", re.S)
TABLE = re.compile(
    rf"(<!-- table (?P<columns>[^|>]*)\|(?P<rows>[^|>]*) -->){UNTIL_END}",
    re.S,
)
ANY_MARK = re.compile("<!-- (?:number|verdict|table) ")


def fill(text: str, results: dict, absent: str | None = None) -> str:
    """The same Markdown with every marked number and table written anew from the results.

    `<!-- number ID -->...<!-- / -->`
        one number in words, with interval and n; with `ID short` value and unit alone, rounded to
        what the interval allows
    `<!-- verdict C9 -->...<!-- / -->`
        the verdict on a claim
    `<!-- table COLUMN, COLUMN | ROW, ROW = LABEL -->...<!-- / -->`
        a row for each id prefix; subjects and seeds have columns of their own where they were
        counted, and the head says where one seed alone is behind the intervals

    Raises InputError if a mark is not closed, or naming every id that is unknown, unless `absent`
    is to stand there.
    """
    filler = _Filler(results, absent)
    text, numbers = NUMBER.subn(filler.number, text)
    text, verdicts = VERDICT.subn(filler.verdict, text)
    text, tables = TABLE.subn(filler.table, text)
    left_open = len(ANY_MARK.findall(text)) - numbers - verdicts - tables
    if left_open:
        raise InputError(
            f"{left_open} marks are not closed with {END}, name a table without rows, "
            "or say something else than `short` of a number",
        )
    if filler.unknown and absent is None:
        raise InputError(f"results.json holds no {listed(filler.unknown)}")
    return text


def in_words(entry: dict, name: str = "") -> str:
    """A number for prose: shares in per cent, differences in points, with interval, n and seeds.

    NO_SHARES, by the end of the name, are plain.
    """
    behind = in_numbers(entry["n"], entry.get("subjects"), entry.get("seeds"))
    return _with_interval(entry, _is_plain(name), f", {behind}")


def in_short(entry: dict, name: str = "") -> str:
    """Value and unit alone, rounded to what the interval allows: 18 %, +2 points, 0.34.

    Half the width of the interval decides how many decimals there are: as many as its first digit
    needs, at most those of `in_words`. What is neither 0 nor all is not rounded to it.
    """
    value = entry["value"]
    unit = entry["unit"]
    if unit not in ("share", "difference"):
        if entry["low"] is None:
            return _with_interval(entry)
        number = f"{value:,.{_decimals(entry, 1, most=6)}f}"
        return _with_unit(number, unit)
    sign = "+" if unit == "difference" else ""
    if _is_plain(name):
        return f"{value:{sign}.{_decimals(entry, 1, most=3)}f}"
    decimals = _decimals(entry, 100, most=1)
    if unit == "share":
        if value not in (0, 1) and round(100 * value, decimals) in (0, 100):
            decimals = 1
        return f"{100 * value:.{decimals}f} %"
    points = round(100 * value, decimals)
    if points == 0:
        return "0 points"
    noun = "point" if abs(points) == 1 and decimals == 0 else "points"
    return f"{points:+.{decimals}f} {noun}"


def in_cell(entry: dict | None) -> str:
    """A number for a table: value and interval."""
    if entry is None:
        return ""
    return _with_interval(entry, plain=True)


def _decimals(entry: dict, scale: float, most: int) -> int:
    if entry["low"] is None or entry["low"] == entry["high"]:
        return most
    half = round(scale * (entry["high"] - entry["low"]) / 2, 9)  # 1, not 0.9999999
    return min(max(-math.floor(math.log10(half)), 0), most)


def _is_plain(name: str) -> bool:
    return name.rsplit(".", 1)[-1] in NO_SHARES


def _with_unit(number: str, unit: str) -> str:
    if unit in ("", "count"):
        return number
    return f"{number} {unit}"


def _with_interval(entry: dict, plain: bool = False, n: str = "") -> str:
    value = entry["value"]
    low = entry["low"]
    high = entry["high"]
    unit = entry["unit"]
    if unit not in ("share", "difference"):
        number = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.6g}"
        number = _with_unit(number, unit)
        if low is None:
            return number
        return f"{number} ({low:,.4g} to {high:,.4g})"
    sign = "+" if unit == "difference" else ""

    def written(share: float) -> str:
        if plain:
            return f"{share:{sign}.3f}"
        if sign:
            return f"{100 * share:+.1f}"
        return f"{100 * share:.1f} %"

    number = written(value)
    if sign and not plain:
        number += " points"
    if low is None:
        return number
    return f"{number} ({written(low)} to {written(high)}{n})"


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _heads_of_counts(firsts: list[dict]) -> tuple[str, list[str]]:
    """What stands in the corner of a table, and the columns that say what is behind its numbers."""
    counts = ["n"]
    if any(first.get("subjects") is not None for first in firsts):
        counts.append("subjects")
    seeds = {first.get("seeds") for first in firsts} - {None}
    if seeds == {1}:
        return f"{ONE_SEED} ", counts
    if seeds:
        counts.append("seeds")
    if 1 in seeds:
        return f"where there is {ONE_SEED} ", counts
    return "", counts


@dataclass(frozen=True)
class _Row:
    label: str
    entries: list[dict | None]  # one for each column


class _Filler:
    """Writes what stands in a mark, and remembers the ids that are not known."""

    def __init__(self, results: dict, absent: str | None):
        self.numbers = results["numbers"]
        self.claims = results.get("claims", {})
        self.labels = results.get("labels", {})
        self.absent = absent
        self.unknown = []

    def number(self, mark: re.Match) -> str:
        name = mark["name"]
        entry = self._look_up(name)
        if entry is None:
            text = self.absent
        elif mark["short"]:
            text = in_short(entry, name)
        else:
            text = in_words(entry, name)
        return f"{mark[1]}{text}{END}"

    def verdict(self, mark: re.Match) -> str:
        claim = self.claims.get(mark["name"])
        if claim is None:
            self.unknown.append(f"claim {mark['name']}")
            return f"{mark[1]}{self.absent}{END}"
        return f"{mark[1]}{claim['verdict']}{END}"

    def table(self, mark: re.Match) -> str:
        columns = [column.strip() for column in mark["columns"].split(",")]
        heads = []
        for column in columns:
            name = column.replace("recall.", "recall of ")
            heads.append(COLUMN_NAMES.get(column, name))
        rows = [self._row(row, columns) for row in mark["rows"].split(",")]
        firsts = [row.entries[0] or {} for row in rows]
        corner, counts = _heads_of_counts(firsts)
        lines = [
            mark[1],
            f"| {corner}| {' | '.join(counts + heads)} |",
            "| --- |" + " ---: |" * len(counts) + " --- |" * len(columns),
        ]
        for row, first in zip(rows, firsts):
            numbers = [_count(first.get(key)) for key in counts]
            cells = [in_cell(entry) for entry in row.entries]
            lines.append(f"| {row.label} | {' | '.join(numbers + cells)} |")
        return "\n".join([*lines, END])

    def _row(self, row: str, columns: list[str]) -> "_Row":
        prefix, _, label = row.partition("=")
        prefix = prefix.strip()
        label = label.strip() or self.labels.get(prefix, prefix)
        return _Row(label, [self._look_up(f"{prefix}.{column}") for column in columns])

    def _look_up(self, name: str) -> dict | None:
        if name not in self.numbers:
            self.unknown.append(name)
        return self.numbers.get(name)
