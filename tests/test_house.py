"""The house: the field's words, imports that go one way, and files that a reader can take in."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import emoclass
from emoclass.faces import COLUMNS

PACKAGE = Path(emoclass.__file__).parent
FILES = {
    path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text())
    for path in sorted(PACKAGE.rglob("*.py"))
}

# Words that only we used, and that the field has another one for; what a definition, parameter or column must not be.
PRIVATE = set(
    """
    after seeing scores audit said prepare legend alike cartoon drawn_face
    Number difference gap twice guard KEEP_TOGETHER IN_WORDS by against trade gaps cluster
    subject parts deal dealt spoken asked guess truth guesses follow features order
    only_train only_test leave_out repeat focal tau clip keep two_views start tested
    Copies Jitter to each of Net Residual by_pass cost mix weighted pool address at
    chosen scaled settled Drawing habit known BLANK _hurried _follow _look BadInput
    """.split()
)
MODULES = set(
    "model after seeing scores audit split said photos prepare legend alike cartoon drawn_face".split()
)


def defined(tree):
    """Every name that a module defines: functions, classes, their fields and parameters, and module constants."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            given = node.args
            for argument in (
                *given.posonlyargs,
                *given.args,
                *given.kwonlyargs,
                given.vararg,
                given.kwarg,
            ):
                if argument and not isinstance(node, ast.Lambda):
                    yield argument.arg
        if isinstance(node, ast.ClassDef | ast.Module):
            for statement in node.body:
                targets = getattr(statement, "targets", [getattr(statement, "target", None)])
                yield from (target.id for target in targets if isinstance(target, ast.Name))


def test_no_definition_parameter_or_column_bears_a_private_word():
    found = {
        (file, name) for file, tree in FILES.items() for name in defined(tree) if name in PRIVATE
    }
    assert found == set()
    assert not set(COLUMNS) - {"subject"} & PRIVATE
    assert not {Path(file).stem for file in FILES} & MODULES


def imports(file):
    """Modules of emoclass that a file imports when it is imported itself, as dotted names."""
    for node in FILES[file].body:
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
    front = [file for file in FILES if not file.startswith("study/") and file != "__main__.py"]
    assert {
        file: needs
        for file in front
        if (needs := [n for n in imports(file) if n.startswith("study/")])
    } == {}


def test_modules_and_functions_are_short_and_the_front_is_thin():
    lines = {file: len((PACKAGE / file).read_text().splitlines()) for file in FILES}
    assert {file: n for file, n in lines.items() if n > 350} == {}
    front = [file for file in FILES if "/" not in file]
    assert len(front) <= 20 and sum(lines[file] for file in front) <= 2000
    # The study itself; beside it stand other people's photos, copies found in them, a model to take away, a cluster.
    others = (
        "layouts subjects annotations folder copies leak_report inference export cluster".split()
    )
    assert sum(n for file, n in lines.items() if file.split("/")[-1][:-3] not in others) <= 4700
    assert sum(lines.values()) <= 6217
    functions = [
        (file, node.name, node.end_lineno - node.lineno + 1)
        for file, tree in FILES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    ]
    assert [function for function in functions if function[2] > 60] == []


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
