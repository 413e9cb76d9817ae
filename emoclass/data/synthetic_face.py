"""Synthetic faces moved by action units (Ekman & Friesen 1978); which an emotion moves is EMFACS (1983)."""

from itertools import chain
from types import SimpleNamespace

import cv2
import numpy as np

from emoclass.errors import InputError

UNITS = {
    "anger": (4, 5, 7, 23), "contempt": (12, 14), "disgust": (9, 15, 16), "fear": (1, 2, 4, 5, 20, 26),
    "happiness": (6, 12), "neutral": (), "sadness": (1, 4, 15), "surprise": (1, 2, 5, 26),
}  # fmt: skip
ALL_UNITS = sorted(set(sum(UNITS.values(), ())))
ONE_SIDED = ("contempt",)

# A face: its average and how much it varies (standard deviation; cut off at two of them). Lengths are in half sides
# of the picture, tones in grey levels, angles in radians. SUBJECT is the same in all photos of a subject, POSE is not.
SUBJECT = {
    "width": (0.64, 0.035), "jaw": (0.86, 0.06), "chin": (0.80, 0.03), "skin": (190, 18), "asymmetry": (0, 0.009),
    "hair": (75, 32), "hairline": (-0.66, 0.05), "hair_length": (0.1, 0.5), "parting": (0, 0.2),
    "brow_height": (0, 0.02), "brow_slant": (0, 0.014), "brow_weight": (1, 0.25),
    "eye_distance": (0.30, 0.018), "eye_size": (1, 0.08), "nose_length": (0, 0.025), "nose_width": (1, 0.12),
    "mouth_width": (1, 0.08), "mouth_curve": (0, 0.012), "lips": (1, 0.22), "clothes": (95, 40),
}  # fmt: skip
POSE = {
    "shift_x": (0, 0.02), "shift_y": (0, 0.02), "zoom": (1, 0.02), "tilt": (0, 0.03),
    "gaze": (0, 0.025), "background": (150, 35),
}  # fmt: skip
SMALLEST = 12  # pixels; an eye is two of them wide then


def action_units(emotion: str, side: str = "right") -> dict[int, tuple[float, float]]:
    """{action unit: strength (left, right) in the picture}, 0 or 1 (EMFACS); `side`: where contempt is seen."""
    both = emotion not in ONE_SIDED
    return {unit: (float(both or side == "left"), float(both or side == "right")) for unit in UNITS[emotion]}


# From here on points are complex numbers x + iy, x to the right and y down, from -1 to 1 over the picture. A
# shape is an outline (n, k) with a tone (n, 1) for n faces at once; later shapes cover earlier ones.
ALONG = np.linspace(-1, 1, 13)  # a line from end to end
ROUND = np.linspace(0, 2 * np.pi, 36, endpoint=False)
COS, SIN, ARC = np.cos(ROUND), np.sin(ROUND), 1 - ALONG**2


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
    return _stroke(first + (last - first) * (ALONG + 1) / 2 + bulge * ARC, half_width)


def _head(face, au):
    """Hair behind, neck, clothes, ears, the head itself, its lined forehead and the hair over it."""
    low, width, crown = SIN > 0, face.width + 0.09, np.pi * (ALONG + 3) / 2
    boxy = np.sign(COS) * np.abs(COS) ** 0.7
    back = np.where(low, (width + 0.08 * face.hair_length.clip(0, 1)) * boxy, width * COS)
    yield back + 1j * (np.where(low, face.hair_length + 0.12, 0.83) * SIN - 0.12), face.hair
    yield 0.25 * boxy + 1j * (0.75 + 0.35 * SIN), face.skin * 0.8
    yield 0.95 * COS + 1j * (1.22 + 0.28 * SIN), face.clothes
    for side in (-1, 1):
        yield side * face.width + 0.09 * COS + 0.15j * SIN, face.skin * 0.9
    height = np.where(low, face.chin + 0.12 + 0.08 * au[26], 0.74)
    yield face.width * COS * (1 - (1 - face.jaw) * SIN.clip(0) ** 2) + 1j * (height * SIN - 0.12), face.skin
    for y in (-0.58j, -0.52j):
        yield _arc(y - 0.26, y + 0.26, -0.02j, 0.009), face.skin * (1 - 0.22 * au[1] * au[2])
    bend = np.abs(ALONG - face.parting * ARC) ** 3
    hairline = face.width * ALONG + 1j * (face.hairline - (0.12 + face.hairline) * bend)
    yield _area(width * np.cos(crown) + 1j * (0.83 * np.sin(crown) - 0.12), hairline), face.hair


