"""Keras on one thread, without its chatter, and with the same bits every time."""

import os
from contextlib import contextmanager
from functools import cache
from pathlib import Path

# One thread per run: results then do not depend on how many cores a machine has, and two such processes get
# through as much work as one process with two threads. TensorFlow reads these when it is first imported.
ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}


@contextmanager
def silence():
    """Nothing written to the terminal's stderr gets through, not even by C++ code that knows no Python."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@cache
def keras():
    """The keras module, imported quietly and set to deterministic kernels. KERAS_BACKEND=jax works too."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # else off without AVX-512, and training three times as long
    os.environ.update(ONE_THREAD)
    with silence():
        import keras as module

        if module.backend.backend() == "tensorflow":
            import tensorflow

            tensorflow.config.experimental.enable_op_determinism()
            tensorflow.get_logger().setLevel("ERROR")  # it warns of each new net in a process that trains many
    return module


@cache
def fast_precision() -> str:
    """ "mixed_bfloat16" where Linux says that the processor multiplies in it (AVX512-BF16 or AMX), else "float32"."""
    try:
        can = Path("/proc/cpuinfo").read_text()
    except OSError:
        return "float32"
    return "mixed_bfloat16" if "avx512_bf16" in can or "amx_bf16" in can else "float32"
