"""Functions of one's own: a run's address changes with all that they do, and with nothing else."""

import importlib.util
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from emoclass import own_code, paths
from emoclass.errors import InputError
from emoclass.variant import Variant

SCRIPT = '''
import numpy as np
from emoclass.augment import OfflineAugmentation
from emoclass import losses

RATE = 0.5
TABLE = {"fear": [1, 2]}
ARRAY = np.arange(3)
COPIES = OfflineAugmentation(per_image=2)
shape = object()


def scaled(value):
    return value * RATE


def logged(function):
    def inside(size, classes, seed):
        return function(size, classes, seed)
    return inside


def make(width, depth=(1, 2)):
    def net(size, classes, seed, extra=3, *, more=4):
        """Explained."""
        values = scaled(width), TABLE, ARRAY, COPIES.rotation, depth
        return losses.log_prior(np.exp(ARRAY.shape)), values
    return net


@logged
def decorated(size, classes, seed):
    return size


net = make(8)
'''


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Somebody's script, in which this is replaced, as a module."""
    count = 0

    def make(old="", new=""):
        nonlocal count
        count += 1
        path = tmp_path / f"script_{count}.py"
        assert old in SCRIPT
        path.write_text(SCRIPT.replace(old, new, 1) if old else SCRIPT)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        made = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, path.stem, made)
        spec.loader.exec_module(made)
        return made

    return make


def address(function):
    return Variant("mine", net=function).address


@pytest.mark.parametrize(
    "old, new",
    [
        ("return losses.log_prior(np.exp(", "return losses.log_prior(np.log("),
        ("net = make(8)", "net = make(9)"),
        ("net = make(8)", "net = make(8, (1, 3))"),
        ("RATE = 0.5", "RATE = 0.25"),
        ("value * RATE", "value + RATE"),
        ("[1, 2]", "[2, 1]"),
        ("np.arange(3)", "np.arange(3.0)"),
        ("per_image=2", "per_image=2, rotation=30"),
        ("extra=3", "extra=5"),
        ("more=4", "more=5"),
    ],
    ids=[
        "its source", "a value closed over", "a tuple closed over", "a global value",
        "a helper's source", "a global table", "a global array", "a global value of ours",
        "a default", "a default by name",
    ],
)  # fmt: skip
def test_the_address_changes_with_all_that_a_function_uses(script, old, new):
    assert address(script(old, new).net) != address(script().net)


@pytest.mark.parametrize(
    "old, new",
    [
        ('"""Explained."""', '"""Explained better."""  # why'),
        ("def scaled(value):", "def scaled(value):  # why"),
        ("shape = object()", "shape = print"),
        ("return size", "return size + 1"),
    ],
    ids=["a comment", "a helper's comment", "an attribute's name", "what it does not use"],
)
def test_the_address_stays_with_all_else(script, old, new):
    assert address(script(old, new).net) == address(script().net)


def test_what_is_wrapped_around_a_function_is_part_of_it(script):
    wrapped = script("return function(size, classes, seed)", "return function(size, 2, seed)")
    assert address(wrapped.decorated) != address(script().decorated)
    named = "import functools\n\n\ndef logged(function):\n    @functools.wraps(function)"
    changed = [script("def logged(function):", named) for _ in range(2)]
    assert address(changed[0].decorated) == address(changed[1].decorated)
    body = named + "\n    def inside(size, classes, seed):\n        return 7\n\n"
    other = script("def logged(function):\n    def inside(size, classes, seed):\n", body)
    assert address(other.decorated) != address(changed[0].decorated)


def test_functions_that_call_each_other_have_an_address(tmp_path, script):
    made = script("RATE = 0.5", "def even(n):\n    return n == 0 or odd(n - 1)\n\n\nRATE = 0.5\n\n\n"
                  "def odd(n):\n    return n != 0 and even(n - 1)")  # fmt: skip
    assert own_code.describe(made.even) != own_code.describe(made.odd)


class Maker:
    """A class of a notebook or script."""

    def net(self, size, classes, seed):
        return None

    def __call__(self, size, classes, seed):
        return None


HELD = Maker()
DRAWN = np.random.default_rng(0)


def uses_an_object(*arguments):
    return HELD


def uses_a_class(*arguments):
    return Maker


def uses_an_object_of_a_library(*arguments):
    return DRAWN.normal()


def made_of_text():
    namespace = {"__name__": "made_of_text"}
    exec("def net(*arguments):\n    return arguments", namespace)
    return namespace["net"]


