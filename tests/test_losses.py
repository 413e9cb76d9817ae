import numpy as np
import pytest

from emoclass.backend import keras
from emoclass.errors import InputError
from emoclass.losses import WEIGHTS, class_weights, cross_entropy, log_prior

COUNTS = np.array([1, 4, 5])


def log_softmax(logits):
    shifted = logits - logits.max(1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(1, keepdims=True))


def by_hand(weights, labels, logits, gamma=0.0, logit_adjustment_tau=0.0, prior=0.0, smoothing=0.0):
    """The loss in double precision, photo by photo, from its formula."""
    logs = log_softmax(logits + tau * np.asarray(prior, float))
    each = []
    for label, log in zip(labels, logs):
        target = np.full(len(log), smoothing / len(log))
        target[label] += 1 - smoothing
        each.append(weights[label] * (1 - np.exp(log[label])) ** gamma * -(target @ log))
    return np.mean(each)


PRIOR = np.log(COUNTS / COUNTS.sum())
LOSSES = {
    "plain": {},
    "focal": {"gamma": 2.0},
    "focal, less than linear": {"gamma": 0.5},
    "balanced softmax": {"tau": 1.0, "prior": PRIOR},
    "logit-adjusted by half": {"tau": 0.5, "prior": PRIOR},
    "smoothed": {"smoothing": 0.1},
    "all at once": {"gamma": 1.5, "tau": 0.7, "prior": PRIOR, "smoothing": 0.2},
}


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
    ratio = {how: (w := class_weights(counts, how)).max() / w.min() for how in ("plain", "root", "balanced")}
    assert ratio == pytest.approx({"plain": 1, "root": 27.6, "balanced": 763.1}, rel=0.01)


def test_effective_weights_are_inverse_effective_numbers_brought_to_a_mean_of_one():
    # at beta 1/2 one photo counts 1, four 1.875 and five 1.9375: each new one half as much as the one before
    raw = 1 / np.array([1, 1.875, 1.9375])
    np.testing.assert_allclose(class_weights(COUNTS, "effective", 0.5), raw * 10 / (raw @ COUNTS), rtol=1e-6)


@pytest.mark.parametrize("beta, how", [(0, "plain"), (1 - 1e-9, "balanced")])
def test_the_effective_number_lies_between_plain_and_balanced(beta, how):
    counts = np.array([252, 9, 208, 21, 5696, 6868, 268, 368])
    np.testing.assert_allclose(class_weights(counts, "effective", beta), class_weights(counts, how), rtol=1e-4)
    between = class_weights(counts, "effective")
    assert 1 < between.max() / between.min() < 763


@pytest.mark.parametrize("beta", [-0.1, 1, 1.5, float("nan")])
def test_a_beta_that_is_no_share_is_refused(beta):
    with pytest.raises(InputError, match=f"beta={beta}: .* from 0 to below 1"):
        class_weights(COUNTS, "effective", beta)


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
    with pytest.raises(InputError, match="loss 'focal' is unknown; choose one of plain, root, balanced, effective"):
        class_weights(COUNTS, "focal")


# the prior


def test_the_prior_is_the_log_of_each_share():
    prior = log_prior(COUNTS)
    assert prior.dtype == np.float32
    np.testing.assert_allclose(np.exp(prior), [0.1, 0.4, 0.5], rtol=1e-6)


def test_a_class_without_a_photo_counts_as_half_a_one_and_not_as_never():
    np.testing.assert_allclose(np.exp(log_prior(np.array([0, 4, 5]))), np.array([0.5, 4, 5]) / 9.5, rtol=1e-6)
    assert np.isfinite(log_prior(np.zeros(3))).all()


# the loss


@pytest.mark.parametrize("how", WEIGHTS)
@pytest.mark.parametrize("options", LOSSES.values(), ids=LOSSES)
def test_each_loss_is_what_its_formula_says(batch, how, options):
    labels, logits = batch
    weights = class_weights(COUNTS, how)
    loss = float(cross_entropy(weights, **options)(labels, logits.astype(np.float32)))
    assert loss == pytest.approx(by_hand(weights, labels, logits, **options), rel=1e-5)


def test_a_photo_told_with_probability_three_quarters_counts_a_sixteenth_in_focal_loss():
    logits = np.log([[3.0, 1.0]]).astype(np.float32)
    focal = float(cross_entropy(np.ones(2), gamma=2)(np.array([0]), logits))
    assert focal == pytest.approx(-np.log(0.75) / 16)


