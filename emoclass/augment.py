"""Offline augmentation: transformed copies that remember their photo. Online: changes made anew in each epoch."""

from collections.abc import Callable
from dataclasses import dataclass
from zlib import crc32

import cv2
import numpy as np
import pandas as pd

from emoclass.backend import keras
from emoclass.checked import BelowOne, Checked, Degrees, NotNegativeCount
from emoclass.errors import InputError, listed
from emoclass.faces import Faces, NoPixels
from emoclass.labels import EMOTIONS, MINORITY, canonical


@dataclass(frozen=True)
class OfflineAugmentation(Checked):
    """Enlarge some `classes` with copies: up to `target_count` photos of each, or by `per_image` each.

    Turned by up to `rotation` degrees, moved and zoomed by up to these shares of the side, mirrored half of the time.
    Raises InputError that names every value that does not fit.
    """

    target_count: NotNegativeCount = 0
    per_image: NotNegativeCount = 0
    classes: tuple[str, ...] = MINORITY
    rotation: Degrees = 15.0
    shift: BelowOne = 0.1
    zoom: BelowOne = 0.1
    flip: bool = True

    def __post_init__(self):
        self._convert()
        if self.misfits:
            raise InputError(f"copies with {'; '.join(self.misfits)}")
        object.__setattr__(self, "classes", emotions_named(self.classes, "copies of"))
        if bool(self.target_count) == bool(self.per_image):
            raise InputError(
                f"copies with target_count={self.target_count} and per_image={self.per_image}: "
                "one of them must be above 0, the other 0"
            )

    def missing(self, photos: int) -> int:
        """How many copies an emotion of so many photos gets in all."""
        if self.per_image:
            return self.per_image * photos
        if photos == 0:
            return 0
        return max(self.target_count - photos, 0)


def emotions_named(names: tuple[str, ...], what: str) -> tuple[str, ...]:
    """The emotions that these words mean ("happy" is happiness), in their order; InputError that names the others."""
    unknown = [name for name in names if canonical(name) is None]
    if unknown:
        raise InputError(f"{what} {listed(unknown)}: name some of {listed(EMOTIONS)}, as a tuple")
    meant = {canonical(name) for name in names}
    return tuple(emotion for emotion in EMOTIONS if emotion in meant)


def warp(
    picture: np.ndarray,
    degrees: float = 0.0,
    right: float = 0.0,
    down: float = 0.0,
    zoom: float = 1.0,
    flip: bool = False,
    border: int = cv2.BORDER_REFLECT,
) -> np.ndarray:
    """The (size, size) uint8 picture turned, moved (in pixels), zoomed, mirrored; no black corner betrays a copy."""
    size = picture.shape[0]
    middle = (size - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), degrees, zoom)
    matrix[0, 2] += right
    matrix[1, 2] += down
    if flip:
        picture = picture[:, ::-1]
    picture = np.ascontiguousarray(picture)
    return cv2.warpAffine(picture, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=border)


def transformed(
    picture: np.ndarray,
    photo: str,
    number: int,
    augmentation: OfflineAugmentation,
    seed: int = 0,
    border: int = cv2.BORDER_REFLECT,
) -> np.ndarray:
    """(size, size) uint8: copy `number` of a photo, from 0; drawn from (seed, photo, number) alone."""
    rng = np.random.default_rng([seed, crc32(photo.encode()), number])
    size = len(picture)
    turn, right, down, zoom, side = rng.uniform(-1, 1, 5)
    return warp(
        picture,
        degrees=turn * augmentation.rotation,
        right=right * augmentation.shift * size,
        down=down * augmentation.shift * size,
        zoom=1 + zoom * augmentation.zoom,
        flip=augmentation.flip and side < 0,
        border=border,
    )


def copies_per_photo(faces: Faces, augmentation: OfflineAugmentation, seed: int = 0) -> np.ndarray:
    """(n,) int: copies of each photo, as even as can be within each emotion."""
    wanted = np.zeros(len(faces), np.int64)
    for emotion in augmentation.classes:
        rows = np.flatnonzero(faces.table.emotion == emotion)
        missing = augmentation.missing(len(rows))
        if not missing:
            continue
        np.random.default_rng([seed, crc32(emotion.encode())]).shuffle(rows)
        wanted[rows] = missing // len(rows)
        wanted[rows[: missing % len(rows)]] += 1
    return wanted


