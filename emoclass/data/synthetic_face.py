"""Synthetic faces moved by action units (Ekman & Friesen 1978).

Which an emotion moves is EMFACS (1983).
"""

import math
from types import SimpleNamespace
from typing import NamedTuple

import cv2
import numpy as np

from emoclass.data.synthetic_shapes import Shape, shapes
from emoclass.errors import InputError

UNITS = {
    "anger": (4, 5, 7, 23),
    "contempt": (12, 14),
    "disgust": (9, 15, 16),
    "fear": (1, 2, 4, 5, 20, 26),
    "happiness": (6, 12),
    "neutral": (),
    "sadness": (1, 4, 15),
    "surprise": (1, 2, 5, 26),
}
ALL_UNITS = sorted({unit for units in UNITS.values() for unit in units})
UNIT_NAMES = {
    1: "inner_brow_raiser",
    2: "outer_brow_raiser",
    4: "brow_lowerer",
    5: "upper_lid_raiser",
    6: "cheek_raiser",
    7: "lid_tightener",
    9: "nose_wrinkler",
    12: "lip_corner_puller",
    14: "dimpler",
    15: "lip_corner_depressor",
    16: "lower_lip_depressor",
    20: "lip_stretcher",
    23: "lip_tightener",
    26: "jaw_drop",
}
ONE_SIDED = ("contempt",)


class Trait(NamedTuple):
    """A trait's average over faces and its standard deviation, cut off at two of them."""

    mean: float
    spread: float


# A face. Lengths are in half sides of the picture, tones in grey levels, angles in radians. SUBJECT
# is the same in all photos of a subject, POSE is not.
SUBJECT = {
    "width": Trait(0.64, 0.035),
    "jaw": Trait(0.86, 0.06),
    "chin": Trait(0.80, 0.03),
    "skin": Trait(190, 18),
    "asymmetry": Trait(0, 0.009),
    "hair": Trait(75, 32),
    "hairline": Trait(-0.66, 0.05),
    "hair_length": Trait(0.1, 0.5),
    "parting": Trait(0, 0.2),
    "brow_height": Trait(0, 0.02),
    "brow_slant": Trait(0, 0.014),
    "brow_weight": Trait(1, 0.25),
    "eye_distance": Trait(0.30, 0.018),
    "eye_size": Trait(1, 0.08),
    "nose_length": Trait(0, 0.025),
    "nose_width": Trait(1, 0.12),
    "mouth_width": Trait(1, 0.08),
    "mouth_curve": Trait(0, 0.012),
    "lips": Trait(1, 0.22),
    "clothes": Trait(95, 40),
}
POSE = {
    "shift_x": Trait(0, 0.02),
    "shift_y": Trait(0, 0.02),
    "zoom": Trait(1, 0.02),
    "tilt": Trait(0, 0.03),
    "gaze": Trait(0, 0.025),
    "background": Trait(150, 35),
}
SMALLEST = 12  # pixels; an eye is two of them wide then


def action_units(emotion: str, side: str = "right") -> dict[int, tuple[float, float]]:
    """{action unit: strength (left, right) in the picture}, 0 or 1 (EMFACS).

    `side`: where contempt is seen.
    """
    left = 1.0
    right = 1.0
    if emotion in ONE_SIDED:
        left = float(side == "left")
        right = float(side == "right")
    return {unit: (left, right) for unit in UNITS[emotion]}


def paint(face: dict[str, np.ndarray], au: dict[int, np.ndarray], size: int) -> np.ndarray:
    """Faces as (n, size, size) uint8.

    `face` is {trait: (n, 1)}, `au` {action unit: (n, 2) strength left and right}.

    Raises InputError for a size below SMALLEST.
    """
    if size < SMALLEST:
        least = f"{SMALLEST} is the least"
        raise InputError(f"synthetic: a face of {size} pixels is too small to be drawn, {least}")
    n = len(face["width"])
    face = SimpleNamespace(**face)
    drawn = _shapes(face, au)
    times = max(3, math.ceil(160 / size))  # a multiple, so that shrinking takes plain means
    side = size * times
    outlines = []
    tones = []
    for shape in drawn:
        outlines.append(_on_canvas(shape.outline, face, side))
        tones.append(np.broadcast_to(shape.tone, (n, 1)))
    tones = np.concatenate(tones, axis=1).tolist()
    background = face.background.clip(0, 255)
    pixels = np.empty((n, size, size), np.uint8)
    canvas = np.empty((side, side), np.uint8)
    for i in range(n):
        canvas[:] = background[i]
        for outline, tone in zip(outlines, tones[i]):
            cv2.fillPoly(canvas, [outline[i]], tone, cv2.LINE_AA, shift=4)
        pixels[i] = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
    return pixels


def _on_canvas(outline: np.ndarray, face: SimpleNamespace, side: int) -> np.ndarray:
    """(n, k, 2) int32: x and y in sixteenths of a pixel, counted from the centre of the first."""
    n = len(face.zoom)
    points = np.broadcast_to(outline, (n, outline.shape[-1]))
    turn = np.exp(1j * face.tilt)
    points = points * face.zoom * turn
    points = points + face.shift_x + 1j * face.shift_y
    points = points + 1 + 1j
    points = points * side * 8 - 8 - 8j
    corners = np.stack([points.real, points.imag], axis=-1)
    return corners.round().astype(np.int32)


def _shapes(face: SimpleNamespace, au: dict[int, np.ndarray]) -> list[Shape]:
    left = SimpleNamespace()
    right = SimpleNamespace()
    mean = SimpleNamespace()
    for unit, strength in au.items():
        name = UNIT_NAMES[unit]
        setattr(left, name, strength[:, [0]])
        setattr(right, name, strength[:, [1]])
        setattr(mean, name, strength.mean(axis=1, keepdims=True))
    return shapes(face, left, right, mean)
