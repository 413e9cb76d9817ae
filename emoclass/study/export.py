"""A model to take away: the compact net, trained on every photo, in a file for plain Keras."""

import hashlib
import json
import zipfile
from collections.abc import Callable
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
from emoclass.run import Run
from emoclass.splits import Split
from emoclass.study import results
from emoclass.study.executed import environment
from emoclass.study.notebook import PUBLISH, Study
from emoclass.study.pooled import concat_folds
from emoclass.study.recipes import compact_variant, final_variant
from emoclass.study.samples import make_split
from emoclass.study.store import versions
from emoclass.study.train import as_run, fit
from emoclass.variant import Variant

# Ids in results.json that tell what to expect of the model.
SCORES = ("best.subject.", "compact.subject.", "new_faces.")
MEASURED = (
    "by subject on nets trained the same way with fewer photos, never on this very net, which has "
    "seen nearly all; new_faces.collection.new_faces_adjusted comes nearest to it"
)
NOT_FOR = (
    "inferring emotions of persons at work or in education (EU AI Act, Article 5(1)(f)), or "
    "judging anybody; it tells how a face looks to others, not what somebody feels"
)
# At least, on the validation part, whatever tau does for the minority classes.
ACCURACY = 0.84
# Newer Keras writes these into a file, all at values that change nothing; 3.8 refuses the file.
UNKNOWN_TO_KERAS_3_8 = {
    "InputLayer": {"optional", "ragged"},
    "BatchNormalization": {"renorm", "renorm_clipping", "renorm_momentum"},
    "Dense": {"quantization_config"},
    "GlorotUniform": {"input_axes", "output_axes"},
    "HeNormal": {"input_axes", "output_axes"},
}


def make_final_split(variant: Variant, faces: Faces, seed: int = 0) -> tuple[Faces, Split]:
    """The first fold of a variant, with what it tests in training too.

    The variant and the one that it starts from share a validation part.
    """
    everything, split = make_split(variant, faces, 0, seed)
    train = np.concatenate([split.train, split.test])
    nothing = split.test[:0]
    return everything, replace(split, train=train, test=nothing)


def train_on_everything(variant: Variant, faces: Faces) -> Run:
    """Train one net on all photos but its validation part, and before it the one it starts from."""
    start = None
    if variant.init_from:
        start = train_on_everything(variant.init_from, faces).weights
    everything, split = make_final_split(variant, faces)
    outcome = fit(variant, everything, split, start=start)
    return as_run(variant, faces, 0, 0, outcome)


def tune_tau_and_temperature(run: Run, faces: Faces) -> tuple[float, float]:
    """tau and temperature of a run on these faces, chosen on its validation part."""
    tau = posthoc.best_tau(run, ACCURACY)
    adjusted = posthoc.logit_adjusted(concat_folds([run], faces), tau)
    return tau, posthoc.temperature(adjusted.runs[0])


def as_keras(run: Run, size: int, logit_adjustment_tau: float = 0.0):
    """The run's net from (batch, size, size, 1) uint8 to (batch, 8) float32 logits.

    It is made of Keras's own layers alone. The last bias takes tau times the log share of each
    emotion in training from the logits (Menon et al. 2021).
    """
    built = models.build(run.variant.net, size, len(EMOTIONS))
    net = keras().models.clone_model(built, clone_function=_layer_of_keras)
    counts = np.bincount(run.y_true["train"], minlength=len(EMOTIONS))
    weights = list(run.weights)
    weights[-1] = weights[-1] - logit_adjustment_tau * log_prior(counts)
    net.set_weights(weights)
    return net


def _layer_of_keras(layer):
    kind = type(layer)
    layers = keras().layers
    for plain in (layers.BatchNormalization, layers.DepthwiseConv2D):
        if isinstance(layer, plain):  # in training it is a faster one of ours
            kind = plain
    return kind.from_config(layer.get_config())


