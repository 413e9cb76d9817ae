"""Small pictures unlike each other, and files as people save them."""

from pathlib import Path

import cv2
import numpy as np

CLASSES = ("anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")


def picture(number: int, size: int = 48) -> np.ndarray:
    """(size, size, 3) uint8 BGR: a landscape of its own for each number."""
    rng = np.random.default_rng([number, 7])
    low = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return cv2.resize(low, (size, size), interpolation=cv2.INTER_CUBIC)


def encoded(suffix: str, array: np.ndarray, *options) -> bytes:
    done, data = cv2.imencode(suffix, array, *options)
    assert done
    return data.tobytes()


def put(path: Path, array: np.ndarray, *options) -> Path:
    """Write a picture, whatever its path is called."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(path.suffix.lower(), array, *options))
    return path


def put_text(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def fill(folder: Path, classes=CLASSES, each: int = 2, start: int = 0, suffix: str = ".png") -> int:
    """`each` pictures in a folder for each class, all unlike; returns the next number."""
    number = start
    for name in classes:
        for _ in range(each):
            put(folder / name / f"{number:04d}{suffix}", picture(number))
            number += 1
    return number
