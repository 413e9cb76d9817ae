"""The synthetic faces that the page shows, and the pairs that the auditor finds among them."""

import cv2
import numpy as np
import pandas as pd
from splitaudit.pictures import SIDE

import splitaudit
from emoclass.augment import OfflineAugmentation, transformed
from emoclass.data.synthetic import SyntheticConfig, draw
from emoclass.faces import Faces
from emoclass.labels import EMOTIONS
from emoclass.study.play.nets import SIZE, TrainedNet, moved_aside, unseen_faces
from emoclass.study.play.script import pixels_as_text

LARGE = 128  # pixels a side of a face that is moved by hand
SMALL = 48  # of a face in a grid
# How many of each emotion can be moved by hand: the first ones that all nets know as they are.
TO_MOVE = {"happiness": 3, "neutral": 3, "surprise": 1, "sadness": 1}
TO_SPLIT = SyntheticConfig(
    counts=(2, 2, 2, 3, 5, 4, 2, 2), photos_per_subject=(1, 1), film=0.0, subject_label_bias=0
)
TO_SEARCH = SyntheticConfig(
    counts=(30,) * len(EMOTIONS), photos_per_subject=(1, 1), film=0.0, subject_label_bias=0
)
ROUNDS = 6
CHOICES = 6  # test pictures in a round, of which one was made from the training picture
COPIES = OfflineAugmentation(per_image=1, classes=EMOTIONS)
SPLIT_SEED = 7
SEARCH_SEED = 11


def faces_to_move(nets: list[TrainedNet]) -> list[dict]:
    """Faces that no net was trained on, as the nets see them and large enough to look at."""
    seen = unseen_faces(SIZE)
    shown = unseen_faces(LARGE)
    known = _known_to_all(nets, seen)
    called = _called(nets, seen)
    faces = []
    for emotion, wanted in TO_MOVE.items():
        rows = np.flatnonzero(known & (seen.table.emotion == emotion))
        for row in rows[:wanted]:
            faces.append(
                {
                    "emotion": emotion,
                    "seen": pixels_as_text(seen.pixels[row]),
                    "shown": pixels_as_text(shown.pixels[row]),
                    "called": {name: words[row] for name, words in called.items()},
                }
            )
    return faces


def _called(nets: list[TrainedNet], faces: Faces) -> dict[str, list[str]]:
    """{net: what it calls each face, pushed aside}."""
    aside = moved_aside(faces.pixels)
    called = {}
    for net in nets:
        places = net.probabilities(aside).argmax(axis=1)
        called[net.name] = [EMOTIONS[place] for place in places]
    return called


def _known_to_all(nets: list[TrainedNet], faces: Faces) -> np.ndarray:
    """(n,) bool: every net calls the face what it is."""
    labels = [EMOTIONS.index(emotion) for emotion in faces.table.emotion]
    known = np.ones(len(faces), bool)
    for net in nets:
        known &= net.probabilities(faces.pixels).argmax(axis=1) == labels
    return known


def faces_to_split() -> list[dict]:
    """A few faces, mostly happy and neutral, to be copied and dealt out in the page."""
    faces = draw(TO_SPLIT, size=SMALL, seed=SPLIT_SEED)
    rows = []
    for emotion, pixels in zip(faces.table.emotion, faces.pixels):
        rows.append({"emotion": emotion, "pixels": pixels_as_text(pixels)})
    return rows


def rounds_to_search() -> list[dict]:
    """Rounds of: a training picture, six test pictures, which of them was made from it.

    And what `splitaudit` says of them, which is not told.
    """
    faces = draw(TO_SEARCH, size=SIDE, seed=SEARCH_SEED)
    random = np.random.default_rng(SEARCH_SEED)
    half = len(faces) // 2
    train = np.arange(half)
    strangers = random.permutation(np.arange(half, len(faces)))
    strangers = strangers[: ROUNDS * (CHOICES - 1)].reshape(ROUNDS, CHOICES - 1)
    pictures = list(faces.pixels[train])
    rounds = []
    for number, wrong in enumerate(strangers):
        photo = faces.table.photo[number]
        copy = transformed(faces.pixels[number], photo, 0, COPIES)
        choices = [faces.pixels[row] for row in wrong]
        right = int(random.integers(CHOICES))
        choices.insert(right, copy)
        rounds.append({"train": number, "right": right, "first": len(pictures)})
        pictures += choices
    return _told_by_the_auditor(rounds, pictures, half)


def _told_by_the_auditor(rounds: list[dict], pictures: list, n_train: int) -> list[dict]:
    """The same rounds with pixels, and for each test picture what the auditor found."""
    split = ["train"] * n_train + ["test"] * (len(pictures) - n_train)
    table = pd.DataFrame({"split": split})
    loaded = splitaudit.Pictures.from_arrays(pictures)
    report = splitaudit.audit_pictures(loaded, table)
    told = []
    for each in rounds:
        choices = []
        for place in range(CHOICES):
            position = each["first"] + place
            found = report.found[report.found.left == position]
            choices.append(_choice(pictures, position, found))
        train = pixels_as_text(_in_a_grid(pictures[each["train"]]))
        told.append({"train": train, "right": each["right"], "choices": choices})
    return told


def _choice(pictures: list, position: int, found: pd.DataFrame) -> dict:
    """A test picture; with the pair that was found, if one was, and both put in line."""
    choice = {"pixels": pixels_as_text(_in_a_grid(pictures[position]))}
    if found.empty:
        return choice
    pair = found.iloc[0]
    train = pictures[pair.right]
    moved = cv2.warpAffine(train, pair.matrix, (SIDE, SIDE), borderValue=255)
    inside = cv2.warpAffine(np.full_like(train, 255), pair.matrix, (SIDE, SIDE))
    apart = cv2.absdiff(moved, pictures[position])
    apart[inside < 255] = 0
    choice["found"] = {
        "kind": pair.kind,
        "transformation": pair.transformation,
        "score": round(float(pair.score), 3),
        "probability": round(float(pair.probability), 3),
        "train": int(pair.right),
        "moved": pixels_as_text(_in_a_grid(moved)),
        "apart": pixels_as_text(_in_a_grid(apart)),
    }
    return choice


def _in_a_grid(picture: np.ndarray) -> np.ndarray:
    return cv2.resize(picture, (SMALL, SMALL), interpolation=cv2.INTER_AREA)


def as_script(nets: list[TrainedNet]) -> dict:
    """All faces of the page as plain values."""
    return {
        "large": LARGE,
        "small": SMALL,
        "move": faces_to_move(nets),
        "split": faces_to_split(),
        "find": rounds_to_search(),
    }
