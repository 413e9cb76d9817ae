"""The nets: ConvNet A, the pared-down net, and those between, all from one description; and the compact net."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from emoclass.augment import OnlineAugmentation, augmentation_layer
from emoclass.backend import device, keras
from emoclass.checked import as_plain
from emoclass.errors import InputError


@dataclass(frozen=True)
class ConvNet:
    """Blocks of 3x3 convolutions, each block followed by a 2x2 max-pool; then dense layers; then the logits.

    blocks   channels of each convolution, block by block: ((16,), (32, 32)) are two blocks
    dense    units of each dense layer, each followed by `dropout`
    Without blocks and dense layers this is multinomial logistic regression on the pixels. Raises InputError if a value
    does not fit, which says what to write.
    """

    blocks: tuple[tuple[int, ...], ...] = ()
    dense: tuple[int, ...] = ()
    dropout: float = 0.0

    def __post_init__(self):
        blocks = as_plain(self.blocks)
        dense = as_plain(self.dense)
        if not isinstance(blocks, tuple) or not all(map(_are_counts, blocks)):
            written = _listed(blocks)
            nested = tuple(block if isinstance(block, tuple) else (block,) for block in written)
            advice = "each block is a tuple of channels, whole numbers of at least 1"
            if all(map(_are_counts, nested)):
                advice += f": write blocks={nested}"
            raise InputError(f"ConvNet with blocks={self.blocks!r}: {advice}")
        if not _are_counts(dense):
            advice = "a tuple of units, whole numbers of at least 1"
            if _are_counts(_listed(dense)):
                advice += f": write dense={_listed(dense)}"
            raise InputError(f"ConvNet with dense={self.dense!r}: {advice}")
        _check_dropout(self)
        object.__setattr__(self, "blocks", blocks)
        object.__setattr__(self, "dense", dense)

    def __str__(self):
        convolutions = " | ".join(" ".join(map(str, block)) for block in self.blocks)
        return f"conv {convolutions or 'none'}, dense {' '.join(map(str, self.dense)) or 'none'}"


@dataclass(frozen=True)
class ResNet:
    """A residual net (He et al. 2016): a 5x5 stem of stride 2, then blocks of two 3x3 convolutions with a shortcut.

    stem     channels of the first convolution
    blocks   (channels, stride) of each block; a shortcut of stride 2 is a 2x2 mean
    dropout  share of the features left out in training

    Every picture is first brought to mean 0 and deviation 1: dim film stills then look like bright studio faces. The
    last maps are not averaged but weighed by place, for each channel by weights of its own (Chen et al. 2019): a
    raised corner of the mouth is not a raised brow. Raises InputError if a value does not fit.
    """

    stem: int = 32
    blocks: tuple[tuple[int, int], ...] = ((32, 1), (64, 2), (128, 2))
    dropout: float = 0.0

    def __post_init__(self):
        blocks = as_plain(self.blocks)
        if not _are_counts((as_plain(self.stem),)):
            raise InputError(f"ResNet with stem={self.stem!r}: a whole number of at least 1")
        is_fit = isinstance(blocks, tuple) and all(map(_are_counts, blocks))
        if not is_fit or any(len(block) != 2 for block in blocks):
            raise InputError(
                f"ResNet with blocks={self.blocks!r}: each block is (channels, stride), as in ((32, 1), (64, 2))"
            )
        _check_dropout(self)

    def __str__(self):
        blocks = " | ".join(f"{channels} {channels}" for channels, _ in self.blocks)
        return f"5x5 conv {self.stem}, residual {blocks}"


def _are_counts(values) -> bool:
    return isinstance(values, tuple) and all(type(each) is int and each >= 1 for each in values)


def _listed(value) -> tuple:
    return value if isinstance(value, tuple) else (value,)


def _check_dropout(net: ConvNet | ResNet) -> None:
    dropout = as_plain(net.dropout)
    if type(dropout) not in (int, float) or not 0 <= dropout < 1:
        raise InputError(
            f"{type(net).__name__} with dropout={net.dropout!r}: a number from 0 to below 1"
        )


# Simonyan & Zisserman 2015, configuration A, with 8 outputs in place of 1000.
CONVNET_A = ConvNet(
    blocks=((64,), (128,), (256, 256), (512, 512), (512, 512)), dense=(4096, 4096), dropout=0.5
)
FOUR_CONVOLUTIONS = ConvNet(blocks=((16,), (32,), (64, 64)), dense=(128,))
TWO_CONVOLUTIONS = ConvNet(blocks=((16,), (32,)), dense=(128,))
PARED_DOWN = ConvNet(blocks=((16,),), dense=(128,))
LOGISTIC_REGRESSION = ConvNet()
COMPACT = ResNet()

Net = ConvNet | ResNet | Callable


def build(
    net: Net,
    size: int,
    classes: int = 8,
    online_augmentation: OnlineAugmentation | Callable | None = None,
    seed: int = 0,
):
    """A Keras model from (batch, size, size, 1) uint8 pictures to (batch, classes) float32 logits.

    net     a ConvNet, a ResNet, or a function of your own, `net(size, classes, seed) -> keras.Model`
    seed    of the first weights, dropout and augmentation: each draws from a seed of its own, so that nothing else
            in the process can change them
    Raises InputError if a residual net's strides do not divide the sides of its maps, or if your own function returns
    something else than such a model.
    """
    random = np.random.default_rng(seed)

    def next_seed() -> int:
        return int(random.integers(2**31))

    augmentation_seed = (
        next_seed()
    )  # drawn in any case: with or without augmentation, a net starts the same
    pictures = keras().Input((size, size, 1), dtype="uint8")
    augmentation = None
    if isinstance(online_augmentation, OnlineAugmentation):
        augmentation = augmentation_layer(online_augmentation, augmentation_seed)
    if not isinstance(net, ConvNet | ResNet):
        return _own(net, pictures, classes, augmentation, next_seed())
    x = _scaled(net, pictures)
    if augmentation:
        x = augmentation(x)
    x = _resnet(net, x, next_seed) if isinstance(net, ResNet) else _convnet(net, x, next_seed)
    start = keras().initializers.GlorotUniform(next_seed())
    # Logits in full precision, whatever the rest is in.
    logits = keras().layers.Dense(classes, kernel_initializer=start, dtype="float32")(x)
    return keras().Model(pictures, logits)


def _scaled(net: ConvNet | ResNet, pictures):
    layers = keras().layers
    if isinstance(net, ConvNet):
        return layers.Rescaling(1 / 255)(pictures)
    x = layers.Rescaling(1.0, dtype="float32")(
        pictures
    )  # the next layer hands back the type that it is given
    return layers.LayerNormalization(axis=(1, 2, 3), center=False, scale=False, dtype="float32")(x)


def _own(function: Callable, pictures, classes: int, augmentation, seed: int):
    """The model that a function of one's own returns, behind the augmentation if there is any."""
    keras().utils.set_random_seed(
        seed
    )  # for initialisers to which the function gives no seed of its own
    net = function(pictures.shape[1], classes, seed)
    name = function.__name__
    if not isinstance(net, keras().Model):
        raise InputError(f"net={name} returns {type(net).__name__}: a keras.Model is needed")
    if tuple(net.input_shape)[1:] != tuple(pictures.shape)[1:]:
        wanted = tuple(pictures.shape)[1:]
        raise InputError(
            f"net={name} takes pictures of the shape {tuple(net.input_shape)[1:]}, not {wanted}"
        )
    if tuple(net.output_shape) != (None, classes):
        raise InputError(
            f"net={name} has outputs of the shape {net.output_shape}: {classes} logits are needed"
        )
    last = getattr(net.layers[-1], "activation", None)
    if last is not None and last.__name__ in ("softmax", "sigmoid"):
        raise InputError(
            f"net={name} ends in {last.__name__}: return logits, the loss does the rest"
        )
    if augmentation is None:
        return net
    x = augmentation(keras().layers.Rescaling(1.0, dtype="float32")(pictures))
    return keras().Model(pictures, net(x))


