"""The sibling swap: the leak alone, at the same number of pictures and of distinct photos in each class.

A *family* is a photo with its duplicates and all their copies. Folds keep families together. In every arm the same
pictures of the fold are tested: its photos, and of each of their copies one half. The other half is spare. From the
training part some families of the class, the *donors*, are taken out whole, as many photos as are tested. Then

- "honest" puts in some copies of the donors, as many as are spare;
- "swap" puts in the spare copies, which are siblings of tested pictures;
- "placebo" puts in as many fresh copies of photos that are still in the training part.

So swap minus honest is the leak, and honest minus placebo is what so many further photos are worth. What is put in
comes last, emotion by emotion: pictures of the same emotion stand at the same places in each arm, and are in the same
batches.
"""

from dataclasses import dataclass
from zlib import crc32

import numpy as np

from emoclass import splits
from emoclass.augment import OfflineAugmentation, copies_of, copies_per_photo
from emoclass.errors import InputError
from emoclass.faces import Faces
from emoclass.splits import NO_PART, TEST, TRAIN, VALIDATION


@dataclass(frozen=True, eq=False)
class Copies:
    """Some copies, by photo and number."""

    rows: np.ndarray  # (k,) int: positions of photos
    numbers: np.ndarray  # (k,) int: which of a photo's copies, from 0

    def __add__(self, other: "Copies") -> "Copies":
        rows = np.concatenate([self.rows, other.rows])
        numbers = np.concatenate([self.numbers, other.numbers])
        return Copies(rows, numbers)


NONE = Copies(np.zeros(0, np.int64), np.zeros(0, np.int64))


@dataclass(frozen=True, eq=False)
class Exchange:
    """Who gives way to whom in one emotion and fold."""

    tested: np.ndarray  # (t,) int: positions of the photos tested
    donors: np.ndarray  # (t,) int: of those that are taken out of the training part
    left: np.ndarray  # (l,) int: of those that stay in it
    copies: np.ndarray  # (n,) int: how many copies each photo of the collection has

    @property
    def spare(self) -> np.ndarray:
        """(t,) int: how many copies of each tested photo are not tested."""
        return self.copies[self.tested] // 2

    def put_in(self, arm: str) -> Copies:
        """What an arm puts into the training part, equally many pictures in each."""
        if arm == "honest":
            return _first_copies(self.donors, self.spare)
        if arm == "swap":
            return _first_copies(self.tested, self.spare)
        return self._fresh(int(self.spare.sum()))

    def _fresh(self, wanted: int) -> Copies:
        """So many copies of those that stay, numbered on from those they have; as even as can be."""
        turn = np.arange(wanted)
        rows = self.left[turn % len(self.left)]
        return Copies(rows, self.copies[rows] + turn // len(self.left))


def exchange(
    faces: Faces,
    augmentation: OfflineAugmentation,
    arm: str,
    fold: int = 0,
    n_folds: int = 5,
    seed: int = 0,
) -> tuple[Faces, np.ndarray]:
    """The pictures of an arm, "honest", "swap" or "placebo", and (n,) int8 the part of each, as in `splits`.

    faces    originals alone. Raises InputError if an emotion has too few families to take some out and leave some
    """
    split = splits.make_fold(faces, "duplicate", fold, n_folds, seed)
    part = np.full(len(faces), NO_PART, np.int8)
    part[split.train] = TRAIN
    part[split.validation] = VALIDATION
    part[split.test] = TEST
    copies = copies_per_photo(faces, augmentation, seed)
    as_ever = NONE
    put_in = NONE
    for emotion in augmentation.classes:
        of_emotion = np.flatnonzero((faces.table.emotion == emotion).to_numpy() & (copies > 0))
        found = _exchange(faces, emotion, of_emotion, part, copies, fold, seed)
        part[found.donors] = NO_PART
        put_in += found.put_in(arm)
        as_ever += _as_ever(found, of_emotion, part)
    pictures = as_ever + put_in
    made = copies_of(faces, pictures.rows, pictures.numbers, augmentation, seed)
    part_of_copies = part[pictures.rows]
    part_of_copies[len(as_ever.rows) :] = TRAIN
    return faces + made, np.concatenate([part, part_of_copies])


def _exchange(
    faces: Faces,
    emotion: str,
    rows: np.ndarray,
    part: np.ndarray,
    copies: np.ndarray,
    fold: int,
    seed: int,
) -> Exchange:
    """Draw the donors among the photos at these rows, all of one emotion."""
    tested = rows[part[rows] == TEST]
    trained = rows[part[rows] == TRAIN]
    family = splits.group_ids(faces.table, "duplicate")
    random = np.random.default_rng([seed, fold, crc32(emotion.encode())])
    donors = []
    for number in random.permutation(np.unique(family[trained])):
        members = trained[family[trained] == number]
        if len(donors) + len(members) <= len(tested):
            donors += members.tolist()
    left = trained[~np.isin(trained, donors)]
    if len(donors) < len(tested) or not len(left):
        raise InputError(
            f"sibling swap, fold {fold}, seed {seed}: of {len(trained)} photos of {emotion} in training, "
            f"whole families of {len(tested)} must be taken out and some left; take more folds"
        )
    return Exchange(tested, np.array(donors, np.int64), random.permutation(left), copies)


def _as_ever(found: Exchange, rows: np.ndarray, part: np.ndarray) -> Copies:
    """The copies that are in every arm: of tested photos the half that is tested, of others all."""
    used = rows[part[rows] != NO_PART]
    every = _first_copies(used, found.copies[used])
    spare = np.zeros(len(part), np.int64)
    spare[found.tested] = found.spare
    kept = every.numbers >= spare[every.rows]
    return Copies(every.rows[kept], every.numbers[kept])


def _first_copies(rows: np.ndarray, counts: np.ndarray) -> Copies:
    """Of each photo the first so many copies."""
    numbers = [np.arange(count) for count in counts]
    return Copies(np.repeat(rows, counts), np.concatenate([*numbers, NONE.numbers]))
