"""Plain values held against their annotations: what is mistyped is said in one sentence, before anything is done."""

import difflib
from collections.abc import Iterator
from dataclasses import fields
from typing import Annotated, Literal, get_args, get_origin, get_type_hints

from emoclass.errors import InputError, listed

Count = Annotated[int, "at least 1", lambda value: value >= 1]
NotNegative = Annotated[float, "at least 0", lambda value: value >= 0]
BelowOne = Annotated[float, "from 0 to below 1", lambda value: 0 <= value < 1]
Degrees = Annotated[float, "from 0 to 180", lambda value: 0 <= value <= 180]
KINDS = {int: "a whole number", float: "a number", bool: "True or False", str: "text"}


class Checked:
    """A dataclass that knows what does not fit its fields; InputError for a field that it does not have."""

    def __new__(cls, *_, **values):
        known = [field.name for field in fields(cls)]
        if unknown := [name for name in values if name not in known]:
            near = difflib.get_close_matches(unknown[0], known, 1)
            hint = f"did you mean {near[0]}?" if near else f"it has {listed(known, 40)}"
            raise InputError(f"{cls.__name__} has no {listed(unknown)}: {hint}")
        return super().__new__(cls)

    @property
    def misfits(self) -> list[str]:
        """`name=value (what it should be)` of each field whose value is not what its annotation says."""
        hints = get_type_hints(type(self), include_extras=True)
        return [f"{name}={getattr(self, name)!r} ({why})" for name, why in _misfits(self, hints)]


def _misfits(instance, hints: dict) -> Iterator[tuple[str, str]]:
    for name, hint in hints.items():
        value = getattr(instance, name)
        base, *bounds = get_args(hint) if get_origin(hint) is Annotated else (hint,)
        if get_origin(base) is Literal:
            if value not in get_args(base):
                yield name, f"one of {listed(get_args(base))}"
        elif get_origin(base) is tuple:
            if not (isinstance(value, tuple) and all(isinstance(each, str) for each in value)):
                yield name, "a tuple of words"
        elif base in KINDS:
            fits = isinstance(value, (int, float) if base is float else base)
            if not fits or (isinstance(value, bool) and base is not bool):
                yield name, KINDS[base]
            elif bounds and not bounds[1](value):
                yield name, bounds[0]
        elif not isinstance(value, base):
            wanted = (KINDS.get(kind, f"{kind.__name__}(...)") for kind in get_args(base) if kind is not type(None))
            yield name, " or ".join([*wanted, *["None"] * (type(None) in get_args(base))])
