"""How often the published intervals hold what they estimate: worlds are drawn in which it is known.

`python benchmarks/coverage.py` prints the table of docs/benchmarks.md; two minutes. In each world a class has as many
photos of as many subjects as fear or contempt. The gain in recall that a leak brings differs from subject to subject,
from photo to photo and from seed to seed; every picture adds its own chance. A recall itself is rare: most people are
hardly ever recognised, a few often. The interval is `mean_over_subjects`, whose `Resampled.estimate` all published
means, shares and differences go through.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from emoclass.estimates import mean_over_subjects

WORLDS = 400
GAIN = 0.2  # of recall, in the mean
OF_SUBJECTS = 0.15  # standard deviations of the gain
OF_PHOTOS = 0.15
OF_BOTH = 0.10  # of a photo from seed to seed, beside what all photos share
RARE = (0.2, 1.8)  # the beta distribution of a subject's recall: a tenth in the mean
SEEDS = (1, 2, 3, 5, 10)
OF_SEEDS = (0.03, 0.05, 0.08)  # standard deviation of the gain from seed to seed


@dataclass(frozen=True)
class Class:
    """A class as it stands among the photos."""

    name: str
    photos: int
    subjects: int


CLASSES = (Class("fear", 21, 16), Class("contempt", 9, 9))


def holds(kind: Class, seeds: int, of_seeds: float, random: np.random.Generator) -> bool:
    """Whether the interval of one world holds the gain that all worlds have in the mean."""
    who = np.arange(kind.photos) % kind.subjects
    gain = GAIN + random.normal(0, OF_SUBJECTS, kind.subjects)[who]
    gain = gain + random.normal(0, OF_PHOTOS, kind.photos)
    by_seed = gain[:, None] + random.normal(0, of_seeds, seeds)
    by_seed += random.normal(0, OF_BOTH, (kind.photos, seeds))
    found = mean_over_subjects(
        by_seed.ravel(),
        np.repeat(who, seeds),
        seeds=np.tile(np.arange(seeds), kind.photos),
        least=-1.0,
    )
    return found.low <= GAIN <= found.high


def rare_recalls(
    subjects: int,
    seeds: int,
    of_seeds: float,
    random: np.random.Generator,
) -> np.ndarray:
    """(subjects, seeds) float: how probably each is recognised."""
    often = random.beta(*RARE, (subjects, 1))
    return np.clip(often + random.normal(0, of_seeds, seeds), 0, 1)


@cache
def true_recall(of_seeds: float) -> float:
    """What 2,000 subjects and as many seeds have in the mean."""
    return float(rare_recalls(2000, 2000, of_seeds, np.random.default_rng(1)).mean())


def holds_rare(kind: Class, seeds: int, of_seeds: float, random: np.random.Generator) -> bool:
    """Whether the interval of one world holds the recall that all worlds have in the mean."""
    who = np.arange(kind.photos) % kind.subjects
    probable = rare_recalls(kind.subjects, seeds, of_seeds, random)[who]
    right = random.random(probable.shape) < probable
    found = mean_over_subjects(
        right.ravel().astype(float),
        np.repeat(who, seeds),
        seeds=np.tile(np.arange(seeds), kind.photos),
    )
    return found.low <= true_recall(of_seeds) <= found.high


def coverage() -> pd.DataFrame:
    """Share of worlds whose interval holds the truth, by what is estimated, deviation and number of seeds."""
    random = np.random.default_rng(0)
    rows = {}
    for what, held_in in {"gain": holds, "rare recall": holds_rare}.items():
        for kind in CLASSES:
            for of_seeds in OF_SEEDS:
                held = {}
                for seeds in SEEDS:
                    hits = [held_in(kind, seeds, of_seeds, random) for _ in range(WORLDS)]
                    held[f"{seeds} seeds" if seeds > 1 else "1 seed"] = f"{np.mean(hits):.0%}"
                name = f"{what}, {kind.name} ({kind.photos} photos)"
                rows[name, f"{100 * of_seeds:.0f} points"] = held
    return pd.DataFrame.from_dict(rows, orient="index")


if __name__ == "__main__":
    found = coverage()
    print(f"| what | from seed to seed | {' | '.join(found)} |")
    print("| --- | ---: |" + " ---: |" * found.shape[1])
    for (name, points), row in found.iterrows():
        print(f"| {name} | {points} | {' | '.join(row)} |")