def test_the_smoothed_loss_asks_for_all_classes_a_little():
    # three classes, probabilities 1/2, 1/4, 1/4: 0.3 of the label is spread, a tenth to each
    logits = np.log([[2.0, 1.0, 1.0]]).astype(np.float32)
    smoothed = float(cross_entropy(np.ones(3), smoothing=0.3)(np.array([0]), logits))
    assert smoothed == pytest.approx(-(0.8 * np.log(0.5) + 0.2 * np.log(0.25)))


def test_with_tau_of_one_it_is_the_balanced_softmax(batch):
    labels, logits = batch
    share = COUNTS * np.exp(logits)  # Ren et al. 2020, equation 3
    expected = -np.mean(np.log(share[np.arange(5), labels] / share.sum(1)))
    loss = cross_entropy(np.ones(3), logit_adjustment_tau=1, prior=log_prior(COUNTS))
    assert float(loss(labels, logits.astype(np.float32))) == pytest.approx(expected, rel=1e-5)


def test_a_net_that_knows_nothing_but_the_prior_is_asked_for_nothing_more():
    """Logits of 0 are then the frequent class's already, and their loss is the entropy of the labels."""
    labels = np.repeat([0, 1, 2], COUNTS)
    loss = float(cross_entropy(np.ones(3), logit_adjustment_tau=1, prior=PRIOR)(labels, np.zeros((10, 3), np.float32)))
    assert loss == pytest.approx(-(0.1 * np.log(0.1) + 0.4 * np.log(0.4) + 0.5 * np.log(0.5)))


def test_gamma_tau_and_smoothing_of_zero_are_the_cross_entropy(batch):
    labels, logits = batch
    plain = cross_entropy(np.ones(3))(labels, logits.astype(np.float32))
    switched_off = cross_entropy(np.ones(3), gamma=0, logit_adjustment_tau=0, prior=PRIOR, smoothing=0)
    assert float(switched_off(labels, logits.astype(np.float32))) == float(plain)


@pytest.mark.parametrize("options", LOSSES.values(), ids=LOSSES)
def test_logits_in_half_precision_are_taken_in_full(batch, options):
    labels, logits = batch
    half = keras().ops.cast(logits, "bfloat16")
    loss = cross_entropy(np.ones(3), **options)(labels, half)
    assert keras().backend.standardize_dtype(loss.dtype) == "float32"
    rounded = keras().ops.convert_to_numpy(keras().ops.cast(half, "float32")).astype(float)
    assert float(loss) == pytest.approx(by_hand(np.ones(3), labels, rounded, **options), rel=1e-5)


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


def gradient_of(loss, labels, logits):
    """What Keras says is the gradient of the loss by the logits."""
    # A layer that is fed one-hot rows hands out its own weights; one step of plain descent at rate 1 then
    # moves them by just the gradient, whatever backend Keras runs on.
    layer = keras().layers.Dense(logits.shape[1], use_bias=False)
    net = keras().Sequential([keras().Input((len(logits),)), layer])
    layer.set_weights([logits])
    net.compile(keras().optimizers.SGD(1.0), loss, jit_compile=False)
    net.train_on_batch(np.eye(len(logits)), labels)
    return logits - layer.get_weights()[0]


@pytest.mark.parametrize("options", LOSSES.values(), ids=LOSSES)
def test_its_gradient_is_what_finite_differences_say(batch, options):
    labels, logits = batch
    weights = class_weights(COUNTS, "balanced")
    gradient = gradient_of(cross_entropy(weights, **options), labels, logits)

    expected, step = np.zeros_like(logits), 1e-5
    for at in np.ndindex(logits.shape):
        nudge = np.zeros_like(logits)
        nudge[at] = step
        up, down = (by_hand(weights, labels, logits + sign * nudge, **options) for sign in (1, -1))
        expected[at] = (up - down) / (2 * step)
    np.testing.assert_allclose(gradient, expected, atol=2e-6)
    assert np.abs(expected).max() > 0.1


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_the_gradient_of_what_is_known_for_sure_is_finite(gamma):
    certain = np.array([[500.0, 0.0, -500.0], [-500.0, 0.0, 500.0]])
    gradient = gradient_of(cross_entropy(np.ones(3), gamma=gamma), np.array([0, 0]), certain)
    assert np.isfinite(gradient).all()
    np.testing.assert_allclose(gradient[1], [-0.5, 0, 0.5], atol=1e-4)  # and what is wrong still counts


def test_an_absent_class_makes_no_loss_infinite(batch):
    labels, logits = np.array([1, 2, 1, 1, 2]), batch[1]
    counts = np.bincount(labels, minlength=3)
    loss = cross_entropy(class_weights(counts, "balanced"), logit_adjustment_tau=1, prior=log_prior(counts))
    assert np.isfinite(float(loss(labels, logits.astype(np.float32))))
    assert np.isfinite(gradient_of(loss, labels, logits)).all()
