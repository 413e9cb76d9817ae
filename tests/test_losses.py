import numpy as np
import pytest

from emoclass.backend import keras
from emoclass.faces import BadInput
from emoclass.losses import WEIGHTS, class_weights, cross_entropy

COUNTS = np.array([1, 4, 5])


def log_softmax(logits):
    shifted = logits - logits.max(1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(1, keepdims=True))


def by_hand(weights, labels, logits):
    """Mean over the batch of weight[label] x cross-entropy, in double precision."""
    return -np.mean(weights[labels] * log_softmax(logits)[np.arange(len(labels)), labels])


@pytest.fixture
def batch():
    """5 labels and their logits over 3 emotions."""
    return np.array([0, 2, 1, 1, 2]), np.random.default_rng(0).normal(0, 2, (5, 3))


# weights


def test_plain_weights_are_one():
    assert class_weights(COUNTS).tolist() == class_weights(COUNTS, "plain").tolist() == [1, 1, 1]


def test_balanced_weights_are_photos_over_classes_times_photos_of_the_class():
    np.testing.assert_allclose(class_weights(COUNTS, "balanced"), [10 / 3, 10 / 12, 10 / 15], rtol=1e-6)


def test_root_weights_are_inverse_roots_brought_to_a_mean_of_one():
    # 1, 1/2, 1/sqrt 5 sum to 1 + 2 + sqrt 5 over the photos, and there are ten of these
    np.testing.assert_allclose(
        class_weights(COUNTS, "root"), np.array([1, 0.5, 5**-0.5]) * 10 / (3 + 5**0.5), rtol=1e-6
    )


def test_on_the_photo_collection_balanced_is_763_to_1_and_root_28_to_1():
    counts = np.array([252, 9, 208, 21, 5696, 6868, 268, 368])
    ratio = {how: (w := class_weights(counts, how)).max() / w.min() for how in WEIGHTS}
    assert ratio == pytest.approx({"plain": 1, "balanced": 763.1, "root": 27.6}, rel=0.01)


@pytest.mark.parametrize("how", WEIGHTS)
@pytest.mark.parametrize("counts", [(1, 4, 5), (7, 7, 7), (0, 3, 900), (5, 0, 0), (9, 6868)])
def test_the_mean_over_the_photos_is_one(how, counts):
    weights = class_weights(np.array(counts), how)
    assert weights.dtype == np.float32
    assert np.average(weights, weights=counts) == pytest.approx(1)


def test_balanced_classes_weigh_the_same_in_all_and_equal_classes_alike():
    assert np.ptp(class_weights(COUNTS, "balanced") * COUNTS) == pytest.approx(0, abs=1e-5)
    for how in WEIGHTS:
        assert class_weights(np.array([7, 7, 7]), how).tolist() == [1, 1, 1]


@pytest.mark.parametrize("how", WEIGHTS)
def test_a_class_without_a_photo_weighs_nothing_and_leaves_the_others_as_they_would_be(how):
    with_it, without = class_weights(np.array([1, 0, 4, 5]), how), class_weights(COUNTS, how)
    assert with_it[1] == 0
    np.testing.assert_array_equal(with_it[[0, 2, 3]], without)


def test_an_unknown_word_is_refused_with_those_there_are():
    with pytest.raises(BadInput, match="loss 'focal' is unknown; choose one of plain, balanced, root"):
        class_weights(COUNTS, "focal")


# the loss


@pytest.mark.parametrize("how", WEIGHTS)
@pytest.mark.parametrize("shape", [(5,), (5, 1)])
def test_the_loss_is_what_is_computed_by_hand(batch, how, shape):
    labels, logits = batch
    weights = class_weights(COUNTS, how)
    loss = float(cross_entropy(weights)(labels.reshape(shape), logits.astype(np.float32)))
    assert loss == pytest.approx(by_hand(weights, labels, logits), rel=1e-5)


def test_with_weights_of_one_it_is_the_cross_entropy_that_everybody_uses(batch):
    labels, logits = batch
    usual = keras().losses.SparseCategoricalCrossentropy(from_logits=True)(labels, logits.astype(np.float32))
    assert float(cross_entropy(np.ones(3))(labels, logits.astype(np.float32))) == pytest.approx(float(usual))


def test_logits_far_apart_overflow_nothing():
    logits = np.array([[500.0, -500.0, 0.0]], np.float32)
    assert float(cross_entropy(np.ones(3))(np.array([1]), logits)) == pytest.approx(1000)


def test_its_gradient_is_what_finite_differences_say(batch):
    labels, logits = batch
    weights = class_weights(COUNTS, "balanced")
    # A layer that is fed one-hot rows hands out its own weights; one step of plain descent at rate 1 then
    # moves them by just the gradient, whatever backend Keras runs on.
    layer = keras().layers.Dense(3, use_bias=False)
    net = keras().Sequential([keras().Input((5,)), layer])
    layer.set_weights([logits])
    net.compile(keras().optimizers.SGD(1.0), cross_entropy(weights), jit_compile=False)
    net.train_on_batch(np.eye(5), labels)
    gradient = logits - layer.get_weights()[0]

    expected, step = np.zeros_like(logits), 1e-5
    for at in np.ndindex(logits.shape):
        nudge = np.zeros_like(logits)
        nudge[at] = step
        up, down = by_hand(weights, labels, logits + nudge), by_hand(weights, labels, logits - nudge)
        expected[at] = (up - down) / (2 * step)
    np.testing.assert_allclose(gradient, expected, atol=2e-6)
    assert np.abs(expected).max() > 0.1
