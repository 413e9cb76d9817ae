"""The nets are those that were published and what their descriptions say, and are counted as they are built."""

import numpy as np
import pytest

from emoclass.augment import OnlineAugmentation
from emoclass.backend import keras
from emoclass.errors import InputError
from emoclass.models import (
    COMPACT,
    CONVNET_A,
    FOUR_CONVOLUTIONS,
    LOGISTIC_REGRESSION,
    PARED_DOWN,
    TWO_CONVOLUTIONS,
    ConvNet,
    ResNet,
    build,
    count_params_and_macs,
)

PUBLISHED = [64, 128, 256, 256, 512, 512, 512, 512]  # Simonyan & Zisserman 2015, table 1, column A
SLIM = ResNet(stem=4, blocks=((4, 1), (8, 2)))
PICTURES = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 1), np.uint8)


@pytest.fixture(autouse=True)
def tidy():
    """The precision of one test is not that of the next."""
    yield
    keras().config.set_dtype_policy("float32")


def layers(net, kind):
    return [layer for layer in net.layers if isinstance(layer, getattr(keras().layers, kind))]


# ConvNet A and the smaller nets


def test_convnet_a_has_eleven_weight_layers_as_published():
    net = build(CONVNET_A, 32)
    convolutions, dense = layers(net, "Conv2D"), layers(net, "Dense")
    assert [layer.filters for layer in convolutions] == PUBLISHED
    assert {(layer.kernel_size, layer.padding, layer.strides) for layer in convolutions} == {
        ((3, 3), "same", (1, 1))
    }
    assert [layer.units for layer in dense] == [4096, 4096, 8]
    assert len([layer for layer in net.layers if layer.weights]) == 11


def test_convnet_a_pools_five_times_where_published_and_drops_half_between_its_dense_layers():
    net = build(
        ConvNet(tuple((1,) * len(block) for block in CONVNET_A.blocks), (2, 2), CONVNET_A.dropout),
        32,
    )
    kinds = "".join(
        type(layer).__name__[0] for layer in net.layers if layer.name.startswith(("conv", "max"))
    )
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


def test_each_rung_of_the_ladder_has_fewer_convolutions_and_macs_than_the_one_above():
    nets = (CONVNET_A, FOUR_CONVOLUTIONS, TWO_CONVOLUTIONS, PARED_DOWN, LOGISTIC_REGRESSION)
    convolutions = [sum(map(len, net.blocks)) for net in nets]
    assert convolutions == [8, 4, 2, 1, 0]
    macs = [count_params_and_macs(net, 48)[1] for net in nets]
    assert macs == sorted(macs, reverse=True)


# the compact net


def test_the_compact_net_has_seven_convolutions_and_a_shortcut_around_each_two():
    net = build(COMPACT, 48)
    convolutions = layers(net, "Conv2D")
    shortcuts = [layer for layer in convolutions if layer.kernel_size == (1, 1)]
    assert [layer.filters for layer in convolutions if layer not in shortcuts] == [
        32,
        32,
        32,
        64,
        64,
        128,
        128,
    ]
    assert [layer.filters for layer in shortcuts] == [
        64,
        128,
    ]  # where the channels stay as many nothing is needed
    assert len(layers(net, "Add")) == len(layers(net, "AveragePooling2D")) + 1 == 3
    assert len(layers(net, "BatchNormalization")) == len(convolutions)
    assert not any(layer.use_bias for layer in convolutions)


def test_batch_normalisation_is_that_of_keras_in_training_and_after():
    maps = np.random.default_rng(1).normal(3, 2, (16, 6, 6, 4)).astype(np.float32)
    ours = next(
        layer
        for layer in build(SLIM, 16).layers
        if isinstance(layer, keras().layers.BatchNormalization)
    )
    ours, theirs = type(ours)(), keras().layers.BatchNormalization()
    for training in (True, True, False):
        np.testing.assert_allclose(
            ours(maps, training=training), theirs(maps, training=training), atol=2e-3
        )
    for one, other in zip(ours.get_weights(), theirs.get_weights()):
        np.testing.assert_allclose(one, other, rtol=1e-3)
    assert (
        np.ptp(ours.get_weights()[2]) > 0 and np.ptp(ours.get_weights()[3]) > 0
    )  # it did learn from what it saw


def test_a_shortcut_hands_on_what_comes_in_where_its_convolutions_give_nothing():
    net = build(ResNet(stem=4, blocks=((4, 1),)), 16)
    for layer in layers(net, "Conv2D")[1:]:
        layer.set_weights([np.zeros_like(weights) for weights in layer.get_weights()])
    stem, added = layers(net, "ReLU")[0], layers(net, "Add")[0]
    inside = keras().Model(net.input, [stem.output, added.output])
    before, after = (np.array(values) for values in inside(PICTURES))
    np.testing.assert_array_equal(before, after)
    assert before.max() > 0


