"""A model to take away: the compact net trained on every photo, in a file that plain Keras opens."""

import argparse
import hashlib
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from scipy.special import softmax

from emoclass import after, models, paths, results, split, sweep
from emoclass.augment import Jitter, with_copies
from emoclass.backend import fast_precision, keras
from emoclass.data.prepare import prepare
from emoclass.faces import BadInput, Faces, listed
from emoclass.labels import EMOTIONS
from emoclass.losses import log_prior
from emoclass.new_faces import HELD_BACK, LEARN
from emoclass.predictions import pool
from emoclass.store import versions
from emoclass.study import PROFILES, Study, rehearsal_folder
from emoclass.train import Run, fit, subject
from emoclass.variant import Variant

NET, FACTS = "emoclass.keras", "emoclass.json"
SCORES = ("best.person.", "compact.person.", "new_faces.")  # ids in results.json that tell what to expect of it
MEASURED = (
    "tested by person, on photos that no net tested on them had seen, and never on this very net: it has seen all but "
    "its validation part, so none are left to test it fairly. new_faces.collection.new_faces_adjusted: nets trained "
    "the same way on seven tenths of the photos and half of the new faces; compact: before the second pass, without "
    "new faces, the best of three such nets in each fold by its validation persons; best: the best of all arms of "
    "notebook 5 in each fold, chosen so for macro-F1; new_faces: all its arms"
)
ACCURACY = 0.84  # at least, on the validation part, whatever tau does for the scarce emotions
NEW = (*LEARN, HELD_BACK)  # nobody is tested here, so nothing need be held back

# Where the cascade's box lies in the collection's own photos (the median of 236): all but 1.5 % at each side.
MARGIN = 0.015  # of the box, added at each side
AROUND = 0.25  # of the picture, added before it is searched: the cascade misses what touches the edge
SEARCHED = 480  # pixels of the longer side; a larger picture is searched at this size


def compact_variant(name: str = "compact", **changes) -> Variant:
    """The compact net as notebooks 4 and 5 train it, without new faces: half of them wait, the others are tested."""
    return Variant(
        name,
        net=models.COMPACT,
        leave_out=LEARN,
        only_test=(HELD_BACK,),
        epochs=40,
        learning_rate=2e-3,
        schedule="cosine",
        weight_decay=0.02,
        clip=1.0,
        keep="last",
        jitter=Jitter(),
        two_views=True,
        precision=fast_precision(),
    ).replace(**changes)


def best_variant() -> Variant:
    """What is trained for others to use: the compact net, then a second pass that takes the new faces in.

    Notebook 5 holds half of the new faces back to be tested; here nobody is tested, and they are trained on too.
    """
    plain = compact_variant(leave_out=NEW, only_test=())
    return plain.replace(
        name="the model to take away",
        start=plain,
        epochs=4,
        learning_rate=1e-3,
        leave_out=(),
        only_train=NEW,
        repeat=4,
    )


def deal(variant: Variant, faces: Faces, seed: int = 0) -> tuple[Faces, split.Split]:
    """The photos of a variant, copies among them, and a split that trains on all of them but a ninth of the persons.

    That ninth is for validation, of sources without a role in the variant, so that a variant and its `start` have
    the same one; it is a larger part where an emotion has fewer than nine photos. Nobody is tested. Raises BadInput
    if an emotion has one photo only, or if there is only one person.
    """
    apart = faces.table.source.isin((*variant.only_train, *variant.only_test, *variant.leave_out)).to_numpy()
    group, rows = split.groups(faces.table, "person"), np.flatnonzero(~apart)
    table = faces.table.iloc[rows]
    parts = min(split.VALIDATION_PARTS, table.emotion.value_counts().min(), len(np.unique(group[rows])))
    rows = rows[split.assign_folds(table, "person", max(parts, 2), seed) == 0]
    rows = rows[~np.isin(group[rows], group[apart])]  # whoever is among the new faces too is trained on
    everything = with_copies(subject(variant, faces, seed), variant.copies, seed)
    held = everything.table.parent.isin(faces.table.photo.iloc[rows]).to_numpy()
    often = everything.table.source.isin((*variant.only_train, *variant.only_test))
    train = np.repeat(np.flatnonzero(~held), np.where(often, variant.repeat, 1)[~held])
    return everything, split.Split(train, np.flatnonzero(held & ~everything.is_copy), np.zeros(0, np.int64))


def train_on_everything(variant: Variant, faces: Faces, seed: int = 0) -> Run:
    """Train one net on all photos but its validation part, and before it the one that it starts from.

    Raises BadInput as `deal` does.
    """
    start = variant.start and train_on_everything(variant.start, faces, seed)
    return fit(variant, *deal(variant, faces, seed), seed=seed, start=start)


def settled(run: Run, faces: Faces) -> tuple[float, float]:
    """tau and temperature of a run on these faces, chosen on its validation part as notebook 5 does.

    Raises BadInput if there is no validation part.
    """
    said = pool([run], faces)
    [tau] = after.chosen_taus(said, ACCURACY).tolist()
    [temperature] = after.temperatures(after.logit_adjusted(said, tau)).tolist()
    return tau, temperature


