"""Keras on JAX instead of TensorFlow: slower on a CPU, and it runs."""

import importlib.util
import os
import subprocess
import sys

import pytest

CODE = """
import numpy as np
from emoclass import Variant, models
from emoclass.backend import keras
from emoclass.data.synthetic import SyntheticConfig, draw
from emoclass.study.train import train
run = train(Variant("tiny", net=models.ConvNet(dense=(4,)), n_folds=2, epochs=1),
            draw(SyntheticConfig(counts=(6,) * 8), size=12))
assert keras().backend.backend() == "jax" and np.isfinite(run.probabilities).all() and len(run.photo) > 0
"""


@pytest.mark.skipif(
    importlib.util.find_spec("jax") is None, reason="the package jax is not installed"
)
def test_a_net_is_trained_on_jax_without_chatter():
    env = os.environ | {"KERAS_BACKEND": "jax"}
    done = subprocess.run(
        [sys.executable, "-c", CODE], env=env, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == done.stderr == ""