@pytest.mark.parametrize(
    "function, why",
    [
        (lambda *arguments: None, "a lambda has no source of its own"),
        (HELD.net, "the method net has no code that can be read: hand in a function"),
        (HELD, "an object of the class Maker has no code that can be read"),
        (partial(uses_a_class, 3), "an object of the class partial has no code"),
        (np.exp, "exp, a ufunc, has no code that can be read: hand in a function"),
        (uses_an_object, "uses_an_object uses HELD, a Maker"),
        (uses_a_class, "uses_a_class uses Maker, a type"),
        (uses_an_object_of_a_library, "uses_an_object_of_a_library uses DRAWN, a Generator"),
        (made_of_text(), "the source of net cannot be read"),
    ],
    ids=[
        "lambda", "method", "object", "partial", "ufunc", "uses an object", "uses a class",
        "uses an object of a library", "without source",
    ],
)  # fmt: skip
@pytest.mark.parametrize("where", ["net", "loss", "online_augmentation"])
def test_what_cannot_be_addressed_is_refused_in_one_sentence(where, function, why):
    with pytest.raises(InputError) as caught:
        Variant("mine", **{where: function})
    assert why in str(caught.value) and "\n" not in str(caught.value)


def takes_two(size, classes):
    return None


def takes_four(size, classes, seed, depth):
    return None


def takes_a_fourth_by_name(size, classes, seed, *, depth):
    return None


@pytest.mark.parametrize("function", [takes_two, takes_four, takes_a_fourth_by_name])
@pytest.mark.parametrize(
    "where, called",
    [
        ("net", "net(size, classes, seed)"),
        ("loss", "loss(labels, logits)"),
        ("online_augmentation", "online_augmentation(pictures, rng)"),
    ],
)
def test_a_function_that_takes_something_else_is_refused_with_how_it_is_called(
    function, where, called
):
    if function is takes_two and where != "net":
        assert getattr(Variant("mine", **{where: function}), where) is function
        return
    with pytest.raises(InputError) as caught:
        Variant("mine", **{where: function})
    assert (
        str(caught.value) == f"variant 'mine': {where}={function.__name__} (is called as {called})"
    )


def test_a_function_may_have_defaults_for_more_than_it_is_called_with():
    def deeper(size, classes, seed, depth=3):
        return depth

    assert Variant("mine", net=deeper).net is deeper


def test_a_class_in_place_of_a_function_is_refused():
    with pytest.raises(InputError, match=r"net=.*a function of your own"):
        Variant("mine", net=Maker)


# in workers

TRAINING = """
import sys
from pathlib import Path

import numpy as np

import keras
from emoclass.data.synthetic import SyntheticConfig, draw
from emoclass.study.record import Record
from emoclass.study.store import Store
from emoclass.study.sweep import Archive, sweep
from emoclass.variant import Variant

UNITS = 3


def my_net(size, classes, seed):
    start = keras.initializers.GlorotUniform(seed)
    pictures = keras.Input((size, size, 1))
    x = keras.layers.Flatten()(pictures)
    x = keras.layers.Dense(UNITS, kernel_initializer=start)(x)
    return keras.Model(pictures, keras.layers.Dense(classes, kernel_initializer=start)(x))


def my_loss(labels, logits):
    return 0 * keras.ops.sum(logits, axis=-1) + 7


def my_change(pictures, rng):
    return np.zeros_like(pictures)


faces = draw(SyntheticConfig(counts=(6,) * 8), size=12)
mine = Variant(
    "mine", net=my_net, loss=my_loss, online_augmentation=my_change, n_folds=2, n_folds_run=1,
    epochs=1, checkpoint="last", optimizer="sgd", class_weight={"fear": 10},
)
archive = Archive(Store(Path(sys.argv[1])), Record(Path("nowhere")))
run = sweep([mine], faces, archive=archive)["mine"].runs[0]
print([list(each.shape) for each in run.weights], round(run.history["loss"][0], 3))
"""


def test_functions_of_a_script_reach_the_workers_without_a_main_guard(tmp_path, monkeypatch):
    """Also said: the loss and the change of pictures are those of the script, weighed by class."""
    monkeypatch.setenv("EMOCLASS_WORKERS", "1")
    monkeypatch.setenv("PYTHONPATH", str(paths.ROOT))  # this checkout, whichever is installed
    script = tmp_path / "mine.py"
    script.write_text(TRAINING)
    done = subprocess.run(
        [sys.executable, script, tmp_path / "runs"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[[144, 3], [3], [3, 8], [8]] 7.0\n"
    assert done.stderr.count("run 1 of 1: mine, fold 0") == 1
    again = subprocess.run(
        [sys.executable, script, tmp_path / "runs"], capture_output=True, text=True, timeout=300
    )
    assert again.stdout == done.stdout and "run 1" not in again.stderr
