"""The nets: ConvNet A, the pared-down net, and the ladder between, all from one description."""

from dataclasses import dataclass

from emoclass.backend import keras


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


# Simonyan & Zisserman 2015, configuration A, with 8 outputs in place of 1000.
CONVNET_A = Net(blocks=((64,), (128,), (256, 256), (512, 512), (512, 512)), dense=(4096, 4096), dropout=0.5)
QUARTER_A = Net(blocks=((16,), (32,), (64, 64), (128, 128), (128, 128)), dense=(1024, 1024), dropout=0.5)
FOUR_CONVOLUTIONS = Net(blocks=((16,), (32,), (64, 64)), dense=(128,))
TWO_CONVOLUTIONS = Net(blocks=((16,), (32,)), dense=(128,))
PARED_DOWN = Net(blocks=((16,),), dense=(128,))
LOGISTIC_REGRESSION = Net()


def build(net: Net, size: int, classes: int = 8):
    """A Keras model from (batch, size, size, 1) uint8 pictures to (batch, classes) float32 logits."""
    layers = keras().layers
    start = keras().initializers.HeNormal  # without it eleven layers of ReLU pass on next to nothing
    stack = [keras().Input((size, size, 1), dtype="uint8"), layers.Rescaling(1 / 255)]
    for block in net.blocks:
        stack += [
            layers.Conv2D(channels, 3, padding="same", activation="relu", kernel_initializer=start())
            for channels in block
        ]
        stack += [layers.MaxPooling2D(2)]
    stack += [layers.Flatten()]
    for units in net.dense:
        stack += [layers.Dense(units, activation="relu", kernel_initializer=start())]
        stack += [layers.Dropout(net.dropout)] if net.dropout else []
    stack += [layers.Dense(classes, dtype="float32")]  # logits in full precision, whatever the rest is in
    return keras().Sequential(stack)


def cost(net: Net, size: int, classes: int = 8) -> tuple[int, int]:
    """(parameters, multiply-adds for one picture), counted from the description; no net is built."""
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
