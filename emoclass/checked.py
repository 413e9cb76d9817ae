"""Plain values held against their annotations: what is mistyped is said in one sentence, before anything is done."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass, fields
from types import NoneType, UnionType
from typing import Annotated, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from emoclass.errors import InputError, listed


@dataclass(frozen=True)
class Bound:
    """A condition on a number, and the words for it: `Annotated[int, Bound("at least 1", ...)]`."""

    words: str
    holds: Callable[[float], bool]


Count = Annotated[int, Bound("at least 1", lambda value: value >= 1)]
NotNegativeCount = Annotated[int, Bound("at least 0", lambda value: value >= 0)]
NotNegative = Annotated[float, Bound("at least 0", lambda value: value >= 0)]
Positive = Annotated[float, Bound("above 0", lambda value: value > 0)]
BelowOne = Annotated[float, Bound("from 0 to below 1", lambda value: 0 <= value < 1)]
Degrees = Annotated[float, Bound("from 0 to 180", lambda value: 0 <= value <= 180)]

NAMES = {
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    str: "text",
    tuple: "a tuple of words",
    dict: "a dict of a number for each class",
}


class Checked:
    """A dataclass that knows what does not fit its fields; InputError for a field that it lacks."""

    def __new__(cls, *_, **values):
        """Refuse names that are no fields before the dataclass itself would, with a hint."""
        known = [field.name for field in fields(cls)]
        unknown = [name for name in values if name not in known]
        if unknown:
            raise InputError(
                f"{cls.__name__} has no {listed(unknown)}: {cls._hint(unknown[0], known)}"
            )
        return super().__new__(cls)

    @classmethod
    def _hint(cls, name: str, known: list[str]) -> str:
        near = difflib.get_close_matches(name, known, 1)
        if near:
            return f"did you mean {near[0]}?"
        return f"it has {listed(known, 40)}"

    def _convert(self) -> None:
        """Put plain Python values in place of NumPy's, tuples in place of lists, 1.0 in place of 1 for a float.

        One experiment then has one address, however its values were typed.
        """
        for name, hint in _hints(type(self)).items():
            value = getattr(self, name)
            plain = _plain(value, _kinds(hint))
            if plain is not value:
                object.__setattr__(self, name, plain)

    @property
    def misfits(self) -> list[str]:
        """`name=value (what it should be)` of each field whose value is not what its annotation says."""
        found = []
        for name, hint in _hints(type(self)).items():
            value = getattr(self, name)
            why = _misfit(value, hint)
            if why:
                found.append(f"{name}={_short(value)} ({why})")
        return found


def _hints(kind: type) -> dict:
    return get_type_hints(kind, include_extras=True)


def _kinds(hint) -> list:
    """The alternatives of `A | B | None`, each without its bound."""
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if get_origin(hint) in (Union, UnionType):
        return [kind for alternative in get_args(hint) for kind in _kinds(alternative)]
    return [hint]


def plain_number(value: np.generic):
    """A NumPy scalar as a plain Python value: by its digits, as np.float32(1e-3) is meant to be 0.001."""
    if isinstance(value, np.floating):
        return float(str(value))
    return value.item()


def _plain(value, kinds: list):
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, dict):
        return {name: _plain(each, kinds) for name, each in value.items()}
    if isinstance(value, np.generic):
        value = plain_number(value)
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if is_whole and float in kinds and int not in kinds:
        return float(value)
    return value


def _misfit(value, hint) -> str:
    """Why the value does not fit the annotation, or ""."""
    if get_origin(hint) is Annotated:
        kind, bound = get_args(hint)
        wrong_kind = _misfit(value, kind)
        if wrong_kind or bound.holds(value):
            return wrong_kind
        return bound.words
    alternatives = _kinds(hint)
    if any(_fits(value, kind) for kind in alternatives):
        return ""
    return " or ".join(_in_words(kind) for kind in alternatives)


def _fits(value, kind) -> bool:
    if get_origin(kind) is Literal:
        return isinstance(value, str) and value in get_args(kind)
    if get_origin(kind) is tuple:
        return isinstance(value, tuple) and all(isinstance(each, str) for each in value)
    if get_origin(kind) is dict:
        return isinstance(value, dict) and all(isinstance(each, str) for each in value)
    if kind is Callable or get_origin(kind) is Callable:
        return callable(value) and not isinstance(value, type)
    if isinstance(value, bool):
        return kind is bool
    if kind is float:
        return isinstance(value, int | float)
    return isinstance(value, kind)


def _in_words(kind) -> str:
    if get_origin(kind) is Literal:
        return f"one of {listed(get_args(kind))}"
    if kind is NoneType:
        return "None"
    if kind is Callable or get_origin(kind) is Callable:
        return "a function of your own"
    plain = get_origin(kind) or kind
    if plain in NAMES:
        return NAMES[plain]
    return f"{plain.__name__}(...)"


def _short(value) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
