"""Every number of the search for copies, by name."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SearchConfig:
    """How pictures are compared; the defaults were chosen on public data sets (`benchmarks/`)."""

    max_false: float = 0.01
    """Highest share of false pairs among those that are called copies."""

    dimensions: int = 64
    """Length of a fingerprint."""

    learned_from: int = 400
    """Pictures of the collection of which copies are drawn to learn what changes in a copy."""

    copies_each: int = 10
    """Copies that are drawn of each of those."""

    candidates: int = 128
    """Pictures that are tried for each picture, the most alike by their fingerprints."""

    aligned: int = 8
    """Of the candidates, those that are moved into line: the most alike once shifted."""

    compared: int = 4
    """Of those, how many are compared in full at least."""

    as_good: float = 0.7
    """Agreement of small pictures from which more than those are compared in full ..."""

    nearly: float = 0.06
    """... if it falls short of the best one's by no more."""

    learned_strangers: int = 150
    """Pictures that are looked for in a part of the collection, to learn how alike strangers are."""

    part: int = 20
    """That part is one in so many ..."""

    least_part: int = 60
    """... or has so many pictures, but no more than half of them."""

    seed: int = 0
    """Of everything that is drawn."""
