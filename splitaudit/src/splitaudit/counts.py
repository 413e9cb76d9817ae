"""How many pictures a leak concerns, in numbers and in a sentence."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from splitaudit.decide import COPIES, SAME_SCENE

KINDS = (*COPIES, SAME_SCENE)  # the closest first


@dataclass(frozen=True)
class LeakCounts:
    """Pictures of one part by the closest thing that training has; prints itself.

    Args:
        part: "test" or "validation", or "" where there is no split.
        n_pictures: In that part.
        same_file: Of these, so many are in training as the very file.
        near_duplicate: So many others but for size, light, compression.
        transformed: So many others turned, mirrored, cropped, recoloured.
        same_scene: So many others show the same thing in another moment: no copies.

    Example:
        >>> print(LeakCounts("test", 4029, 288, 193, 809))
        32 % of the test pictures (1,290 of 4,029) show a picture that training has: 481 as it is, \
809 transformed.
    """

    part: str
    n_pictures: int
    same_file: int = 0
    near_duplicate: int = 0
    transformed: int = 0
    same_scene: int = 0

    @property
    def as_it_is(self) -> int:
        return self.same_file + self.near_duplicate

    @property
    def shown(self) -> int:
        """Pictures that show a picture that training has."""
        return self.as_it_is + self.transformed

    @property
    def share(self) -> float:
        return self.shown / self.n_pictures if self.n_pictures else 0.0

    def __str__(self) -> str:
        kinds = f"{self.as_it_is:,} as it is, {self.transformed:,} transformed"
        if not self.part:
            if not self.shown:
                return f"None of the {self.n_pictures:,} pictures was found to show another one."
            start = (
                f"{per_cent(self.share)} of the pictures ({self.shown:,} of {self.n_pictures:,})"
            )
            return f"{start} show a picture that another file has: {kinds}."
        if not self.shown:
            start = f"None of the {self.n_pictures:,} {self.part} pictures"
            return f"{start} was found to show a picture that training has."
        start = f"{per_cent(self.share)} of the {self.part} pictures"
        start = f"{start} ({self.shown:,} of {self.n_pictures:,})"
        return f"{start} show a picture that training has: {kinds}."


def per_cent(share: float) -> str:
    """`32 %`, `0.4 %`; never 0 or 100 where it is not quite so."""
    value = 100 * share
    if 0 < value < 0.1:
        return "under 0.1 %"
    if value < 1 or 99 < value < 100:
        return f"{min(value, 99.9):.1f} %" if value else "0 %"
    return f"{value:.0f} %"


def count_leaks(part: str, rows: np.ndarray, pairs: pd.DataFrame) -> LeakCounts:
    """The counts of one part.

    Args:
        part: Its name, or "" for a collection without a split.
        rows: (k,) positions of its pictures.
        pairs: `left`, `right` (positions) and `kind`; the left one is of the part.
    """
    closest = {}
    members = set(rows.tolist())
    for left, right, kind in zip(pairs["left"], pairs["right"], pairs["kind"]):
        rank = KINDS.index(kind)
        sides = (left,) if part else (left, right)
        for row in sides:
            if row in members and rank < closest.get(row, len(KINDS)):
                closest[row] = rank
    ranks = list(closest.values())
    return LeakCounts(
        part=part,
        n_pictures=len(rows),
        same_file=ranks.count(0),
        near_duplicate=ranks.count(1),
        transformed=ranks.count(2),
        same_scene=ranks.count(3),
    )
