"""Every number of the search for copies, by name."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SearchConfig:
    """How pictures are compared; the defaults were chosen on public data sets (`benchmarks/`)."""

    max_false: float = 0.01
    """Highest share of false pairs among those that are called copies."""

    turns: tuple[float, ...] = (-30, -15, 0, 15, 30, 45)
    """Degrees that are tried on top of the eight orientations."""

    zooms: tuple[float, ...] = (0.8, 1.25)
    """Zooms that are tried beside 1, at turns of at most `zoomed_turn`."""

    zoomed_turn: float = 15
    """Degrees; pictures that were turned further are not searched zoomed."""

    dimensions: int = 96
    """Length of a fingerprint."""

    learned_from: int = 400
    """Pictures of the collection of which copies are drawn to learn what changes in a copy."""

    copies_each: int = 12
    """Copies that are drawn of each of those."""

    candidates: int = 48
    """Pictures that are tried for each picture, the most alike by their fingerprints."""

    aligned: int = 6
    """Of the candidates, those that are moved into line and compared in full."""

    seed: int = 0
    """Of everything that is drawn."""
