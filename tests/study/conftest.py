"""Tests that train."""

import gc

import pytest

from emoclass.backend import keras


@pytest.fixture(autouse=True, scope="session")
def little_is_looked_through_in_search_of_garbage():
    """Not what Keras brings; and each training ends by collecting its own."""
    keras()
    gc.freeze()
    gc.set_threshold(100_000)
