"""A model to take away: the compact net trained on every photo, in a file that plain Keras opens."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from emoclass import models, posthoc
from emoclass.backend import keras
from emoclass.data.new_faces import LEARN
from emoclass.errors import InputError, listed
from emoclass.faces import Faces
from emoclass.files import replacing, write_text
from emoclass.inference import FACTS, NET
from emoclass.labels import EMOTIONS
from emoclass.losses import log_prior
from emoclass.paths import build_folder
from emoclass.splits import Split
from emoclass.study import results
from emoclass.study.notebook import Study
from emoclass.study.recipes import compact_variant, final_variant
from emoclass.study.store import versions
from emoclass.study.sweep import concat_folds
from emoclass.study.train import Run, fit, make_split
from emoclass.variant import Variant

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


def make_final_split(variant: Variant, faces: Faces, seed: int = 0) -> tuple[Faces, Split]:
    """The first fold of a variant, what it tests in training too: it and its start share a validation part."""
    everything, split = make_split(variant, faces, 0, seed)
    return everything, replace(split, train=np.concatenate([split.train, split.test]), test=split.test[:0])


def train_on_everything(variant: Variant, faces: Faces) -> Run:
    """Train one net on all photos but its validation part, and before it the one that it starts from."""
    init_from = variant.init_from and train_on_everything(variant.init_from, faces)
    return fit(variant, *make_final_split(variant, faces), init_from=init_from)


def tune_tau_and_temperature(run: Run, faces: Faces) -> tuple[float, float]:
    """tau and temperature of a run on these faces, chosen on its validation part."""
    tau = posthoc.best_tau(run, ACCURACY)
    return tau, posthoc.temperature(posthoc.logit_adjusted(concat_folds([run], faces), tau).runs[0])


def as_keras(run: Run, size: int, logit_adjustment_tau: float = 0.0):
    """The run's net from (batch, size, size, 1) uint8 to (batch, 8) float32 logits, of Keras's own layers alone.

    The last bias takes tau times the log share of each emotion in training from the logits (Menon et al. 2021).
    """

    def of_keras(layer):
        normal = keras().layers.BatchNormalization
        return (normal if isinstance(layer, normal) else type(layer)).from_config(layer.get_config())

    net = keras().models.clone_model(models.build(run.variant.net, size, len(EMOTIONS)), clone_function=of_keras)
    prior = log_prior(np.bincount(run.y_true["train"], minlength=len(EMOTIONS)))
    net.set_weights([*run.weights[:-1], run.weights[-1] - logit_adjustment_tau * prior])
    return net


def describe(faces: Faces, variant: Variant, numbers: dict[str, dict], data: dict) -> dict:
    """All that is known of a model before it is trained, as plain values; `numbers`, `data` are of a results.json."""
    preprocessing = {
        "size": faces.size,
        "crop": "the face fills the square from brow to chin",
        "grey": "0.299 red + 0.587 green + 0.114 blue",
        "resize": "mean over areas (cv2.INTER_AREA)",
        "input": f"uint8 (batch, {faces.size}, {faces.size}, 1), 0 to 255, not rescaled",
        "views": "the picture and its mirror image; take the mean of their logits",
        "output": "float32 logits (batch, 8) without tau x the log share of each emotion in training; "
        "probabilities are softmax(logits / temperature)",
    }
    about = dict(name=variant.name, emotions=EMOTIONS, preprocessing=preprocessing, not_for=NOT_FOR)
    about["data"] = data | {"photos of each emotion": faces.counts.to_dict()}
    about["scores"] = dict(measured=MEASURED, numbers={k: v for k, v in numbers.items() if k.startswith(SCORES)})
    return about | dict(variant=variant.content, versions=versions())


def save(net, facts: dict, folder: Path) -> Path:
    """Put a model, and facts that hold its sha256, into a folder; InputError if that cannot be written."""
    try:
        with replacing(folder / NET) as draft:
            net.save(draft)
            facts = facts | {"sha256": hashlib.sha256(draft.read_bytes()).hexdigest()}
        write_text(folder / FACTS, json.dumps(facts, indent=1, allow_nan=False) + "\n")
    except OSError as error:
        raise InputError(f"no model can be kept in {folder} ({error.strerror or error}): make room there") from error
    return folder / NET


def export(dataset: str = "muxspace", profile: str = "full", say=print) -> Path:
    """Train on all photos of a dataset, keep model and facts under build/, return its file. Raises InputError."""
    study = Study("model", dataset, profile, new_faces=True)
    if study.faces.table.source.isin(LEARN).any():
        variant = final_variant()
    else:
        say("there are no new faces: the compact net is trained on the collection alone")
        variant = compact_variant("the model to take away", excluded_sources=(), test_sources=())
    [variant] = study.adapted([variant])
    recorded = study.results.path
    numbers = results.load(recorded)["numbers"] if recorded.exists() else {}
    if missing := [f"{first}*" for first in SCORES if not any(name.startswith(first) for name in numbers)]:
        say(f"scores that {recorded} lacks, and so will the model: {listed(missing)}; run `make reproduce`")
    say(f"training on {len(study.faces):,} photos on one thread, some minutes")
    run = train_on_everything(variant, study.faces)
    facts = describe(study.faces, variant, numbers, study.results.data)
    facts["tau"], facts["temperature"] = tune_tau_and_temperature(run, study.faces)
    facts["rows"] = dict(zip(("train", "validation"), run.rows))
    folder = build_folder() if (dataset, profile) == ("muxspace", "full") else study.folder.parent
    return save(as_keras(run, study.faces.size, facts["tau"]), facts, folder / "model")