def as_keras(run: Run, size: int, tau: float = 0.0):
    """The run's net as a float32 Keras model of Keras's own layers alone: what changed photos in training is gone.

    From (batch, size, size, 1) uint8 pictures to (batch, 8) float32 logits, from which tau times the log share of
    each emotion in training is taken (Menon et al. 2021): by the last layer's bias.
    """
    net = models.build(run.variant.net, size, len(EMOTIONS))
    prior = log_prior(np.bincount(run.truth["train"], minlength=len(EMOTIONS)))
    net.set_weights([*run.weights[:-1], run.weights[-1] - tau * prior])
    return net


def describe(faces: Faces, variant: Variant, numbers: dict[str, dict], data: dict) -> dict:
    """All that is known of a model before it is trained, as plain values.

    numbers, data    of a results.json: see `Results`
    """
    size, counts = faces.size, {emotion: int(count) for emotion, count in faces.counts.items()}
    about = {
        "name": variant.name,
        "emotions": EMOTIONS,
        "preprocessing": {
            "size": size,
            "crop": "the face fills the square from brow to chin",
            "grey": "0.299 red + 0.587 green + 0.114 blue",
            "resize": "mean over areas (cv2.INTER_AREA)",
            "input": f"uint8 (batch, {size}, {size}, 1), 0 to 255, not rescaled",
            "views": "the picture and its mirror image; take the mean of their logits",
            "output": "float32 logits (batch, 8); probabilities are softmax(logits / temperature)",
            "prior": "tau x the log share of each emotion in training is taken from the logits already",
        },
        "not_for": "inferring emotions of persons at work or in education (EU AI Act, Article 5(1)(f)), or judging "
        "anybody; it says how a face looks to others, not what somebody feels",
        "data": data | {"photos of each emotion": counts},
        "scores": {
            "measured": MEASURED,
            "numbers": {name: number for name, number in numbers.items() if name.startswith(SCORES)},
        },
        "variant": variant.content,
        "versions": versions(),
    }
    return json.loads(json.dumps(about))  # as it will be read again, tuples as lists


def model_folder(dataset: str = "muxspace", profile: str = "full") -> Path:
    """Where the model lies: build/model, or that of another data set or profile with its figures under build/."""
    canonical = (dataset, profile) == ("muxspace", "full")
    return (paths.build_folder() if canonical else rehearsal_folder(dataset, profile)) / "model"


def save(net, facts: dict, folder: Path) -> Path:
    """Put a Keras model and its facts into a folder, whole or not at all; the facts hold the other file's sha256.

    Raises BadInput if the folder cannot be written.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".draft-") as draft:
            net.save(draft := Path(draft, NET))
            facts = facts | {"sha256": hashlib.sha256(draft.read_bytes()).hexdigest()}
            draft.with_name(FACTS).write_text(json.dumps(facts, indent=1, allow_nan=False) + "\n")
            for name in (NET, FACTS):
                os.replace(draft.with_name(name), folder / name)
    except OSError as error:
        raise BadInput(f"the model cannot be kept in {folder} ({error.strerror or error}): make room there") from error
    return folder / NET


@dataclass(frozen=True, eq=False)
class Model:
    """A trained net as it was taken away.

    net      Keras model, (batch, size, size, 1) uint8 -> (batch, 8) logits
    facts    what emoclass.json says of it
    """

    net: object
    facts: dict

    @property
    def size(self) -> int:
        """Side in pixels of the pictures that it takes."""
        return self.facts["preprocessing"]["size"]


def load(folder: os.PathLike | str | None = None) -> Model:
    """The model that `make model` has left in `folder`, build/model if none is named.

    Raises BadInput if there is none, or if its two files do not belong together.
    """
    folder = Path(folder or model_folder())
    try:
        facts = json.loads((folder / FACTS).read_text())
        together = facts["sha256"] == hashlib.sha256((folder / NET).read_bytes()).hexdigest()
    except OSError as error:
        raise BadInput(f"there is no model in {folder} ({error.strerror}): run `make model`") from error
    except (ValueError, KeyError, TypeError):
        together = False
    if not together:
        raise BadInput(f"{NET} and {FACTS} in {folder} do not belong together: run `make model`")
    return Model(keras().models.load_model(folder / NET, compile=False), facts)


def crop_face(photo: os.PathLike | str | np.ndarray, size: int = 48) -> np.ndarray:
    """(size, size) uint8: the largest face in a photo, grey, cut as the collection's faces are.

    photo    a file, or a picture: (height, width) grey or (height, width, 3) RGB, uint8
    The face is found by OpenCV's bundled cascade (Viola & Jones 2001); where it finds none, the middle of the
    picture is taken, which one line on stderr says. Raises BadInput if that is no picture, or size is below 1.
    """
    if size < 1:
        raise BadInput(f"a face cannot be {size} pixels a side: ask for a size of at least 1")
    grey = _grey(photo)
    height, width = grey.shape
    if (found := _largest_face(grey)) is None:
        name = "the picture" if isinstance(photo, np.ndarray) else photo
        print(f"no face found in {name}: taking all of it, cut to a square", file=sys.stderr)
        found = (width - min(grey.shape)) / 2, (height - min(grey.shape)) / 2, min(grey.shape)
        margin = 0
    else:
        margin = MARGIN * found[2]
    side = min(round(found[2] + 2 * margin), height, width)
    left, top = (int(np.clip(round(at - margin), 0, end - side)) for at, end in zip(found, (width, height)))
    shrinks = side >= size
    square = grey[top : top + side, left : left + side]
    return cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _grey(photo) -> np.ndarray:
    """(height, width) uint8 of a file or a picture."""
    if not isinstance(photo, np.ndarray):
        path = Path(photo).expanduser()
        prepare([path], 1)  # refuses what is missing, cut short, too large or no picture, in one sentence
        return cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE)
    if photo.dtype != np.uint8 or photo.shape[2:] not in ((), (3,)) or photo.ndim < 2 or not photo.size:
        raise BadInput(f"{photo.dtype} {photo.shape} is no picture: (height, width) or (height, width, 3) of uint8")
    return cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY) if photo.ndim == 3 else photo


def _largest_face(grey: np.ndarray) -> tuple[float, float, float] | None:
    """(left, top, side) in pixels of the cascade's largest box, which may reach beyond the edge; None without one."""
    scale = min(1.0, SEARCHED / max(grey.shape))
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else grey
    edge = round(AROUND * max(small.shape))
    small = cv2.copyMakeBorder(small, edge, edge, edge, edge, cv2.BORDER_REPLICATE)
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    boxes = cascade.detectMultiScale(small, 1.1, 5)
    if not len(boxes):
        return None
    left, top, side, _ = max(boxes, key=lambda box: box[2])
    return (left - edge) / scale, (top - edge) / scale, side / scale


