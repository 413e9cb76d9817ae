"""What a function that somebody wrote consists of, as plain values: its part in a run's address.

A function enters by its source and by everything that it uses: the values that it closes over, its
defaults, the global names that it reads (other functions of one's own in the same way, libraries by
name and version). Comments, docstrings and layout change nothing. What cannot be put into an
address is refused.
"""

import ast
import dataclasses
import dis
import hashlib
import importlib.metadata
import inspect
import sys
import sysconfig
import textwrap
import types
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from emoclass.errors import InputError

PLAIN = (str, int, float, bool, type(None))
PACKAGE = Path(__file__).resolve().parent
LIBRARIES = tuple(
    {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
)


def describe(function: Callable) -> dict:
    """A function of one's own as plain values (for json): name, source digest, and all that it uses.

    Raises InputError in one sentence that names what cannot be addressed: a lambda, an object, a method.
    """
    return _function(function, seen=())


def source_digest(source: str | bytes) -> str:
    """sha256 of Python code without its comments, docstrings and layout: to explain it better changes nothing."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        match getattr(node, "body", None):
            case [ast.Expr(value=ast.Constant(value=str()) as docstring), *_]:
                docstring.value = ""
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _function(function: Callable, seen: tuple) -> dict:
    if not isinstance(function, types.FunctionType):
        raise InputError(
            f"{_in_words(function)} has no code that can be read: hand in a function written with `def`"
        )
    name = function.__name__
    if name == "<lambda>":
        raise InputError("a lambda has no source of its own: write it as a function, with `def`")
    if function in seen:
        return {"function": name, "again": True}
    seen = (*seen, function)
    try:
        # Of the code itself: of a decorated function `inspect` would show what is wrapped.
        source = textwrap.dedent(inspect.getsource(function.__code__))
        digest = source_digest(source)
    except (OSError, SyntaxError) as error:
        raise InputError(
            f"the source of {name} cannot be read ({error}): write it in a cell or a file"
        ) from error
    used = {}
    for what, value in _used(function).items():
        used[what] = _value(value, f"{name} uses {what}", seen)
    defaults = [
        _value(value, f"a default of {name}", seen) for value in function.__defaults__ or ()
    ]
    for what, value in (function.__kwdefaults__ or {}).items():
        used[f"default {what}"] = _value(value, f"the default {what} of {name}", seen)
    return {"function": name, "source": digest, "defaults": defaults, "used": used}


def _in_words(thing) -> str:
    kind = type(thing).__name__
    name = getattr(thing, "__name__", "")
    if isinstance(thing, types.MethodType):
        return f"the method {name}"
    if name:
        return f"{name}, a {kind},"
    return f"an object of the class {kind}"


def _used(function: types.FunctionType) -> dict:
    """Names that a function closes over or reads from its module, each with its value."""
    found = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
        found[name] = cell.cell_contents
    for name in sorted(_global_names(function.__code__)):
        if name in function.__globals__:
            found[name] = function.__globals__[name]
    return found


def _global_names(code: types.CodeType) -> set[str]:
    found = set()
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            found.add(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found |= _global_names(constant)
    return found


def _value(value, what: str, seen: tuple):
    """A value as something that json can hold."""
    if isinstance(value, PLAIN):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return {"array": _array(value)}
    if isinstance(value, list | tuple | dict):
        return _values(value, what, seen)
    if isinstance(value, types.ModuleType):
        return _module(value.__name__)
    name = _library_name(value)
    if name:
        return _module(value.__module__) | {"name": name}
    if isinstance(value, types.FunctionType):
        return _function(value, seen)
    if dataclasses.is_dataclass(value) and _is_library(type(value).__module__):
        fields = {}
        for field in dataclasses.fields(value):
            fields[field.name] = getattr(value, field.name)
        return {type(value).__qualname__: _values(fields, what, seen)}
    kind = type(value).__name__
    raise InputError(
        f"{what}, a {kind}: a run is found by functions, libraries and plain values alone; make it inside the function"
    )


def _values(several: list | tuple | dict, what: str, seen: tuple) -> list | dict:
    """`_value` of each; of a dict by its keys as text."""
    if isinstance(several, dict):
        found = {}
        for key, value in several.items():
            found[str(key)] = _value(value, what, seen)
        return found
    return [_value(each, what, seen) for each in several]


def _array(array: np.ndarray) -> list:
    """Type, shape, and a digest of what it holds."""
    content = np.ascontiguousarray(array).tobytes()
    digest = hashlib.sha256(content).hexdigest()
    return [str(array.dtype), list(array.shape), digest]


def _library_name(value) -> str:
    """The name of a function or class of a library; "" for all else, objects of such classes among them."""
    home = getattr(value, "__module__", None)
    if not home or not _is_library(home):
        return ""
    if isinstance(value, types.MethodType) and not isinstance(value.__self__, type):
        return ""
    return getattr(value, "__qualname__", "") or getattr(value, "__name__", "")


@cache
def _module(name: str) -> dict:
    """A library by its name and version; a module of ours by its code."""
    top = name.split(".")[0]
    if top == "emoclass":
        return {"module": name, "code": source_digest(_file_of(name).read_bytes())}
    for distribution in importlib.metadata.packages_distributions().get(top, ()):
        return {"module": name, "version": importlib.metadata.version(distribution)}
    return {"module": name}


def _file_of(module: str) -> Path:
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _is_library(module: str) -> bool:
    """Whether a module was installed, or is Python's own or ours, rather than somebody's script or notebook."""
    top = module.split(".")[0]
    if top == "emoclass":
        return True
    if top == "__main__":
        return False
    found = sys.modules.get(module)
    file = getattr(found, "__file__", None)
    if file is None:
        return found is not None
    return str(Path(file).resolve()).startswith(LIBRARIES)
