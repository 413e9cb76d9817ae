"""One Variant x fold x seed -> what the net said about the photos it had not seen."""

import time
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import softmax

from emoclass import losses, models, split
from emoclass.augment import with_copies
from emoclass.backend import keras
from emoclass.faces import BadInput, Faces, listed
from emoclass.labels import EMOTIONS
from emoclass.split import groups
from emoclass.variant import Variant


@dataclass(frozen=True, eq=False)
class Run:
    """One trained net and its test.

    photo, parent   (m,) str: the rows tested, in order
    classes         what could be said: EMOTIONS, or the sources
    probabilities   (m, classes) float32; 0 for emotions that the variant leaves out
    guesses         (epochs, m) uint8: the class said after each epoch if the variant follows them, else (0, m)
    in_training     for each of parent, cluster, alike, person, source: (m,) bool, the row's own is in training too
    history         per epoch: loss, accuracy, val_loss, val_accuracy
    rows            how many were trained on, validated on, tested on
    truth           for each of train, validation, test: (n,) int64, the place in `classes` of what was asked
    validation      (v, classes) float32: as `probabilities`, of the validation part
    features        for each of train, validation, test: (n, units) float16, what goes into the last layer, if the
                    variant asks for it, else empty
    seconds         of training, on one thread
    weights         the net's arrays in Keras order, at the epoch that was kept
    """

    variant: Variant
    fold: int
    seed: int
    photo: np.ndarray
    parent: np.ndarray
    classes: tuple[str, ...]
    probabilities: np.ndarray
    guesses: np.ndarray
    in_training: dict[str, np.ndarray]
    history: dict[str, list[float]]
    rows: tuple[int, int, int]
    truth: dict[str, np.ndarray]
    validation: np.ndarray
    features: dict[str, np.ndarray]
    seconds: float
    weights: list[np.ndarray]

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights were kept, counted from 1."""
        if self.variant.keep == "last":
            return len(self.history["loss"])
        return int(np.argmin(self.history["val_loss"])) + 1


def subject(variant: Variant, faces: Faces, seed: int = 0) -> Faces:
    """The photos that a variant is about, their `emotion` being what its net is to learn if it is asked for one.

    Random emotions are the true ones dealt out anew, one to each photo and its duplicates (families), so that
    each emotion stays about as frequent as it was. Raises BadInput if the variant names a source that no photo
    comes from.
    """
    named = (*variant.only_train, *variant.only_test, *variant.leave_out)
    if unknown := sorted(set(named) - set(faces.table.source)):
        there = listed(sorted(faces.table.source.unique()))
        raise BadInput(f"variant {variant.name!r}: no photo comes from {listed(unknown)}; the sources are {there}")
    wanted = faces.table.emotion.isin(variant.emotions) & ~faces.table.source.isin(variant.leave_out)
    faces = faces.select(wanted.to_numpy())
    if variant.target != "random":
        return faces
    family = groups(faces.table, "duplicate")
    dealt = faces.table.emotion.groupby(family).first().to_numpy()
    dealt = np.random.default_rng([seed, 1]).permutation(dealt)
    return replace(faces, table=faces.table.assign(emotion=dealt[family]))


def parts(variant: Variant, faces: Faces, fold: int, seed: int = 0) -> tuple[Faces, split.Split]:
    """The photos of this variant, copies among them, and its split in this fold.

    With order "copy-split" each copy is dealt out like a photo of its own. With "split-copy" the originals are
    dealt out, and copies join the training part alone. Photos of sources that are only trained on, or only tested,
    are not dealt; they come last in their part. Raises LeakError and BadInput as `split.split` does, and LeakError
    also if such a photo shares with the other side what `by` keeps together.
    """
    faces = subject(variant, faces, seed)
    whose = faces.table.source
    taught, apart = whose.isin(variant.only_train).to_numpy(), whose.isin(variant.only_test).to_numpy()
    others = faces.select(taught | apart)
    faces = faces.select(~(taught | apart))
    everything = with_copies(faces, variant.copies, seed)
    how = dict(fold=fold, n_folds=variant.n_folds, seed=seed, allow_leak=variant.allow_leak)
    if variant.order == "copy-split":
        dealt = split.split(everything, "row", **how)
    else:
        dealt = split.split(faces, variant.by, **how)
        trained = faces.table.photo.to_numpy()[dealt.train]
        copies = np.flatnonzero(everything.is_copy & everything.table.parent.isin(trained).to_numpy())
        dealt = split.Split(np.concatenate([dealt.train, copies]), dealt.validation, dealt.test)
    if not len(others):
        return everything, dealt
    everything, at = everything + others, len(everything) + np.arange(len(others))
    joins = others.table.source.isin(variant.only_train).to_numpy()
    dealt = split.Split(
        np.concatenate([dealt.train, np.repeat(at[joins], variant.repeat)]),
        dealt.validation,
        np.concatenate([dealt.test, at[~joins]]),
    )
    if not variant.allow_leak:
        part = np.full(len(everything), -1)
        part[dealt.train], part[dealt.validation], part[dealt.test] = 0, 1, 2
        split.guard(everything.table, part, "person" if variant.by == "source" else variant.by)
    return everything, dealt


def train(variant: Variant, faces: Faces, fold: int = 0, seed: int = 0, start: Run | None = None) -> Run:
    """Train and test one net; a pure function of its arguments (on one thread, see `backend`).

    The seed decides the folds, the copies, the first weights and the order of the photos.

    start    the run of `variant.start` for this fold and seed; it is trained first if it is wanted and not given
    """
    everything, dealt = parts(variant, faces, fold, seed)
    if variant.start and start is None:
        start = train(variant.start, faces, fold, seed)
    return fit(variant, everything, dealt, fold, seed, start)


def fit(
    variant: Variant, everything: Faces, dealt: split.Split, fold: int = 0, seed: int = 0, start: Run | None = None
) -> Run:
    """Train on one part of these photos and say what the net makes of the other two, either of which may be empty.

    The weights kept are those of the epoch with the least loss on the validation part, or of the last epoch. Raises
    BadInput if the validation part is empty and the best epoch is to be kept.
    """
    if variant.keep == "best" and not len(dealt.validation):
        raise BadInput(f"variant {variant.name!r}: without a validation part no epoch is the best; say keep='last'")
    if variant.target == "source":
        asked, classes = everything.table.source, tuple(sorted(everything.table.source.unique()))
        kept = np.arange(len(classes))
    else:
        asked, classes = everything.table.emotion, EMOTIONS
        kept = np.flatnonzero(np.isin(EMOTIONS, variant.emotions))
    labels = pd.Categorical(asked, categories=[classes[k] for k in kept]).codes.astype(np.int64)
    pictures = everything.pixels[..., None]
    sides = {"train": dealt.train, "validation": dealt.validation, "test": dealt.test}

    keras().utils.set_random_seed(1000 * seed + fold)
    keras().config.set_dtype_policy(variant.precision)
    try:
        net = models.build(variant.net, everything.size, len(kept), variant.jitter, seed=1000 * seed + fold)
        if start:
            net.set_weights(start.weights)
        counts = np.bincount(labels[dealt.train], minlength=len(kept))
        steps = -(-len(dealt.train) // variant.batch)
        net.compile(
            optimizer=_optimizer(variant, steps),
            loss=losses.cross_entropy(
                losses.class_weights(counts, variant.loss, variant.beta),
                gamma=variant.focal,
                tau=variant.tau,
                prior=losses.log_prior(counts),
                smoothing=variant.smoothing,
            ),
            metrics=[keras().metrics.SparseCategoricalAccuracy("accuracy")],
            steps_per_execution=8 if steps >= 64 else 1,  # fewer trips into the compiled step, but a larger one
            jit_compile=False,  # XLA takes longer on a CPU
        )
        net.optimizer.build(net.trainable_variables)  # what is built within the step makes TensorFlow trace it twice
        guesses = []

        def guess(*_):
            guesses.append(kept[_logits(net, pictures[dealt.test], variant.two_views).argmax(1)])

        watching = [keras().callbacks.LambdaCallback(on_epoch_end=guess)] if variant.follow else []
        if variant.keep == "best":  # the last one ends by putting the best weights back
            watching += [keras().callbacks.EarlyStopping(patience=variant.epochs, restore_best_weights=True)]
        began = time.perf_counter()
        history = net.fit(
            *_batches(variant, pictures[dealt.train], labels[dealt.train], 1000 * seed + fold),
            validation_data=(pictures[dealt.validation], labels[dealt.validation]) if len(dealt.validation) else None,
            validation_batch_size=512,
            batch_size=variant.batch if variant.sampling == "as they are" else None,
            epochs=variant.epochs,
            callbacks=watching,
            verbose=0,
        ).history
        seconds = time.perf_counter() - began
        said = {part: _logits(net, pictures[sides[part]], variant.two_views) for part in ("validation", "test")}
        features = {}
        if variant.features:
            body = keras().Model(net.inputs, net.layers[-1].input)
            features = {
                part: _logits(body, pictures[rows], variant.two_views).astype(np.float16)
                for part, rows in sides.items()
            }
        weights = net.get_weights()
    finally:
        keras().config.set_dtype_policy("float32")
        keras().utils.clear_session()

    tested = everything.table.iloc[dealt.test]
    return Run(
        variant=variant,
        fold=fold,
        seed=seed,
        photo=tested.photo.to_numpy(),
        parent=tested.parent.to_numpy(),
        classes=classes,
        probabilities=_probabilities(said["test"], kept, len(classes)),
        guesses=np.array(guesses, np.uint8).reshape(len(guesses), len(tested)),
        in_training=in_training(everything.table, dealt),
        history={name: [float(value) for value in values] for name, values in history.items()},
        rows=(len(dealt.train), len(dealt.validation), len(dealt.test)),
        truth={part: kept[labels[rows]] for part, rows in sides.items()},
        validation=_probabilities(said["validation"], kept, len(classes)),
        features=features,
        seconds=seconds,
        weights=weights,
    )


def _optimizer(variant: Variant, steps: int):
    """Adam or, with weight decay, AdamW; `steps` are the batches of an epoch."""
    rate = variant.learning_rate
    if variant.schedule == "cosine":
        rate = keras().optimizers.schedules.CosineDecay(
            rate / 100, max(steps * (variant.epochs - 1), 1), warmup_target=rate, warmup_steps=steps
        )
    average = dict(use_ema=True, ema_momentum=variant.averaging) if variant.averaging else {}
    common = dict(learning_rate=rate, global_clipnorm=variant.clip or None, **average)
    if not variant.weight_decay:
        return keras().optimizers.Adam(**common)
    decaying = keras().optimizers.AdamW(weight_decay=variant.weight_decay, **common)
    decaying.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    return decaying


def _batches(variant: Variant, pictures: np.ndarray, labels: np.ndarray, seed: int) -> tuple:
    """What `fit` is to be given: all photos, or batches in which each emotion is as likely as any other."""
    if variant.sampling == "as they are":
        return pictures, labels
    share = 1 / np.bincount(labels)[labels]
    random = np.random.default_rng(seed)

    class Balanced(keras().utils.PyDataset):
        def __len__(self):
            return -(-len(labels) // variant.batch)

        def __getitem__(self, _):
            rows = random.choice(len(labels), variant.batch, p=share / share.sum())
            return pictures[rows], labels[rows]

    return (Balanced(),)


def _logits(net, pictures: np.ndarray, two_views: bool) -> np.ndarray:
    """(n, K) float64: what the net says; with two views the mean over the picture and its mirror image."""
    if not len(pictures):
        return np.zeros((0, net.output_shape[-1]))
    views = [pictures, pictures[:, :, ::-1]] if two_views else [pictures]
    return np.mean([net.predict(view, batch_size=512, verbose=0).astype(np.float64) for view in views], axis=0)


def _probabilities(logits: np.ndarray, kept: np.ndarray, classes: int) -> np.ndarray:
    """(n, classes) float32: softmax of the (n, K) logits of the classes `kept`, 0 for all others."""
    probabilities = np.zeros((len(logits), classes), np.float32)
    probabilities[:, kept] = softmax(logits, axis=1)
    return probabilities


def in_training(table: pd.DataFrame, dealt: split.Split) -> dict[str, np.ndarray]:
    """For each test row, whether its parent, duplicate cluster, person, source is in the training part too."""
    trained, tested = table.iloc[dealt.train], table.iloc[dealt.test]
    return {key: tested[key].isin(trained[key]).to_numpy() for key in split.IN_WORDS}
