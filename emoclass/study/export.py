"""A model to take away: the compact net trained on every photo, in a file that plain Keras opens."""

import hashlib
import json
from pathlib import Path

import numpy as np

from emoclass import models, posthoc, splits
from emoclass.augment import with_copies
from emoclass.errors import InputError, listed
from emoclass.faces import Faces
from emoclass.files import replacing, write_text
from emoclass.inference import FACTS, NET, load
from emoclass.labels import EMOTIONS
from emoclass.losses import log_prior
from emoclass.paths import build_folder
from emoclass.study import results
from emoclass.study.notebook import Study, rehearsal_folder
from emoclass.study.recipes import final_variant
from emoclass.study.store import versions
from emoclass.study.sweep import concat_folds
from emoclass.study.train import Run, fit, select_samples
from emoclass.study.variant import Variant

SCORES = ("best.subject.", "compact.subject.", "new_faces.")  # ids in results.json that tell what to expect of it
MEASURED = (
    "by subject on nets trained the same way with fewer photos, never on this very net, which has seen nearly all; "
    "new_faces.collection.new_faces_adjusted comes nearest to it"
)
NOT_FOR = (
    "inferring emotions of persons at work or in education (EU AI Act, Article 5(1)(f)), or judging anybody; it tells "
    "how a face looks to others, not what somebody feels"
)
ACCURACY = 0.84  # at least, on the validation part, whatever tau does for the minority classes


def make_final_split(variant: Variant, faces: Faces, seed: int = 0) -> tuple[Faces, splits.Split]:
    """The photos of a variant, copies among them, and a split that trains on all but a ninth of the subjects.

    That ninth, more where an emotion has fewer than nine photos, is for validation. It is taken from sources without
    a role in the variant, so that a variant and the one it starts from share it. Nobody is tested. Raises InputError
    if an emotion has one photo only, or if there is only one subject.
    """
    often = (*variant.train_sources, *variant.test_sources)
    apart = faces.table.source.isin((*often, *variant.excluded_sources)).to_numpy()
    group, rows = splits.group_ids(faces.table, "subject"), np.flatnonzero(~apart)
    table = faces.table.iloc[rows]
    n_parts = min(splits.VALIDATION_PARTS, table.emotion.value_counts().min(), len(np.unique(group[rows])))
    rows = rows[splits.assign_folds(table, "subject", max(n_parts, 2), seed) == 0]
    rows = rows[~np.isin(group[rows], group[apart])]  # whoever is among the new faces too is trained on
    everything = with_copies(select_samples(variant, faces, seed), variant.offline_augmentation, seed)
    held = everything.table.parent.isin(faces.table.photo.iloc[rows]).to_numpy()
    times = np.where(everything.table.source.isin(often), variant.train_source_repeats, 1)
    train = np.repeat(np.arange(len(everything)), np.where(held, 0, times))
    return everything, splits.Split(train, np.flatnonzero(held & ~everything.is_copy), np.zeros(0, np.int64))


def train_on_everything(variant: Variant, faces: Faces) -> Run:
    """Train one net on all photos but its validation part, and before it the one that it starts from.

    Raises InputError as `make_final_split` does.
    """
    init_from = variant.init_from and train_on_everything(variant.init_from, faces)
    return fit(variant, *make_final_split(variant, faces), init_from=init_from)


def tune_tau_and_temperature(run: Run, faces: Faces) -> tuple[float, float]:
    """tau and temperature of a run on these faces, chosen on its validation part; InputError if there is none."""
    predictions = concat_folds([run], faces)
    [tau] = posthoc.select_taus(predictions, ACCURACY).tolist()
    [temperature] = posthoc.temperatures(posthoc.logit_adjusted(predictions, tau)).tolist()
    return tau, temperature