def _folds(face, au, side):
    """What the units fold into the skin on one side; at strength 0 a fold has the tone of the skin."""
    skin, frown = face.skin, np.maximum(au[4], 0.8 * au[9])
    yield _arc(side * 0.045 - 0.34j, side * 0.035 - 0.20j, side * 0.012, 0.012), skin * (1 - 0.4 * frown)
    corner, deep = 0.30 + 0.06 * au[12], (0.8 * au[9] + 0.7 * au[12]).clip(0, 1)
    end = side * corner + 1j * (0.44 - 0.05 * au[9])
    yield _arc(side * 0.14 + 0.15j, end, side * 0.03, 0.014), skin * (1 - 0.35 * deep)
    dimple = side * (0.37 + 0.03 * au[12]) + 1j * (0.41 - 0.05 * au[12])
    yield _arc(dimple - 0.07j, dimple + 0.08j, side * 0.03, 0.016), skin * (1 - 0.45 * au[14])
    eye = side * face.eye_distance + 0.01j
    yield _arc(eye - 0.14, eye + 0.14, 0.06j, 0.010), skin * (1 - 0.25 * au[6])
    for y in (-0.16j, -0.08j):
        yield _arc(eye + side * 0.19 - 0.12j, eye + side * 0.27 + y, 0, 0.008), skin * (1 - 0.3 * au[6])


def _eye(face, au, side):
    """Eye and brow of one side."""
    size, uneven = face.eye_size, side * face.asymmetry
    centre, half = side * face.eye_distance - 0.11j, 0.16 * size
    upper = size * 0.085 * (1 + 0.75 * au[5] - 0.3 * au[7] - 0.15 * au[6] - 0.2 * au[9]) + uneven
    lower = size * 0.056 * (1 + 0.25 * au[5] - 0.6 * au[7] - 1.2 * au[6] - 0.6 * au[9])
    top, bottom = (centre + half * ALONG + 1j * height * ARC for height in (-upper, lower))
    yield _area(top, bottom), 243
    for radius, y, tone in (0.078, -0.01, 75), (0.04, -0.01, 20), (0.016, -0.045, 235):  # iris, pupil, glint
        x = face.gaze + radius * size * COS
        lids = 1 - (x / half) ** 2
        yield centre + x + 1j * np.clip(y + radius * size * SIN, -upper * lids, lower * lids), tone
    yield _stroke(top, 0.016), face.skin * 0.25
    yield _stroke(bottom, 0.007), face.skin * 0.6
    level, x = face.brow_height + uneven - 0.33, side * (face.eye_distance - 0.30)
    inner = level + face.brow_slant - 0.17 * au[1] + au[4] * (0.12 - 0.045 * au[1]) + 0.07 * au[9]
    outer = level - face.brow_slant - au[2] * (0.15 - 0.075 * au[4]) + 0.02 * au[4] + 0.07 * au[1] * (1 - au[2])
    arch = 0.045 + 0.035 * au[2] * (1 - au[4]) - 0.04 * au[4] - 0.02 * au[9]
    start, end = x + side * (0.12 - 0.035 * au[4]) + 1j * inner, x + side * 0.47 + 1j * outer
    yield _arc(start, end, -1j * arch, face.brow_weight * (0.026 - 0.01 * ALONG)), face.hair * 0.6


def _nose(face, au):
    """Bridge, wings, nostrils and tip."""
    tip, wide = 1j * (0.19 + face.nose_length - 0.05 * au[9]), face.nose_width * (1 + 0.2 * au[9])
    for y in (-0.16j, -0.10j, -0.04j):
        yield _arc(y - 0.07, y + 0.07, -0.03j, 0.009), face.skin * (1 - 0.4 * au[9])
    for side in (-wide, wide):
        yield _arc(side * 0.05 - 0.08j, side * 0.06 + tip - 0.06j, 0, 0.008), face.skin * 0.9
        yield _arc(side * 0.085 + tip - 0.06j, side * 0.06 + tip + 0.035j, side * 0.035, 0.011), face.skin * 0.62
        yield side * 0.048 + tip + 0.025j + 0.022 * COS + 0.013j * SIN, face.skin * 0.35
    yield _arc(tip + 0.04j - 0.05 * wide, tip + 0.04j + 0.05 * wide, 0.012j, 0.009), face.skin * 0.65


