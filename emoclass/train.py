"""One Variant x fold x seed -> what the net said about the photos it had not seen."""

import time
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from emoclass import losses, models, split
from emoclass.augment import with_copies
from emoclass.backend import keras
from emoclass.faces import Faces
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
    seconds         of training, on one thread
    weights         the net's arrays in Keras order, at the epoch of least validation loss
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
    seconds: float
    weights: list[np.ndarray]

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights were kept, counted from 1."""
        return int(np.argmin(self.history["val_loss"])) + 1


def subject(variant: Variant, faces: Faces, seed: int = 0) -> Faces:
    """The photos that a variant is about, their `emotion` being what its net is to learn if it is asked for one.

    Random emotions are the true ones dealt out anew, one to each photo and its duplicates (families), so that
    each emotion stays about as frequent as it was.
    """
    faces = faces.select(faces.table.emotion.isin(variant.emotions).to_numpy())
    if variant.target != "random":
        return faces
    family = groups(faces.table, "duplicate")
    dealt = faces.table.emotion.groupby(family).first().to_numpy()
    dealt = np.random.default_rng([seed, 1]).permutation(dealt)
    return replace(faces, table=faces.table.assign(emotion=dealt[family]))


def parts(variant: Variant, faces: Faces, fold: int, seed: int = 0) -> tuple[Faces, split.Split]:
    """The photos of this variant, copies among them, and its split in this fold.

    With order "copy-split" each copy is dealt out like a photo of its own. With "split-copy" the originals are
    dealt out, and copies join the training part alone. Raises LeakError and BadInput as `split.split` does.
    """
    faces = subject(variant, faces, seed)
    everything = with_copies(faces, variant.copies, seed)
    how = dict(fold=fold, n_folds=variant.n_folds, seed=seed, allow_leak=variant.allow_leak)
    if variant.order == "copy-split":
        return everything, split.split(everything, "row", **how)
    dealt = split.split(faces, variant.by, **how)
    trained = faces.table.photo.to_numpy()[dealt.train]
    copies = np.flatnonzero(everything.is_copy & everything.table.parent.isin(trained).to_numpy())
    return everything, split.Split(np.concatenate([dealt.train, copies]), dealt.validation, dealt.test)


def train(variant: Variant, faces: Faces, fold: int = 0, seed: int = 0) -> Run:
    """Train and test one net; a pure function of its arguments (on one thread, see `backend`).

    The seed decides the folds, the copies, the first weights and the order of the photos. The weights kept are
    those of the epoch with the least loss on the validation part.
    """
    everything, dealt = parts(variant, faces, fold, seed)
    if variant.target == "source":
        asked, classes = everything.table.source, tuple(sorted(faces.table.source.unique()))
        kept = np.arange(len(classes))
    else:
        asked, classes = everything.table.emotion, EMOTIONS
        kept = np.flatnonzero(np.isin(EMOTIONS, variant.emotions))
    labels = pd.Categorical(asked, categories=[classes[k] for k in kept]).codes.astype(np.int64)
    pictures = everything.pixels[..., None]

    keras().utils.set_random_seed(1000 * seed + fold)
    keras().config.set_dtype_policy(variant.precision)
    try:
        net = models.build(variant.net, faces.size, len(kept))
        counts = np.bincount(labels[dealt.train], minlength=len(kept))
        net.compile(
            optimizer=keras().optimizers.Adam(variant.learning_rate),
            loss=losses.cross_entropy(losses.class_weights(counts, variant.loss)),
            metrics=["accuracy"],
            steps_per_execution=8,  # fewer trips between Python and the compiled step
            jit_compile=False,  # XLA takes longer on a CPU
        )
        best = keras().callbacks.EarlyStopping(patience=variant.epochs, restore_best_weights=True)
        guesses = []

        def guess(*_):
            guesses.append(kept[net.predict(pictures[dealt.test], batch_size=512, verbose=0).argmax(1)])

        followed = [keras().callbacks.LambdaCallback(on_epoch_end=guess)] if variant.follow else []
        start = time.perf_counter()
        history = net.fit(
            pictures[dealt.train],
            labels[dealt.train],
            validation_data=(pictures[dealt.validation], labels[dealt.validation]),
            batch_size=variant.batch,
            epochs=variant.epochs,
            callbacks=[*followed, best],  # the last one ends by putting the best weights back
            verbose=0,
        ).history
        seconds = time.perf_counter() - start
        logits = net.predict(pictures[dealt.test], batch_size=512, verbose=0).astype(np.float64)
        weights = net.get_weights()
    finally:
        keras().config.set_dtype_policy("float32")
        keras().utils.clear_session()

    odds = np.exp(logits - logits.max(1, keepdims=True))
    probabilities = np.zeros((len(odds), len(classes)), np.float32)
    probabilities[:, kept] = odds / odds.sum(1, keepdims=True)
    tested = everything.table.iloc[dealt.test]
    return Run(
        variant=variant,
        fold=fold,
        seed=seed,
        photo=tested.photo.to_numpy(),
        parent=tested.parent.to_numpy(),
        classes=classes,
        probabilities=probabilities,
        guesses=np.array(guesses, np.uint8).reshape(-1, len(odds)),
        in_training=in_training(everything.table, dealt),
        history={name: [float(value) for value in values] for name, values in history.items()},
        rows=(len(dealt.train), len(dealt.validation), len(dealt.test)),
        seconds=seconds,
        weights=weights,
    )


def in_training(table: pd.DataFrame, dealt: split.Split) -> dict[str, np.ndarray]:
    """For each test row, whether its parent, duplicate cluster, person, source is in the training part too."""
    trained, tested = table.iloc[dealt.train], table.iloc[dealt.test]
    return {key: tested[key].isin(trained[key]).to_numpy() for key in split.IN_WORDS}
