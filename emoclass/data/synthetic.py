"""Synthetic faces with a known truth: always at hand, and each thing that may mislead a net can be switched off."""

from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd

from emoclass.data.synthetic_face import ALL_UNITS, POSE, SUBJECT, action_units, paint
from emoclass.errors import InputError
from emoclass.faces import Faces
from emoclass.labels import EMOTIONS

BLOCK = 512  # faces whose outlines are in memory at a time


@dataclass(frozen=True)
class SyntheticConfig:
    """A collection of synthetic faces as plain values. Raises InputError if one of them is impossible."""

    counts: tuple[int, ...] = (29, 10, 24, 10, 666, 803, 31, 43)  # of each emotion: an eighth of the photo collection
    photos_per_subject: tuple[float, float] = (2.3, 14.0)  # mean for (newspaper, film); a few subjects have many
    subject_label_bias: float = 1.5  # how much a subject keeps to some emotions; 0: not at all
    intensity: tuple[float, float] = (0.4, 1.0)  # weakest and strongest expression, from 0 to 1
    # Share of film stills for each emotion, as in the photo collection; or one share for all of them.
    film: float | tuple[float, ...] = (0.095, 0.0, 0.94, 0.38, 0.068, 0.022, 0.54, 0.033)
    style: float = 1.0  # how much film stills look different (coarse, dim, lit from one side, tilted); 0: not
    duplicates: int = 0  # photos that are there again, byte for byte, under another name and another subject's
    noise: float = 6.0  # standard deviation of pixel noise in grey levels

    def __post_init__(self):
        counts, film = np.asarray(self.counts), np.asarray(self.film)
        whole = counts.shape == (8,) and counts.dtype.kind in "iu" and counts.min() >= 0
        means, (low, *_, high) = self.photos_per_subject, self.intensity
        shares = film.shape in ((), (8,)) and ((film >= 0) & (film <= 1)).all()
        for fits, knob, wanted in (
            (whole and counts.any(), "counts", "eight whole numbers from 0 up and not all of them 0"),
            (len(means) == 2 and min(means) >= 1, "photos_per_subject", "two means from 1 up"),
            (len(self.intensity) == 2 and 0 <= low <= high <= 1, "intensity", "(low, high) from 0 to 1"),
            (shares, "film", "a share from 0 to 1, or eight of them"),
            (not whole or 0 <= self.duplicates <= counts.sum(), "duplicates", "from 0 to all photos"),
            *((getattr(self, k) >= 0, k, "0 or more") for k in ("subject_label_bias", "style", "noise")),
        ):
            if not fits:
                raise InputError(f"synthetic: {knob} must be {wanted}, but is {getattr(self, knob)}")


