"""Which modules of emoclass some code reaches, and their digest: what decides a run or a notebook."""

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
    """Module files of emoclass that this code imports, directly or not.

    Packages are followed to what they hand on.
    """
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
        digest = code_digest(path.read_bytes())
        sha.update((_name(path) + digest).encode())
    return sha.hexdigest()


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def check_unpatched() -> None:
    """Raise InputError if a function or constant that decides runs was replaced in this process.

    Workers would not know of it, and a run would be kept under the address of one without it.
    """
    replaced = []
    for path in sorted(reached("import emoclass.study.train"), key=_name):
        inner = _name(path).removesuffix(".py")
        module = "emoclass." + inner.replace("/", ".")
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
            if not _is_defined_by(module, node.name):
                found.append(node.name)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if _differs(getattr(module, name, None), node.value):
                found.append(name)
        elif _is_from_emoclass(node):
            found += _exchanged(module, node)
    return found


def _is_defined_by(module, name: str) -> bool:
    value = inspect.unwrap(getattr(module, name, None))
    if getattr(value, "__module__", None) != module.__name__:
        return False
    return value.__name__ == name


def _is_from_emoclass(node: ast.AST) -> bool:
    if not isinstance(node, ast.ImportFrom):
        return False
    return (node.module or "").split(".")[0] == "emoclass"


def _exchanged(module, node: ast.ImportFrom) -> list[str]:
    """Names that a module imports, and that are no longer what they are where they come from."""
    home = importlib.import_module(node.module)
    found = []
    for alias in node.names:
        name = alias.asname or alias.name
        here = getattr(module, name, None)
        if here is not getattr(home, alias.name):
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
        if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
            continue
        package = packages.get(node.value.id)
        if package is not None:
            module = _resolve(package, node.attr)
            found.add(_file(module))
    return found


def _imported(node: ast.AST) -> list[tuple[str, str]]:
    """(name here, module of emoclass) for each name that an import statement brings."""
    found = []
    if _is_from_emoclass(node):
        for alias in node.names:
            module = _resolve(node.module, alias.name)
            found.append((alias.asname or alias.name, module))
    if isinstance(node, ast.Import):
        for alias in node.names:
            top = alias.name.split(".")[0]
            if top == "emoclass":
                found.append((alias.asname or top, alias.name))
    return found


def _resolve(package: str, name: str) -> str:
    """The module that `name`, imported from `package`, is or comes from."""
    folder = _file(package)
    if folder.name != "__init__.py":
        return package
    is_module = (folder.parent / f"{name}.py").exists()
    is_package = (folder.parent / name / "__init__.py").exists()
    if is_module or is_package:
        return f"{package}.{name}"
    home = _handed_on(package, folder)
    if name not in home:
        return f"{package}.__init__"
    return _resolve(*home[name])


def _handed_on(package: str, folder: Path) -> dict[str, tuple[str, str]]:
    """What a package hands on, by import or in a dict called HOME: by name, its module and its name there."""
    home = {}
    for node in ast.parse(folder.read_bytes()).body:
        if _is_from_emoclass(node):
            for alias in node.names:
                name = alias.asname or alias.name
                home[name] = (node.module, alias.name)
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "HOME":
            modules = ast.literal_eval(node.value)
            for key, module in modules.items():
                home[key] = (f"{package}.{module}", key)
    return home


def _file(module: str) -> Path:
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
