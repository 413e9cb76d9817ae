"""Which modules of emoclass some code reaches, and a digest of them: what decides a run or a notebook."""

import ast
import hashlib
import importlib
import inspect
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from emoclass.errors import InputError, listed
from emoclass.own_code import source_digest

PACKAGE = Path(__file__).resolve().parents[1]


def reached(source: str) -> set[Path]:
    """Module files of emoclass that this code imports, directly or not; packages are followed to what they hand on."""
    found = set()
    waiting = _direct(source)
    while waiting:
        found |= waiting
        further = set()
        for path in waiting:
            further |= _direct(path.read_bytes())
        waiting = further - found
    return found


code_digest = cache(source_digest)


def modules_digest(paths: Iterable[Path]) -> str:
    """`code_digest` of module files, each with its name, in the order of their names."""
    sha = hashlib.sha256()
    for path in sorted(paths, key=_name):
        sha.update((_name(path) + code_digest(path.read_bytes())).encode())
    return sha.hexdigest()


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def check_unpatched() -> None:
    """Raise InputError if a function or constant that decides runs was replaced in this process.

    Workers would not know of it, and a run would be kept under the address of one without it.
    """
    replaced = []
    for path in sorted(reached("import emoclass.study.train"), key=_name):
        module = "emoclass." + _name(path).removesuffix(".py").replace("/", ".")
        loaded = sys.modules.get(module.removesuffix(".__init__"))
        if loaded is not None:
            replaced += [f"{module}.{name}" for name in _replaced(loaded, path)]
    if replaced:
        raise InputError(
            f"{listed(replaced)} was replaced in this process: neither workers nor the address of a run know of it; "
            "hand your own in as Variant(net=..., loss=..., online_augmentation=...)"
        )


def _replaced(module, path: Path) -> list[str]:
    """Names of a module whose values are no longer what its file defines."""
    found = []
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            value = inspect.unwrap(getattr(module, node.name, None))
            if getattr(value, "__module__", None) != module.__name__ or value.__name__ != node.name:
                found.append(node.name)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if _differs(getattr(module, name, None), node.value):
                found.append(name)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("emoclass"):
            home = importlib.import_module(node.module)
            for alias in node.names:
                name = alias.asname or alias.name
                if getattr(module, name, None) is not getattr(home, alias.name):
                    found.append(name)
    return found


def _differs(value, written: ast.expr) -> bool:
    """Whether a constant is another than the one written down.

    What is computed is not looked at, nor what may be filled after it was made.
    """
    if not isinstance(written, ast.Constant | ast.Tuple):
        return False
    try:
        return value != ast.literal_eval(written)
    except (ValueError, TypeError):
        return False


@cache
def _direct(source: str | bytes) -> set[Path]:
    """Module files that this code imports itself, packages followed to the modules whose names it uses."""
    tree = ast.parse(source)
    found = set()
    packages = {}
    for node in ast.walk(tree):
        for name, module in _imported(node):
            is_package = _file(module).name == "__init__.py" and not module.endswith("__init__")
            if is_package:
                packages[name] = module
            else:
                found.add(_file(module))
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in packages
        ):
            found.add(_file(_resolve(packages[node.value.id], node.attr)))
    return found


def _imported(node: ast.AST) -> list[tuple[str, str]]:
    """(name here, module of emoclass) for each name that an import statement brings."""
    if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "emoclass":
        return [
            (alias.asname or alias.name, _resolve(node.module, alias.name)) for alias in node.names
        ]
    if isinstance(node, ast.Import):
        ours = [alias for alias in node.names if alias.name.split(".")[0] == "emoclass"]
        return [(alias.asname or "emoclass", alias.name) for alias in ours]
    return []


def _resolve(package: str, name: str) -> str:
    """The module that `name`, imported from `package`, is or comes from."""
    folder = _file(package)
    if folder.name != "__init__.py":
        return package
    is_module = (folder.parent / f"{name}.py").exists()
    is_package = (folder.parent / name / "__init__.py").exists()
    if is_module or is_package:
        return f"{package}.{name}"
    home = {}  # what the package hands on: by import, or in a dict called HOME
    for node in ast.parse(folder.read_bytes()).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("emoclass"):
            for alias in node.names:
                home[alias.asname or alias.name] = (node.module, alias.name)
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "HOME":
            for key, module in ast.literal_eval(node.value).items():
                home[key] = (f"{package}.{module}", key)
    if name not in home:
        return f"{package}.__init__"
    return _resolve(*home[name])


def _file(module: str) -> Path:
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
