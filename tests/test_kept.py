"""What was computed once is found again, by everything that it was computed from and by nothing else."""

import ast
import importlib.util
from dataclasses import dataclass, replace

import numpy as np
import pytest

from emoclass import kept
from emoclass.labels import EMOTIONS
from emoclass.run import Run, SplitFacts
from emoclass.variant import Variant

SOURCE = '''
import numpy as np

from emoclass.kept import kept

FACTOR = 2
calls = []


@kept
def slow(first, second=1, values=None):
    """Explained."""
    calls.append(first)
    return np.array([_helped(second)])


def _helped(value):
    return FACTOR * value
'''


class Memory(dict):
    """A Keeper that remembers while it lives."""

    put = dict.__setitem__


@dataclass(frozen=True)
class Values:
    """Plain values with names."""

    number: int
    words: tuple[str, ...]


@pytest.fixture
def memory():
    found = Memory()
    kept.use(found)
    yield found
    kept.use(None)


@pytest.fixture
def module(tmp_path):
    """A module with a kept function, written with this replaced."""
    count = 0

    def make(old="", new=""):
        nonlocal count
        count += 1
        path = tmp_path / f"module_{count}.py"
        path.write_text(SOURCE.replace(old, new) if old else SOURCE)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        made = importlib.util.module_from_spec(spec)
        pytest.MonkeyPatch().setitem(__import__("sys").modules, path.stem, made)
        spec.loader.exec_module(made)
        return made

    return make


def run_at(address):
    """A run that tested nothing, known by this address."""
    nothing = np.zeros(0, int)
    facts = SplitFacts(nothing, nothing, EMOTIONS, nothing, {}, (0, 0, 0), {})
    empty = np.zeros((0, 8), np.float32)
    return Run(Variant("net"), 0, 0, facts, empty, empty, empty, {}, 0.0, address)


def arguments(faces_of):
    """Arguments that are all different from one another."""
    faces = faces_of(emotion=["fear", "anger"])
    lighter = replace(faces, pixels=faces.pixels + np.uint8(1))
    arrays = [np.arange(4), np.arange(4.0), np.arange(4).reshape(2, 2), np.arange(1, 5)]
    values = [0, 1, True, "one", ("one", "two"), None, "none", Values(1, ("a",)), Values(1, ("b",))]
    return [faces, lighter, run_at("here"), run_at("there"), *arrays, *values]


def test_the_same_arguments_are_not_computed_again_however_they_are_handed_in(memory, module):
    made = module()
    results = [made.slow("a"), made.slow("a", 1), made.slow(first="a", second=1, values=None)]
    assert made.calls == ["a"]
    assert [result.tolist() for result in results] == [[2]] * 3


def test_another_value_run_or_collection_is_computed(memory, module, faces_of):
    made = module()
    different = arguments(faces_of)
    for argument in different + different:
        made.slow("a", values=argument)
    assert len(made.calls) == len(memory) == len(different)


def test_a_run_that_stands_alone_is_computed_each_time_wherever_it_stands(memory, module):
    made = module()
    for values in (run_at(""), (run_at("here"), run_at("")), (1, [run_at("")])):
        made.slow("a", values=values)
        made.slow("a", values=values)
    assert len(made.calls) == 6 and not memory


@pytest.mark.parametrize(
    "old, new",
    [
        ("calls.append(first)", "calls.append(str(first))"),
        ("return FACTOR * value", "return FACTOR + value"),
        ("FACTOR = 2", "FACTOR = 3"),
    ],
    ids=["itself", "a helper", "a constant"],
)
def test_another_source_is_computed(memory, module, old, new):
    module().slow("a")
    changed = module(old, new)
    changed.slow("a")
    assert changed.calls == ["a"]


def test_an_explanation_changes_nothing(memory, module):
    module().slow("a")
    explained = module('"""Explained."""', '"""Explained better."""  # why')
    explained.slow("a")
    assert explained.calls == []


def test_without_a_keeper_everything_is_computed(module):
    made = module()
    made.slow("a")
    made.slow("a")
    assert made.calls == ["a", "a"]


def test_every_function_of_the_project_that_is_kept_has_an_address():
    from emoclass import explain, fingerprint, leakage, posthoc

    found = {}
    for source in (explain, fingerprint, leakage, posthoc):
        for node in ast.parse(open(source.__file__).read()).body:
            names = [getattr(each, "id", "") for each in getattr(node, "decorator_list", [])]
            if "kept" in names:
                found[node.name] = kept._code(getattr(source, node.name).__wrapped__)
    assert {"occlusion", "_head_levels", "_predicted", "_nearest"} <= set(found)
    assert {"_head_levels", "head_outputs", "STRENGTHS"} <= set(found["_head_levels"])
    assert {"occlusion", "log_probabilities", "_net"} <= set(found["occlusion"])
