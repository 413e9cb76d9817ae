"""The shapes that a synthetic face is made of, from the back to the front, moved by its action units.

Points are complex numbers x + iy, x to the right and y down, from -1 to 1 over the picture. Whatever is (n, 1) is a
value for each of n faces; `au.jaw_drop` is the strength of an action unit.
"""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

ALONG = np.linspace(-1, 1, 13)  # a line from end to end
ARC = 1 - ALONG**2
ROUND = np.linspace(0, 2 * np.pi, 36, endpoint=False)
COS = np.cos(ROUND)
SIN = np.sin(ROUND)
IS_BELOW = SIN > 0
BOXY = np.sign(COS) * np.abs(COS) ** 0.7
TOP = 0.83  # from the middle of the head to the top of its hair


class Shape(NamedTuple):
    """What is filled in one go, for n faces at once; later shapes cover earlier ones."""

    outline: np.ndarray  # (n, k) or (k,) complex
    tone: np.ndarray | float  # (n, 1) or one for all


def shapes(
    face: SimpleNamespace, left: SimpleNamespace, right: SimpleNamespace, mean: SimpleNamespace
) -> list[Shape]:
    """All of n faces, from the back to the front.

    face                 its traits, each (n, 1)
    left, right, mean    each action unit's strength (n, 1) on that side of the picture, and the mean of both
    """
    return [
        *_head(face, mean),
        *_folds(face, left, -1),
        *_folds(face, right, 1),
        *_eye_and_brow(face, left, -1),
        *_eye_and_brow(face, right, 1),
        *_nose(face, mean),
        *_mouth(face, mean, left, right),
    ]


def _area(upper, lower):
    """The outline of what lies between two lines."""
    back = lower[..., ::-1]
    return np.concatenate([upper, back], axis=-1)


def _stroke(line, half_width):
    """The outline of a line drawn with a brush."""
    along = np.gradient(line, axis=-1)
    length = np.maximum(np.abs(along), 1e-9)
    across = 1j * half_width * along / length
    return _area(line + across, line - across)


def _arc(first, last, bulge, half_width):
    """A stroke from `first` to `last` (n, 1), in the middle `bulge` away from the straight line."""
    way = last - first
    straight = first + way * (ALONG + 1) / 2
    return _stroke(straight + bulge * ARC, half_width)


def _fold(face, line, depth) -> Shape:
    """A line folded into the skin; at depth 0 it has the tone of the skin."""
    return Shape(line, face.skin * (1 - depth))


def _head(face, au) -> Iterator[Shape]:
    """Hair behind, neck, clothes, ears, head, its lined forehead and the hair over it."""
    yield _hair_behind(face)
    yield from _body(face)
    yield _skull(face, au)
    yield from _forehead(face, au)
    yield _hair_over(face)


def _hair_behind(face) -> Shape:
    width = face.width + 0.09
    longest = width + 0.08 * face.hair_length.clip(0, 1)
    x = np.where(IS_BELOW, longest * BOXY, width * COS)
    reach = np.where(IS_BELOW, face.hair_length + 0.12, TOP)
    y = reach * SIN - 0.12
    return Shape(x + 1j * y, face.hair)


def _body(face) -> Iterator[Shape]:
    """Neck, shoulders and ears."""
    x = 0.25 * BOXY
    y = 0.75 + 0.35 * SIN
    yield Shape(x + 1j * y, face.skin * 0.8)
    x = 0.95 * COS
    y = 1.22 + 0.28 * SIN
    yield Shape(x + 1j * y, face.clothes)
    for side in (-1, 1):
        x = side * face.width + 0.09 * COS
        ear = x + 0.15j * SIN
        yield Shape(ear, face.skin * 0.9)


def _skull(face, au) -> Shape:
    chin = face.chin + 0.12 + 0.08 * au.jaw_drop
    height = np.where(IS_BELOW, chin, 0.74)
    taper = 1 - face.jaw
    narrowed = 1 - taper * SIN.clip(0) ** 2
    x = face.width * COS * narrowed
    y = height * SIN - 0.12
    return Shape(x + 1j * y, face.skin)