def predict(model: Model, picture: np.ndarray) -> dict[str, float]:
    """The probability of each of the eight emotions: of how this face looks, not of what somebody feels.

    picture    (size, size) uint8 grey, as `crop_face` cuts it; it is seen twice, once mirrored
    Raises BadInput if it is something else.
    """
    picture, shape = np.asarray(picture), (model.size, model.size)
    if picture.dtype != np.uint8 or picture.shape != shape:
        raise BadInput(
            f"the model takes uint8 {shape}, not {picture.dtype} {picture.shape}: `crop_face` makes that of a photo"
        )
    views = np.stack([picture, picture[:, ::-1]])[..., None]
    logits = np.asarray(model.net.predict_on_batch(views), np.float64).mean(0)
    return dict(zip(model.facts["emotions"], softmax(logits / model.facts["temperature"]).tolist()))


def make(dataset: str = "muxspace", profile: str = "full", say=print) -> Path:
    """Train the model on all photos of a dataset, keep it in `model_folder`, and return its file.

    Where the very same is there already, it is not trained again; only its scores are copied anew. Raises BadInput
    if the photos cannot be used, or the model cannot be kept.
    """
    study = Study("model", dataset, profile, new_faces=True)
    [variant] = study.adapted([best_variant()])
    folder, recorded = model_folder(dataset, profile), study.results.path
    numbers = results.load(recorded)["numbers"] if recorded.exists() else {}
    facts = describe(study.faces, variant, numbers, study.results.data)
    try:
        model = load(folder)
    except BadInput:
        model = None
    if model and all(model.facts[what] == facts[what] for what in ("variant", "data", "versions")):
        say("the very same net is there already: copying the scores anew")
        net, facts = model.net, model.facts | facts
    else:
        wanted = sweep.with_starts([sweep.Task(variant, study.faces, 0, 0)])
        minutes = sweep.minutes_to_train(wanted, workers=1)
        say(f"training on {len(study.faces):,} photos on one thread, about {max(minutes, 1):.0f} min")
        run = train_on_everything(variant, study.faces)
        facts["tau"], facts["temperature"] = settled(run, study.faces)
        net = as_keras(run, study.faces.size, facts["tau"])
        facts["rows"] = dict(zip(("train", "validation"), run.rows))
    missing = [f"{start}*" for start in SCORES if not any(name.startswith(start) for name in numbers)]
    if missing:
        say(f"scores that {recorded} lacks, and so does the model: {listed(missing)}; run `make reproduce`")
    return save(net, facts, folder)


def main(argv: list[str] | None = None) -> int:
    """Train and keep the model; 2 and one sentence where that cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m emoclass.model", description=__doc__)
    parser.add_argument("--dataset", default="muxspace", help="muxspace, cartoon, or a folder of your own photos")
    parser.add_argument("--profile", default="full", choices=PROFILES)
    chosen = parser.parse_args(argv)
    try:
        kept = make(chosen.dataset, chosen.profile, say=lambda line: print(line, flush=True))
    except BadInput as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("emoclass: interrupted, nothing half done is kept", file=sys.stderr)
        return 130
    print(f"{kept}: the model; {FACTS} beside it says what it takes, what it yields and what to expect of it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
