"""What was done to a picture, in words."""

from dataclasses import dataclass

import numpy as np

from splitaudit.pictures import SIDE

DEGREES = 1.5  # what was turned by less was not turned
SHARE = 0.02  # the same of the side that it was moved by, and of the zoom


@dataclass(frozen=True)
class Change:
    """An affine transformation taken apart.

    Args:
        mirrored: Left and right exchanged, before the turn.
        quarters: Quarter turns, counter-clockwise, 0 to 3.
        degrees: What it was turned by beyond those, counter-clockwise.
        zoom: Above 1 if enlarged.
        stretch: One direction against the other, 1 or above.
        moved: How far its middle was moved, as a share of the side.
    """

    mirrored: bool
    quarters: int
    degrees: float
    zoom: float
    stretch: float
    moved: float

    @property
    def small(self) -> bool:
        """As good as nothing was moved."""
        if self.mirrored or self.quarters:
            return False
        still = abs(self.degrees) < DEGREES and self.moved < SHARE
        return still and abs(self.zoom - 1) < 2 * SHARE and self.stretch < 1 + 2 * SHARE


def change(matrix: np.ndarray) -> Change:
    """Takes a (2, 3) matrix apart that leads from the original to the transformed picture."""
    linear = matrix[:, :2].astype(np.float64)
    mirrored = np.linalg.det(linear) < 0
    left, sizes, right = np.linalg.svd(linear)
    rotation = left @ right
    if mirrored:
        rotation = rotation @ np.diag([-1.0, 1.0])
    # Rows run down, so a counter-clockwise turn has a negative sine below the diagonal.
    degrees = float(np.rad2deg(np.arctan2(-rotation[1, 0], rotation[0, 0])))
    quarters = round(degrees / 90)
    middle = np.full(2, (SIDE - 1) / 2)
    shift = linear @ middle + matrix[:, 2] - middle
    return Change(
        mirrored=bool(mirrored),
        quarters=quarters % 4,
        degrees=degrees - 90 * quarters,
        zoom=float(np.sqrt(sizes[0] * sizes[1])),
        stretch=float(sizes[0] / max(sizes[1], 1e-9)),
        moved=float(np.abs(shift).max() / SIDE),
    )


def in_words(change: Change, negative: bool) -> str:
    """For example: mirrored, turned by 90 + 8 degrees, zoomed by 1.1."""
    parts = []
    if change.mirrored and change.quarters == 2:
        parts.append("flipped upside down")
    elif change.mirrored:
        parts.append("mirrored")
    parts += _turned(change)
    if abs(change.zoom - 1) >= 2 * SHARE:
        parts.append(f"zoomed by {change.zoom:.2g}")
    if change.stretch >= 1.05:
        parts.append(f"stretched by {change.stretch:.2g}")
    if change.moved >= SHARE:
        parts.append(f"moved by {change.moved:.0%}".replace("%", " %"))
    if negative:
        parts.append("inverted")
    return ", ".join(parts) if parts else "not moved"


def _turned(change: Change) -> list[str]:
    quarters = 90 * change.quarters
    if change.mirrored and change.quarters == 2:
        quarters = 0
    beyond = round(change.degrees)
    if abs(change.degrees) < DEGREES:
        return [f"turned by {quarters} degrees"] if quarters else []
    if not quarters:
        return [f"turned by {beyond} degrees"]
    sign = "+" if beyond > 0 else "-"
    return [f"turned by {quarters} {sign} {abs(beyond)} degrees"]
