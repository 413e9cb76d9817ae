"""Drawn faces with known truth: the data set that is always at hand, and the laboratory.

Whatever may mislead a net on photographs (persons, sources, scarcity, labellers, duplicates) is a knob of
`Drawing`, so that each can be switched on alone.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd

from emoclass.data.drawn_face import ALL_UNITS, PERSON, POSE, action_units, paint
from emoclass.faces import BadInput, Faces, listed
from emoclass.labels import EMOTIONS

BLOCK = 512  # faces whose outlines are in memory at a time


@dataclass(frozen=True)
class Drawing:
    """A collection of drawn faces as plain values; every knob can be switched off.

    counts             photos of each emotion, in the order of EMOTIONS; duplicates come on top. The default is
                       the imbalance of the photo collection at an eighth of its size, but 10 of each at least
    photos_per_person  mean for (newspaper, film), 1 or more; a few persons have many photos, most have one
    person             how much persons differ; 0: all the same
    habit              how much a person keeps to some emotions; 0: who it is says nothing about the emotion
    pose               how much a person's photos differ in shift, zoom, tilt, gaze, background; 0: not at all
    intensity          weakest and strongest expression, from 0 to 1
    film               share of film stills, one for each emotion (the default: as in the photo collection) or
                       one for all of them: the source then says nothing about the emotion; 0: no film
    style              how much film stills look different (coarse, dim, lit from one side, tilted); 0: not
    confusion          how often the labeller names another emotion (7/8: labels at random), or 8 x 8
                       probabilities, drawn emotion by label; 0: every label is true
    duplicates         photos that are there again, byte for byte, under another name and another person's
    noise              standard deviation of pixel noise in grey levels; 0: none

    Raises BadInput if a knob has an impossible value.
    """

    counts: tuple[int, ...] = (29, 10, 24, 10, 666, 803, 31, 43)
    photos_per_person: tuple[float, float] = (2.3, 14.0)
    person: float = 1.0
    habit: float = 1.5
    pose: float = 1.0
    intensity: tuple[float, float] = (0.4, 1.0)
    film: float | tuple[float, ...] = (0.095, 0.0, 0.94, 0.38, 0.068, 0.022, 0.54, 0.033)
    style: float = 1.0
    confusion: float | tuple[tuple[float, ...], ...] = 0.0
    duplicates: int = 0
    noise: float = 6.0

    def __post_init__(self):
        counts, film, confusion = np.asarray(self.counts), np.asarray(self.film), np.asarray(self.confusion)
        whole = counts.shape == (8,) and counts.dtype.kind in "iu" and counts.min() >= 0
        means, (low, *_, high) = self.photos_per_person, self.intensity

        def are_shares(values, shape):
            return values.shape in ((), shape) and ((values >= 0) & (values <= 1)).all()

        for fits, knob, wanted in (
            (whole and counts.any(), "counts", "eight whole numbers from 0 up and not all of them 0"),
            (len(means) == 2 and min(means) >= 1, "photos_per_person", "two means from 1 up"),
            (len(self.intensity) == 2 and 0 <= low <= high <= 1, "intensity", "(low, high) from 0 to 1"),
            (are_shares(film, (8,)), "film", "a share from 0 to 1, or eight of them"),
            (are_shares(confusion, (8, 8)), "confusion", "a share from 0 to 1, or 8 x 8 of them"),
            (confusion.ndim < 2 or np.allclose(confusion.sum(1), 1), "confusion", "rows that sum to 1"),
            (not whole or 0 <= self.duplicates <= counts.sum(), "duplicates", "from 0 to all photos"),
            *((getattr(self, k) >= 0, k, "0 or more") for k in ("person", "habit", "pose", "style", "noise")),
        ):
            if not fits:
                raise BadInput(f"cartoon: {knob} must be {wanted}, but is {getattr(self, knob)}")


def draw(drawing: Drawing = Drawing(), size: int = 48, seed: int = 0) -> Faces:
    """Faces of `size` x `size` pixels as `drawing` asks for them; the same arguments give the same bits.

    Rows stand in the order of their names, emotions mixed, duplicates last. Column `emotion` is what the
    labeller said, `truth` is what was drawn. Persons, poses, expressions, styles, noise, labels and duplicates
    have randomness of their own: switching one off leaves the others as they were.
    Raises BadInput for a size below 12.
    """
    streams = ("order", "cast", "person", "pose", "intensity", "style", "noise", "label", "duplicates")
    random = dict(zip(streams, np.random.default_rng(seed).spawn(len(streams))))
    drawn = random["order"].permutation(np.repeat(np.arange(8), drawing.counts))
    n = len(drawn)
    film, person = _cast(drawing, drawn, random["cast"])
    persons = _vary(PERSON, drawing.person, n, random["person"])
    face = {trait: values[person] for trait, values in persons.items()}
    face |= _vary(POSE, drawing.pose, n, random["pose"])
    style = _style(drawing.style * film, random["style"])
    face["tilt"] = face["tilt"] + style.pop("tilt")
    au = _express(drawn, drawing.intensity, random["intensity"])

    pixels = np.empty((n + drawing.duplicates, size, size), np.uint8)
    for start in range(0, n, BLOCK):
        block = slice(start, min(start + BLOCK, n))
        some_face, some_au, some_style = ({key: of[key][block] for key in of} for of in (face, au, style))
        photos = _photograph(paint(some_face, some_au, size), **some_style)
        photos += drawing.noise * random["noise"].standard_normal(photos.shape, np.float32)
        pixels[block] = photos.round().clip(0, 255)

    rows = np.append(np.arange(n), random["duplicates"].choice(n, drawing.duplicates, replace=False))
    pixels[n:] = pixels[rows[n:]]
    person = np.append(person, np.arange(n, len(rows)))  # a duplicate passes for somebody else
    photo = np.array([f"{number:06d}-{EMOTIONS[emotion]}" for number, emotion in enumerate(drawn[rows])])
    source = np.where(film, "film", "newspaper")[rows]
    table = {
        "photo": photo,
        "emotion": np.array(EMOTIONS)[_label(drawn[rows], drawing.confusion, random["label"])],
        "person": [f"{where}-{number}" for where, number in zip(source, person)],
        "source": source,
        "labeller": "drawn",
        "parent": photo,
        "cluster": photo[rows],
    }
    return Faces(pixels, pd.DataFrame(table), name="cartoon")


def truth(faces: Faces) -> np.ndarray:
    """(n,) text: the emotion that was drawn, whatever the labeller said; a copy's is its parent's.

    Raises BadInput if these are not drawn faces.
    """
    drawn = faces.table.parent.str.rpartition("-")[2]
    if len(strangers := faces.table.parent[~drawn.isin(EMOTIONS)].unique()):
        raise BadInput(f"cartoon: photos that were not drawn have no known truth: {listed(strangers)}")
    return drawn.to_numpy()


def _cast(drawing, drawn, random):
    """Whether each photo is a film still, (n,) bool, and the number of the person in it, (n,) int."""
    film, person, known = np.zeros(len(drawn), bool), np.zeros(len(drawn), int), 0
    for emotion, share in enumerate(np.broadcast_to(drawing.film, 8)):
        rows = random.permutation(np.flatnonzero(drawn == emotion))
        film[rows[: round(share * len(rows))]] = True
    for source, mean in enumerate(drawing.photos_per_person):
        rows = random.permutation(np.flatnonzero(film == source))
        persons = round(len(rows) / mean) or min(1, len(rows))
        fame = np.arange(1, persons + 1)[:, None] ** -0.8  # falls off as in the photo collection
        chance = fame * np.exp(drawing.habit * random.standard_normal((persons, 8)))
        for emotion in np.unique(drawn[rows]):
            shown, share = rows[drawn[rows] == emotion], chance[:, emotion] / chance[:, emotion].sum()
            person[shown] = known + random.choice(persons, len(shown), p=share)
        person[rows[:persons]] = known + np.arange(persons)  # so that everybody has a photo
        known += persons
    return film, person


def _vary(traits, amount, n, random):
    """{trait: (n, 1) values} around the averages."""
    return {
        name: average + amount * spread * random.standard_normal((n, 1)).clip(-2, 2)
        for name, (average, spread) in traits.items()
    }


def _express(drawn, intensity, random):
    """{action unit: (n, 2) strength left and right}; the units of a photo are alike in strength, not the same."""
    moved = [[action_units(emotion, 1.0, side) for emotion in EMOTIONS] for side in ("left", "right")]
    side, photo = random.integers(2, size=len(drawn)), random.random((len(drawn), 1))
    au = {}
    for unit in ALL_UNITS:
        moves = np.array([[units.get(unit, (0, 0)) for units in emotions] for emotions in moved])[side, drawn]
        au[unit] = moves * (intensity[0] + np.diff(intensity) * (photo + random.random(photo.shape)) / 2)
    return au


def _label(drawn, confusion, random):
    """(n,) int: what a labeller says who confuses emotions."""
    if np.ndim(confusion) == 0:
        confusion = np.where(np.eye(8), 1 - confusion, confusion / 7)
    return (random.random((len(drawn), 1)) >= np.cumsum(confusion, axis=1)[drawn, :7]).sum(axis=1)


def _style(strength, random):
    """What sets photos apart from sharp, evenly lit, upright ones, `strength` (n,) times as much as usual."""
    least, most = [[0.2], [0.1], [-0.3]], [[0.8], [0.3], [0.3]]
    coarse, dark, slope = strength * random.uniform(least, most, (3, len(strength)))
    tilt = 0.06 * (strength * random.standard_normal(len(strength)))[:, None]
    return {"coarse": 1 + coarse, "light": (1 - dark).clip(0.2), "slope": slope, "tilt": tilt}


def _photograph(pixels, coarse, light, slope):
    """(n, size, size) float32 of faces seen at 1/`coarse` of the resolution in `light` that rises by `slope`."""
    size = pixels.shape[1]
    for picture, side in zip(pixels, (size / coarse).round().astype(int).clip(4)):
        if side < size:
            small = cv2.resize(picture, (int(side), int(side)), interpolation=cv2.INTER_AREA)
            picture[:] = cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR)
    lit = light[:, None] * (1 + slope[:, None] * np.linspace(-1, 1, size))
    return pixels * lit[:, None].astype(np.float32)
