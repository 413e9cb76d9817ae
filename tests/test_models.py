import numpy as np
import pytest

from emoclass.backend import keras
from emoclass.models import (
    CONVNET_A,
    FOUR_CONVOLUTIONS,
    LOGISTIC_REGRESSION,
    PARED_DOWN,
    QUARTER_A,
    TWO_CONVOLUTIONS,
    Net,
    build,
    cost,
)

PUBLISHED = [64, 128, 256, 256, 512, 512, 512, 512]  # Simonyan & Zisserman 2015, table 1, column A
PICTURES = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 1), np.uint8)


@pytest.fixture(autouse=True)
def tidy():
    """The precision of one test is not that of the next."""
    yield
    keras().config.set_dtype_policy("float32")


def layers(net, kind):
    return [layer for layer in net.layers if isinstance(layer, getattr(keras().layers, kind))]


# ConvNet A and the ladder


def test_convnet_a_has_eleven_weight_layers_as_published():
    net = build(CONVNET_A, 32)
    convolutions, dense = layers(net, "Conv2D"), layers(net, "Dense")
    assert [layer.filters for layer in convolutions] == PUBLISHED
    assert {(layer.kernel_size, layer.padding, layer.strides) for layer in convolutions} == {((3, 3), "same", (1, 1))}
    assert [layer.units for layer in dense] == [4096, 4096, 8]
    assert len([layer for layer in net.layers if layer.weights]) == 11
    assert net.count_params() == cost(CONVNET_A, 32)[0]


def test_convnet_a_pools_five_times_where_published_and_drops_half_between_its_dense_layers():
    net = build(Net(tuple((1,) * len(block) for block in CONVNET_A.blocks), (2, 2), CONVNET_A.dropout), 32)
    kinds = "".join(type(layer).__name__[0] for layer in net.layers if layer.name.startswith(("conv", "max")))
    assert kinds == "CMCMCCMCCMCCM"
    assert {layer.pool_size for layer in layers(net, "MaxPooling2D")} == {(2, 2)}
    assert [type(layer).__name__ for layer in net.layers[-6:]] == [
        "Flatten", "Dense", "Dropout", "Dense", "Dropout", "Dense"
    ]  # fmt: skip
    assert {layer.rate for layer in layers(net, "Dropout")} == {0.5}


def test_the_pared_down_net_has_three_weight_layers():
    net = build(PARED_DOWN, 16)
    assert [layer.filters for layer in layers(net, "Conv2D")] == [16]
    assert [layer.units for layer in layers(net, "Dense")] == [128, 8]
    assert len([layer for layer in net.layers if layer.weights]) == 3
    assert not layers(net, "Dropout")


def test_each_rung_of_the_ladder_has_fewer_convolutions_and_multiply_adds_than_the_one_above():
    ladder = (CONVNET_A, QUARTER_A, FOUR_CONVOLUTIONS, TWO_CONVOLUTIONS, PARED_DOWN, LOGISTIC_REGRESSION)
    convolutions = [sum(map(len, net.blocks)) for net in ladder]
    assert convolutions == [8, 8, 4, 2, 1, 0]
    multiply_adds = [cost(net, 48)[1] for net in ladder]
    assert multiply_adds == sorted(multiply_adds, reverse=True)


def test_the_quarter_net_is_convnet_a_with_a_quarter_of_its_channels_and_units():
    quarters = [[channels // 4 for channels in block] for block in CONVNET_A.blocks]
    assert [list(block) for block in QUARTER_A.blocks] == quarters
    assert QUARTER_A.dense == tuple(units // 4 for units in CONVNET_A.dense)
    assert QUARTER_A.dropout == CONVNET_A.dropout


# what goes in and what comes out


@pytest.mark.parametrize("net", [PARED_DOWN, FOUR_CONVOLUTIONS, LOGISTIC_REGRESSION])
@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("classes", [8, 2])
def test_pictures_go_in_and_logits_in_full_precision_come_out(net, precision, classes):
    keras().config.set_dtype_policy(precision)
    built = build(net, 16, classes)
    logits = built(PICTURES)
    assert tuple(logits.shape) == (3, classes)
    assert keras().backend.standardize_dtype(logits.dtype) == "float32"
    assert built.compute_dtype == precision.removeprefix("mixed_")
    assert all(np.isfinite(weights).all() and weights.dtype == np.float32 for weights in built.get_weights())


def test_logits_are_no_probabilities():
    logits = np.array(build(PARED_DOWN, 16)(PICTURES))
    assert logits.min() < 0 and not np.allclose(logits.sum(1), 1)


def test_without_layers_it_is_logistic_regression_on_grey_values_from_0_to_1():
    net = build(LOGISTIC_REGRESSION, 16)
    assert net.count_params() == cost(LOGISTIC_REGRESSION, 16)[0] == 16 * 16 * 8 + 8
    slope, intercept = net.get_weights()
    expected = PICTURES.reshape(3, -1) / 255 @ slope + intercept
    np.testing.assert_allclose(np.array(net(PICTURES)), expected, atol=1e-5)


def test_the_same_seed_begins_with_the_same_weights_and_another_seed_with_others():
    def first_weights(seed):
        keras().utils.set_random_seed(seed)
        return build(PARED_DOWN, 16).get_weights()[0]

    assert np.array_equal(first_weights(0), first_weights(0))
    assert not np.array_equal(first_weights(0), first_weights(1))


def test_a_signal_gets_through_eleven_layers():
    deep = Net(tuple((8,) * len(block) for block in CONVNET_A.blocks), (64, 64))
    keras().utils.set_random_seed(0)
    assert np.array(build(deep, 32)(PICTURES.repeat(2, 1).repeat(2, 2))).std(0).max() > 1e-2


# what it costs


@pytest.mark.parametrize("size", [48, 32, 33])
@pytest.mark.parametrize(
    "net",
    [PARED_DOWN, TWO_CONVOLUTIONS, FOUR_CONVOLUTIONS, QUARTER_A, LOGISTIC_REGRESSION, Net(dense=(7, 5), dropout=0.1)],
    ids=str,
)
def test_parameters_are_as_many_as_keras_counts(net, size):
    assert cost(net, size)[0] == build(net, size).count_params()
    assert cost(net, size, classes=3)[0] == build(net, size, classes=3).count_params()


def test_the_cost_of_the_pared_down_net_is_what_is_counted_by_hand():
    # a 3x3 convolution to 16 channels over 48 x 48; 24 x 24 x 16 values into 128 units; 128 into 8
    parameters = (9 + 1) * 16 + (24 * 24 * 16 + 1) * 128 + (128 + 1) * 8
    multiply_adds = 9 * 16 * 48 * 48 + 24 * 24 * 16 * 128 + 128 * 8
    assert cost(PARED_DOWN, 48) == (parameters, multiply_adds) == (1_180_968, 1_512_448)


def test_two_in_three_parameters_of_convnet_a_are_in_its_dense_layers():
    convolutions = sum((9 * below + 1) * above for below, above in zip([1, *PUBLISHED], PUBLISHED))
    dense = (512 + 1) * 4096 + (4096 + 1) * 4096 + (4096 + 1) * 8
    assert cost(CONVNET_A, 48)[0] == convolutions + dense == 28_134_664
    assert dense > 2 * convolutions


def test_a_net_prints_as_its_layers():
    assert str(FOUR_CONVOLUTIONS) == "conv 16 | 32 | 64 64, dense 128"
    assert str(LOGISTIC_REGRESSION) == "conv none, dense none"
