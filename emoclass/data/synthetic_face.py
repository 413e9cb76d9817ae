"""Synthetic faces moved by action units (Ekman & Friesen 1978).

Which an emotion moves is EMFACS (1983).
"""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import NamedTuple

import cv2
import numpy as np

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
    left, right = 1.0, 1.0
    if emotion in ONE_SIDED:
        left = float(side == "left")
        right = float(side == "right")
    return {unit: (left, right) for unit in UNITS[emotion]}


# From here on points are complex numbers x + iy, x to the right and y down, from -1 to 1 over the
# picture. Whatever is (n, 1) is a value for each of n faces; `au[unit]` is the strength of an
# action unit.
ALONG = np.linspace(-1, 1, 13)  # a line from end to end
ARC = 1 - ALONG**2
ROUND = np.linspace(0, 2 * np.pi, 36, endpoint=False)
COS = np.cos(ROUND)
SIN = np.sin(ROUND)


class Shape(NamedTuple):
    """What is filled in one go, for n faces at once; later shapes cover earlier ones."""

    outline: np.ndarray  # (n, k) or (k,) complex
    tone: np.ndarray | float  # (n, 1) or one for all


def _area(upper, lower):
    """The outline of what lies between two lines."""
    return np.concatenate([upper, lower[..., ::-1]], axis=-1)


def _stroke(line, half_width):
    """The outline of a line drawn with a brush."""
    along = np.gradient(line, axis=-1)
    across = 1j * half_width * along / np.maximum(np.abs(along), 1e-9)
    return _area(line + across, line - across)


def _arc(first, last, bulge, half_width):
    """A stroke from `first` to `last` (n, 1), in the middle `bulge` away from the straight line."""
    straight = first + (last - first) * (ALONG + 1) / 2
    return _stroke(straight + bulge * ARC, half_width)


def _head(face, au) -> Iterator[Shape]:
    """Hair behind, neck, clothes, ears, head, its lined forehead and the hair over it."""
    low = SIN > 0
    width = face.width + 0.09
    boxy = np.sign(COS) * np.abs(COS) ** 0.7
    long_hair = (width + 0.08 * face.hair_length.clip(0, 1)) * boxy
    back_x = np.where(low, long_hair, width * COS)
    back_y = np.where(low, face.hair_length + 0.12, 0.83) * SIN - 0.12
    yield Shape(back_x + 1j * back_y, face.hair)

    neck = 0.25 * boxy + 1j * (0.75 + 0.35 * SIN)
    yield Shape(neck, face.skin * 0.8)
    shoulders = 0.95 * COS + 1j * (1.22 + 0.28 * SIN)
    yield Shape(shoulders, face.clothes)
    for side in (-1, 1):
        ear = side * face.width + 0.09 * COS + 0.15j * SIN
        yield Shape(ear, face.skin * 0.9)

    height = np.where(low, face.chin + 0.12 + 0.08 * au[26], 0.74)
    narrowed = 1 - (1 - face.jaw) * SIN.clip(0) ** 2
    yield Shape(face.width * COS * narrowed + 1j * (height * SIN - 0.12), face.skin)

    lined = face.skin * (1 - 0.22 * au[1] * au[2])
    for y in (-0.58j, -0.52j):
        yield Shape(_arc(y - 0.26, y + 0.26, -0.02j, 0.009), lined)

    crown = np.pi * (ALONG + 3) / 2
    top = width * np.cos(crown) + 1j * (0.83 * np.sin(crown) - 0.12)
    bend = np.abs(ALONG - face.parting * ARC) ** 3
    hairline = face.width * ALONG + 1j * (face.hairline - (0.12 + face.hairline) * bend)
    yield Shape(_area(top, hairline), face.hair)


def _folds(face, au, side) -> Iterator[Shape]:
    """What the units fold into the skin on one side.

    At strength 0 a fold has the tone of the skin.
    """
    frown = np.maximum(au[4], 0.8 * au[9])
    between_brows = _arc(side * 0.045 - 0.34j, side * 0.035 - 0.20j, side * 0.012, 0.012)
    yield Shape(between_brows, face.skin * (1 - 0.4 * frown))

    deep = (0.8 * au[9] + 0.7 * au[12]).clip(0, 1)
    corner = 0.30 + 0.06 * au[12]
    end = side * corner + 1j * (0.44 - 0.05 * au[9])
    beside_nose = _arc(side * 0.14 + 0.15j, end, side * 0.03, 0.014)
    yield Shape(beside_nose, face.skin * (1 - 0.35 * deep))

    dimple = side * (0.37 + 0.03 * au[12]) + 1j * (0.41 - 0.05 * au[12])
    beside_mouth = _arc(dimple - 0.07j, dimple + 0.08j, side * 0.03, 0.016)
    yield Shape(beside_mouth, face.skin * (1 - 0.45 * au[14]))

    eye = side * face.eye_distance + 0.01j
    below_eye = _arc(eye - 0.14, eye + 0.14, 0.06j, 0.010)
    yield Shape(below_eye, face.skin * (1 - 0.25 * au[6]))
    for y in (-0.16j, -0.08j):
        beside_eye = _arc(eye + side * 0.19 - 0.12j, eye + side * 0.27 + y, 0, 0.008)
        yield Shape(beside_eye, face.skin * (1 - 0.3 * au[6]))