def copies_table(faces: Faces, augmentation: OfflineAugmentation) -> pd.DataFrame:
    """For each emotion: its photos, the copies that it gets, pictures in all, and copies for each photo."""
    photos = faces.counts
    copies = pd.Series(0, index=photos.index)
    for emotion in augmentation.classes:
        copies[emotion] = augmentation.missing(photos[emotion])
    per_photo = (copies / photos.clip(lower=1)).round(1)
    return pd.DataFrame(
        {
            "photos": photos,
            "copies": copies,
            "pictures": photos + copies,
            "copies per photo": per_photo,
        }
    )


def with_copies(faces: Faces, augmentation: OfflineAugmentation | None, seed: int = 0) -> Faces:
    """These originals, in place, followed by their copies: the same pictures before the split and after it."""
    if augmentation is None:
        return faces
    wanted = copies_per_photo(faces, augmentation, seed)
    rows = np.repeat(np.arange(len(faces)), wanted)
    first = np.repeat(np.cumsum(wanted) - wanted, wanted)
    number = np.arange(len(rows)) - first
    photos = faces.table.photo.to_numpy()[rows]
    names = [f"{photo}, copy {k + 1}" for photo, k in zip(photos, number)]
    table = faces.table.iloc[rows].assign(photo=names)
    if faces.has_pixels:
        pixels = np.empty((len(rows), faces.size, faces.size), np.uint8)
        for position, (row, k) in enumerate(zip(rows, number)):
            pixels[position] = transformed(
                faces.pixels[row], photos[position], k, augmentation, seed
            )
    else:
        pixels = NoPixels(
            len(rows), faces.size, [""] * len(rows)
        )  # nobody asks for those of copies
    return faces + Faces(pixels, table, faces.name)


@dataclass(frozen=True)
class OnlineAugmentation(Checked):
    """How a photo is changed anew each time it is trained on; contrast by at most this share, the rest as above."""

    rotation: Degrees = 10.0
    shift: BelowOne = 0.06
    zoom: BelowOne = 0.08
    contrast: BelowOne = 0.2
    flip: bool = True

    def __post_init__(self):
        self._convert()
        if self.misfits:
            raise InputError(f"pictures changed with {'; '.join(self.misfits)}")


def augmentation_layer(augmentation: OnlineAugmentation, seed: int = 0):
    """A Keras layer from (batch, size, size, 1) float32 to the same: warped in training, as it is otherwise."""
    module = keras()
    ops = module.ops

    class Augmented(module.layers.Layer):
        def __init__(self):
            super().__init__(dtype="float32")
            self.random = module.random.SeedGenerator(seed)

        def call(self, pictures, training=False):
            if not training:
                return pictures
            drawn = module.random.uniform((6, ops.shape(pictures)[0]), -1, 1, seed=self.random)
            matrix = _affine_rows(augmentation, drawn, pictures.shape[1])
            warped = ops.image.affine_transform(pictures, matrix, fill_mode="reflect")
            mean = ops.mean(warped, axis=(1, 2, 3), keepdims=True)
            contrast = 1 + drawn[5] * augmentation.contrast
            return mean + (warped - mean) * contrast[:, None, None, None]

    return Augmented()


def _affine_rows(augmentation: OnlineAugmentation, drawn, size: int):
    """(batch, 8) float32: from a place in the new picture to the place in the old one, both from the corner.

    drawn    (6, batch) from -1 to 1; the first five are used: turn, zoom, right, down, mirrored
    """
    ops = keras().ops
    middle = (size - 1) / 2
    turn = drawn[0] * (augmentation.rotation * np.pi / 180)
    zoom = 1 + drawn[1] * augmentation.zoom
    right = middle + drawn[2] * augmentation.shift * size
    down = middle + drawn[3] * augmentation.shift * size
    mirror = ops.ones_like(turn)
    if augmentation.flip:
        mirror = ops.where(drawn[4] < 0, -1.0, 1.0)
    cos = ops.cos(turn) * zoom
    sin = ops.sin(turn) * zoom
    none = ops.zeros_like(turn)
    rows = (
        cos * mirror,
        -sin,
        right - middle * (cos * mirror - sin),
        sin * mirror,
        cos,
        down - middle * (sin * mirror + cos),
        none,
        none,
    )
    return ops.stack(rows, axis=1)


def augment_batch(function: Callable, pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A batch changed by a function of one's own, `function(pictures, rng) -> pictures`.

    Both are (batch, size, size) uint8. Raises InputError if it hands back something else.
    """
    changed = np.asarray(function(pictures.copy(), rng))
    if changed.shape != pictures.shape or changed.dtype != np.uint8:
        raise InputError(
            f"online_augmentation={function.__name__} hands back {changed.dtype} {changed.shape} "
            f"for uint8 {pictures.shape}: it must keep shape and type"
        )
    return changed
