"""The nets: ConvNet A, the pared-down net, and the ladder between, all from one description; and the compact net."""

from dataclasses import dataclass

from emoclass.augment import Jitter, jitter_layer
from emoclass.backend import keras
from emoclass.faces import BadInput


@dataclass(frozen=True)
class Net:
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
class Residual:
    """A residual net (He et al. 2016): a 5x5 stem of stride 2, then blocks of two 3x3 convolutions with a by-pass.

    Each convolution is followed by batch normalisation. Every picture is first brought to mean 0 and deviation 1, so
    that dim film stills and bright studio faces look alike.

    stem     channels of the first convolution
    blocks   (channels, stride) of each block; a by-pass of stride 2 is a 2x2 mean
    dropout  share of the features left out in training

    The last maps are not averaged over the face but weighed by place, for each channel by weights of its own (Chen
    et al. 2019): a raised corner of the mouth is not a raised brow.
    """

    stem: int = 32
    blocks: tuple[tuple[int, int], ...] = ((32, 1), (64, 2), (128, 2))
    dropout: float = 0.0

    def __str__(self):
        blocks = " | ".join(f"{channels} {channels}" for channels, _ in self.blocks)
        return f"5x5 conv {self.stem}, residual {blocks}"


# Simonyan & Zisserman 2015, configuration A, with 8 outputs in place of 1000.
CONVNET_A = Net(blocks=((64,), (128,), (256, 256), (512, 512), (512, 512)), dense=(4096, 4096), dropout=0.5)
QUARTER_A = Net(blocks=((16,), (32,), (64, 64), (128, 128), (128, 128)), dense=(1024, 1024), dropout=0.5)
FOUR_CONVOLUTIONS = Net(blocks=((16,), (32,), (64, 64)), dense=(128,))
TWO_CONVOLUTIONS = Net(blocks=((16,), (32,)), dense=(128,))
PARED_DOWN = Net(blocks=((16,),), dense=(128,))
LOGISTIC_REGRESSION = Net()


COMPACT = Residual()


def build(net: Net | Residual, size: int, classes: int = 8, jitter: Jitter | None = None, seed: int = 0):
    """A Keras model from (batch, size, size, 1) uint8 pictures to (batch, classes) float32 logits.

    jitter    changes made to each picture in training (`seed` draws them); they hold no weights

    Raises BadInput if the pictures cannot be halved as often as a residual net asks for.
    """
    layers = keras().layers
    pictures = keras().Input((size, size, 1), dtype="uint8")
    if isinstance(net, Residual):
        _sides(net, size)
        x = layers.Rescaling(1.0, dtype="float32")(pictures)  # the next layer hands back the type that it is given
        x = layers.LayerNormalization(axis=(1, 2, 3), center=False, scale=False, dtype="float32")(x)
    else:
        x = layers.Rescaling(1 / 255)(pictures)
    if jitter:
        x = jitter_layer(jitter, seed)(x)
    x = _residual(net, x) if isinstance(net, Residual) else _plain(net, x)
    # Logits in full precision, whatever the rest is in.
    return keras().Model(pictures, layers.Dense(classes, dtype="float32")(x))


def _plain(net: Net, x):
    layers, start = keras().layers, keras().initializers.HeNormal
    # Without such a start eleven layers of ReLU pass on next to nothing.
    for block in net.blocks:
        for channels in block:
            x = layers.Conv2D(channels, 3, padding="same", activation="relu", kernel_initializer=start())(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    for units in net.dense:
        x = layers.Dense(units, activation="relu", kernel_initializer=start())(x)
        x = layers.Dropout(net.dropout)(x) if net.dropout else x
    return x


def _residual(net: Residual, x):
    layers = keras().layers

    def convolution(x, channels, side, stride=1):
        x = layers.Conv2D(
            channels, side, strides=stride, padding="same", use_bias=False, kernel_initializer="he_normal"
        )(x)
        return layers.BatchNormalization()(x)

    x = layers.ReLU()(convolution(x, net.stem, 5, 2))
    for channels, stride in net.blocks:
        by_pass = layers.AveragePooling2D(stride)(x) if stride > 1 else x
        by_pass = by_pass if by_pass.shape[-1] == channels else convolution(by_pass, channels, 1)
        x = layers.ReLU()(convolution(x, channels, 3, stride))
        x = layers.ReLU()(layers.Add()([convolution(x, channels, 3), by_pass]))
    side = x.shape[1]
    mean = keras().initializers.Constant(1 / side**2)
    x = layers.Flatten()(layers.DepthwiseConv2D(side, use_bias=False, depthwise_initializer=mean)(x))
    return layers.Dropout(net.dropout)(x) if net.dropout else x


def cost(net: Net | Residual, size: int, classes: int = 8) -> tuple[int, int]:
    """(parameters, multiply-adds for one picture), counted from the description; no net is built.

    Of batch normalisation, all four numbers for each channel count as parameters, moving averages included; its
    multiply-adds do not count, as they can be folded into the convolution.
    """
    return _residual_cost(net, size, classes) if isinstance(net, Residual) else _plain_cost(net, size, classes)


def _plain_cost(net: Net, size: int, classes: int) -> tuple[int, int]:
    parameters = multiply_adds = 0
    channels, side = 1, size
    for block in net.blocks:
        for wider in block:
            parameters += (9 * channels + 1) * wider
            multiply_adds += 9 * channels * wider * side**2
            channels = wider
        side //= 2
    units = channels * side**2
    for wider in (*net.dense, classes):
        parameters += (units + 1) * wider
        multiply_adds += units * wider
        units = wider
    return parameters, multiply_adds


def _sides(net: Residual, size: int) -> list[int]:
    """Pixels of the maps' side after the stem and after each block."""
    sides = [-(-size // 2)]
    for _, stride in net.blocks:
        if sides[-1] % stride:
            raise BadInput(
                f"{net}: maps of {sides[-1]} pixels cannot be cut by {stride}; choose another size than {size}"
            )
        sides.append(sides[-1] // stride)
    return sides


def _residual_cost(net: Residual, size: int, classes: int) -> tuple[int, int]:
    (side, *sides), channels = _sides(net, size), net.stem
    convolutions = [(25, 1, net.stem, side)]  # places of the kernel, channels in, channels out, side of what comes out
    for (wider, _), side in zip(net.blocks, sides):
        convolutions += [(9, channels, wider, side), (9, wider, wider, side)]
        convolutions += [(1, channels, wider, side)] * (channels != wider)
        channels = wider
    parameters = sum(places * inside * out + 4 * out for places, inside, out, _ in convolutions)
    multiply_adds = sum(places * inside * out * side**2 for places, inside, out, side in convolutions)
    by_place, last = channels * side**2, (channels + 1) * classes
    return parameters + by_place + last, multiply_adds + by_place + channels * classes
