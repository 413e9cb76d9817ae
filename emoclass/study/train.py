"""One Variant x fold x seed -> an Outcome: what its net predicts for the photos that it had not seen."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from emoclass import losses, models, outputs
from emoclass.augment import OnlineAugmentation, augment_batch
from emoclass.backend import fast_precision, keras
from emoclass.errors import InputError
from emoclass.faces import Faces, without_pixels
from emoclass.run import PARTS, Run, TrainedState
from emoclass.splits import Split
from emoclass.study.samples import all_pictures, facts_of, find_target, make_split, part_of
from emoclass.variant import Variant

HEAVY = {"heavy": True}  # fields of an Outcome that are too large for a record
_ONE_AT_A_TIME = threading.Lock()  # precision and the session are Keras's own for a whole process


@dataclass(frozen=True, eq=False)
class Outcome:
    """What training brought: all of a run that does not follow from its variant and its faces."""

    # (n,) int8 for all pictures of the variant: TRAIN, VALIDATION, TEST or NO_PART of `splits`
    part: np.ndarray
    levels: np.ndarray  # (m, K) uint8, as `outputs.to_levels`, of the test part
    validation_levels: np.ndarray  # (v, K) uint8
    # (epochs, m) uint8: the place among the K classes trained, if recorded
    epoch_predictions: np.ndarray
    history: dict[str, list[float]]
    seconds: float
    weights: list[np.ndarray] = field(default_factory=list, metadata=HEAVY)
    embeddings: dict[str, np.ndarray] = field(default_factory=dict, metadata=HEAVY)


def as_run(
    variant: Variant,
    faces: Faces,
    fold: int,
    seed: int,
    outcome: Outcome,
    address: str = "",
    load_state: Callable[[], TrainedState] | None = None,
) -> Run:
    """The Run that an outcome on these faces is; its state is that of the outcome, unless it is to be loaded.

    Raises InputError if the outcome is of other pictures.
    """
    everything = all_pictures(variant, without_pixels(faces), seed)
    if len(outcome.part) != len(everything):
        raise InputError(
            f"an outcome for {len(outcome.part)} pictures, where there are {len(everything)}"
        )
    facts = facts_of(variant, everything, outcome.part)
    if outcome.levels.shape != (len(facts.photo), len(facts.places)):
        raise InputError(
            f"outputs of the shape {outcome.levels.shape} for {len(facts.photo)} pictures tested"
        )
    if load_state is None:

        def load_state():
            return TrainedState(outcome.weights, outcome.embeddings)

    n_classes = len(facts.classes)
    return Run(
        variant=variant,
        fold=fold,
        seed=seed,
        split=facts,
        probabilities=outputs.to_probabilities(outcome.levels, facts.places, n_classes),
        validation=outputs.to_probabilities(outcome.validation_levels, facts.places, n_classes),
        epoch_predictions=facts.places[outcome.epoch_predictions].astype(np.uint8),
        history=outcome.history,
        seconds=outcome.seconds,
        address=address,
        load_state=load_state,
    )


def train(
    variant: Variant, faces: Faces, fold: int = 0, seed: int = 0, init_from: Run | None = None
) -> Run:
    """Train and test one net; a pure function of its arguments (on one thread, see `backend`).

    The seed decides the folds, the copies, the first weights and the order of the photos.
    init_from    the run of `variant.init_from` for this fold and seed, trained first if not given; InputError if it is
                 another's: that net may have been trained on what is tested here
    """
    if init_from is not None:
        _check_start(variant, fold, seed, init_from)
    elif variant.init_from:
        init_from = train(variant.init_from, faces, fold, seed)
    everything, split = make_split(variant, faces, fold, seed)
    start = init_from.weights if init_from else None
    outcome = fit(variant, everything, split, fold, seed, start)
    return as_run(variant, faces, fold, seed, outcome)


def _check_start(variant: Variant, fold: int, seed: int, first: Run) -> None:
    same_variant = (
        variant.init_from is not None and variant.init_from.address == first.variant.address
    )
    if not same_variant or (first.fold, first.seed) != (fold, seed):
        raise InputError(
            f"variant {variant.name!r}, fold {fold}, seed {seed} cannot start from {first.variant.name!r}, "
            f"fold {first.fold}, seed {first.seed}: it must be its own init_from, same fold and seed"
        )


def fit(
    variant: Variant,
    everything: Faces,
    split: Split,
    fold: int = 0,
    seed: int = 0,
    start: list[np.ndarray] | None = None,
) -> Outcome:
    """Train on one part of these photos and predict the other two, either of which may be empty.

    Keeps the last epoch's weights, or those of the least validation loss (then InputError if that part is empty).
    start    weights to start from, in Keras order, in place of random ones
    """
    if variant.checkpoint == "best" and not len(split.validation):
        raise InputError(
            f"variant {variant.name!r}: without a validation part no epoch is the best; keep the last one"
        )
    target = find_target(variant, everything)
    pictures = everything.pixels[..., None]
    counts = np.bincount(target.labels[split.train], minlength=len(target.places))
    states = np.random.SeedSequence([seed, fold]).generate_state(2)
    net_seed = int(states[0])
    batch_seed = int(states[1])
    with _ONE_AT_A_TIME:
        precision = fast_precision() if variant.precision == "fast" else variant.precision
        keras().config.set_dtype_policy(precision)
        try:
            net = _compiled(variant, everything.size, counts, target.names, net_seed)
            if start is not None:
                net.set_weights(start)
            batches = _batches(variant, pictures, target.labels, split.train, batch_seed)
            return _trained(variant, net, batches, pictures, target.labels, split)
        finally:
            keras().config.set_dtype_policy("float32")
            keras().utils.clear_session()


def _compiled(variant: Variant, size: int, counts: np.ndarray, classes: tuple[str, ...], seed: int):
    """The untrained net, ready to be fitted to a training part with (K,) `counts` photos of each class."""
    net = models.build(variant.net, size, len(counts), variant.online_augmentation, seed)
    steps = -(-int(counts.sum()) // variant.batch_size)
    weights = losses.class_weights(counts, variant.class_weight, variant.beta, classes)
    if variant.loss:
        loss = losses.weighted(variant.loss, weights)
    else:
        prior = losses.log_prior(counts)
        loss = losses.cross_entropy(
            weights, variant.focal_gamma, variant.logit_adjustment_tau, prior
        )
    net.compile(
        optimizer=_optimizer(variant, steps),
        loss=loss,
        metrics=[keras().metrics.SparseCategoricalAccuracy("accuracy")],
        steps_per_execution=8
        if steps >= 64
        else 1,  # fewer trips into the compiled step, but a larger one
        jit_compile=False,  # XLA takes longer on a CPU
    )
    net.optimizer.build(
        net.trainable_variables
    )  # what is built within the step makes TensorFlow trace it twice
    return net


def _trained(
    variant: Variant, net, batches, pictures: np.ndarray, labels: np.ndarray, split: Split
) -> Outcome:
    """Fit the net and ask it about the parts that it was not fitted to."""
    predictions = []

    def record(*_):
        predictions.append(_logits(net, pictures[split.test], variant.flip_tta).argmax(1))

    callbacks = []
    if variant.record_epochs:
        callbacks.append(keras().callbacks.LambdaCallback(on_epoch_end=record))
    if variant.checkpoint == "best":  # the last one ends by putting the best weights back
        callbacks.append(
            keras().callbacks.EarlyStopping(patience=variant.patience, restore_best_weights=True)
        )
    validation = None
    if len(split.validation):
        validation = (pictures[split.validation], labels[split.validation])
    began = time.perf_counter()
    history = net.fit(
        batches,
        shuffle=False,  # batches shuffle themselves; Keras would draw from Python's global random
        validation_data=validation,
        validation_batch_size=512,
        epochs=variant.epochs,
        callbacks=callbacks,
        verbose=0,
    ).history
    seconds = time.perf_counter() - began
    embeddings = {}
    if variant.record_features:
        body = keras().Model(net.inputs, net.layers[-1].input)
        for part in PARTS:
            features = _logits(body, pictures[getattr(split, part)], variant.flip_tta)
            embeddings[part] = features.astype(np.float16)
    return Outcome(
        part=part_of(split, len(pictures)),
        levels=outputs.to_levels(_logits(net, pictures[split.test], variant.flip_tta)),
        validation_levels=outputs.to_levels(
            _logits(net, pictures[split.validation], variant.flip_tta)
        ),
        epoch_predictions=np.array(predictions, np.uint8).reshape(
            len(predictions), len(split.test)
        ),
        history={name: [_rounded(value) for value in values] for name, values in history.items()},
        seconds=round(seconds, 2),
        weights=net.get_weights(),
        embeddings=embeddings,
    )


def _rounded(value: float) -> float:
    """Six digits: what a store and a record hold alike."""
    return float(f"{value:.6g}")


def _optimizer(variant: Variant, steps: int):
    """The optimizer of this name; `steps` are the batches of an epoch."""
    rate = variant.learning_rate
    if variant.schedule == "cosine":
        rate = keras().optimizers.schedules.CosineDecay(
            rate / 100, max(steps * (variant.epochs - 1), 1), warmup_target=rate, warmup_steps=steps
        )
    kinds = {
        "adam": keras().optimizers.Adam,
        "adamw": keras().optimizers.AdamW,
        "sgd": keras().optimizers.SGD,
        "rmsprop": keras().optimizers.RMSprop,
        "nadam": keras().optimizers.Nadam,
        "adagrad": keras().optimizers.Adagrad,
        "lion": keras().optimizers.Lion,
    }
    values = dict(learning_rate=rate, global_clipnorm=variant.clipnorm or None)
    if not variant.weight_decay:
        plain = (
            "adam" if variant.optimizer == "adamw" else variant.optimizer
        )  # AdamW brings a decay of its own
        return kinds[plain](**values)
    decaying = kinds[variant.optimizer](weight_decay=variant.weight_decay, **values)
    decaying.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    return decaying


def _batches(
    variant: Variant, pictures: np.ndarray, labels: np.ndarray, rows: np.ndarray, seed: int
):
    """Batches of `rows`, in a new order each epoch; with balanced sampling each class is as likely as any other."""
    random = np.random.default_rng(seed)
    share = 1 / np.bincount(labels[rows])[labels[rows]]
    change = variant.online_augmentation
    is_own = change is not None and not isinstance(change, OnlineAugmentation)
    changes = np.random.default_rng(
        [seed, 1]
    )  # a stream of its own: the order stays what it is without

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
            found = pictures[batch]
            if is_own:
                found = augment_batch(change, found[..., 0], changes)[..., None]
            return found, labels[batch]

    return Batches()


def _logits(net, pictures: np.ndarray, flip_tta: bool) -> np.ndarray:
    """(n, K) float64: the net's output; with `flip_tta` the mean over the picture and its mirror image."""
    if not len(pictures):
        return np.zeros((0, net.output_shape[-1]))
    views = [pictures]
    if flip_tta:
        views.append(pictures[:, :, ::-1])
    found = [net.predict(view, batch_size=512, verbose=0).astype(np.float64) for view in views]
    return np.mean(found, axis=0)
