"""Drawn pictures with detail: blobs, lines and patches in colour; no two have anything in common."""

import cv2
import numpy as np


def texture(seed: int, height: int = 120, width: int = 120) -> np.ndarray:
    """(height, width, 3) uint8."""
    rng = np.random.default_rng([7, seed])
    coarse = rng.integers(40, 216, (5, 5, 3)).astype(np.uint8)
    picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(40):
        colour = rng.integers(0, 256, 3).tolist()
        places = rng.integers(0, (width, height), (3, 2))
        shape = rng.integers(3)
        if shape == 0:
            cv2.circle(picture, places[0].tolist(), int(rng.integers(2, 9)), colour, -1)
        elif shape == 1:
            cv2.line(picture, places[0].tolist(), places[1].tolist(), colour, 2)
        else:
            centre = places.mean(0)
            small = centre + (places - centre) * 0.3
            cv2.fillPoly(picture, [small.astype(np.int32)], colour)
    return cv2.GaussianBlur(picture, (0, 0), 0.8)


def turned(picture: np.ndarray, degrees: float, zoom: float = 1.0) -> np.ndarray:
    """Turned counter-clockwise around the middle, in a black border."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, zoom)
    return cv2.warpAffine(picture, matrix, (width, height))