def test_the_last_maps_are_weighed_by_place_and_at_first_averaged():
    net = build(SLIM, 16)
    (by_place,) = layers(net, "DepthwiseConv2D")
    (weights,) = by_place.get_weights()
    assert weights.shape == (4, 4, 8, 1) and (weights == np.float32(1 / 16)).all()
    inside = keras().Model(net.input, [by_place.input, by_place.output])
    maps, means = (np.array(values) for values in inside(PICTURES))
    np.testing.assert_allclose(means[:, 0, 0], maps.mean((1, 2)), rtol=1e-5)


def test_the_compact_net_sees_each_picture_at_mean_0_and_deviation_1_with_all_its_greys():
    net = build(SLIM, 16)
    (first,) = layers(net, "Conv2D")[:1]
    seen = np.array(keras().Model(net.input, first.input)(PICTURES))
    mean, deviation = (
        PICTURES.mean((1, 2, 3), keepdims=True),
        PICTURES.std((1, 2, 3), keepdims=True),
    )
    np.testing.assert_allclose(seen, (PICTURES - mean) / deviation, atol=1e-4)


def test_brightness_and_contrast_of_a_picture_do_not_matter_to_it():
    dark = np.random.default_rng(1).integers(0, 100, (3, 16, 16, 1)).astype(np.uint8)
    contrast, brightness = dark * 2, dark + np.uint8(120)
    net = build(SLIM, 16)
    as_it_is, scaled, shifted = (np.array(net(x)) for x in (dark, contrast, brightness))
    np.testing.assert_allclose(scaled, as_it_is, atol=1e-3)
    np.testing.assert_allclose(shifted, as_it_is, atol=1e-3)

    plain = build(LOGISTIC_REGRESSION, 16)
    assert np.abs(np.array(plain(contrast)) - np.array(plain(dark))).max() > 0.1


def test_a_picture_that_is_all_of_one_grey_gives_numbers():
    assert np.isfinite(np.array(build(SLIM, 16)(np.full((1, 16, 16, 1), 7, np.uint8)))).all()


def test_no_picture_depends_on_those_beside_it_when_it_is_tested():
    net = build(SLIM, 16)
    np.testing.assert_allclose(np.array(net(PICTURES))[:1], np.array(net(PICTURES[:1])), atol=1e-5)


def test_the_compact_net_takes_sizes_that_halve_and_odd_ones_that_round_up_to_these_and_refuses_others():
    assert [build(SLIM, size).output_shape for size in (12, 23, 24, 47, 48)] == [(None, 8)] * 5
    for size in (13, 14, 25, 49):
        with pytest.raises(
            InputError, match=f"cannot be cut by 2; choose another size than {size}"
        ):
            build(SLIM, size)


def test_dropout_is_there_where_it_is_asked_for():
    assert not layers(build(SLIM, 16), "Dropout")
    (dropout,) = layers(build(ResNet(4, ((4, 1),), dropout=0.3), 16), "Dropout")
    assert dropout.rate == 0.3


@pytest.mark.parametrize("net", [SLIM, PARED_DOWN], ids=str)
def test_online_augmentation_holds_no_weights_and_changes_nothing_that_is_tested(net):
    plain, online_augmentationed = (
        build(net, 16),
        build(net, 16, online_augmentation=OnlineAugmentation(), seed=3),
    )
    assert [w.shape for w in online_augmentationed.get_weights()] == [
        w.shape for w in plain.get_weights()
    ]
    assert (
        online_augmentationed.count_params()
        == plain.count_params()
        == count_params_and_macs(net, 16)[0]
    )
    online_augmentationed.set_weights(plain.get_weights())
    np.testing.assert_array_equal(
        np.array(online_augmentationed(PICTURES)), np.array(plain(PICTURES))
    )
    assert not np.allclose(
        np.array(online_augmentationed(PICTURES, training=True)),
        np.array(plain(PICTURES, training=True)),
    )


# what goes in and what comes out


@pytest.mark.parametrize("net", [PARED_DOWN, FOUR_CONVOLUTIONS, LOGISTIC_REGRESSION, SLIM], ids=str)
@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("classes", [8, 2])
def test_pictures_go_in_and_logits_in_full_precision_come_out(net, precision, classes):
    keras().config.set_dtype_policy(precision)
    built = build(net, 16, classes)
    logits = built(PICTURES)
    assert tuple(logits.shape) == (3, classes)
    assert keras().backend.standardize_dtype(logits.dtype) == "float32"
    assert built.compute_dtype == precision.removeprefix("mixed_")
    assert all(
        np.isfinite(weights).all() and weights.dtype == np.float32
        for weights in built.get_weights()
    )


def test_logits_are_no_probabilities():
    logits = np.array(build(PARED_DOWN, 16)(PICTURES))
    assert logits.min() < 0 and not np.allclose(logits.sum(1), 1)


def test_without_layers_it_is_logistic_regression_on_grey_values_from_0_to_1():
    net = build(LOGISTIC_REGRESSION, 16)
    assert net.count_params() == 16 * 16 * 8 + 8
    slope, intercept = net.get_weights()
    expected = PICTURES.reshape(3, -1) / 255 @ slope + intercept
    np.testing.assert_allclose(np.array(net(PICTURES)), expected, atol=1e-5)