def draw(config: SyntheticConfig = SyntheticConfig(), size: int = 48, seed: int = 0) -> Faces:
    """Faces of `size` x `size` pixels, emotions mixed, duplicates last; the same arguments give the same bits.

    What each argument decides has randomness of its own. Raises InputError for a size below 12.
    """
    streams = ("order", "cast", "subject", "pose", "intensity", "style", "noise", "duplicates")
    random = dict(zip(streams, np.random.default_rng(seed).spawn(len(streams))))
    drawn = random["order"].permutation(np.repeat(np.arange(8), config.counts))
    n = len(drawn)
    film, subject = _cast(config, drawn, random["cast"])
    face = {trait: values[subject] for trait, values in _vary(SUBJECT, n, random["subject"]).items()}
    face |= _vary(POSE, n, random["pose"])
    strength = config.style * film  # of what sets film stills apart from sharp, evenly lit, upright photos
    coarse, dark, slope = strength * random["style"].uniform([[0.2], [0.1], [-0.3]], [[0.8], [0.3], [0.3]], (3, n))
    face["tilt"] += 0.06 * (strength * random["style"].standard_normal(n))[:, None]
    style = {"coarse": 1 + coarse, "light": (1 - dark).clip(0.2), "slope": slope}
    au = _express(drawn, config.intensity, random["intensity"])

    pixels = np.empty((n + config.duplicates, size, size), np.uint8)
    for start in range(0, n, BLOCK):
        block = slice(start, min(start + BLOCK, n))
        some_face, some_au, some_style = ({key: of[key][block] for key in of} for of in (face, au, style))
        photos = _photograph(paint(some_face, some_au, size), **some_style)
        photos += config.noise * random["noise"].standard_normal(photos.shape, np.float32)
        pixels[block] = photos.round().clip(0, 255)

    rows = np.append(np.arange(n), random["duplicates"].choice(n, config.duplicates, replace=False))
    pixels[n:] = pixels[rows[n:]]
    subject = np.append(subject, np.arange(n, len(rows)))  # a duplicate passes for somebody else
    emotion, source = np.array(EMOTIONS)[drawn[rows]], np.where(film, "film", "newspaper")[rows]
    photo = np.array([f"{number:06d}-{shown}" for number, shown in enumerate(emotion)])
    subject = [f"{where}-{number}" for where, number in zip(source, subject)]
    table = dict(photo=photo, emotion=emotion, subject=subject, source=source, parent=photo, duplicate_id=photo[rows])
    return Faces(pixels, pd.DataFrame(table).assign(annotator="drawn"), name="synthetic")


def _cast(config, drawn, random):
    """Whether each photo is a film still, (n,) bool, and the number of the subject in it, (n,) int."""
    film, subject, seen_so_far = np.zeros(len(drawn), bool), np.zeros(len(drawn), int), 0
    for emotion, share in enumerate(np.broadcast_to(config.film, 8)):
        rows = random.permutation(np.flatnonzero(drawn == emotion))
        film[rows[: round(share * len(rows))]] = True
    for source, mean in enumerate(config.photos_per_subject):
        rows = random.permutation(np.flatnonzero(film == source))
        subjects = round(len(rows) / mean) or min(1, len(rows))
        fame = np.arange(1, subjects + 1)[:, None] ** -0.8  # falls off as in the photo collection
        chance = fame * np.exp(config.subject_label_bias * random.standard_normal((subjects, 8)))
        for emotion in np.unique(drawn[rows]):
            shown, share = rows[drawn[rows] == emotion], chance[:, emotion] / chance[:, emotion].sum()
            subject[shown] = seen_so_far + random.choice(subjects, len(shown), p=share)
        subject[rows[:subjects]] = seen_so_far + np.arange(subjects)  # so that everybody has a photo
        seen_so_far += subjects
    return film, subject


def _vary(traits, n, random):
    """{trait: (n, 1) values} around the averages."""
    return {key: mean + spread * random.standard_normal((n, 1)).clip(-2, 2) for key, (mean, spread) in traits.items()}


def _express(drawn, intensity, random):
    """{action unit: (n, 2) strength left and right}; the units of a photo are alike in strength, not the same."""
    moved = [[action_units(emotion, side) for emotion in EMOTIONS] for side in ("left", "right")]
    side, photo = random.integers(2, size=len(drawn)), random.random((len(drawn), 1))
    au = {}
    for unit in ALL_UNITS:
        moves = np.array([[units.get(unit, (0, 0)) for units in emotions] for emotions in moved])[side, drawn]
        au[unit] = moves * (intensity[0] + np.diff(intensity) * (photo + random.random(photo.shape)) / 2)
    return au


def _photograph(pixels, coarse, light, slope):
    """(n, size, size) float32 of faces seen at 1/`coarse` of the resolution in `light` that rises by `slope`."""
    size = pixels.shape[1]
    for picture, side in zip(pixels, (size / coarse).round().astype(int).clip(4)):
        if side < size:
            small = cv2.resize(picture, (int(side), int(side)), interpolation=cv2.INTER_AREA)
            picture[:] = cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR)
    lit = light[:, None] * (1 + slope[:, None] * np.linspace(-1, 1, size))
    return pixels * lit[:, None].astype(np.float32)