def _eye_and_brow(face, au, side) -> Iterator[Shape]:
    """Eye and brow of one side."""
    uneven = side * face.asymmetry
    yield from _eye(face, au, side, uneven)
    yield _brow(face, au, side, uneven)


def _eye(face, au, side, uneven) -> Iterator[Shape]:
    """The white, iris, pupil and glint, and the lids."""
    size = face.eye_size
    centre = side * face.eye_distance - 0.11j
    half = 0.16 * size
    wide_open = 1 + 0.75 * au[5] - 0.3 * au[7] - 0.15 * au[6] - 0.2 * au[9]
    upper = size * 0.085 * wide_open + uneven
    lower = size * 0.056 * (1 + 0.25 * au[5] - 0.6 * au[7] - 1.2 * au[6] - 0.6 * au[9])
    top = centre + half * ALONG + 1j * -upper * ARC
    bottom = centre + half * ALONG + 1j * lower * ARC
    yield Shape(_area(top, bottom), 243)

    def disc(radius, y):
        """What the lids leave to be seen of it."""
        x = face.gaze + radius * size * COS
        lids = 1 - (x / half) ** 2
        seen = np.clip(y + radius * size * SIN, -upper * lids, lower * lids)
        return centre + x + 1j * seen

    yield Shape(disc(0.078, -0.01), 75)  # iris
    yield Shape(disc(0.04, -0.01), 20)  # pupil
    yield Shape(disc(0.016, -0.045), 235)  # glint
    yield Shape(_stroke(top, 0.016), face.skin * 0.25)
    yield Shape(_stroke(bottom, 0.007), face.skin * 0.6)


def _brow(face, au, side, uneven) -> Shape:
    level = face.brow_height + uneven - 0.33
    x = side * (face.eye_distance - 0.30)
    pulled = au[4] * (0.12 - 0.045 * au[1])
    inner = level + face.brow_slant - 0.17 * au[1] + pulled + 0.07 * au[9]
    raised = au[2] * (0.15 - 0.075 * au[4])
    outer = level - face.brow_slant - raised + 0.02 * au[4] + 0.07 * au[1] * (1 - au[2])
    arch = 0.045 + 0.035 * au[2] * (1 - au[4]) - 0.04 * au[4] - 0.02 * au[9]
    start = x + side * (0.12 - 0.035 * au[4]) + 1j * inner
    end = x + side * 0.47 + 1j * outer
    half_width = face.brow_weight * (0.026 - 0.01 * ALONG)
    return Shape(_arc(start, end, -1j * arch, half_width), face.hair * 0.6)


def _nose(face, au) -> Iterator[Shape]:
    """Bridge, wings, nostrils and tip."""
    tip = 1j * (0.19 + face.nose_length - 0.05 * au[9])
    wide = face.nose_width * (1 + 0.2 * au[9])
    wrinkled = face.skin * (1 - 0.4 * au[9])
    for y in (-0.16j, -0.10j, -0.04j):
        yield Shape(_arc(y - 0.07, y + 0.07, -0.03j, 0.009), wrinkled)
    for side in (-wide, wide):
        bridge = _arc(side * 0.05 - 0.08j, side * 0.06 + tip - 0.06j, 0, 0.008)
        yield Shape(bridge, face.skin * 0.9)
        above = side * 0.085 + tip - 0.06j
        below = side * 0.06 + tip + 0.035j
        yield Shape(_arc(above, below, side * 0.035, 0.011), face.skin * 0.62)
        nostril = side * 0.048 + tip + 0.025j + 0.022 * COS + 0.013j * SIN
        yield Shape(nostril, face.skin * 0.35)
    under = tip + 0.04j
    yield Shape(_arc(under - 0.05 * wide, under + 0.05 * wide, 0.012j, 0.009), face.skin * 0.65)


