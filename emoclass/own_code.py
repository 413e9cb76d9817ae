"""What a function that somebody wrote consists of, as plain values: its part in the address of a run.

A function enters by its source and by everything that it uses: the values that it closes over, its defaults, the
global names that it reads (other functions of one's own in the same way, libraries by name and version). Comments,
docstrings and layout change nothing. What cannot be put into an address is refused.
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
    name = getattr(function, "__name__", type(function).__name__)
    if not isinstance(function, types.FunctionType):
        raise InputError(
            f"{name} is a {type(function).__name__}: hand in a function written with `def`"
        )
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
        content = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return {"array": [str(value.dtype), list(value.shape), content]}
    if isinstance(value, list | tuple):
        return [_value(each, what, seen) for each in value]
    if isinstance(value, dict):
        return {str(key): _value(each, what, seen) for key, each in value.items()}
    if isinstance(value, types.ModuleType):
        return _module(value.__name__)
    name = _library_name(value)
    if name:
        return _module(value.__module__) | {"name": name}
    if isinstance(value, types.FunctionType):
        return _function(value, seen)
    if dataclasses.is_dataclass(value) and _is_library(type(value).__module__):
        fields = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
        return {type(value).__qualname__: _value(fields, what, seen)}
    kind = type(value).__name__
    raise InputError(
        f"{what}, a {kind}: a run is found by functions, libraries and plain values alone; make it inside the function"
    )


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
