"""Rounded outputs: what is predicted stays what it was, and how surely it was predicted nearly so."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.special import log_softmax

from emoclass import outputs

FINITE = st.floats(-50, 50, width=32)
LOGITS = arrays.arrays(np.float32, st.tuples(st.integers(0, 6), st.integers(1, 8)), elements=FINITE)


def rounded(logits):
    """Probabilities of these logits, once they were kept."""
    n_classes = logits.shape[1]
    return outputs.to_probabilities(outputs.to_levels(logits), np.arange(n_classes), n_classes)


@given(LOGITS)
def test_rounding_never_changes_what_is_predicted_nor_the_sum(logits):
    probabilities = rounded(logits)
    assert probabilities.argmax(1).tolist() == logits.argmax(1).tolist()
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)


def test_of_classes_that_tie_the_first_is_predicted_and_no_other_is_as_probable():
    probabilities = rounded(np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0], [5.0, 5.0 + 1e-9, 5.0]]))
    assert probabilities.argmax(1).tolist() == [1, 0, 1]
    leading = probabilities.max(1, keepdims=True)
    assert ((probabilities == leading).sum(1) == 1).all()


@given(LOGITS)
def test_odds_are_kept_to_within_three_per_cent(logits):
    logits = logits.astype(np.float64)
    below = logits - logits.max(1, keepdims=True, initial=-np.inf)
    with np.errstate(divide="ignore"):
        kept = np.log(rounded(logits).astype(np.float64))
    kept = kept - kept.max(1, keepdims=True, initial=-np.inf)
    # Next to a tie the second class is set one step below; further than 255 steps down nothing is told apart.
    in_range = (below < -outputs.STEP) & (below > -outputs.STEP * (outputs.LOWEST - 1))
    np.testing.assert_allclose(np.exp(kept - below)[in_range], 1, atol=0.033)


def test_a_picture_without_finite_outputs_has_no_probabilities_and_disturbs_no_other():
    logits = np.array([[0.0, 1.0], [np.nan, 1.0], [np.inf, 0.0], [-np.inf, 0.0]])
    probabilities = rounded(logits)
    assert np.isnan(probabilities[1:]).all()
    assert probabilities[0].tolist() == rounded(logits[:1])[0].tolist()


def test_what_is_far_below_is_not_taken_for_a_picture_without_outputs():
    probabilities = rounded(np.array([[0.0, -1e6, -2e6]]))
    assert probabilities[0, 0] == pytest.approx(1, abs=1e-6)


def test_one_class_alone_is_certain():
    assert rounded(np.array([[-3.0], [7.0]])).tolist() == [[1.0], [1.0]]


def test_classes_that_were_not_trained_have_no_probability_at_all():
    logits = np.array([[2.0, 1.0], [0.0, 4.0]])
    probabilities = outputs.to_probabilities(outputs.to_levels(logits), np.array([1, 3]), 5)
    assert (probabilities[:, [0, 2, 4]] == 0).all()
    assert probabilities.argmax(1).tolist() == [1, 3]
    expected = log_softmax(logits, axis=1)
    np.testing.assert_allclose(np.log(probabilities[:, [1, 3]]), expected, atol=0.04)
