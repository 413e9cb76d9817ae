"""Numbers go from a notebook to results.json, and from there into prose and tables, without being touched."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from emoclass import metrics
from emoclass.errors import InputError
from emoclass.labels import EMOTIONS
from emoclass.metrics import METRICS, Estimate
from emoclass.predictions import Predictions
from emoclass.study.prose import fill, in_cell, in_short, in_words
from emoclass.study.results import Results, load


@pytest.fixture
def results(tmp_path):
    """What a notebook of this name found, on its way to one results.json."""
    return lambda notebook, **data: Results(
        tmp_path / "deep" / "results.json", notebook, data, {"keras": "3"}
    )


def entry(value, low=None, high=None, n=100, unit="share"):
    return dict(value=value, low=low, high=high, n=n, unit=unit, notebook="x")


# recording and keeping


def test_several_numbers_and_sentences_are_recorded_at_once(results):
    mine = results("03_leakage")
    mine.add_all("two", {"leaky.epochs": Estimate(9.5, None, None, 10)}, "epochs")
    assert mine.numbers["two.leaky.epochs"]["unit"] == "epochs"
    mine.expect_all({"the leak adds": True, "nothing else does": False})
    assert {name: each["holds"] for name, each in mine.expectations.items()} == {
        "the leak adds": True,
        "nothing else does": False,
    }


def test_what_is_recorded_is_handed_back_and_kept(results):
    mine, number = results("02_training", name="drawn"), Estimate(0.123456789, 0.1, 0.2, 50)
    assert mine.add("net.random.accuracy", number) is number
    mine.add("photos", Estimate(13_690, None, None, 13_690), unit="count")
    assert load(mine.save()) == {
        "numbers": {
            "net.random.accuracy": {
                "value": 0.123457, "low": 0.1, "high": 0.2, "n": 50, "unit": "share", "notebook": "02_training"
            },
            "photos": {
                "value": 13_690, "low": None, "high": None, "n": 13_690, "unit": "count", "notebook": "02_training"
            },
        },
        "labels": {},
        "labelled_by": {},
        "claims": {},
        "expectations": {},
        "parameters": {"02_training": {}},
        "data": {"name": "drawn"},
        "versions": {"keras": "3"},
    }  # fmt: skip


def test_numbers_of_numpy_are_written_as_plain_ones(results):
    mine = results("x")
    mine.add("a", Estimate(np.float32(0.5), np.float64(0.25), np.float64(0.75), np.int64(4)))
    assert load(mine.save())["numbers"]["a"] == entry(0.5, 0.25, 0.75, 4)


@pytest.mark.parametrize("leaky", [False, True])
def test_all_scores_of_a_speaker_are_recorded_under_its_id_and_its_name(results, leaky):
    table = pd.DataFrame({"photo": list("abcd"), "emotion": ["fear", "fear", "anger", "anger"]})
    table = table.assign(subject=table.photo, parent=table.photo, seed=0)
    y_pred = np.eye(8, dtype=np.float32)[
        [EMOTIONS.index(e) for e in ("fear", "anger", "anger", "anger")]
    ]
    speaker = Predictions("a net", table, y_pred, leaky)
    mine = results("x")
    assert mine.add_scores("net.person", speaker) == metrics.score(speaker)
    assert list(mine.numbers) == [f"net.person.{m}" for m in METRICS] + [
        "net.person.recall.anger",
        "net.person.recall.fear",
    ]
    assert mine.numbers["net.person.accuracy"]["value"] == 0.75
    assert mine.numbers["net.person.recall.fear"]["n"] == 2
    assert mine.labels == {"net.person": "a net (leaky)" if leaky else "a net"}


def test_differences_are_recorded_as_such(results):
    mine = results("x")
    mine.add_difference("leak", {"accuracy": Estimate(0.1, 0.0, 0.2, 9)})
    assert mine.numbers == {"leak.accuracy": entry(0.1, 0.0, 0.2, 9, "difference")}


def test_saving_one_notebook_leaves_the_others_numbers_and_replaces_its_own(results):
    for notebook, ids in (("01", ("b", "a")), ("02", ("d", "c"))):
        mine = results(notebook)
        for name in ids:
            mine.add(name, Estimate(1, None, None, 1))
        mine.save()
    again = results("01", name="drawn anew")
    again.add("e", Estimate(2, None, None, 1))
    whole = load(again.save())
    assert list(whole["numbers"]) == ["c", "d", "e"]
    assert {k: v["notebook"] for k, v in whole["numbers"].items()} == {
        "c": "02",
        "d": "02",
        "e": "01",
    }
    assert whole["data"] == {"name": "drawn anew"}


def test_labels_go_with_their_numbers(results):
    one, other = results("01"), results("02")
    one.add("net.accuracy", Estimate(1, None, None, 1))
    one.labels["net"] = "a net"
    one.save()
    other.add("net.person.accuracy", Estimate(1, None, None, 1))
    other.labels["net.person"] = "a net, by subject"
    assert load(other.save())["labels"] == {"net": "a net", "net.person": "a net, by subject"}
    emptied = load(results("01").save())
    assert emptied["labels"] == {
        "net.person": "a net, by subject"
    }  # though "net." begins what is left
    emptied = load(results("02").save())
    assert emptied["numbers"] == emptied["labels"] == {}


def test_a_label_taken_out_of_a_notebook_vanishes_though_its_numbers_stay(results):
    mine = results("01")
    mine.add("net.accuracy", Estimate(1, None, None, 1))
    mine.labels["net"] = "a net"
    mine.save()
    again = results("01")
    again.add("net.accuracy", Estimate(1, None, None, 1))
    assert load(again.save())["labels"] == {}


def test_claims_and_expectations_taken_out_of_a_notebook_vanish(results):
    mine = results("01")
    for sentence in ("the leak inflates", "the net is small"):
        mine.expect(sentence, True)
        mine.claim(sentence, "stands", [], sentence)
    mine.save()
    again = results("01")
    again.expect("the net is small", True, registered="LEAK1")
    again.claim("the net is small", "falls", [], "the net is small")
    whole = load(again.save())
    assert list(whole["claims"]) == ["the net is small"]
    assert whole["expectations"] == {
        "the net is small": {"holds": True, "registered": "LEAK1", "notebook": "01"},
    }


def test_the_parameters_of_each_notebook_are_kept_beside_those_of_others(results):
    for notebook, parameters in (("01", {"SEEDS": 1}), ("02", {"DOSE": 5}), ("01", {"SEEDS": 3})):
        mine = results(notebook)
        mine.parameters = parameters
        whole = load(mine.save())
    assert whole["parameters"] == {"01": {"SEEDS": 3}, "02": {"DOSE": 5}}


def test_whatever_an_estimate_knows_of_itself_is_recorded(results):
    mine = results("x")
    mine.add("a", Estimate(0.5, 0.25, 0.75, 4, seeds=np.int64(3), subjects=2, by_seed=(0.4, 0.6)))
    found = load(mine.save())["numbers"]["a"]
    assert found == entry(0.5, 0.25, 0.75, 4) | {"seeds": 3, "subjects": 2}


def test_saving_twice_changes_not_a_byte_and_ids_stand_in_order(results):
    mine = results("x")
    for name in ("b.c", "a", "b.a"):
        mine.add(name, Estimate(1, None, None, 1))
    first = mine.save().read_bytes()
    assert mine.save().read_bytes() == first and first.endswith(b"}\n")
    assert list(json.loads(first)["numbers"]) == ["a", "b.a", "b.c"]


def test_what_others_wrote_into_the_file_stays(results):
    mine = results("x")
    path = mine.save()
    path.write_text(json.dumps(load(path) | {"more": "stands"}))
    assert load(mine.save())["more"] == "stands"


def test_a_save_that_fails_leaves_the_good_file_alone(results, monkeypatch):
    mine = results("x")
    mine.add("a", Estimate(1, None, None, 1))
    good = mine.save().read_bytes()
    mine.add("b", Estimate(1, None, None, 1))

    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr("emoclass.files.os.replace", full)
    with pytest.raises(OSError, match="No space left"):
        mine.save()
    assert mine.path.read_bytes() == good


# into prose and tables


@pytest.mark.parametrize(
    "number, words, cell",
    [
        (
            entry(0.8014, 0.79, 0.8123, 13_690),
            "80.1 % (79.0 % to 81.2 %, n = 13,690)",
            "0.801 (0.790 to 0.812)",
        ),
        (entry(0.5), "50.0 %", "0.500"),
        (
            entry(0.1, -0.05, 0.2, 9, "difference"),
            "+10.0 points (-5.0 to +20.0, n = 9)",
            "+0.100 (-0.050 to +0.200)",
        ),
        (
            entry(0.25, 0.1, 0.5, 21) | {"seeds": 10, "subjects": 16},
            "25.0 % (10.0 % to 50.0 %, n = 21 of 16 subjects, 10 seeds)",
            "0.250 (0.100 to 0.500)",
        ),
        (
            entry(0.1, -0.05, 0.2, 9, "difference") | {"seeds": 1, "subjects": 9},
            "+10.0 points (-5.0 to +20.0, n = 9 of 9 subjects, one seed)",
            "+0.100 (-0.050 to +0.200)",
        ),
        (entry(13_690, unit="count"), "13,690", "13,690"),
        (entry(763.1, unit="to one"), "763.1 to one", "763.1 to one"),
        (entry(12.5, 10, 15, unit="s"), "12.5 s (10 to 15)", "12.5 s (10 to 15)"),
    ],
)
def test_a_number_in_prose_and_in_a_table(number, words, cell):
    assert in_words(number) == words and in_cell(number) == cell


@pytest.mark.parametrize(
    "number, name, short",
    [
        (entry(0.176, 0.13, 0.22), "", "18 %"),
        (entry(0.176, 0.174, 0.178), "", "17.6 %"),
        (entry(0.17649, 0.17645, 0.17655), "", "17.6 %"),  # never finer than in an evidence table
        (entry(0.176, 0.166, 0.186), "", "18 %"),  # half the width is a whole point
        (entry(0.5), "", "50.0 %"),
        (entry(0.004, 0, 0.03), "", "0.4 %"),  # it does occur
        (entry(0.997, 0.98, 1), "", "99.7 %"),
        (entry(0.0, 0, 0.3), "", "0 %"),
        (entry(0.021, 0.006, 0.035, unit="difference"), "", "+2 points"),
        (entry(-0.012, -0.04, 0.01, unit="difference"), "", "-1 point"),
        (entry(-0.001, -0.04, 0.03, unit="difference"), "", "0 points"),
        (entry(0.0312, 0.029, 0.033, unit="difference"), "", "+3.1 points"),
        (entry(0.338, 0.3, 0.4), "net.macro_f1", "0.34"),
        (entry(0.338, 0.337, 0.339), "net.kappa", "0.338"),
        (entry(0.05, 0.02, 0.08, unit="difference"), "leak.macro_f1", "+0.05"),
        (entry(13_690, unit="count"), "", "13,690"),
        (entry(12.6, 10, 15, unit="s"), "", "13 s"),
        (entry(763.1, unit="to one"), "", "763.1 to one"),
    ],
)
def test_a_short_number_claims_no_more_than_its_interval_allows(number, name, short):
    assert in_short(number, name) == short
    found = {"numbers": {name or "a": number}}
    mark = f"<!-- number {name or 'a'} short -->"
    assert fill(f"{mark}?<!-- / -->", found) == f"{mark}{short}<!-- / -->"


def test_macro_f1_is_no_share():
    assert in_words(entry(0.338, 0.3, 0.4), "net.macro_f1") == "0.338 (0.300 to 0.400, n = 100)"
    assert in_words(entry(0.05, unit="difference"), "leak.macro_f1") == "+0.050"


def test_no_number_is_an_empty_cell():
    assert in_cell(None) == ""


@pytest.fixture
def found():
    numbers = {
        "net.accuracy": entry(0.8, 0.7, 0.9, 1_000),
        "net.recall.fear": entry(0.25, 0, 0.5, 21),
        "leak.accuracy": entry(-0.1, -0.2, 0.0, 1_000, "difference"),
        "leak.recall.fear": entry(0.4, 0.1, 0.7, 1_000, "difference"),
    }
    return {"numbers": numbers, "labels": {"net": "pared-down net"}}


PROSE = (
    "It is right on <!-- number net.accuracy -->12 %<!-- / --> of them, "
    "not <!-- number leak.accuracy --><!-- / -->."
)
TABLE = "<!-- table accuracy, recall.fear | net, leak -->\nold\nlines\n<!-- / -->"


def test_numbers_in_prose_are_written_anew(found):
    assert fill(PROSE, found) == (
        "It is right on <!-- number net.accuracy -->80.0 % (70.0 % to 90.0 %, n = 1,000)<!-- / --> of them, "
        "not <!-- number leak.accuracy -->-10.0 points (-20.0 to +0.0, n = 1,000)<!-- / -->."
    )


def test_tables_are_written_anew(found):
    assert fill(f"before\n{TABLE}\nafter", found) == (
        "before\n"
        "<!-- table accuracy, recall.fear | net, leak -->\n"
        "| | n | accuracy | recall of fear |\n"
        "| --- | ---: | --- | --- |\n"
        "| pared-down net | 1,000 | 0.800 (0.700 to 0.900) | 0.250 (0.000 to 0.500) |\n"
        "| leak | 1,000 | -0.100 (-0.200 to +0.000) | +0.400 (+0.100 to +0.700) |\n"
        "<!-- / -->\nafter"
    )


@pytest.mark.parametrize(
    "seeds, head, first",
    [
        ((10, 5), "| | n | subjects | seeds | accuracy |", "| pared-down net | 21 | 16 | 10 | "),
        (
            (1, 1),
            "| one seed, no interval over seeds | n | subjects | accuracy |",
            "| pared-down net | 21 | 16 | ",
        ),
        (
            (10, 1),
            "| where there is one seed, no interval over seeds | n | subjects | seeds | accuracy |",
            "| pared-down net | 21 | 16 | 10 | ",
        ),
    ],
)
def test_a_table_shows_subjects_and_seeds_and_says_once_where_there_is_one(
    found, seeds, head, first
):
    for name, count in zip(("net", "leak"), seeds):
        counted = {"seeds": count, "subjects": 16}
        found["numbers"][f"{name}.accuracy"] = entry(0.8, 0.7, 0.9, 21) | counted
    text = fill("<!-- table accuracy | net, leak --><!-- / -->", found)
    lines = text.splitlines()
    assert lines[1] == head and lines[3].startswith(first)
    assert text.count("one seed") <= 1
    assert len({line.count("|") for line in lines[1:5]}) == 1


def test_a_row_may_bring_a_label_of_its_own(found):
    rows = fill(
        "<!-- table accuracy | net = 1. what they did; leaky, leak --><!-- / -->", found
    ).splitlines()
    assert rows[3].startswith("| 1. what they did; leaky | 1,000 |") and rows[4].startswith(
        "| leak |"
    )


def test_metrics_bear_their_names_in_a_table(found):
    found["numbers"] |= {f"net.{metric}": entry(0.5) for metric in METRICS}
    head = fill(f"<!-- table {', '.join(METRICS)} | net --><!-- / -->", found).splitlines()[1]
    assert head == "| | n | accuracy | balanced accuracy | macro-F1 | MCC |"


def test_to_fill_again_changes_nothing(found):
    once = fill(PROSE + TABLE + PROSE, found)
    assert fill(once, found) == once != PROSE + TABLE + PROSE


def test_text_without_marks_is_left_alone(found):
    text = "Plain text with a <!-- comment --> and\n| a | table |\n"
    assert fill(text, found) == text


def test_all_unknown_ids_are_named_at_once(found):
    text = PROSE + "<!-- number no.such --><!-- / -->" + TABLE.replace("leak", "other")
    with pytest.raises(
        InputError, match=r"holds no no\.such, other\.accuracy, other\.recall\.fear$"
    ):
        fill(text, found)


def test_an_unknown_id_may_be_shown_as_absent(found):
    assert (
        fill("<!-- number no.such -->5<!-- / -->", found, "?")
        == "<!-- number no.such -->?<!-- / -->"
    )


def test_the_verdict_on_a_claim_is_filled_in_and_an_unknown_claim_named():
    found = dict(numbers={}, labels={}, claims={"C9": dict(verdict="stands")})
    assert (
        fill("<!-- verdict C9 -->falls<!-- / -->", found) == "<!-- verdict C9 -->stands<!-- / -->"
    )
    with pytest.raises(InputError, match="no claim C8"):
        fill("<!-- verdict C8 --><!-- / -->", found)
    assert fill("<!-- verdict C8 --><!-- / -->", dict(numbers={}, labels={}), "?").endswith(
        "?<!-- / -->"
    )


@pytest.mark.parametrize(
    "open_mark",
    [
        "<!-- verdict C9 -->",
        "<!-- number a -->",
        "<!-- number a shrt -->",
        "<!-- table a -->x<!-- / -->",
    ],
)
def test_a_mark_that_is_not_closed_is_refused_and_swallows_nothing(found, open_mark):
    with pytest.raises(InputError, match="1 marks are not closed"):
        fill(open_mark + " prose", found)


def test_claims_and_expectations_are_kept_beside_those_of_other_notebooks(results, capsys):
    one, other = results("03_leakage"), results("04_memory")
    one.expect("the leak inflates accuracy", np.True_)
    one.claim("C9", "stands", ["a.accuracy"], "It does.")
    one.save()
    other.expect("nothing is memorised", False)
    whole = load(other.save())
    assert capsys.readouterr().out == "does not hold here: nothing is memorised\n"
    assert (
        whole["claims"]["C9"]["verdict"] == "stands"
        and whole["claims"]["C9"]["notebook"] == "03_leakage"
    )
    assert {sentence: e["holds"] for sentence, e in whole["expectations"].items()} == {
        "nothing is memorised": False, "the leak inflates accuracy": True
    }  # fmt: skip
    assert "C9" not in load(results("03_leakage").save())["claims"]
    with pytest.raises(InputError, match="'perhaps' is none of stands"):
        one.claim("C9", "perhaps", [], "")


def test_what_a_notebook_no_longer_says_is_taken_out_and_what_others_say_stays(results):
    for notebook in ("03_leakage", "04_memory"):
        mine = results(notebook)
        mine.add(f"{notebook} n", Estimate(1, None, None, 1), "count")
        mine.labels[f"{notebook} net"] = "a net"
        mine.claim(f"{notebook} claim", "stands", [], "It does.")
        mine.expect(f"{notebook} sentence", True)
        mine.save()
    whole = load(results("03_leakage").save())
    for kind in ("numbers", "labels", "claims", "expectations"):
        assert [name.split()[0] for name in whole[kind]] == ["04_memory"], kind


def test_two_notebooks_that_save_at_once_lose_nothing(results):
    def save(notebook):
        mine = results(notebook)
        for k in range(20):
            mine.add(f"{notebook}.{k}", Estimate(k, None, None, 1), "count")
            mine.save()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(save, "abcd"))
    whole = load(results("e").save())
    assert len(whole["numbers"]) == 80


def test_an_id_is_of_one_notebook_only(results):
    for notebook in ("01_eda", "02_training"):
        mine = results(notebook)
        mine.add("photos", Estimate(1, None, None, 1), "count")
        if notebook == "01_eda":
            mine.save()
    with pytest.raises(InputError, match="02_training: other notebooks have recorded photos"):
        mine.save()


def test_what_is_not_a_number_is_not_written(results):
    mine = results("01_eda")
    mine.add("nothing", Estimate(float("nan"), 0.0, 1.0, 5))
    with pytest.raises(ValueError):
        mine.save()
    assert not mine.path.exists()


def test_what_nobody_was_asked_is_not_recorded(results):
    mine, nobody = results("01_eda"), Estimate(float("nan"), 0.0, 1.0, 0)
    assert mine.add("nothing", nobody) is nobody
    assert load(mine.save())["numbers"] == {}
