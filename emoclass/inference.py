"""The model to take away, used: load it, cut a face out of a photo, predict. `python -m emoclass export` makes it."""

import hashlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from scipy.special import softmax

from emoclass.backend import keras
from emoclass.data.images import read_grey, resize_to_square
from emoclass.errors import InputError
from emoclass.paths import build_folder

NET, FACTS = "emoclass.keras", "emoclass.json"  # the model's two files
NEEDED = {"emotions", "temperature", "preprocessing"}  # of its facts, to predict

# Where the cascade's box lies in the collection's own photos (the median of 236): all but 1.5 % at each side.
MARGIN = 0.015  # of the box, added at each side
AROUND = 0.25  # of the picture, added before it is searched: the cascade misses what touches the edge
SEARCHED = 480  # pixels of the longer side; a larger picture is searched at this size


@dataclass(frozen=True, eq=False)
class Model:
    """A Keras model from (batch, size, size, 1) uint8 to (batch, 8) logits, and what emoclass.json has on it."""

    net: object
    facts: dict


def load(folder: os.PathLike | str | None = None) -> Model:
    """The model in `folder`, else build/model; InputError if there is none or its files do not belong together."""
    folder = Path(folder or build_folder() / "model")
    try:
        facts, kept = json.loads((folder / FACTS).read_text(encoding="utf-8")), (folder / NET).read_bytes()
        if facts["sha256"] != hashlib.sha256(kept).hexdigest() or not NEEDED <= facts.keys():
            raise ValueError("the facts are of another net")
    except OSError as error:
        raise InputError(f"there is no model in {folder} ({error.strerror}): run `make model`") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{NET} and {FACTS} in {folder} do not belong together: run `make model`") from error
    return Model(keras().models.load_model(folder / NET, compile=False), facts)


def predict(model: Model, picture: np.ndarray) -> dict[str, float]:
    """The probability of each of the eight emotions: of how this face looks, not of what somebody feels.

    picture    (size, size) uint8 grey, as `crop_face` cuts it, seen also mirrored; InputError if it is something else
    """
    shape = (model.facts["preprocessing"]["size"],) * 2
    if picture.dtype != np.uint8 or picture.shape != shape:
        given = f"{picture.dtype} {picture.shape}"
        raise InputError(f"the model takes uint8 {shape}, not {given}: `crop_face` makes that of a photo")
    views = np.stack([picture, picture[:, ::-1]])[..., None]
    logits = np.asarray(model.net.predict_on_batch(views), np.float64).mean(0)
    return dict(zip(model.facts["emotions"], softmax(logits / model.facts["temperature"]).tolist()))


def crop_face(photo: os.PathLike | str | np.ndarray, size: int = 48) -> np.ndarray:
    """(size, size) uint8: the largest face in a photo, grey, cut as the collection's faces are.

    photo    a file, or a picture: (height, width) grey or (height, width, 3) RGB, uint8; InputError if it is neither
    Where OpenCV's cascade (Viola & Jones 2001) finds no face, the middle is taken, which one line on stderr tells.
    """
    if not isinstance(size, int | np.integer) or size < 1:
        raise InputError(f"a face cannot be {size} pixels a side: ask for a whole number of at least 1")
    if isinstance(photo, np.ndarray):
        if photo.dtype != np.uint8 or photo.shape[2:] not in ((), (3,)) or photo.ndim < 2 or not photo.size:
            given = f"{photo.dtype} {photo.shape}"
            raise InputError(f"{given} is no picture: (height, width) or (height, width, 3) of uint8")
        grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY) if photo.ndim == 3 else photo
    elif isinstance(grey := read_grey(path := Path(photo).expanduser()), str):
        raise InputError(f"{path} {grey}: name a whole picture")
    height, width = grey.shape
    if found := _largest_face(grey):
        margin = MARGIN * found[2]
    else:
        name = "the picture" if isinstance(photo, np.ndarray) else photo
        print(f"no face found in {name}: taking all of it, cut to a square", file=sys.stderr)
        side, margin = min(height, width), 0
        found = (width - side) / 2, (height - side) / 2, side
    side = min(round(found[2] + 2 * margin), height, width)
    left, top = (int(np.clip(round(edge - margin), 0, end - side)) for edge, end in zip(found, (width, height)))
    return resize_to_square(grey[top : top + side, left : left + side], size)


def _largest_face(grey: np.ndarray) -> tuple[float, float, float] | None:
    """(left, top, side) in pixels of the cascade's largest box, which may reach beyond the edge; None without one."""
    scale = min(1.0, SEARCHED / max(grey.shape))
    sides = [max(1, round(side * scale)) for side in grey.shape[::-1]]
    small = cv2.resize(grey, sides, interpolation=cv2.INTER_AREA)
    edge = round(AROUND * max(small.shape))
    small = cv2.copyMakeBorder(small, edge, edge, edge, edge, cv2.BORDER_REPLICATE)
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    boxes = cascade.detectMultiScale(small, 1.1, 5)
    if not len(boxes):
        return None
    left, top, side, _ = max(boxes, key=lambda box: box[2])
    return (left - edge) / scale, (top - edge) / scale, side / scale
