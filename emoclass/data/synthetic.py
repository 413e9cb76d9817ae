"""Synthetic faces with a known truth: each thing that may mislead a net can be switched off."""

from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd

from emoclass.data.synthetic_face import ALL_UNITS, POSE, SUBJECT, action_units, paint
from emoclass.errors import InputError
from emoclass.faces import Faces
from emoclass.labels import EMOTIONS

BLOCK = 512  # faces whose outlines are in memory at a time
STREAMS = ("order", "cast", "subject", "pose", "intensity", "style", "noise", "duplicates")
SOURCES = ("newspaper", "film")
FAME = -0.8  # exponent by which the number of photos falls off from subject to subject


@dataclass(frozen=True)
class SyntheticConfig:
    """A collection of synthetic faces as plain values.

    Raises InputError if one of them is impossible.
    """

    # Photos of each emotion: an eighth of the photo collection.
    counts: tuple[int, ...] = (29, 10, 24, 10, 666, 803, 31, 43)
    # Mean for (newspaper, film); a few subjects have many.
    photos_per_subject: tuple[float, float] = (2.3, 14.0)
    # How much a subject keeps to some emotions; 0: not at all.
    subject_label_bias: float = 1.5
    # Weakest and strongest expression, from 0 to 1.
    intensity: tuple[float, float] = (0.4, 1.0)
    # Share of film stills for each emotion, as in the photo collection; or one share for all.
    film: float | tuple[float, ...] = (0.095, 0.0, 0.94, 0.38, 0.068, 0.022, 0.54, 0.033)
    # How much film stills look different (coarse, dim, lit from one side, tilted); 0: not.
    style: float = 1.0
    # Photos that are there again, byte for byte, under another name and another subject's.
    duplicates: int = 0
    # Standard deviation of pixel noise in grey levels.
    noise: float = 6.0

    def __post_init__(self):
        self._check_counts()
        self._check_shares()
        for knob in ("subject_label_bias", "style", "noise"):
            if not getattr(self, knob) >= 0:
                self._refuse(knob, "0 or more")

    def _check_counts(self) -> None:
        counts = np.asarray(self.counts)
        whole = counts.shape == (8,) and counts.dtype.kind in "iu"
        if not whole or counts.min() < 0 or not counts.any():
            self._refuse("counts", "eight whole numbers from 0 up and not all of them 0")
        if len(self.photos_per_subject) != 2 or not min(self.photos_per_subject) >= 1:
            self._refuse("photos_per_subject", "two means from 1 up")
        if not 0 <= self.duplicates <= counts.sum():
            self._refuse("duplicates", "from 0 to all photos")

    def _check_shares(self) -> None:
        if len(self.intensity) != 2 or not 0 <= self.intensity[0] <= self.intensity[1] <= 1:
            self._refuse("intensity", "(low, high) from 0 to 1")
        film = np.asarray(self.film)
        if film.shape not in ((), (8,)) or not ((film >= 0) & (film <= 1)).all():
            self._refuse("film", "a share from 0 to 1, or eight of them")

    def _refuse(self, knob: str, wanted: str) -> None:
        raise InputError(f"synthetic: {knob} must be {wanted}, but is {getattr(self, knob)}")


@dataclass(frozen=True)
class _Cast:
    """Who is in each of n photos, and where they come from."""

    film: np.ndarray  # (n,) bool: a film still
    subject_id: np.ndarray  # (n,) int: number of the subject


@dataclass(frozen=True)
class _Style:
    """What sets film stills apart from sharp, evenly lit photos."""

    coarse: np.ndarray  # (n,) how many times the resolution is less
    light: np.ndarray  # (n,) share of the light that is left
    slope: np.ndarray  # (n,) by how much the light rises from the middle to the right


def draw(config: SyntheticConfig = SyntheticConfig(), size: int = 48, seed: int = 0) -> Faces:
    """Faces of `size` x `size` pixels, emotions mixed, duplicates last.

    The same arguments give the same bits.

    What each argument decides has randomness of its own. Raises InputError for a size below 12.
    """
    streams = dict(zip(STREAMS, np.random.default_rng(seed).spawn(len(STREAMS))))
    emotion = streams["order"].permutation(np.repeat(np.arange(8), config.counts))
    n = len(emotion)
    cast = _cast(config, emotion, streams["cast"])
    face = _vary(POSE, n, streams["pose"])
    for trait, values in _vary(SUBJECT, n, streams["subject"]).items():
        face[trait] = values[cast.subject_id]
    strength = config.style * cast.film
    style = _styled(strength, streams["style"])
    face["tilt"] += 0.06 * (strength * streams["style"].standard_normal(n))[:, None]
    moved = _express(emotion, config.intensity, streams["intensity"])

    pixels = np.empty((n + config.duplicates, size, size), np.uint8)
    for start in range(0, n, BLOCK):
        block = slice(start, min(start + BLOCK, n))
        painted = paint(_rows(face, block), _rows(moved, block), size)
        photos = _photograph(painted, style, block)
        photos += config.noise * streams["noise"].standard_normal(photos.shape, np.float32)
        pixels[block] = photos.round().clip(0, 255)

    again = streams["duplicates"].choice(n, config.duplicates, replace=False)
    pixels[n:] = pixels[again]
    return Faces(pixels, _table(emotion, cast, again), name="synthetic")


