"""The house: imports that go one way, and files that a reader can take in."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import emoclass
from emoclass.study import code

PACKAGE = Path(emoclass.__file__).parent
FILES = {
    path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text())
    for path in sorted(PACKAGE.rglob("*.py"))
}
BRANCHES = (
    ast.If, ast.IfExp, ast.For, ast.While, ast.ExceptHandler, ast.comprehension, ast.match_case
)  # fmt: skip


def at_import(tree):
    """Statements of a module that run, or seem to a type checker to run, when it is imported."""
    waiting = list(tree.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.Lambda):
            waiting += [each for each in ast.iter_child_nodes(node) if isinstance(each, ast.stmt)]


def imports(file):
    """Files of emoclass that a file imports when it is imported itself, under TYPE_CHECKING too."""
    for node in at_import(FILES[file]):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "emoclass":
            for alias in node.names:
                inner = f"{node.module}.{alias.name}".split(".", 1)[1].replace(".", "/")
                yield next(
                    f
                    for f in (f"{inner}.py", f"{inner}/__init__.py", _file(node.module))
                    if f in FILES
                )
        elif isinstance(node, ast.Import):
            yield from (
                _file(alias.name) for alias in node.names if alias.name.split(".")[0] == "emoclass"
            )


def _file(module):
    inner = "/".join(module.split(".")[1:])
    return f"{inner}.py" if f"{inner}.py" in FILES else f"{inner}/__init__.py".lstrip("/")


def test_imports_go_one_way_without_a_circle():
    waiting = {file: set(imports(file)) - {file} for file in FILES}
    while ready := [file for file, needs in waiting.items() if not needs]:
        waiting = {file: needs - set(ready) for file, needs in waiting.items() if file not in ready}
    assert not waiting


def test_nothing_in_front_imports_the_machinery_behind():
    upward = {}
    for file in FILES:
        is_front = not file.startswith("study/") and file != "__main__.py"
        behind = [name for name in imports(file) if name.startswith("study/")]
        if is_front and behind:
            upward[file] = behind
    assert upward == {}


def test_an_import_for_type_checkers_alone_is_seen():
    source = "if TYPE_CHECKING:\n    from emoclass.study.train import train\n"
    source += "def later():\n    from emoclass.study import sweep\n"
    found = [node for node in at_import(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
    assert [node.module for node in found] == ["emoclass.study.train"]


# What reads and compares the pictures of others, of which splitaudit becomes the one home.
LEAVING = {
    "data/annotations.py",
    "data/copies.py",
    "data/layouts.py",
}


def functions():
    """Every function of the package, by a name that says where it is."""
    for file, tree in FILES.items():
        if file in LEAVING:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                yield f"{file}: {node.name}", node


def test_functions_are_short():
    lines = {name: node.end_lineno - node.lineno + 1 for name, node in functions()}
    assert {name: count for name, count in lines.items() if count > 60} == {}


def test_functions_have_few_branches():
    found = {}
    for name, node in functions():
        found[name] = sum(isinstance(each, BRANCHES) for each in ast.walk(node))
    assert {name: count for name, count in found.items() if count > 12} == {}


def test_the_modules_whose_functions_must_not_be_replaced_are_those_that_decide_a_run():
    names = {
        path.relative_to(PACKAGE).as_posix() for path in code.reached("import emoclass.study.train")
    }
    deciding = {
        "augment.py", "backend.py", "faces.py", "labels.py", "losses.py", "models.py", "outputs.py",
        "splits.py", "study/samples.py", "study/siblings.py", "study/train.py",
    }  # fmt: skip
    values = {"checked.py", "errors.py", "own_code.py", "run.py", "variant.py"}
    assert names == deciding | values


@pytest.mark.parametrize(
    "name", ["load_faces", "OfflineAugmentation", "models.build", "losses.class_weights"]
)
def test_what_the_study_is_about_is_found_at_first_guess(name):
    found = emoclass
    for part in name.split("."):
        found = getattr(found, part)
    assert callable(found) and found.__doc__


def test_emoclass_is_imported_in_half_a_second():
    code = "import time; began = time.perf_counter(); import emoclass; print(time.perf_counter() - began)"
    least = min(float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(3))
    assert least < 0.5
