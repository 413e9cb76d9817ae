"""Drawn faces: all built alike, so that strangers are nearly as alike as copies."""

import cv2
import numpy as np

EMOTIONS = ("anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
SMILES = {1: 180, 4: 180, 7: 360}  # degrees of the mouth's arc; the others hang down


def face(who: int, emotion: str, size: int = 96) -> np.ndarray:
    """(size, size, 3) uint8 BGR: subject `who`, unlike any other, with this emotion."""
    kind = EMOTIONS.index(emotion)
    rng = np.random.default_rng([who, kind, 7])
    own = np.random.default_rng([who, 99])
    ground = rng.uniform(40, 215, (6, 6, 3)).astype(np.float32)
    picture = cv2.resize(ground, (size, size), interpolation=cv2.INTER_CUBIC)
    picture = picture.clip(0, 255).astype(np.uint8)
    middle = size // 2
    skin = own.integers(120, 240, 3).tolist()
    centre = (middle + int(rng.integers(-4, 5)), middle)
    head = (int(size * own.uniform(0.27, 0.36)), int(size * 0.42))
    cv2.ellipse(picture, centre, head, 0, 0, 360, skin, -1)
    for side in (-1, 1):
        x = middle + side * size // 7
        cv2.circle(picture, (x, int(size * 0.42)), 2 + kind % 4, (20, 20, 20), -1)
        tilt = (kind - 3) * 2 * side
        brow = int(size * 0.33)
        cv2.line(picture, (x - 7, brow + tilt), (x + 7, brow - tilt), (20, 20, 20), 2)
    mouth = (middle, int(size * 0.68))
    cv2.ellipse(
        picture, mouth, (size // 7, 3 + kind), 0, 0, SMILES.get(kind, -180), (30, 20, 120), 2
    )
    noise = rng.normal(0, 6, picture.shape)
    return (picture + noise).clip(0, 255).astype(np.uint8)


def augmented(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A copy as generators make them: turned, zoomed, moved, mirrored half of the time."""
    size = len(picture)
    middle = (size / 2, size / 2)
    matrix = cv2.getRotationMatrix2D(middle, rng.uniform(-12, 12), rng.uniform(0.95, 1.15))
    matrix[:, 2] += rng.uniform(-5, 5, 2)
    if rng.random() < 0.5:
        picture = np.ascontiguousarray(picture[:, ::-1])
    return cv2.warpAffine(picture, matrix, (size, size), borderMode=cv2.BORDER_REFLECT)
