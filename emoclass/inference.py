"""The model that `make model` makes, used: load it, cut a face out of a photo, predict."""

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

# The model's two files.
NET = "emoclass.keras"
FACTS = "emoclass.json"
NEEDED = {"emotions", "temperature", "preprocessing"}  # of its facts, to predict

# Where the cascade's box lies in the collection's own photos (the median of 236): all but 1.5 %
# at each side. A share of the box, added at each side.
MARGIN = 0.015
# Of the picture, added before it is searched: the cascade misses what touches the edge.
AROUND = 0.25
# Pixels of the longer side; a larger picture is searched at this size.
SEARCHED = 480


@dataclass(frozen=True, eq=False)
class Model:
    """A net from (batch, size, size, 1) uint8 to (batch, 8) logits, and its emoclass.json."""

    net: object
    facts: dict


@dataclass(frozen=True)
class Box:
    """A square in a picture, in pixels; it may reach beyond the edge."""

    left: float
    top: float
    side: float


def load(folder: os.PathLike | str | None = None) -> Model:
    """The model in `folder`, else in build/model.

    Raises InputError if there is none, its files do not belong together, or this Keras cannot
    read it.
    """
    folder = Path(folder or build_folder() / "model")
    try:
        text = (folder / FACTS).read_text(encoding="utf-8")
        facts = json.loads(text)
        content = (folder / NET).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        if facts["sha256"] != digest or not facts.keys() >= NEEDED:
            raise ValueError("the facts are of another net")
    except OSError as error:
        reason = error.strerror
        raise InputError(f"there is no model in {folder} ({reason}): run `make model`") from error
    except (ValueError, KeyError, TypeError) as error:
        fault = f"{NET} and {FACTS} in {folder} do not belong together"
        raise InputError(f"{fault}: run `make model`") from error
    try:
        net = keras().models.load_model(folder / NET, compile=False)
    except Exception as error:  # whatever a version raises on what it does not know
        version = keras().__version__
        advice = "use Keras 3.8 or a later one, or run `make model` with this one"
        raise InputError(f"Keras {version} cannot read {folder / NET}: {advice}") from error
    return Model(net, facts)


def predict(model: Model, picture: np.ndarray) -> dict[str, float]:
    """The probability of each of the eight emotions.

    Of how this face looks, not of what somebody feels.

    picture    (size, size) uint8 grey, as `crop_face` cuts it, seen also mirrored
    Raises InputError if it is something else.
    """
    size = model.facts["preprocessing"]["size"]
    shape = (size, size)
    if picture.dtype != np.uint8 or picture.shape != shape:
        given = f"{picture.dtype} {picture.shape}"
        advice = "`crop_face` makes that of a photo"
        raise InputError(f"the model takes uint8 {shape}, not {given}: {advice}")
    mirrored = picture[:, ::-1]
    views = np.stack([picture, mirrored])
    outputs = model.net.predict_on_batch(views[..., None])
    logits = np.asarray(outputs, np.float64).mean(0)
    probabilities = softmax(logits / model.facts["temperature"])
    emotions = model.facts["emotions"]
    return dict(zip(emotions, probabilities.tolist()))


def crop_face(photo: os.PathLike | str | np.ndarray, size: int = 48) -> np.ndarray:
    """(size, size) uint8: the largest face in a photo, grey, cut as the collection's faces are.

    photo    a file, or a picture: (height, width) grey or (height, width, 3) RGB, uint8
    Where OpenCV's cascade (Viola & Jones 2001) finds no face, the middle is taken, which one line
    on stderr tells. Raises InputError if the photo is neither, or the size not a whole number.
    """
    if not isinstance(size, int | np.integer) or size < 1:
        raise InputError(
            f"a face cannot be {size} pixels a side: ask for a whole number of at least 1"
        )
    grey = _grey(photo)
    height, width = grey.shape
    box = _largest_face(grey)
    if box is None:
        name = "the picture" if isinstance(photo, np.ndarray) else photo
        print(f"no face found in {name}: taking all of it, cut to a square", file=sys.stderr)
        side = min(height, width)
        box = Box((width - side) / 2, (height - side) / 2, side)
        margin = 0.0
    else:
        margin = MARGIN * box.side
    side = min(round(box.side + 2 * margin), height, width)
    left = _within(box.left - margin, width - side)
    top = _within(box.top - margin, height - side)
    face = grey[top : top + side, left : left + side]
    return resize_to_square(face, size)


def _within(place: float, last: int) -> int:
    """The whole number from 0 to `last` that is nearest."""
    return int(np.clip(round(place), 0, last))


def _grey(photo: os.PathLike | str | np.ndarray) -> np.ndarray:
    """(height, width) uint8. Raises InputError if it is no photo."""
    if not isinstance(photo, np.ndarray):
        path = Path(photo).expanduser()
        grey = read_grey(path)
        if isinstance(grey, str):  # why it cannot be read
            raise InputError(f"{path} {grey}: name a whole picture")
        return grey
    is_grey = photo.ndim == 2
    is_colour = photo.ndim == 3 and photo.shape[2] == 3
    if photo.dtype != np.uint8 or not (is_grey or is_colour) or photo.size == 0:
        given = f"{photo.dtype} {photo.shape}"
        wanted = "(height, width) or (height, width, 3) of uint8"
        raise InputError(f"{given} is no picture: {wanted}")
    if is_colour:
        return cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    return photo


def _largest_face(grey: np.ndarray) -> Box | None:
    """The cascade's largest box; None without one."""
    height, width = grey.shape
    scale = min(1.0, SEARCHED / max(height, width))
    small_width = max(1, round(width * scale))
    small_height = max(1, round(height * scale))
    small = cv2.resize(grey, (small_width, small_height), interpolation=cv2.INTER_AREA)
    edge = round(AROUND * max(small.shape))
    small = cv2.copyMakeBorder(small, edge, edge, edge, edge, cv2.BORDER_REPLICATE)
    file = cv2.data.haarcascades + "haarcascade_frontalface_default.xml"
    boxes = cv2.CascadeClassifier(file).detectMultiScale(small, 1.1, 5)
    if len(boxes) == 0:
        return None
    left, top, side, _ = max(boxes, key=lambda box: box[2])
    return Box(
        left=(left - edge) / scale,
        top=(top - edge) / scale,
        side=side / scale,
    )