def as_keras(run: Run, size: int, logit_adjustment_tau: float = 0.0):
    """The run's net as a Keras model, from (batch, size, size, 1) uint8 to (batch, 8) float32 logits.

    Without online augmentation, of Keras's own layers alone. The last bias takes tau times the log share of each
    emotion in training from the logits (Menon et al. 2021).
    """
    net = models.build(run.variant.net, size, len(EMOTIONS))
    prior = log_prior(np.bincount(run.y_true["train"], minlength=len(EMOTIONS)))
    net.set_weights([*run.weights[:-1], run.weights[-1] - logit_adjustment_tau * prior])
    return net


def describe(faces: Faces, variant: Variant, numbers: dict[str, dict], data: dict) -> dict:
    """All that is known of a model before it is trained, as plain values; `numbers`, `data` are of a results.json."""
    about = {
        "name": variant.name,
        "emotions": EMOTIONS,
        "preprocessing": {
            "size": faces.size,
            "crop": "the face fills the square from brow to chin",
            "grey": "0.299 red + 0.587 green + 0.114 blue",
            "resize": "mean over areas (cv2.INTER_AREA)",
            "input": f"uint8 (batch, {faces.size}, {faces.size}, 1), 0 to 255, not rescaled",
            "views": "the picture and its mirror image; take the mean of their logits",
            "output": "float32 logits (batch, 8) without tau x the log share of each emotion in training; "
            "probabilities are softmax(logits / temperature)",
        },
        "not_for": NOT_FOR,
        "data": data | {"photos of each emotion": faces.counts.to_dict()},
        "scores": {"measured": MEASURED, "numbers": {k: v for k, v in numbers.items() if k.startswith(SCORES)}},
        "variant": variant.content,
        "versions": versions(),
    }
    return json.loads(json.dumps(about))  # as it will be read again, tuples as lists


def save(net, facts: dict, folder: Path) -> Path:
    """Put a Keras model and its facts into a folder; the facts hold the other file's sha256, so that a half is seen.

    Raises InputError if the folder cannot be written.
    """
    try:
        with replacing(folder / NET) as draft:
            net.save(draft)
            facts = facts | {"sha256": hashlib.sha256(draft.read_bytes()).hexdigest()}
        write_text(folder / FACTS, json.dumps(facts, indent=1, allow_nan=False) + "\n")
    except OSError as error:
        why = error.strerror or error
        raise InputError(f"the model cannot be kept in {folder} ({why}): make room there") from error
    return folder / NET


def export(dataset: str = "muxspace", profile: str = "full", say=print) -> Path:
    """Train the model on all photos of a dataset, keep it in build/model, and return its file.

    That of another data set or profile lies with its figures under build/. Where the very same is there already, only
    its scores are copied anew. Raises InputError if the photos cannot be used, or the model cannot be kept.
    """
    study = Study("model", dataset, profile, new_faces=True)
    [variant] = study.adapted([final_variant()])
    canonical, recorded = (dataset, profile) == ("muxspace", "full"), study.results.path
    folder = (build_folder() if canonical else rehearsal_folder(dataset, profile)) / "model"
    numbers = results.load(recorded)["numbers"] if recorded.exists() else {}
    facts = describe(study.faces, variant, numbers, study.results.data)
    try:
        model = load(folder)
    except InputError:
        model = None
    if model and all(model.facts[what] == facts[what] for what in ("variant", "data", "versions")):
        say("the very same net is there already: copying the scores anew")
        net, facts = model.net, model.facts | facts
    else:
        say(f"training on {len(study.faces):,} photos on one thread, some minutes")
        run = train_on_everything(variant, study.faces)
        facts["tau"], facts["temperature"] = tune_tau_and_temperature(run, study.faces)
        net = as_keras(run, study.faces.size, facts["tau"])
        facts["rows"] = dict(zip(("train", "validation"), run.rows))
    if missing := [f"{first}*" for first in SCORES if not any(name.startswith(first) for name in numbers)]:
        say(f"scores that {recorded} lacks, and so does the model: {listed(missing)}; run `make reproduce`")
    return save(net, facts, folder)
