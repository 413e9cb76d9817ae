"""Which modules of emoclass some code reaches, and a digest of them: what decides a run or a notebook."""

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def reached(source: str) -> set[Path]:
    """Module files of emoclass that this code imports, directly or not; packages are followed to what they hand on."""
    found, waiting = set(), _direct(source)
    while waiting:
        found |= waiting
        waiting = set().union(*(_direct(path.read_bytes()) for path in waiting)) - found
    return found


@cache
def code_digest(source: str | bytes) -> str:
    """sha256 of Python code without its comments, docstrings and layout: to explain it better changes nothing."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        match getattr(node, "body", None):
            case [ast.Expr(value=ast.Constant(value=str()) as docstring), *_]:
                docstring.value = ""
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def modules_digest(paths: Iterable[Path]) -> str:
    """`code_digest` of module files, each with its name, in the order of their names."""
    named = sorted((path.relative_to(PACKAGE).as_posix(), path) for path in paths)
    return hashlib.sha256("".join(name + code_digest(path.read_bytes()) for name, path in named).encode()).hexdigest()


@cache
def _direct(source: str | bytes) -> set[Path]:
    """Module files that this code imports itself, packages followed to the modules whose names it uses."""
    tree, found, packages = ast.parse(source), set(), {}
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "emoclass":
            names = [(alias.asname or alias.name, _resolve(node.module, alias.name)) for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [(alias.asname or "emoclass", alias.name) for alias in node.names if alias.name[:8] == "emoclass"]
        for name, module in names:
            if _file(module).name == "__init__.py" and not module.endswith("__init__"):
                packages[name] = module
            else:
                found.add(_file(module))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in packages:
            found.add(_file(_resolve(packages[node.value.id], node.attr)))
    return found


def _resolve(package: str, name: str) -> str:
    """The module that `name`, imported from `package`, is or comes from."""
    if (folder := _file(package)).name != "__init__.py":
        return package
    if (folder.parent / f"{name}.py").exists() or (folder.parent / name / "__init__.py").exists():
        return f"{package}.{name}"
    home = {}  # what the package hands on: by import, or in a dict called HOME
    for node in ast.parse(folder.read_bytes()).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("emoclass"):
            home |= {alias.asname or alias.name: (node.module, alias.name) for alias in node.names}
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "HOME":
            home |= {key: (f"{package}.{module}", key) for key, module in ast.literal_eval(node.value).items()}
    return _resolve(*home[name]) if name in home else f"{package}.__init__"


def _file(module: str) -> Path:
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
