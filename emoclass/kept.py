"""Results of slow functions, kept by what they were computed from: a run, faces, plain values.

A function marked `@kept` is looked up before it is called. Where results are kept is for others to say (`use`); by
default nowhere, and the function is called each time.
"""

import ast
import dataclasses
import functools
import hashlib
import inspect
import json
from collections.abc import Callable
from typing import Protocol

import numpy as np

from emoclass.faces import Faces
from emoclass.own_code import source_digest
from emoclass.run import Run


class Keeper(Protocol):
    """Somewhere to keep arrays by name."""

    def get(self, address: str) -> np.ndarray | None:
        """The array kept under this address, or None."""

    def put(self, address: str, array: np.ndarray) -> None:
        """Keep an array."""


_keepers: list[Keeper] = []


def use(keeper: Keeper | None) -> None:
    """From now on look results up here, and keep new ones here; None: nowhere."""
    _keepers.clear()
    if keeper is not None:
        _keepers.append(keeper)


def kept(function: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """The same function, which returns one array, looked up before it is called: by its source and its arguments.

    The source is that of the function, and of what it uses of its own module.
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def looked_up(*arguments, **named):
        bound = signature.bind(*arguments, **named)
        bound.apply_defaults()
        if not _keepers:
            return function(*arguments, **named)
        try:
            values = {name: _plain(value) for name, value in bound.arguments.items()}
        except _StandsAlone:
            return function(*arguments, **named)
        what = json.dumps([function.__name__, _code(function), values], sort_keys=True)
        address = hashlib.sha256(what.encode()).hexdigest()[:32]
        found = _keepers[0].get(address)
        if found is None:
            found = function(*arguments, **named)
            _keepers[0].put(address, found)
        return found

    return looked_up


@functools.cache
def _code(function: Callable) -> dict[str, str]:
    """By name, the digest of this function's source and of all that it uses of the module where it stands."""
    definitions = {}
    module = inspect.getmodule(function)
    for node in ast.parse(inspect.getsource(module)).body:
        for name in _defined(node):
            definitions[name] = node
    found = {}
    waiting = {function.__name__}
    while waiting:
        name = waiting.pop()
        node = definitions[name]
        found[name] = source_digest(ast.unparse(node))
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and inner.id in definitions and inner.id not in found:
                waiting.add(inner.id)
    return found


def _defined(node: ast.stmt) -> list[str]:
    """The names that a statement of a module defines; imports apart."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return []


class _StandsAlone(Exception):
    """A run that has no address: nobody would find its results again."""


def _plain(value):
    """What an argument is known by, for json. Raises _StandsAlone."""
    if isinstance(value, Run):
        if not value.address:
            raise _StandsAlone
        return value.address
    if isinstance(value, Faces):
        return value.digest
    if isinstance(value, np.ndarray):
        content = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return [str(value.dtype), list(value.shape), content]
    if dataclasses.is_dataclass(value):
        return {
            field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value
