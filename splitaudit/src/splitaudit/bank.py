"""The transformations that are looked for: eight orientations times turns, zooms and shifts."""

from itertools import product

from splitaudit.descriptors import Variant

TURNS = (-12, 0, 12)
ZOOMS = (0.85, 1.0, 1.18)
# Half sides. Neighbours in turn and zoom take turns with the two grids of shifts, so that with as
# many points none in between is as far from the next as in one grid (a body-centred lattice).
SHIFTS = (
    ((0.1, 0.1), (-0.1, 0.1), (0.1, -0.1), (-0.1, -0.1)),
    ((0, 0), (0.2, 0), (-0.2, 0), (0, 0.2), (0, -0.2)),
)
# Turn and zoom, without a shift: larger turns, deep crops, and a picture as it is.
EXTREMES = ((0, 1.0), (30, 1.0), (-30, 1.0), (45, 1.0), (0, 1.4), (0, 0.7))


def variants() -> list[Variant]:
    """All that is tried."""
    found = []
    for mirrored, quarter in product((False, True), (0, 90, 180, 270)):
        for (i, turn), (j, zoom) in product(enumerate(TURNS), enumerate(ZOOMS)):
            for right, down in SHIFTS[(i + j) % 2]:
                found.append(Variant(quarter + turn, zoom, mirrored, right, down))
        for turn, zoom in EXTREMES:
            found.append(Variant(quarter + turn, zoom, mirrored))
    return found