def _rows(values: dict, rows: slice) -> dict:
    """The same dictionary with some rows of each array."""
    return {key: values[key][rows] for key in values}


def _table(emotion: np.ndarray, cast: _Cast, again: np.ndarray) -> pd.DataFrame:
    """A row for each photo, below them one for each that is there `again`: (k,) positions."""
    rows = np.append(np.arange(len(emotion)), again)
    shown = np.array(EMOTIONS)[emotion[rows]]
    source = np.where(cast.film, "film", "newspaper")[rows]
    # A duplicate passes for somebody else, whose number nobody has.
    strangers = np.arange(len(emotion), len(rows))
    numbers = np.append(cast.subject_id, strangers)
    photo = np.array([f"{k:06d}-{word}" for k, word in enumerate(shown)])
    subject = [f"{where}-{number}" for where, number in zip(source, numbers)]
    return pd.DataFrame(
        {
            "photo": photo,
            "emotion": shown,
            "subject": subject,
            "source": source,
            "annotator": "drawn",
            "parent": photo,
            "duplicate_id": photo[rows],
        }
    )


def _cast(config: SyntheticConfig, emotion: np.ndarray, random: np.random.Generator) -> _Cast:
    """Deal the photos of each emotion to the sources, and those of each source to subjects."""
    film = np.zeros(len(emotion), bool)
    subject = np.zeros(len(emotion), int)
    for number, share in enumerate(np.broadcast_to(config.film, 8)):
        rows = random.permutation(np.flatnonzero(emotion == number))
        film[rows[: round(share * len(rows))]] = True
    seen_so_far = 0
    for source, mean in zip(SOURCES, config.photos_per_subject):
        is_source = film if source == "film" else ~film
        rows = random.permutation(np.flatnonzero(is_source))
        subjects = round(len(rows) / mean)
        if subjects == 0 and len(rows) > 0:
            subjects = 1
        fame = np.arange(1, subjects + 1)[:, None] ** FAME
        bias = config.subject_label_bias * random.standard_normal((subjects, 8))
        chance = fame * np.exp(bias)
        for number in np.unique(emotion[rows]):
            shown = rows[emotion[rows] == number]
            share = chance[:, number] / chance[:, number].sum()
            subject[shown] = seen_so_far + random.choice(subjects, len(shown), p=share)
        # So that everybody has a photo.
        subject[rows[:subjects]] = seen_so_far + np.arange(subjects)
        seen_so_far += subjects
    return _Cast(film, subject)


def _vary(traits: dict, n: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    """{trait: (n, 1) values} around the averages."""
    values = {}
    for name, trait in traits.items():
        values[name] = trait.mean + trait.spread * random.standard_normal((n, 1)).clip(-2, 2)
    return values


def _styled(strength: np.ndarray, random: np.random.Generator) -> _Style:
    """How coarse, dim and unevenly lit each photo is.

    `strength` (n,) is 0 for those that are none of it.
    """
    lowest = [[0.2], [0.1], [-0.3]]
    highest = [[0.8], [0.3], [0.3]]
    coarse, dark, slope = strength * random.uniform(lowest, highest, (3, len(strength)))
    return _Style(1 + coarse, (1 - dark).clip(0.2), slope)


def _express(
    emotion: np.ndarray, intensity: tuple[float, float], random: np.random.Generator
) -> dict[int, np.ndarray]:
    """{action unit: (n, 2) strength left and right}.

    The units of a photo are alike in strength, not the same.
    """
    side = random.integers(2, size=len(emotion))
    photo = random.random((len(emotion), 1))
    low, high = intensity
    values = {}
    for unit in ALL_UNITS:
        moves = _moves(unit)[side, emotion]
        alike = photo + random.random(photo.shape)
        values[unit] = moves * (low + (high - low) * alike / 2)
    return values


def _moves(unit: int) -> np.ndarray:
    """(2, 8, 2): side that shows contempt, emotion; whether a unit moves left and right then."""
    moves = np.zeros((2, len(EMOTIONS), 2))
    for side, shown_on in enumerate(("left", "right")):
        for number, emotion in enumerate(EMOTIONS):
            moves[side, number] = action_units(emotion, shown_on).get(unit, (0, 0))
    return moves


def _photograph(pixels: np.ndarray, style: _Style, rows: slice) -> np.ndarray:
    """(n, size, size) float32 of painted faces as they look in print, in `rows` of `style`."""
    size = pixels.shape[1]
    sides = (size / style.coarse[rows]).round().astype(int).clip(4)
    for picture, side in zip(pixels, sides):
        if side < size:
            small = cv2.resize(picture, (int(side), int(side)), interpolation=cv2.INTER_AREA)
            picture[:] = cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR)
    across = np.linspace(-1, 1, size)
    light = style.light[rows][:, None]
    slope = style.slope[rows][:, None]
    lit = light * (1 + slope * across)
    return pixels * lit[:, None].astype(np.float32)
