"""Offline augmentation: transformed copies that remember their photo. Online: changes made anew in each epoch."""

from dataclasses import dataclass
from typing import Annotated
from zlib import crc32

import cv2
import numpy as np
import pandas as pd

from emoclass.backend import keras
from emoclass.checked import BelowOne, Checked, Degrees
from emoclass.errors import InputError, listed
from emoclass.faces import Faces
from emoclass.labels import EMOTIONS, MINORITY


@dataclass(frozen=True)
class OfflineAugmentation(Checked):
    """Enlarge some `classes` with copies: up to `target_count` photos of each, or by `per_image` each.

    Turned by up to `rotation` degrees, moved and zoomed by up to these shares of the side, mirrored half of the time.
    """

    target_count: Annotated[int, "at least 0", lambda value: value >= 0] = 0
    per_image: Annotated[int, "at least 0", lambda value: value >= 0] = 0
    classes: tuple[str, ...] = MINORITY
    rotation: Degrees = 15.0
    shift: BelowOne = 0.1
    zoom: BelowOne = 0.1
    flip: bool = True

    def __post_init__(self):
        if isinstance(self.classes, str) or not set(self.classes) <= set(EMOTIONS):
            named = listed([self.classes] if isinstance(self.classes, str) else self.classes)
            raise InputError(f"copies of {named}: name some of {listed(EMOTIONS)}, as a tuple")
        if self.misfits:
            raise InputError(f"copies with {'; '.join(self.misfits)}")
        if bool(self.target_count) == bool(self.per_image):
            raise InputError(
                f"copies with target_count={self.target_count} and per_image={self.per_image}: "
                "one of them must be above 0, the other 0"
            )

    def missing(self, photos: int) -> int:
        """How many copies an emotion of so many photos gets in all."""
        return self.per_image * photos if self.per_image else max(self.target_count - photos, 0) * (photos > 0)


def warp(
    picture: np.ndarray, degrees=0.0, right=0.0, down=0.0, zoom=1.0, flip=False, border: int = cv2.BORDER_REFLECT
) -> np.ndarray:
    """The (size, size) uint8 picture turned, moved (in pixels), zoomed, mirrored; no black corner betrays a copy."""
    size = picture.shape[0]
    matrix = cv2.getRotationMatrix2D(((size - 1) / 2, (size - 1) / 2), degrees, zoom)
    matrix[:, 2] += right, down
    if flip:
        picture = picture[:, ::-1]
    return cv2.warpAffine(
        np.ascontiguousarray(picture), matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=border
    )


def transformed(
    picture: np.ndarray,
    photo: str,
    number: int,
    augmentation: OfflineAugmentation,
    seed: int = 0,
    border: int = cv2.BORDER_REFLECT,
) -> np.ndarray:
    """(size, size) uint8: copy `number` of a photo, from 0; drawn from (seed, photo, number) alone."""
    rng, size = np.random.default_rng([seed, crc32(photo.encode()), number]), len(picture)
    turn, right, down, zoom, side = rng.uniform(-1, 1, 5)
    return warp(
        picture, degrees=turn * augmentation.rotation, right=right * augmentation.shift * size,
        down=down * augmentation.shift * size, zoom=1 + zoom * augmentation.zoom,
        flip=augmentation.flip and side < 0, border=border,
    )  # fmt: skip


def copies_per_photo(faces: Faces, augmentation: OfflineAugmentation, seed: int = 0) -> np.ndarray:
    """(n,) int: copies of each photo, as even as can be within each emotion."""
    wanted = np.zeros(len(faces), np.int64)
    for emotion in augmentation.classes:
        rows = np.flatnonzero(faces.table.emotion == emotion)
        if missing := augmentation.missing(len(rows)):
            np.random.default_rng([seed, crc32(emotion.encode())]).shuffle(rows)
            wanted[rows] = missing // len(rows)
            wanted[rows[: missing % len(rows)]] += 1
    return wanted


def with_copies(faces: Faces, augmentation: OfflineAugmentation | None, seed: int = 0) -> Faces:
    """These originals, in place, followed by their copies: the same pictures before the split and after it."""
    if augmentation is None:
        return faces
    wanted = copies_per_photo(faces, augmentation, seed)
    rows = np.repeat(np.arange(len(faces)), wanted)
    number = np.arange(len(rows)) - np.repeat(np.cumsum(wanted) - wanted, wanted)
    photos = faces.table.photo.to_numpy()[rows]
    pixels = np.empty((len(rows), faces.size, faces.size), np.uint8)
    for k, (row, j, photo) in enumerate(zip(rows, number, photos)):
        pixels[k] = transformed(faces.pixels[row], photo, j, augmentation, seed)
    table = faces.table.iloc[rows].assign(photo=[f"{photo}, copy {j + 1}" for photo, j in zip(photos, number)])
    return faces + Faces(pixels, pd.DataFrame(table), faces.name)


@dataclass(frozen=True)
class OnlineAugmentation(Checked):
    """How a photo is changed anew each time it is trained on; contrast by at most this share, the rest as above."""

    rotation: Degrees = 10.0
    shift: BelowOne = 0.06
    zoom: BelowOne = 0.08
    contrast: BelowOne = 0.2
    flip: bool = True

    def __post_init__(self):
        if self.misfits:
            raise InputError(f"pictures changed with {'; '.join(self.misfits)}")


def augmentation_layer(augmentation: OnlineAugmentation, seed: int = 0):
    """A Keras layer from (batch, size, size, 1) float32 to the same: warped in training, as it is otherwise."""
    module = keras()

    class Augmented(module.layers.Layer):
        def __init__(self):
            super().__init__(dtype="float32")
            self.random = module.random.SeedGenerator(seed)

        def call(self, pictures, training=False):
            if not training:
                return pictures
            ops, size, middle = module.ops, pictures.shape[1], (pictures.shape[1] - 1) / 2
            drawn = module.random.uniform((6, ops.shape(pictures)[0]), -1, 1, seed=self.random)
            turn, zoom = drawn[0] * (augmentation.rotation * np.pi / 180), 1 + drawn[1] * augmentation.zoom
            right, down = (middle + drawn[k] * augmentation.shift * size for k in (2, 3))
            mirror = ops.where(drawn[4] < 0, -1.0, 1.0) if augmentation.flip else ops.ones_like(turn)
            cos, sin, none = ops.cos(turn) * zoom, ops.sin(turn) * zoom, ops.zeros_like(turn)
            # From a place in the new picture to the place in the old one, both measured from the corner.
            rows = (cos * mirror, -sin, right - middle * (cos * mirror - sin))
            rows += (sin * mirror, cos, down - middle * (sin * mirror + cos), none, none)
            warped = ops.image.affine_transform(pictures, ops.stack(rows, axis=1), fill_mode="reflect")
            mean = ops.mean(warped, axis=(1, 2, 3), keepdims=True)
            return mean + (warped - mean) * (1 + drawn[5] * augmentation.contrast)[:, None, None, None]

    return Augmented()