@pytest.mark.parametrize(
    "net", [ConvNet(((4,), (4,)), (8,), dropout=0.5), ResNet(4, ((8, 2),), dropout=0.5)], ids=str
)
def test_the_seed_alone_decides_the_first_weights_and_the_dropout(net):
    def drawn(seed, in_process, online_augmentation=None):
        keras().utils.set_random_seed(in_process)
        built = build(net, 16, online_augmentation=online_augmentation, seed=seed)
        return built.get_weights(), [np.array(built(PICTURES, training=True)) for _ in range(2)]

    (weights, (first, second)), (again, (same, _)), (others, (other, _)) = (
        drawn(0, 0),
        drawn(0, 1),
        drawn(1, 0),
    )
    kernels = [k for k, array in enumerate(weights) if array.ndim > 1 and np.ptp(array)]
    assert all(np.array_equal(one, two) for one, two in zip(weights, again)) and np.array_equal(
        first, same
    )
    assert not any(np.array_equal(weights[k], others[k]) for k in kernels) and not np.array_equal(
        first, other
    )
    assert not np.array_equal(first, second)  # dropout is drawn anew for each batch
    assert len({weights[k].tobytes() for k in kernels}) == len(kernels) > 2
    with_augmentation, _ = drawn(0, 2, OnlineAugmentation())
    assert all(np.array_equal(one, two) for one, two in zip(weights, with_augmentation))


def test_no_two_layers_of_one_shape_begin_alike():
    weights = build(ConvNet(((4, 4, 4),), (8, 8, 8)), 16).get_weights()
    kernels = [array.tobytes() for array in weights if array.ndim > 1]
    assert len(set(kernels)) == len(kernels) == 7


def test_a_signal_gets_through_eleven_layers():
    deep = ConvNet(tuple((8,) * len(block) for block in CONVNET_A.blocks), (64, 64))
    assert np.array(build(deep, 32)(PICTURES.repeat(2, 1).repeat(2, 2))).std(0).max() > 1e-2


# parameters and multiply-accumulates


def test_logistic_regression_and_the_pared_down_net_have_what_is_counted_by_hand():
    assert count_params_and_macs(LOGISTIC_REGRESSION, 16, classes=3) == (
        16 * 16 * 3 + 3,
        16 * 16 * 3,
    )
    # a 3x3 convolution to 16 channels over 48 x 48; 24 x 24 x 16 values into 128 units; 128 into 8
    parameters = (9 + 1) * 16 + (24 * 24 * 16 + 1) * 128 + (128 + 1) * 8
    macs = 9 * 16 * 48 * 48 + 24 * 24 * 16 * 128 + 128 * 8
    assert count_params_and_macs(PARED_DOWN, 48) == (parameters, macs) == (1_180_968, 1_512_448)


def test_a_residual_net_has_what_is_counted_by_hand():
    # 5x5 to 4 over 8 x 8; 3x3 to 4 twice; over 4 x 4: 3x3 to 8 twice and 1x1 to 8 around them; 4 x 4 places; 8 out
    convolutions = (25 * 4, 9 * 4 * 4, 9 * 4 * 4), (9 * 4 * 8, 9 * 8 * 8, 4 * 8)
    normalisation = 4 * (3 * 4 + 3 * 8)
    parameters = sum(map(sum, convolutions)) + normalisation + 8 * 16 + (8 + 1) * 8
    macs = sum(convolutions[0]) * 8 * 8 + sum(convolutions[1]) * 4 * 4 + 8 * 16 + 8 * 8
    assert (
        count_params_and_macs(SLIM, 16)
        == count_params_and_macs(SLIM, 15)
        == (parameters, macs)
        == (1628, 39360)
    )


def test_convnet_a_has_what_is_counted_by_hand_two_thirds_of_its_parameters_in_dense_layers():
    kernels = [9 * below * above for below, above in zip([1, *PUBLISHED], PUBLISHED)]
    dense = [512 * 4096, 4096 * 4096, 4096 * 8]
    parameters = sum(kernels) + sum(PUBLISHED) + sum(dense) + 4096 + 4096 + 8
    macs = sum(k * side**2 for k, side in zip(kernels, [48, 24, 12, 12, 6, 6, 3, 3])) + sum(dense)
    assert count_params_and_macs(CONVNET_A, 48) == (parameters, macs) and parameters == 28_134_664
    assert sum(dense) > 2 * sum(kernels)
    few, light = count_params_and_macs(COMPACT, 48)
    assert 50 * few < parameters and 10 * light < macs


def test_a_net_prints_as_its_layers():
    assert str(FOUR_CONVOLUTIONS) == "conv 16 | 32 | 64 64, dense 128"
    assert str(LOGISTIC_REGRESSION) == "conv none, dense none"
    assert str(SLIM) == "5x5 conv 4, residual 4 4 | 8 8"
