"""The committed results: README and results.json agree, and every number carries its n and its interval."""

import subprocess

import pytest

from emoclass import metrics
from emoclass.labels import EMOTIONS
from emoclass.paths import FIGURES, NOTEBOOKS, RECORD, ROOT
from emoclass.study import prose, results
from emoclass.study.documents import README
from emoclass.study.record import Record

FOUND = results.load(FIGURES / "muxspace" / "results.json")
NUMBERS = FOUND["numbers"]


def test_the_numbers_of_the_readme_are_those_of_the_results():
    assert prose.fill(README.read_text(), FOUND) == README.read_text()
    assert "<!-- table" in README.read_text() and "<!-- number" in README.read_text()


def test_every_number_has_its_n_and_lies_in_its_interval():
    wrong = []
    for name, entry in NUMBERS.items():
        value, low, high = (entry[what] for what in ("value", "low", "high"))
        measured = entry["unit"] in ("share", "difference") and entry["notebook"] != "01_eda"
        fits = low <= value + 1e-6 and value <= high + 1e-6 if low is not None else not measured
        if not (fits and entry["n"] > 0 and entry["notebook"]):
            wrong.append(name)
    assert NUMBERS and wrong == []


@pytest.mark.parametrize("prefix", ["pared_down.random", "pared_down.subject", "compact.subject"])
def test_every_headline_has_all_metrics_and_the_recall_of_every_emotion(prefix):
    assert all(f"{prefix}.{metric}" in NUMBERS for metric in metrics.METRICS)
    found = [emotion for emotion in EMOTIONS if f"{prefix}.recall.{emotion}" in NUMBERS]
    assert len(found) == 8


@pytest.mark.parametrize("claim", [f"C{k}" for k in range(1, 18)])
def test_every_claim_of_the_post_has_a_verdict_and_its_evidence(claim):
    found = FOUND["claims"][claim]
    assert found["verdict"] in results.VERDICTS and found["sentence"]
    assert found["numbers"] and all(name in NUMBERS for name in found["numbers"])
    assert f"<!-- verdict {claim} -->" in (NOTEBOOKS / "07_takeaways.ipynb").read_text()


def test_the_known_facts_of_the_photos_were_found():
    assert NUMBERS["annotations.rows"]["value"] == 13_690
    assert NUMBERS["annotations.named_in_the_post"]["value"] == 12_594
    assert [NUMBERS[f"annotations.{emotion}"]["value"] for emotion in EMOTIONS] == [
        252,
        9,
        208,
        21,
        5696,
        6868,
        268,
        368,
    ]
    assert NUMBERS["baseline.majority.accuracy"]["value"] == pytest.approx(0.502, abs=0.001)
    assert NUMBERS["baseline.oracle.accuracy"]["value"] == pytest.approx(0.918, abs=0.001)
    assert 0.59 < NUMBERS["baseline.subject_name.accuracy"]["value"] < 0.62
    assert 0.66 < NUMBERS["subject.on_both_sides_of_a_random_split"]["value"] < 0.71


def test_the_pared_down_net_scores_what_the_post_said():
    assert 0.79 < NUMBERS["pared_down.random.accuracy"]["value"] < 0.83
    assert NUMBERS["pared_down.random.accuracy"]["n"] == 13_681


def test_the_runs_of_what_was_registered_were_recorded_after_it_was_written():
    """By day: the preregistration's first commit, and the date that each run of the sibling swap bears."""
    first = subprocess.run(
        ["git", "log", "--diff-filter=A", "--format=%as", "--", "docs/preregistration.md"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    ).stdout.split()  # fmt: skip
    if not first:
        pytest.skip("no history here")
    made = []
    for bundle in Record(RECORD).bundles:
        for entry in bundle.index.values():
            if entry["about"].get("run") in ("honest", "swap", "placebo"):
                made.append(entry["about"]["date"])
    assert len(made) == 150
    assert min(made)[:10] >= first[-1]


def test_what_was_registered_has_an_outcome_under_its_id():
    registered = {e.get("registered") for e in FOUND["expectations"].values()} - {None}
    listed = (ROOT / "docs" / "preregistration.md").read_text()
    assert {"LEAK1", "LEAK2", "LEAK3", "ZERO2"} <= registered
    for name in registered:
        assert f"| {name} |" in listed
