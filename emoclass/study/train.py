"""One Variant x fold x seed -> a Run: what its net predicts for the photos that it had not seen."""

import threading
import time
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import softmax

from emoclass import losses, models, splits
from emoclass.augment import with_copies
from emoclass.backend import keras
from emoclass.errors import InputError, listed
from emoclass.faces import Faces
from emoclass.labels import EMOTIONS
from emoclass.splits import Split
from emoclass.study.variant import Variant

PARTS = ("train", "validation", "test")
PATIENCE = 4  # epochs trained after the best one, where the best is to be kept
_ONE_AT_A_TIME = threading.Lock()  # precision and the session are Keras's own for a whole process


@dataclass(frozen=True, eq=False)
class Run:
    """One trained net and its test."""

    variant: Variant
    fold: int
    seed: int
    photo: np.ndarray  # (m,) str: the rows tested, in order
    parent: np.ndarray  # (m,) str
    classes: tuple[str, ...]  # what could be predicted: EMOTIONS, or the sources
    probabilities: np.ndarray  # (m, classes) float32; 0 for emotions that the variant leaves out
    epoch_predictions: np.ndarray  # (epochs, m) uint8: the class predicted after each epoch, if recorded
    in_training: dict[str, np.ndarray]  # as `splits.in_training`
    history: dict[str, list[float]]  # per epoch: loss, accuracy, val_loss, val_accuracy
    rows: tuple[int, int, int]  # how many were trained on, validated on, tested on
    y_true: dict[str, np.ndarray]  # for each of PARTS: (n,) int64, the label as its place in `classes`
    validation: np.ndarray  # (v, classes) float32: as `probabilities`, of the validation part
    embeddings: dict[str, np.ndarray]  # for each of PARTS: (n, units) float16, as fed to the last layer, if recorded
    seconds: float  # of training, on one thread
    weights: list[np.ndarray]  # in Keras order, at the epoch that was kept

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights were kept, counted from 1."""
        if self.variant.checkpoint == "last":
            return len(self.history["loss"])
        return int(np.argmin(self.history["val_loss"])) + 1


def select_samples(variant: Variant, faces: Faces, seed: int = 0) -> Faces:
    """The photos that a variant is about; for target="permuted" with their emotions in another order.

    Duplicates share one permuted emotion. Raises InputError if the variant names a source that no photo comes from.
    """
    named = (*variant.train_sources, *variant.test_sources, *variant.excluded_sources)
    if unknown := sorted(set(named) - set(faces.table.source)):
        there = listed(sorted(faces.table.source.unique()))
        raise InputError(f"variant {variant.name!r}: no photo comes from {listed(unknown)}; the sources are {there}")
    wanted = faces.table.emotion.isin(variant.emotions) & ~faces.table.source.isin(variant.excluded_sources)
    faces = faces.select(wanted.to_numpy())
    if variant.target != "permuted":
        return faces
    family = splits.group_ids(faces.table, "duplicate")
    emotions = faces.table.emotion.groupby(family).first().to_numpy()
    emotions = np.random.default_rng([seed, 1]).permutation(emotions)
    return replace(faces, table=faces.table.assign(emotion=emotions[family]))


def make_split(variant: Variant, faces: Faces, fold: int, seed: int = 0) -> tuple[Faces, Split]:
    """The photos of this variant, copies among them, and its split in this fold.

    Without `augment_first` the originals are split, and copies join the training part alone. Photos of `train_sources`
    and `test_sources` come last in their part. Raises InputError and LeakError as `splits.make_fold` does.
    """
    faces = select_samples(variant, faces, seed)
    train_only = faces.table.source.isin(variant.train_sources).to_numpy()
    apart = train_only | faces.table.source.isin(variant.test_sources).to_numpy()
    others, joins, faces = faces.select(apart), train_only[apart], faces.select(~apart)
    everything = with_copies(faces, variant.offline_augmentation, seed)
    how = dict(fold=fold, n_folds=variant.n_folds, seed=seed, allow_leak=variant.allow_leak)
    if variant.augment_first:
        split = splits.make_fold(
            everything, "row" if variant.allow_leak and variant.group_by != "given" else variant.group_by, **how
        )
    else:
        split = splits.make_fold(faces, variant.group_by, **how)
        trained = faces.table.photo.to_numpy()[split.train]
        copies = np.flatnonzero(everything.is_copy & everything.table.parent.isin(trained).to_numpy())
        split = replace(split, train=np.concatenate([split.train, copies]))
    if not len(others):
        return everything, split
    everything, rows = everything + others, len(everything) + np.arange(len(others))
    split = replace(
        split,
        train=np.concatenate([split.train, np.repeat(rows[joins], variant.train_source_repeats)]),
        test=np.concatenate([split.test, rows[~joins]]),
    )
    if not variant.allow_leak:
        part = np.full(len(everything), -1)
        part[split.train], part[split.validation], part[split.test] = 0, 1, 2
        group_by = "subject" if variant.group_by == "source" else variant.group_by
        splits.check_no_leakage(everything.table, part, group_by)
    return everything, split


def train(variant: Variant, faces: Faces, fold: int = 0, seed: int = 0, init_from: Run | None = None) -> Run:
    """Train and test one net; a pure function of its arguments (on one thread, see `backend`).

    The seed decides the folds, the copies, the first weights and the order of the photos.
    init_from    the run of `variant.init_from` for this fold and seed, trained first if not given; InputError if it is
                 another's: that net may have been trained on what is tested here
    """
    expected = (variant.init_from and variant.init_from.content, fold, seed)
    if init_from and (init_from.variant.content, init_from.fold, init_from.seed) != expected:
        raise InputError(
            f"variant {variant.name!r}, fold {fold}, seed {seed} cannot start from {init_from.variant.name!r}, "
            f"fold {init_from.fold}, seed {init_from.seed}: it must be its own init_from, same fold and seed"
        )
    everything, split = make_split(variant, faces, fold, seed)
    if variant.init_from and init_from is None:
        init_from = train(variant.init_from, faces, fold, seed)
    return fit(variant, everything, split, fold, seed, init_from)


def fit(
    variant: Variant, everything: Faces, split: Split, fold: int = 0, seed: int = 0, init_from: Run | None = None
) -> Run:
    """Train on one part of these photos and predict the other two, either of which may be empty.

    Keeps the last epoch's weights, or those of the least validation loss (then InputError if that part is empty).
    """
    if variant.checkpoint == "best" and not len(split.validation):
        raise InputError(
            f"variant {variant.name!r}: without a validation part no epoch is the best; keep the last one"
        )
    labels, trained, classes = _target(variant, everything)
    pictures = everything.pixels[..., None]

    counts = np.bincount(labels[split.train], minlength=len(trained))
    net_seed, batch_seed = (int(state) for state in np.random.SeedSequence([seed, fold]).generate_state(2))
    with _ONE_AT_A_TIME:
        keras().config.set_dtype_policy(variant.precision)
        try:
            net = _compiled(variant, everything.size, counts, net_seed)
            if init_from:
                net.set_weights(init_from.weights)
            batches = _batches(variant, pictures, labels, split.train, batch_seed)
            history, epoch_predictions, seconds = _train(variant, net, batches, pictures, labels, split)
            logits = {part: _logits(net, pictures[getattr(split, part)], variant.flip_tta) for part in PARTS[1:]}
            embeddings = {}
            if variant.record_features:
                body = keras().Model(net.inputs, net.layers[-1].input)
                embeddings = {
                    part: _logits(body, pictures[getattr(split, part)], variant.flip_tta).astype(np.float16)
                    for part in PARTS
                }
            weights = net.get_weights()
        finally:
            keras().config.set_dtype_policy("float32")
            keras().utils.clear_session()

    tested = everything.table.iloc[split.test]
    return Run(
        variant=variant, fold=fold, seed=seed, photo=tested.photo.to_numpy(), parent=tested.parent.to_numpy(),
        classes=classes, probabilities=_probabilities(logits["test"], trained, len(classes)),
        epoch_predictions=trained[epoch_predictions].astype(np.uint8).reshape(len(epoch_predictions), len(tested)),
        in_training=splits.in_training(everything.table, split), history=history,
        rows=(len(split.train), len(split.validation), len(split.test)),
        y_true={part: trained[labels[getattr(split, part)]] for part in PARTS},
        validation=_probabilities(logits["validation"], trained, len(classes)),
        embeddings=embeddings, seconds=seconds, weights=weights,
    )  # fmt: skip


def _target(variant: Variant, everything: Faces) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """(n,) int64 labels among the K classes trained; (K,) their places among all classes; all classes."""
    if variant.target == "source":
        target, classes = everything.table.source, tuple(sorted(everything.table.source.unique()))
        trained = np.arange(len(classes))
    else:
        target, classes = everything.table.emotion, EMOTIONS
        trained = np.flatnonzero(np.isin(EMOTIONS, variant.emotions))
    return pd.Categorical(target, categories=[classes[k] for k in trained]).codes.astype(np.int64), trained, classes


def _compiled(variant: Variant, size: int, counts: np.ndarray, seed: int):
    """The untrained net, ready to be fitted to a training part with (K,) `counts` photos of each class."""
    net = models.build(variant.net, size, len(counts), variant.online_augmentation, seed)
    steps = -(-int(counts.sum()) // variant.batch_size)
    net.compile(
        optimizer=_optimizer(variant, steps),
        loss=losses.cross_entropy(
            losses.class_weights(counts, variant.class_weight, variant.beta),
            variant.focal_gamma,
            variant.logit_adjustment_tau,
            losses.log_prior(counts),
        ),
        metrics=[keras().metrics.SparseCategoricalAccuracy("accuracy")],
        steps_per_execution=8 if steps >= 64 else 1,  # fewer trips into the compiled step, but a larger one
        jit_compile=False,  # XLA takes longer on a CPU
    )
    net.optimizer.build(net.trainable_variables)  # what is built within the step makes TensorFlow trace it twice
    return net


def _train(variant: Variant, net, batches, pictures: np.ndarray, labels: np.ndarray, split: Split):
    """Fit the net; (history, (epochs, m) int64 classes predicted after each epoch or none, seconds)."""
    predictions = []

    def record(*_):
        predictions.append(_logits(net, pictures[split.test], variant.flip_tta).argmax(1))

    callbacks = [keras().callbacks.LambdaCallback(on_epoch_end=record)] if variant.record_epochs else []
    if variant.checkpoint == "best":  # the last one ends by putting the best weights back
        callbacks += [keras().callbacks.EarlyStopping(patience=PATIENCE, restore_best_weights=True)]
    validation = (pictures[split.validation], labels[split.validation]) if len(split.validation) else None
    began = time.perf_counter()
    history = net.fit(
        batches,
        shuffle=False,  # batches shuffle themselves; Keras would draw from Python's global random
        validation_data=validation, validation_batch_size=512, epochs=variant.epochs, callbacks=callbacks, verbose=0,
    ).history  # fmt: skip
    seconds = time.perf_counter() - began
    history = {name: [float(value) for value in values] for name, values in history.items()}
    return history, np.array(predictions, np.int64).reshape(len(predictions), len(split.test)), seconds


def _optimizer(variant: Variant, steps: int):
    """Adam or, with weight decay, AdamW; `steps` are the batches of an epoch."""
    rate = variant.learning_rate
    if variant.schedule == "cosine":
        rate = keras().optimizers.schedules.CosineDecay(
            rate / 100, max(steps * (variant.epochs - 1), 1), warmup_target=rate, warmup_steps=steps
        )
    common = dict(learning_rate=rate, global_clipnorm=variant.clipnorm or None)
    if not variant.weight_decay:
        return keras().optimizers.Adam(**common)
    decaying = keras().optimizers.AdamW(weight_decay=variant.weight_decay, **common)
    decaying.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    return decaying


def _batches(variant: Variant, pictures: np.ndarray, labels: np.ndarray, rows: np.ndarray, seed: int):
    """Batches of `rows`, in a new order each epoch; with balanced sampling each class is as likely as any other."""
    random, share = np.random.default_rng(seed), 1 / np.bincount(labels[rows])[labels[rows]]

    class Batches(keras().utils.PyDataset):
        def __init__(self):
            super().__init__()
            self.on_epoch_end()

        def on_epoch_end(self):
            if variant.sampling == "natural":
                self.order = random.permutation(rows)
            else:
                self.order = random.choice(rows, len(rows), p=share / share.sum())

        def __len__(self):
            return -(-len(rows) // variant.batch_size)

        def __getitem__(self, k):
            batch = self.order[k * variant.batch_size : (k + 1) * variant.batch_size]
            return pictures[batch], labels[batch]

    return Batches()


def _logits(net, pictures: np.ndarray, flip_tta: bool) -> np.ndarray:
    """(n, K) float64: the net's output; with `flip_tta` the mean over the picture and its mirror image."""
    if not len(pictures):
        return np.zeros((0, net.output_shape[-1]))
    views = [pictures, pictures[:, :, ::-1]] if flip_tta else [pictures]
    return np.mean([net.predict(view, batch_size=512, verbose=0).astype(np.float64) for view in views], axis=0)


def _probabilities(logits: np.ndarray, trained: np.ndarray, classes: int) -> np.ndarray:
    """(n, classes) float32: softmax of the (n, K) logits of the classes `trained`, 0 for all others."""
    probabilities = np.zeros((len(logits), classes), np.float32)
    probabilities[:, trained] = softmax(logits, axis=1)
    return probabilities