def _forehead(face, au) -> Iterator[Shape]:
    depth = 0.22 * au.inner_brow_raiser * au.outer_brow_raiser
    for y in (-0.58j, -0.52j):
        line = _arc(y - 0.26, y + 0.26, -0.02j, 0.009)
        yield _fold(face, line, depth)


def _hair_over(face) -> Shape:
    width = face.width + 0.09
    angle = np.pi * (ALONG + 3) / 2
    y = TOP * np.sin(angle) - 0.12
    crown = width * np.cos(angle) + 1j * y

    parted = ALONG - face.parting * ARC
    bend = np.abs(parted) ** 3
    drop = 0.12 + face.hairline
    y = face.hairline - drop * bend
    hairline = face.width * ALONG + 1j * y
    return Shape(_area(crown, hairline), face.hair)


def _folds(face, au, side) -> Iterator[Shape]:
    """What the units fold into the skin on one side."""
    yield _between_brows(face, au, side)
    yield _beside_nose(face, au, side)
    yield _beside_mouth(face, au, side)
    yield from _around_eye(face, au, side)


def _between_brows(face, au, side) -> Shape:
    above = side * 0.045 - 0.34j
    below = side * 0.035 - 0.20j
    line = _arc(above, below, side * 0.012, 0.012)
    frown = np.maximum(au.brow_lowerer, 0.8 * au.nose_wrinkler)
    return _fold(face, line, 0.4 * frown)


def _beside_nose(face, au, side) -> Shape:
    x = 0.30 + 0.06 * au.lip_corner_puller
    y = 0.44 - 0.05 * au.nose_wrinkler
    wing = side * 0.14 + 0.15j
    corner = side * x + 1j * y
    line = _arc(wing, corner, side * 0.03, 0.014)
    pulled = 0.8 * au.nose_wrinkler + 0.7 * au.lip_corner_puller
    return _fold(face, line, 0.35 * pulled.clip(0, 1))


def _beside_mouth(face, au, side) -> Shape:
    x = 0.37 + 0.03 * au.lip_corner_puller
    y = 0.41 - 0.05 * au.lip_corner_puller
    dimple = side * x + 1j * y
    line = _arc(dimple - 0.07j, dimple + 0.08j, side * 0.03, 0.016)
    return _fold(face, line, 0.45 * au.dimpler)


def _around_eye(face, au, side) -> Iterator[Shape]:
    eye = side * face.eye_distance + 0.01j
    below = _arc(eye - 0.14, eye + 0.14, 0.06j, 0.010)
    yield _fold(face, below, 0.25 * au.cheek_raiser)
    inner = eye + side * 0.19 - 0.12j
    for y in (-0.16j, -0.08j):
        outer = eye + side * 0.27 + y
        beside = _arc(inner, outer, 0, 0.008)
        yield _fold(face, beside, 0.3 * au.cheek_raiser)


def _eye_and_brow(face, au, side) -> Iterator[Shape]:
    """Eye and brow of one side."""
    uneven = side * face.asymmetry
    yield from _eye(face, au, side, uneven)
    yield _brow(face, au, side, uneven)


def _eye(face, au, side, uneven) -> Iterator[Shape]:
    """The white, iris, pupil and glint, and the lids."""
    size = face.eye_size
    half = 0.16 * size
    upper = size * 0.085 * _upper_lid(au) + uneven
    lower = size * 0.056 * _lower_lid(au)
    centre = side * face.eye_distance - 0.11j
    across = centre + half * ALONG
    top = across + 1j * -upper * ARC
    bottom = across + 1j * lower * ARC
    yield Shape(_area(top, bottom), 243)

    def disc(radius, middle):
        """What the lids leave to be seen of it."""
        x = face.gaze + radius * size * COS
        y = middle + radius * size * SIN
        lids = 1 - (x / half) ** 2
        seen = np.clip(y, -upper * lids, lower * lids)
        return centre + x + 1j * seen

    yield Shape(disc(0.078, -0.01), 75)  # iris
    yield Shape(disc(0.04, -0.01), 20)  # pupil
    yield Shape(disc(0.016, -0.045), 235)  # glint
    yield Shape(_stroke(top, 0.016), face.skin * 0.25)
    yield Shape(_stroke(bottom, 0.007), face.skin * 0.6)


