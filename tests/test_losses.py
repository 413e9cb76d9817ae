"""Each loss is its formula, in value and in gradient; each weighting keeps the mean over the photos at 1."""

from typing import get_args

import numpy as np
import pytest

from emoclass.backend import keras
from emoclass.errors import InputError
from emoclass.losses import ClassWeight, class_weights, cross_entropy, log_prior

WEIGHTS = get_args(ClassWeight)
COUNTS = np.array([1, 4, 5])
PRIOR = np.log(COUNTS / COUNTS.sum())
REAL = np.array([252, 9, 208, 21, 5696, 6868, 268, 368])  # of the photo collection
LABELS = np.array([0, 2, 1, 1, 2])
LOGITS = np.random.default_rng(0).normal(0, 2, (5, 3))
OPTIONS = {
    "cross-entropy": {},
    "focal": {"focal_gamma": 2.0},
    "focal, less than linear": {"focal_gamma": 0.5},
    "balanced softmax": {"logit_adjustment_tau": 1.0, "prior": PRIOR},
    "both": {"focal_gamma": 1.5, "logit_adjustment_tau": 0.7, "prior": PRIOR},
}
each_loss = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)


def by_hand(weights, labels, logits, focal_gamma=0.0, logit_adjustment_tau=0.0, prior=0.0):
    """The loss in double precision, photo by photo, from its formula."""
    z = logits + logit_adjustment_tau * np.asarray(prior, float)
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    return np.mean(
        [weights[k] * (1 - q[k]) ** focal_gamma * -np.log(q[k]) for k, q in zip(labels, p)]
    )


ONES = np.ones(3)


def value(labels, logits, weights=ONES, **options) -> float:
    return float(
        cross_entropy(weights, **options)(np.asarray(labels), np.asarray(logits, np.float32))
    )


# weights


@pytest.mark.parametrize(
    "weighting, expected",
    [
        ("none", [1, 1, 1]),
        ("balanced", [10 / 3, 10 / 12, 10 / 15]),
        # 1, 1/2, 1/sqrt 5 sum to 1 + 2 + sqrt 5 over the photos, and there are ten of these
        ("sqrt", np.array([1, 0.5, 5**-0.5]) * 10 / (3 + 5**0.5)),
        # at beta 1/2 one photo counts 1, four 1.875 and five 1.9375: each new one half as much as the one before
        ("effective", 10 / np.array([1, 1.875, 1.9375]) / (1 + 4 / 1.875 + 5 / 1.9375)),
    ],
)
def test_weights_are_what_is_computed_by_hand(weighting, expected):
    np.testing.assert_allclose(class_weights(COUNTS, weighting, beta=0.5), expected, rtol=1e-6)


def test_by_default_no_class_is_weighted():
    assert class_weights(COUNTS).tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    "weighting, ratio", [("none", 1), ("sqrt", 27.6), ("balanced", 763.1), ("effective", 105)]
)
def test_how_much_more_the_rarest_emotion_of_the_collection_weighs_than_the_most_frequent(
    weighting, ratio
):
    weights = class_weights(REAL, weighting)
    assert weights.max() / weights.min() == pytest.approx(
        ratio, rel=0.1 if weighting == "effective" else 0.01
    )


@pytest.mark.parametrize("beta, limit", [(0, "none"), (1 - 1e-9, "balanced")])
def test_the_effective_number_lies_between_no_weights_and_balanced_ones(beta, limit):
    np.testing.assert_allclose(
        class_weights(REAL, "effective", beta), class_weights(REAL, limit), rtol=1e-4
    )


@pytest.mark.parametrize("weighting", WEIGHTS)
@pytest.mark.parametrize("counts", [(1, 4, 5), (7, 7, 7), (0, 3, 900), (5, 0, 0), (9, 6868)])
def test_the_mean_over_the_photos_is_one_and_a_class_without_a_photo_weighs_nothing(
    weighting, counts
):
    counts = np.array(counts)
    weights = class_weights(counts, weighting)
    assert weights.dtype == np.float32 and np.average(weights, weights=counts) == pytest.approx(1)
    assert (weights[counts == 0] == 0).all()
    np.testing.assert_array_equal(weights[counts > 0], class_weights(counts[counts > 0], weighting))
    if len(set(counts)) == 1:
        assert (weights == 1).all()


@pytest.mark.parametrize("beta", [-0.1, 1, 1.5, float("nan")])
def test_a_beta_that_is_no_share_is_refused(beta):
    with pytest.raises(InputError, match=f"beta={beta}: .* from 0 to below 1"):
        class_weights(COUNTS, "effective", beta)


def test_an_unknown_weighting_is_refused_with_those_there_are():
    with pytest.raises(
        InputError,
        match="class_weight 'focal' is unknown; choose one of none, sqrt, balanced, effective",
    ):
        class_weights(COUNTS, "focal")


