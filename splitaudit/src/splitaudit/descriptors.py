"""What a picture looks like, in numbers that follow a turn or a mirror exactly: harmonics of edges.

In each cell of a grid, edges are summed up by strength and direction. A direction is written as its
harmonics exp(2ik theta), so that turning the picture multiplies them by a phase and mirroring it
conjugates them (steerable filters, Freeman & Adelson 1991). Strength is relative to the
neighbourhood, and edges of all colour channels count (structure tensor, Di Zenzo 1986), so that
recoloured, inverted and lighter copies look the same.
"""

from dataclasses import dataclass

import cv2
import numpy as np

WORKING_SIDE = 48  # pixels a side on which edges are found
CELLS = 12  # a side
HARMONICS = 3
CHANNELS = 1 + 2 * HARMONICS
NEIGHBOURHOOD = 7  # pixels, standard deviation of the window that strength is relative to
FAINT = 1.5  # grey levels a pixel; weaker edges count less, they may be noise
LENGTH = CELLS * CELLS * CHANNELS


@dataclass(frozen=True)
class Variant:
    """One way in which a picture may have been transformed.

    Args:
        turn: Degrees, counter-clockwise as seen.
        zoom: Above 1 if the picture shows a part, enlarged.
        mirrored: Left and right exchanged, before the turn.
        right: How far the transformed picture is moved, in half sides.
        down: The same.
    """

    turn: float
    zoom: float
    mirrored: bool
    right: float = 0.0
    down: float = 0.0

    def linear(self) -> np.ndarray:
        """(2, 2): from (x, y) around the middle of the original to the same place transformed."""
        angle = np.deg2rad(self.turn)
        cosine = np.cos(angle)
        sine = np.sin(angle)
        matrix = self.zoom * np.array([[cosine, sine], [-sine, cosine]])
        if self.mirrored:
            matrix[:, 0] *= -1
        return matrix


def edge_harmonics(picture: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The descriptor of one picture.

    Args:
        picture: (side, side, 3) uint8, letterboxed.
        box: (4,) top, left, height and width of the picture in it.

    Returns:
        (CELLS * CELLS * CHANNELS,) float32.
    """
    scale = WORKING_SIDE / len(picture)
    shrunk = cv2.resize(picture, (WORKING_SIDE, WORKING_SIDE), interpolation=cv2.INTER_AREA)
    across = cv2.Sobel(shrunk, cv2.CV_32F, 1, 0, scale=0.25)
    down = cv2.Sobel(shrunk, cv2.CV_32F, 0, 1, scale=0.25)
    horizontal = (across * across).sum(2)
    vertical = (down * down).sum(2)
    mixed = 2 * (across * down).sum(2)
    strength = np.sqrt(horizontal + vertical) * inner_mask(box, scale)
    usual = cv2.GaussianBlur(strength, (0, 0), NEIGHBOURHOOD)
    relative = np.sqrt(strength / (usual + FAINT))
    direction = np.stack([horizontal - vertical, mixed], axis=-1)
    length = np.maximum(np.sqrt((direction * direction).sum(2)), 1e-6)
    cosine = direction[..., 0] / length
    sine = direction[..., 1] / length
    channels = np.empty((WORKING_SIDE, WORKING_SIDE, CHANNELS), np.float32)
    channels[..., 0] = relative
    real = relative
    imaginary = np.zeros_like(relative)
    for k in range(HARMONICS):
        turned = real * cosine - imaginary * sine
        imaginary = real * sine + imaginary * cosine
        real = turned
        channels[..., 1 + 2 * k] = real
        channels[..., 2 + 2 * k] = imaginary
    factor = WORKING_SIDE // CELLS
    cells = channels.reshape(CELLS, factor, CELLS, factor, CHANNELS).mean((1, 3))
    return cells.ravel()


def inner_mask(box: np.ndarray, scale: float) -> np.ndarray:
    """(WORKING_SIDE, WORKING_SIDE) float32: 1 inside the picture, 0 outside and along its border."""
    mask = np.zeros((WORKING_SIDE, WORKING_SIDE), np.float32)
    top, left, height, width = box * scale
    first_row = int(np.ceil(top)) + 1
    last_row = int(np.floor(top + height)) - 1
    first_column = int(np.ceil(left)) + 1
    last_column = int(np.floor(left + width)) - 1
    mask[first_row:last_row, first_column:last_column] = 1
    return mask


@dataclass(frozen=True)
class VariantMap:
    """From the descriptor of a transformed picture to that of its original.

    Args:
        cells: (cells, cells) weights of the grid's cells.
        channels: (CHANNELS, CHANNELS) how each harmonic turns.
    """

    cells: np.ndarray
    channels: np.ndarray

    def originals(self, descriptors: np.ndarray) -> np.ndarray:
        """(n, LENGTH) descriptors of the originals, from those of transformed pictures."""
        values = descriptors.reshape(-1, len(self.cells), CHANNELS)
        return (self.cells @ values @ self.channels.T).reshape(-1, LENGTH)

    def applied_to_axes(self, axes: np.ndarray) -> np.ndarray:
        """(LENGTH, d) axes that see transformed pictures as (LENGTH, d) axes see originals."""
        values = axes.T.reshape(-1, len(self.cells), CHANNELS)
        return (self.cells.T @ values @ self.channels).reshape(-1, LENGTH).T

    def coverage(self) -> np.ndarray:
        """(LENGTH,) the share of each number that the transformed picture fills in."""
        return np.repeat(self.cells.sum(1), CHANNELS)


def variant_map(variant: Variant) -> VariantMap:
    """How descriptors change under a variant."""
    line = (np.arange(CELLS) + 0.5) * 2 / CELLS - 1
    x, y = np.meshgrid(line, line)
    places = variant.linear() @ np.stack([x.ravel(), y.ravel()])
    places += np.array([[variant.right], [variant.down]])
    cells = _bilinear((places + 1) * CELLS / 2 - 0.5).astype(np.float32)
    return VariantMap(cells, _steered(variant).astype(np.float32))


def _bilinear(places: np.ndarray) -> np.ndarray:
    """(cells, cells): weights of the grid's cells at (2, cells) places in units of cells."""
    weights = np.zeros((CELLS * CELLS, CELLS * CELLS))
    corner = np.floor(places).astype(int)
    fraction = places - corner
    for right in (0, 1):
        for down in (0, 1):
            column = corner[0] + right
            row = corner[1] + down
            weight = np.abs(1 - right - fraction[0]) * np.abs(1 - down - fraction[1])
            inside = (column >= 0) & (column < CELLS) & (row >= 0) & (row < CELLS)
            target = np.flatnonzero(inside)
            weights[target, row[inside] * CELLS + column[inside]] += weight[inside]
    return weights


def _steered(variant: Variant) -> np.ndarray:
    """(CHANNELS, CHANNELS): from the harmonics of a transformed picture to the original's."""
    matrix = np.zeros((CHANNELS, CHANNELS))
    matrix[0, 0] = 1
    for k in range(HARMONICS):
        # Image rows run down: a counter-clockwise turn lessens the angle of every gradient.
        phase = 2 * (k + 1) * np.deg2rad(variant.turn)
        rotation = np.array([[np.cos(phase), -np.sin(phase)], [np.sin(phase), np.cos(phase)]])
        if variant.mirrored:
            rotation[1] *= -1
        where = slice(1 + 2 * k, 3 + 2 * k)
        matrix[where, where] = rotation
    return matrix