def _mouth(face, au, left, right) -> Iterator[Shape]:
    """Lips, teeth and the dark between them; `au` is the mean of the two sides."""
    smile = np.minimum(left[12], right[12])  # a smirk does not part the lips
    level = 0.47 - 0.02 * au[9] + 0.02 * smile - 0.03 * au[15]
    reach = np.where(ALONG < 0, _corner_x(face, left), _corner_x(face, right))
    rise = np.where(ALONG < 0, _corner_y(face, left, -1), _corner_y(face, right, 1))
    bent = np.abs(ALONG) ** (1.6 + 2 * au[16])
    middle = ALONG * reach + 1j * (level + rise * bent)

    oval = ARC ** (1 - 0.45 * au[26])
    square = 1 - np.abs(ALONG) ** (2 + 4 * np.maximum(au[16], 0.5 * au[20]))
    up = 0.004 + 0.025 * smile + 0.045 * au[9] + au[26] * (0.06 - 0.042 * au[20])
    down = 0.004 + 0.08 * smile + 0.12 * au[16] + au[26] * (0.19 - 0.095 * au[20])
    upper = middle - 1j * up * oval
    lower = middle + 1j * down * np.maximum(square, oval)

    thick = face.lips * (1 - 0.7 * au[23]) * (1 - 0.3 * smile) * ARC
    bow = 1 - 0.3 * np.exp(-((ALONG / 0.2) ** 2))
    lips = _area(upper - 0.045j * thick * bow, lower + 0.06j * thick)
    yield Shape(lips, face.skin * 0.68)
    yield Shape(_area(upper, lower), 45)

    opening = (lower - upper).imag
    upper_teeth = np.minimum(opening, 0.02 * au[26] + 0.075 * smile + 0.05 * au[9])
    shown = (4 * (smile + au[9] + au[26])).clip(0, 1)
    yield Shape(_area(upper, upper + 1j * upper_teeth), 45 + 190 * shown)
    lower_teeth = np.minimum(opening, 0.05 * au[16] + 0.03 * au[20])
    shown = (4 * (au[16] + au[20])).clip(0, 1)
    yield Shape(_area(lower - 1j * lower_teeth, lower), 45 + 180 * shown)
    yield Shape(_stroke(upper, 0.013), face.skin * 0.3)


def _corner_x(face, au):
    """How far one corner of the mouth is from the middle."""
    x = 0.235 * face.mouth_width + 0.085 * au[12] + 0.02 * au[14] + 0.09 * au[20] - 0.05 * au[23]
    return x - 0.075 * au[26] * (1 - au[20])


def _corner_y(face, au, side):
    """How far one corner of the mouth is below the middle."""
    y = face.mouth_curve - 0.12 * au[12] - 0.02 * au[14] + 0.11 * au[15] + 0.03 * au[20]
    return y + side * face.asymmetry


def _shapes(face, au) -> list[Shape]:
    """All of a face, from the back to the front."""
    left = {unit: strength[:, [0]] for unit, strength in au.items()}
    right = {unit: strength[:, [1]] for unit, strength in au.items()}
    mean = {unit: strength.mean(axis=1, keepdims=True) for unit, strength in au.items()}
    return [
        *_head(face, mean),
        *_folds(face, left, -1),
        *_folds(face, right, 1),
        *_eye_and_brow(face, left, -1),
        *_eye_and_brow(face, right, 1),
        *_nose(face, mean),
        *_mouth(face, mean, left, right),
    ]


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
    side = size * max(3, -(-160 // size))  # a multiple, so that shrinking takes plain means
    shapes = _shapes(face, au)
    outlines = [_on_canvas(shape.outline, face, side) for shape in shapes]
    tones = [np.broadcast_to(shape.tone, (n, 1)) for shape in shapes]
    tones = np.concatenate(tones, axis=1).tolist()
    pixels = np.empty((n, size, size), np.uint8)
    canvas = np.empty((side, side), np.uint8)
    for i in range(n):
        canvas[:] = face.background[i].clip(0, 255)
        for outline, tone in zip(outlines, tones[i]):
            cv2.fillPoly(canvas, [outline[i]], tone, cv2.LINE_AA, shift=4)
        pixels[i] = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
    return pixels


def _on_canvas(outline: np.ndarray, face: SimpleNamespace, side: int) -> np.ndarray:
    """(n, k, 2) int32: x and y in sixteenths of a pixel, counted from the centre of the first."""
    n = len(face.zoom)
    points = np.broadcast_to(outline, (n, outline.shape[-1]))
    points = points * face.zoom * np.exp(1j * face.tilt) + face.shift_x + 1j * face.shift_y + 1 + 1j
    points = points * side * 8 - 8 - 8j
    return np.stack([points.real, points.imag], axis=-1).round().astype(np.int32)