def describe(faces: Faces, variant: Variant, numbers: dict[str, dict], data: dict) -> dict:
    """All that is known of a model before it is trained, as plain values.

    numbers, data    those of a results.json
    """
    preprocessing = {
        "size": faces.size,
        "crop": "the face fills the square from brow to chin",
        "grey": "0.299 red + 0.587 green + 0.114 blue",
        "resize": "mean over areas (cv2.INTER_AREA)",
        "input": f"uint8 (batch, {faces.size}, {faces.size}, 1), 0 to 255, not rescaled",
        "views": "the picture and its mirror image; take the mean of their logits",
        "output": "float32 logits (batch, 8) without tau x the log share of each emotion in "
        "training; probabilities are softmax(logits / temperature)",
    }
    scores = {}
    for name, number in numbers.items():
        if name.startswith(SCORES):
            scores[name] = number
    return {
        "name": variant.name,
        "emotions": EMOTIONS,
        "preprocessing": preprocessing,
        "not_for": NOT_FOR,
        "data": data | {"photos of each emotion": faces.counts.to_dict()},
        "scores": {"measured": MEASURED, "numbers": scores},
        "variant": variant.content,
        "versions": versions(),
    }


def save(net, facts: dict, folder: Path) -> Path:
    """Put a model, and facts that hold its sha256, into a folder; return the model's file.

    Keras 3.8 and later open it. Raises InputError if the folder cannot be written.
    """
    try:
        with replacing(folder / NET) as draft:
            net.save(draft)
            make_readable_for_older_keras(draft)
            digest = hashlib.sha256(draft.read_bytes()).hexdigest()
        facts = facts | {"sha256": digest}
        write_text(folder / FACTS, json.dumps(facts, indent=1, allow_nan=False) + "\n")
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"no model can be kept in {folder} ({reason}): make room there") from error
    return folder / NET


def make_readable_for_older_keras(path: Path) -> None:
    """Take from a .keras file what Keras 3.8 does not know, so that it need not be the newest."""
    with zipfile.ZipFile(path) as archive:
        members = [(member, archive.read(member)) for member in archive.infolist()]
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members:
            if member.filename == "config.json":
                config = json.loads(content)
                _drop_unknown(config)
                content = json.dumps(config)
            archive.writestr(member, content)


def _drop_unknown(node) -> None:
    """Drop what Keras 3.8 does not know from a net's description, in place, all the way down."""
    if isinstance(node, list):
        for item in node:
            _drop_unknown(item)
    if isinstance(node, dict):
        for key in UNKNOWN_TO_KERAS_3_8.get(node.get("class_name"), ()):
            node["config"].pop(key, None)
        for value in node.values():
            _drop_unknown(value)


def export(
    dataset: str = "muxspace", profile: str = "full", progress: Callable[[str], None] = print
) -> Path:
    """Train on all photos of a dataset, keep model and facts under build/, and return its file.

    Raises InputError.
    """
    names = {"DATASET": dataset, "PROFILE": profile}
    # The numbers beside the model are those published, and the model lies beside them.
    with environment(PUBLISH, "model"):
        study = Study("model", names, new_faces=True)
    if study.faces.table.source.isin(LEARN).any():
        variant = final_variant()
    else:
        progress("there are no new faces: the compact net is trained on the collection alone")
        variant = compact_variant("the model to take away", excluded_sources=(), test_sources=())
    [variant] = study.adapted([variant])
    numbers = _recorded_numbers(study, progress)
    progress(f"training on {len(study.faces):,} photos on one thread, some minutes")
    run = train_on_everything(variant, study.faces)
    facts = describe(study.faces, variant, numbers, study.results.data)
    tau, temperature = tune_tau_and_temperature(run, study.faces)
    facts["tau"] = tau
    facts["temperature"] = temperature
    facts["rows"] = dict(zip(("train", "validation"), run.rows))
    folder = study.folder.parent
    if (dataset, profile) == ("muxspace", "full"):
        folder = build_folder()
    return save(as_keras(run, study.faces.size, tau), facts, folder / "model")


def _recorded_numbers(study: Study, progress: Callable[[str], None]) -> dict[str, dict]:
    """The numbers of results.json; one line of progress names the scores that it lacks."""
    recorded = study.results.path
    numbers = {}
    if recorded.exists():
        numbers = results.load(recorded)["numbers"]
    missing = []
    for start in SCORES:
        if not any(name.startswith(start) for name in numbers):
            missing.append(f"{start}*")
    if missing:
        names = listed(missing)
        advice = "run `make reproduce`"
        progress(f"scores that {recorded} lacks, and so will the model: {names}; {advice}")
    return numbers
