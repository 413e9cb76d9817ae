"""Tests that train."""

import gc

import pytest

from emoclass.backend import keras


@pytest.fixture(autouse=True, scope="session")
def nothing_that_keras_brings_is_looked_through_after_each_net():
    keras()
    gc.freeze()
