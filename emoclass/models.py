"""The nets: ConvNet A, the pared-down net, and those between, all from one description; and the compact net."""

import math
from dataclasses import dataclass

import numpy as np

from emoclass.augment import OnlineAugmentation, augmentation_layer
from emoclass.backend import keras
from emoclass.errors import InputError


@dataclass(frozen=True)
class ConvNet:
    """Blocks of 3x3 convolutions, each block followed by a 2x2 max-pool; then dense layers; then the logits.

    blocks   channels of each convolution, block by block
    dense    units of each dense layer, each followed by `dropout`
    Without blocks and dense layers this is multinomial logistic regression on the pixels.
    """

    blocks: tuple[tuple[int, ...], ...] = ()
    dense: tuple[int, ...] = ()
    dropout: float = 0.0

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
    raised corner of the mouth is not a raised brow.
    """

    stem: int = 32
    blocks: tuple[tuple[int, int], ...] = ((32, 1), (64, 2), (128, 2))
    dropout: float = 0.0

    def __str__(self):
        blocks = " | ".join(f"{channels} {channels}" for channels, _ in self.blocks)
        return f"5x5 conv {self.stem}, residual {blocks}"


# Simonyan & Zisserman 2015, configuration A, with 8 outputs in place of 1000.
CONVNET_A = ConvNet(blocks=((64,), (128,), (256, 256), (512, 512), (512, 512)), dense=(4096, 4096), dropout=0.5)
FOUR_CONVOLUTIONS = ConvNet(blocks=((16,), (32,), (64, 64)), dense=(128,))
TWO_CONVOLUTIONS = ConvNet(blocks=((16,), (32,)), dense=(128,))
PARED_DOWN = ConvNet(blocks=((16,),), dense=(128,))
LOGISTIC_REGRESSION = ConvNet()
COMPACT = ResNet()


def build(
    net: ConvNet | ResNet,
    size: int,
    classes: int = 8,
    online_augmentation: OnlineAugmentation | None = None,
    seed: int = 0,
):
    """A Keras model from (batch, size, size, 1) uint8 pictures to (batch, classes) float32 logits.

    seed    of the first weights, dropout and augmentation: each draws from a seed of its own, so that nothing else
            in the process can change them
    Raises InputError if a residual net's strides do not divide the sides of its maps.
    """
    layers, random = keras().layers, np.random.default_rng(seed)

    def next_seed() -> int:
        return int(random.integers(2**31))

    augmentation_seed = next_seed()  # drawn in any case: with or without augmentation, a net starts the same
    pictures = keras().Input((size, size, 1), dtype="uint8")
    if isinstance(net, ResNet):
        x = layers.Rescaling(1.0, dtype="float32")(pictures)  # the next layer hands back the type that it is given
        x = layers.LayerNormalization(axis=(1, 2, 3), center=False, scale=False, dtype="float32")(x)
    else:
        x = layers.Rescaling(1 / 255)(pictures)
    if online_augmentation:
        x = augmentation_layer(online_augmentation, augmentation_seed)(x)
    x = _resnet(net, x, next_seed) if isinstance(net, ResNet) else _convnet(net, x, next_seed)
    start = keras().initializers.GlorotUniform(next_seed())
    # Logits in full precision, whatever the rest is in.
    return keras().Model(pictures, layers.Dense(classes, kernel_initializer=start, dtype="float32")(x))


def _convnet(net: ConvNet, x, next_seed):
    layers = keras().layers

    def he_normal():  # without such a start eleven layers of ReLU pass on next to nothing
        return keras().initializers.HeNormal(next_seed())

    for block in net.blocks:
        for channels in block:
            x = layers.Conv2D(channels, 3, padding="same", activation="relu", kernel_initializer=he_normal())(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    for units in net.dense:
        x = layers.Dense(units, activation="relu", kernel_initializer=he_normal())(x)
        x = layers.Dropout(net.dropout, seed=next_seed())(x) if net.dropout else x
    return x


def _resnet(net: ResNet, x, next_seed):
    size = x.shape[1]
    layers, batch_normalization = keras().layers, _batch_normalization()

    def convolution(x, channels, side, stride=1):
        start = keras().initializers.HeNormal(next_seed())
        x = layers.Conv2D(channels, side, strides=stride, padding="same", use_bias=False, kernel_initializer=start)(x)
        return batch_normalization()(x)

    x = layers.ReLU()(convolution(x, net.stem, 5, 2))
    for channels, stride in net.blocks:
        if x.shape[1] % stride:
            raise InputError(
                f"{net}: maps of {x.shape[1]} pixels cannot be cut by {stride}; choose another size than {size}"
            )
        shortcut = layers.AveragePooling2D(stride)(x) if stride > 1 else x
        shortcut = shortcut if shortcut.shape[-1] == channels else convolution(shortcut, channels, 1)
        x = layers.ReLU()(convolution(x, channels, 3, stride))
        x = layers.ReLU()(layers.Add()([convolution(x, channels, 3), shortcut]))
    side = x.shape[1]
    mean = keras().initializers.Constant(1 / side**2)
    x = layers.Flatten()(layers.DepthwiseConv2D(side, use_bias=False, depthwise_initializer=mean)(x))
    return layers.Dropout(net.dropout, seed=next_seed())(x) if net.dropout else x


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
            normal, mean, variance = fused_batch_norm(x, self.gamma.value, self.beta.value, epsilon=self.epsilon)
            for kept, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
                kept.assign(kept * self.momentum + now * (1 - self.momentum))
            return normal

    return Fused


def count_params_and_macs(net: ConvNet | ResNet, size: int, classes: int = 8) -> tuple[int, int]:
    """(parameters, multiply-accumulates for one picture) of the built net; batch normalisation can be folded in."""
    built, macs = build(net, size, classes), 0
    for layer in built.layers:
        if (kernel := getattr(layer, "kernel", None)) is not None:
            is_convolution = len(kernel.shape) == 4
            macs += math.prod(kernel.shape) * (math.prod(layer.output.shape[1:3]) if is_convolution else 1)
    return built.count_params(), macs