def test_the_prior_is_the_log_of_each_share_an_absent_class_counting_as_half_a_photo():
    assert log_prior(COUNTS).dtype == np.float32
    np.testing.assert_allclose(np.exp(log_prior(COUNTS)), [0.1, 0.4, 0.5], rtol=1e-6)
    np.testing.assert_allclose(
        np.exp(log_prior(np.array([0, 4, 5]))), np.array([0.5, 4, 5]) / 9.5, rtol=1e-6
    )
    assert np.isfinite(log_prior(np.zeros(3))).all()


# the loss


@each_loss
@pytest.mark.parametrize("weighting", WEIGHTS)
def test_each_loss_is_what_its_formula_says(weighting, options):
    weights = class_weights(COUNTS, weighting)
    expected = pytest.approx(by_hand(weights, LABELS, LOGITS, **options), rel=1e-5)
    assert value(LABELS, LOGITS, weights, **options) == expected
    assert value(LABELS[:, None], LOGITS, weights, **options) == expected


@each_loss
def test_logits_in_half_precision_are_taken_in_full(options):
    half = keras().ops.cast(LOGITS, "bfloat16")
    loss = cross_entropy(np.ones(3), **options)(LABELS, half)
    assert keras().backend.standardize_dtype(loss.dtype) == "float32"
    rounded = keras().ops.convert_to_numpy(keras().ops.cast(half, "float32")).astype(float)
    assert float(loss) == pytest.approx(by_hand(np.ones(3), LABELS, rounded, **options), rel=1e-5)


def test_a_photo_told_with_probability_three_quarters_counts_a_sixteenth_in_focal_loss():
    assert value([0], np.log([[3.0, 1.0]]), np.ones(2), focal_gamma=2) == pytest.approx(
        -np.log(0.75) / 16
    )


def test_with_tau_of_one_it_is_the_balanced_softmax():
    share = COUNTS * np.exp(LOGITS)  # Ren et al. 2020, equation 3
    expected = -np.mean(np.log(share[np.arange(5), LABELS] / share.sum(1)))
    assert value(LABELS, LOGITS, logit_adjustment_tau=1, prior=log_prior(COUNTS)) == pytest.approx(
        expected, rel=1e-5
    )


def test_with_tau_of_one_logits_of_zero_have_the_entropy_of_the_labels_for_their_loss():
    loss = value(
        np.repeat([0, 1, 2], COUNTS), np.zeros((10, 3)), logit_adjustment_tau=1, prior=PRIOR
    )
    assert loss == pytest.approx(-(0.1 * np.log(0.1) + 0.4 * np.log(0.4) + 0.5 * np.log(0.5)))


def test_switched_off_it_is_the_cross_entropy_that_everybody_uses():
    usual = keras().losses.SparseCategoricalCrossentropy(from_logits=True)(
        LABELS, LOGITS.astype(np.float32)
    )
    off = value(LABELS, LOGITS, focal_gamma=0, logit_adjustment_tau=0, prior=PRIOR)
    assert off == value(LABELS, LOGITS) == pytest.approx(float(usual))


def test_logits_far_apart_overflow_nothing():
    assert value([1], [[500.0, -500.0, 0.0]]) == pytest.approx(1000)


# its gradient


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


@each_loss
def test_its_gradient_is_what_finite_differences_say(options):
    weights = class_weights(COUNTS, "balanced")
    expected, step = np.zeros_like(LOGITS), 1e-5
    for place in np.ndindex(LOGITS.shape):
        nudge = np.zeros_like(LOGITS)
        nudge[place] = step
        up, down = (by_hand(weights, LABELS, LOGITS + sign * nudge, **options) for sign in (1, -1))
        expected[place] = (up - down) / (2 * step)
    np.testing.assert_allclose(
        gradient_of(cross_entropy(weights, **options), LABELS, LOGITS), expected, atol=2e-6
    )
    assert np.abs(expected).max() > 0.1


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_the_gradient_of_what_is_certain_is_finite(gamma):
    certain = np.array([[500.0, 0.0, -500.0], [-500.0, 0.0, 500.0]])
    gradient = gradient_of(cross_entropy(np.ones(3), focal_gamma=gamma), np.array([0, 0]), certain)
    assert np.isfinite(gradient).all()
    np.testing.assert_allclose(
        gradient[1], [-0.5, 0, 0.5], atol=1e-4
    )  # and what is wrong still counts


def test_an_absent_class_makes_neither_loss_nor_gradient_infinite():
    labels = np.array([1, 2, 1, 1, 2])
    counts = np.bincount(labels, minlength=3)
    loss = cross_entropy(
        class_weights(counts, "balanced"), logit_adjustment_tau=1, prior=log_prior(counts)
    )
    assert np.isfinite(gradient_of(loss, labels, LOGITS)).all()
    assert np.isfinite(float(loss(labels, LOGITS.astype(np.float32))))
