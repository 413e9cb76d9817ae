"""Values and arrays as the JavaScript of a page reads them."""

import base64
import json
from pathlib import Path

import numpy as np

from emoclass.errors import InputError
from emoclass.files import write_text

LARGEST = 32767  # of a signed whole number of 16 bits


def pixels_as_text(pixels: np.ndarray) -> str:
    """Base64 of uint8 pixels, row by row."""
    return base64.b64encode(pixels.tobytes()).decode()


def text_as_pixels(text: str, size: int) -> np.ndarray:
    """(size, size) uint8, what `pixels_as_text` made into text."""
    flat = np.frombuffer(base64.b64decode(text), np.uint8)
    return flat.reshape(size, size)


def weights_as_text(weights: np.ndarray) -> dict:
    """Weights in steps of `step`: whole numbers of 16 bits, little-endian, in base64."""
    most = float(np.abs(weights).max())
    step = max(most, 1e-12) / LARGEST
    whole = np.round(weights / step).astype("<i2")
    text = base64.b64encode(whole.tobytes()).decode()
    return {"shape": list(weights.shape), "step": step, "values": text}


def text_as_weights(kept: dict) -> np.ndarray:
    """float32 weights, what `weights_as_text` made into text, to the nearest step."""
    whole = np.frombuffer(base64.b64decode(kept["values"]), "<i2")
    weights = whole.astype(np.float32) * np.float32(kept["step"])
    return weights.reshape(kept["shape"])


def constant(name: str, values) -> str:
    """A line of JavaScript that names some values."""
    return f"const {name} = {json.dumps(values, allow_nan=False)};\n"


def write_constant(path: Path, name: str, values) -> None:
    """A file of JavaScript that names some values."""
    write_text(path, constant(name, values))


def read_constant(path: Path) -> dict:
    """The values that `write_constant` wrote.

    Raises InputError if the file is another.
    """
    text = path.read_text(encoding="utf-8")
    head, sign, values = text.partition(" = ")
    if not head.startswith("const ") or not sign:
        raise InputError(f"{path} names no values: make it again with `make play`")
    return json.loads(values.rstrip().rstrip(";"))