def _convnet(net: ConvNet, x, next_seed):
    layers = keras().layers

    def he_normal():  # without such a start eleven layers of ReLU pass on next to nothing
        return keras().initializers.HeNormal(next_seed())

    for block in net.blocks:
        for channels in block:
            x = layers.Conv2D(
                channels, 3, padding="same", activation="relu", kernel_initializer=he_normal()
            )(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    for units in net.dense:
        x = layers.Dense(units, activation="relu", kernel_initializer=he_normal())(x)
        if net.dropout:
            x = layers.Dropout(net.dropout, seed=next_seed())(x)
    return x


def _resnet(net: ResNet, x, next_seed):
    size = x.shape[1]
    layers = keras().layers
    batch_normalization = _batch_normalization()

    def convolution(x, channels, side, stride=1):
        start = keras().initializers.HeNormal(next_seed())
        x = layers.Conv2D(
            channels, side, strides=stride, padding="same", use_bias=False, kernel_initializer=start
        )(x)
        return batch_normalization()(x)

    x = layers.ReLU()(convolution(x, net.stem, 5, 2))
    for channels, stride in net.blocks:
        if x.shape[1] % stride:
            raise InputError(
                f"{net}: maps of {x.shape[1]} pixels cannot be cut by {stride}; choose another size than {size}"
            )
        shortcut = x
        if stride > 1:
            shortcut = layers.AveragePooling2D(stride)(x)
        if shortcut.shape[-1] != channels:
            shortcut = convolution(shortcut, channels, 1)
        x = layers.ReLU()(convolution(x, channels, 3, stride))
        x = layers.ReLU()(layers.Add()([convolution(x, channels, 3), shortcut]))
    side = x.shape[1]
    mean = keras().initializers.Constant(1 / side**2)
    x = _depthwise_convolution()(side, use_bias=False, depthwise_initializer=mean)(x)
    x = layers.Flatten()(x)
    if net.dropout:
        x = layers.Dropout(net.dropout, seed=next_seed())(x)
    return x


def _depthwise_convolution():
    """Keras's layer; on a GPU, where it has no deterministic gradient, the same as a sum over places.

    Only for a kernel as large as the maps, which leaves one place.
    """
    plain = keras().layers.DepthwiseConv2D
    if device() == "cpu":
        return plain

    class Summed(plain):
        def call(self, x):
            weighted = x * keras().ops.convert_to_tensor(self.kernel)[None, :, :, :, 0]
            return keras().ops.sum(weighted, axis=(1, 2), keepdims=True)

    return Summed


def _batch_normalization():
    """Keras's layer; on TensorFlow trained by the fused kernel, which makes the compact net a third faster."""
    plain = keras().layers.BatchNormalization
    if keras().backend.backend() != "tensorflow":
        return plain
    from tensorflow.compat.v1.nn import fused_batch_norm

    class Fused(plain):
        def call(self, x, training=None, mask=None):
            if not training:
                return super().call(x, training, mask)
            normal, mean, variance = fused_batch_norm(
                x, self.gamma.value, self.beta.value, epsilon=self.epsilon
            )
            for kept, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
                kept.assign(kept * self.momentum + now * (1 - self.momentum))
            return normal

    return Fused


@dataclass(frozen=True)
class Cost:
    """What a net costs: its parameters, and the multiply-accumulates for one picture."""

    parameters: int
    macs: int


def count_params_and_macs(net: Net, size: int, classes: int = 8) -> Cost:
    """The Cost of the built net; batch normalisation can be folded in, and counts no multiply-accumulates."""
    built = build(net, size, classes)
    macs = 0
    for layer in built.layers:
        kernel = getattr(layer, "kernel", None)
        if kernel is None:
            continue
        is_convolution = len(kernel.shape) == 4
        places = math.prod(layer.output.shape[1:3]) if is_convolution else 1
        macs += math.prod(kernel.shape) * places
    return Cost(built.count_params(), macs)