def _mouth(face, au, left, right):
    """Lips, teeth and the dark between them; `au` is the mean of the two sides."""
    smile = np.minimum(left[12], right[12])  # a smirk does not part the lips
    corners = []
    for side, one in ((-1, left), (1, right)):
        x = 0.235 * face.mouth_width + 0.085 * one[12] + 0.02 * one[14] + 0.09 * one[20] - 0.05 * one[23]
        y = face.mouth_curve - 0.12 * one[12] - 0.02 * one[14] + 0.11 * one[15] + 0.03 * one[20]
        corners.append((x - 0.075 * one[26] * (1 - one[20]), y + side * face.asymmetry))
    reach, rise = (np.where(ALONG < 0, *sides) for sides in zip(*corners))
    level = 0.47 - 0.02 * au[9] + 0.02 * smile - 0.03 * au[15]
    middle = ALONG * reach + 1j * (level + rise * np.abs(ALONG) ** (1.6 + 2 * au[16]))
    square = 1 - np.abs(ALONG) ** (2 + 4 * np.maximum(au[16], 0.5 * au[20]))
    oval = ARC ** (1 - 0.45 * au[26])
    up = 0.004 + 0.025 * smile + 0.045 * au[9] + au[26] * (0.06 - 0.042 * au[20])
    down = 0.004 + 0.08 * smile + 0.12 * au[16] + au[26] * (0.19 - 0.095 * au[20])
    upper, lower = middle - 1j * up * oval, middle + 1j * down * np.maximum(square, oval)
    thick = face.lips * (1 - 0.7 * au[23]) * (1 - 0.3 * smile) * ARC
    bow = 1 - 0.3 * np.exp(-((ALONG / 0.2) ** 2))
    yield _area(upper - 0.045j * thick * bow, lower + 0.06j * thick), face.skin * 0.68
    yield _area(upper, lower), 45
    opening = (lower - upper).imag
    bite = 1j * np.minimum(opening, 0.02 * au[26] + 0.075 * smile + 0.05 * au[9])
    yield _area(upper, upper + bite), 45 + 190 * (4 * (smile + au[9] + au[26])).clip(0, 1)
    bite = 1j * np.minimum(opening, 0.05 * au[16] + 0.03 * au[20])
    yield _area(lower - bite, lower), 45 + 180 * (4 * (au[16] + au[20])).clip(0, 1)
    yield _stroke(upper, 0.013), face.skin * 0.3


def paint(face, au, size):
    """(n, size, size) uint8; `face` is {trait: (n, 1)}, `au` {action unit: (n, 2)}."""
    if size < SMALLEST:
        raise InputError(f"synthetic: a face of {size} pixels is too small to be drawn, {SMALLEST} is the least")
    face, n = SimpleNamespace(**face), len(face["width"])
    side = size * max(3, -(-160 // size))  # a multiple, so that shrinking takes plain means
    left, right = ({unit: strength[:, [k]] for unit, strength in au.items()} for k in (0, 1))
    mean = {unit: strength.mean(axis=1, keepdims=True) for unit, strength in au.items()}
    pairs = [part(face, *half) for part in (_folds, _eye) for half in ((left, -1), (right, 1))]
    shapes, tones = zip(*chain(_head(face, mean), *pairs, _nose(face, mean), _mouth(face, mean, left, right)))
    points = np.concatenate([np.broadcast_to(shape, (n, shape.shape[-1])) for shape in shapes], axis=1)
    points = points * face.zoom * np.exp(1j * face.tilt) + face.shift_x + 1j * face.shift_y + 1 + 1j
    points = points * side * 8 - 8 - 8j  # in sixteenths of a pixel, counted from the centre of the first
    points = np.stack([points.real, points.imag], axis=-1).round().astype(np.int32)
    tones = np.concatenate([np.broadcast_to(tone, (n, 1)) for tone in tones], axis=1).tolist()
    ends = np.cumsum([shape.shape[-1] for shape in shapes])[:-1]
    pixels, canvas = np.empty((n, size, size), np.uint8), np.empty((side, side), np.uint8)
    for i in range(n):
        canvas[:] = face.background[i].clip(0, 255)
        for outline, tone in zip(np.split(points[i], ends), tones[i]):
            cv2.fillPoly(canvas, [outline], tone, cv2.LINE_AA, shift=4)
        pixels[i] = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
    return pixels
