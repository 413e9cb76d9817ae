"""What a run or a notebook depends on: the modules that its code reaches, and what these do, however explained."""

import pytest

from emoclass.errors import InputError
from emoclass.study import code
from emoclass.study.code import code_digest, modules_digest, reached


def names(source):
    return {path.relative_to(code.PACKAGE).as_posix() for path in reached(source)}


@pytest.mark.parametrize(
    "source",
    [
        "from emoclass import plots\nplots.confusion(1)",
        "from emoclass.plots import confusion",
        "from emoclass import plots as p\np.confusion",
    ],
)
def test_a_name_that_a_package_hands_on_reaches_only_the_module_that_defines_it(source):
    found = names(source)
    assert "plots/evaluation.py" in found and not {"plots/dataset.py", "plots/__init__.py"} & found


FILES = {
    "__init__.py": 'HOME = {"deep": "inner.deep", "helper": "inner"}\n',
    "errors.py": "",
    "plain.py": "import os\nfrom emoclass.errors import Error\n",
    "lazy.py": "def f():\n    from emoclass.plain import g\n",
    "round.py": "import emoclass.trip\n",
    "trip.py": "import emoclass.round\n",
    "inner/__init__.py": "from emoclass.inner.deep import handed\n\n\ndef helper():\n    import emoclass.errors\n",
    "inner/deep.py": "import emoclass.plain\n",
    "inner/other.py": "",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small package in place of emoclass."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f'"""Old."""\n{text}')
    monkeypatch.setattr(code, "PACKAGE", tmp_path)
    code._direct.cache_clear()
    yield tmp_path
    code._direct.cache_clear()


DEEP = {"inner/deep.py", "plain.py", "errors.py"}


@pytest.mark.parametrize(
    "source, found",
    [
        ("import os, emoclassifier\nfrom numpy import plain", set()),
        ("import emoclass.plain", {"plain.py", "errors.py"}),
        ("from emoclass import plain as p, lazy", {"plain.py", "errors.py", "lazy.py"}),
        ("def f():\n    import emoclass.lazy", {"plain.py", "errors.py", "lazy.py"}),
        ("import emoclass.round", {"round.py", "trip.py"}),
        ("from emoclass.inner import deep", DEEP),
        ("from emoclass.inner.deep import anything", DEEP),
        ("from emoclass.inner import handed", DEEP),
        ("from emoclass import inner\ninner.handed, inner.deep", DEEP),
        ("import emoclass\nemoclass.deep", DEEP),
        ("from emoclass import deep", DEEP),
        ("import emoclass\nemoclass.helper()", {"inner/__init__.py", *DEEP}),
        ("from emoclass.inner import helper", {"inner/__init__.py", *DEEP}),
    ],
)
def test_imports_are_followed_wherever_they_stand(package, source, found):
    assert names(source) == found


def test_explaining_code_better_does_not_change_its_digest_and_other_code_does():
    bare = 'def f(x):\n    """Old."""\n    return x + 1\n'
    explained = '# why\ndef f(x):\n    """New,\n    longer."""\n\n    return (x\n        + 1)\n'
    assert code_digest(bare) == code_digest(explained)
    assert (
        len(
            {code_digest(text) for text in (bare, bare.replace("1", "2"), bare.replace("f(", "g("))}
        )
        == 3
    )
    assert code_digest('x = f("Old.")') != code_digest('x = f("New.")')  # text that is no docstring


@pytest.mark.parametrize("name", ["plain.py", "inner/deep.py"])
def test_the_digest_of_modules_is_of_their_code_and_their_names_in_any_order(package, name):
    paths = sorted(reached("from emoclass import deep"))
    before, text = modules_digest(paths), (package / name).read_text()
    assert modules_digest(reversed(paths)) == before != modules_digest(paths[1:])
    (package / name).write_text(text.replace("Old.", "New,\nlonger.") + "# why\n")
    assert modules_digest(paths) == before
    (package / name).write_text(f"{text}\nx = 1\n")
    assert modules_digest(paths) != before
    (package / name).write_text(text)
    (package / name).rename(package / "renamed.py")
    assert (
        modules_digest(
            [package / "renamed.py" if path == package / name else path for path in paths]
        )
        != before
    )


# what was replaced in this process


def test_as_it_is_nothing_was_replaced():
    import emoclass.study.train  # noqa: F401  (all that decides runs is loaded)

    code.check_unpatched()


def own(*_):
    """In place of a function of the project."""


@pytest.mark.parametrize(
    "place, value",
    [
        ("losses.cross_entropy", own),
        ("losses.class_weights", own),
        ("models.ConvNet", own),
        ("outputs.LOWEST", 200),
        ("splits.TEST", 7),
        ("labels.EMOTIONS", ("fear",)),
        ("study.train.augment_batch", own),
    ],
)
def test_a_function_class_or_constant_that_was_replaced_is_named(monkeypatch, place, value):
    monkeypatch.setattr(f"emoclass.{place}", value)
    with pytest.raises(InputError) as caught:
        code.check_unpatched()
    assert f"emoclass.{place}" in str(caught.value) and "\n" not in str(caught.value)
    assert "Variant(net=..., loss=..., online_augmentation=...)" in str(caught.value)