def _upper_lid(au):
    """How far it is open, in times the usual."""
    opened = 1 + 0.75 * au.upper_lid_raiser
    narrowed = opened - 0.3 * au.lid_tightener
    pushed = narrowed - 0.15 * au.cheek_raiser
    return pushed - 0.2 * au.nose_wrinkler


def _lower_lid(au):
    """How far it is open, in times the usual."""
    opened = 1 + 0.25 * au.upper_lid_raiser
    narrowed = opened - 0.6 * au.lid_tightener
    pushed = narrowed - 1.2 * au.cheek_raiser
    return pushed - 0.6 * au.nose_wrinkler


def _brow(face, au, side, uneven) -> Shape:
    level = face.brow_height + uneven - 0.33
    x = side * (face.eye_distance - 0.30)
    inner_x = x + side * (0.12 - 0.035 * au.brow_lowerer)
    outer_x = x + side * 0.47
    inner = inner_x + 1j * _inner_brow(level + face.brow_slant, au)
    outer = outer_x + 1j * _outer_brow(level - face.brow_slant, au)

    round_up = 0.035 * au.outer_brow_raiser * (1 - au.brow_lowerer)
    arch = 0.045 + round_up - 0.04 * au.brow_lowerer - 0.02 * au.nose_wrinkler
    half_width = face.brow_weight * (0.026 - 0.01 * ALONG)
    line = _arc(inner, outer, -1j * arch, half_width)
    return Shape(line, face.hair * 0.6)


def _inner_brow(level, au):
    """The height of its inner end."""
    raised = level - 0.17 * au.inner_brow_raiser
    strength = 0.12 - 0.045 * au.inner_brow_raiser
    lowered = raised + au.brow_lowerer * strength
    return lowered + 0.07 * au.nose_wrinkler


def _outer_brow(level, au):
    """The height of its outer end."""
    strength = 0.15 - 0.075 * au.brow_lowerer
    raised = level - au.outer_brow_raiser * strength
    lowered = raised + 0.02 * au.brow_lowerer
    is_slack = 1 - au.outer_brow_raiser
    return lowered + 0.07 * au.inner_brow_raiser * is_slack


def _nose(face, au) -> Iterator[Shape]:
    """Bridge, wings, nostrils and tip."""
    y = 0.19 + face.nose_length - 0.05 * au.nose_wrinkler
    tip = 1j * y
    wide = face.nose_width * (1 + 0.2 * au.nose_wrinkler)
    for y in (-0.16j, -0.10j, -0.04j):
        wrinkle = _arc(y - 0.07, y + 0.07, -0.03j, 0.009)
        yield _fold(face, wrinkle, 0.4 * au.nose_wrinkler)
    for side in (-wide, wide):
        yield from _side_of_nose(face, tip, side)
    under = tip + 0.04j
    half = 0.05 * wide
    line = _arc(under - half, under + half, 0.012j, 0.009)
    yield Shape(line, face.skin * 0.65)


def _side_of_nose(face, tip, side) -> Iterator[Shape]:
    root = side * 0.05 - 0.08j
    end = side * 0.06 + tip - 0.06j
    bridge = _arc(root, end, 0, 0.008)
    yield Shape(bridge, face.skin * 0.9)
    above = side * 0.085 + tip - 0.06j
    below = side * 0.06 + tip + 0.035j
    wing = _arc(above, below, side * 0.035, 0.011)
    yield Shape(wing, face.skin * 0.62)
    middle = side * 0.048 + tip + 0.025j
    nostril = middle + 0.022 * COS + 0.013j * SIN
    yield Shape(nostril, face.skin * 0.35)


class Mouth(NamedTuple):
    """Where the lips meet what is between them."""

    upper: np.ndarray  # (n, 13) complex, from corner to corner
    lower: np.ndarray
    smile: np.ndarray  # (n, 1)


def _mouth(face, au, left, right) -> Iterator[Shape]:
    """Lips, teeth and the dark between them; `au` is the mean of the two sides."""
    mouth = _opened(face, au, left, right)
    yield _lips(face, au, mouth)
    yield Shape(_area(mouth.upper, mouth.lower), 45)
    yield _upper_teeth(au, mouth)
    yield _lower_teeth(au, mouth)
    yield Shape(_stroke(mouth.upper, 0.013), face.skin * 0.3)


def _opened(face, au, left, right) -> Mouth:
    # A smirk does not part the lips.
    smile = np.minimum(left.lip_corner_puller, right.lip_corner_puller)
    middle = _closed(face, au, left, right, smile)
    up = (
        0.004
        + 0.025 * smile
        + 0.045 * au.nose_wrinkler
        + au.jaw_drop * (0.06 - 0.042 * au.lip_stretcher)
    )
    down = (
        0.004
        + 0.08 * smile
        + 0.12 * au.lower_lip_depressor
        + au.jaw_drop * (0.19 - 0.095 * au.lip_stretcher)
    )
    oval = ARC ** (1 - 0.45 * au.jaw_drop)
    pulled = np.maximum(au.lower_lip_depressor, 0.5 * au.lip_stretcher)
    square = 1 - np.abs(ALONG) ** (2 + 4 * pulled)
    upper = middle - 1j * up * oval
    lower = middle + 1j * down * np.maximum(square, oval)
    return Mouth(upper, lower, smile)


def _closed(face, au, left, right, smile):
    """The line of a mouth that is closed."""
    level = 0.47 - 0.02 * au.nose_wrinkler
    level = level + 0.02 * smile
    level = level - 0.03 * au.lip_corner_depressor
    is_left = ALONG < 0
    reach = np.where(is_left, _corner_x(face, left), _corner_x(face, right))
    rise = np.where(is_left, _corner_y(face, left, -1), _corner_y(face, right, 1))
    bent = np.abs(ALONG) ** (1.6 + 2 * au.lower_lip_depressor)
    y = level + rise * bent
    return ALONG * reach + 1j * y


def _lips(face, au, mouth) -> Shape:
    pressed = 1 - 0.7 * au.lip_tightener
    stretched = 1 - 0.3 * mouth.smile
    thick = face.lips * pressed * stretched * ARC
    dip = (ALONG / 0.2) ** 2
    bow = 1 - 0.3 * np.exp(-dip)
    top = mouth.upper - 0.045j * thick * bow
    bottom = mouth.lower + 0.06j * thick
    return Shape(_area(top, bottom), face.skin * 0.68)


def _upper_teeth(au, mouth) -> Shape:
    opening = (mouth.lower - mouth.upper).imag
    bared = 0.02 * au.jaw_drop + 0.075 * mouth.smile
    height = np.minimum(opening, bared + 0.05 * au.nose_wrinkler)
    strength = mouth.smile + au.nose_wrinkler + au.jaw_drop
    shown = (4 * strength).clip(0, 1)
    edge = mouth.upper + 1j * height
    return Shape(_area(mouth.upper, edge), 45 + 190 * shown)


def _lower_teeth(au, mouth) -> Shape:
    opening = (mouth.lower - mouth.upper).imag
    bared = 0.05 * au.lower_lip_depressor + 0.03 * au.lip_stretcher
    height = np.minimum(opening, bared)
    strength = au.lower_lip_depressor + au.lip_stretcher
    shown = (4 * strength).clip(0, 1)
    edge = mouth.lower - 1j * height
    return Shape(_area(edge, mouth.lower), 45 + 180 * shown)


def _corner_x(face, au):
    """How far one corner of the mouth is from the middle."""
    smiling = 0.235 * face.mouth_width + 0.085 * au.lip_corner_puller
    dimpled = smiling + 0.02 * au.dimpler
    stretched = dimpled + 0.09 * au.lip_stretcher
    pressed = stretched - 0.05 * au.lip_tightener
    is_slack = 1 - au.lip_stretcher
    return pressed - 0.075 * au.jaw_drop * is_slack


def _corner_y(face, au, side):
    """How far one corner of the mouth is below the middle."""
    smiling = face.mouth_curve - 0.12 * au.lip_corner_puller
    dimpled = smiling - 0.02 * au.dimpler
    drooping = dimpled + 0.11 * au.lip_corner_depressor
    stretched = drooping + 0.03 * au.lip_stretcher
    return stretched + side * face.asymmetry
