"""Keras without its chatter, and with the same bits every time: on one thread, or on a GPU."""

import os
import platform
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from emoclass.errors import InputError

# One thread per run: results then do not depend on how many cores a machine has, and two such
# processes get through as much work as one process with two threads. TensorFlow reads these when
# it is first imported.
ONE_THREAD = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}
DEVICES = ("cpu", "gpu")  # what EMOCLASS_DEVICE may name
VISIBLE = "CUDA_VISIBLE_DEVICES"
CPUINFO = "/proc/cpuinfo"
# Instruction sets that change sums in training, by machine, the widest first: name in Linux, ours.
INSTRUCTION_SETS = {
    "x86_64": {
        "amx_bf16": "amx_bf16",
        "avx512_bf16": "avx512_bf16",
        "avx512f": "avx512",
        "avx2": "avx2",
    },
    "arm64": {"sve2": "sve2", "sve": "sve", "bf16": "bf16", "asimd": "neon"},
}
SAME_MACHINE = {"amd64": "x86_64", "aarch64": "arm64"}


@contextmanager
def silence():
    """Nothing written to the terminal's stderr gets through, not even by C++ code."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def device() -> str:
    """What EMOCLASS_DEVICE names, "cpu" or "gpu"; "cpu" without it. Raises InputError."""
    wanted = os.environ.get("EMOCLASS_DEVICE") or "cpu"
    if wanted not in DEVICES:
        raise InputError(f"EMOCLASS_DEVICE={wanted!r} is unknown; choose cpu or gpu")
    return wanted


@cache
def keras():
    """The keras module, imported quietly and set to deterministic kernels.

    KERAS_BACKEND=jax works too. Raises InputError if EMOCLASS_DEVICE asks for what is not there.
    """
    wanted = device()
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Off by default on processors without AVX-512, where training then takes three times as long.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.update(ONE_THREAD)
    with silence():
        import keras as module

        if module.backend.backend() == "tensorflow":
            import tensorflow

            _use(tensorflow.config, wanted)
            tensorflow.config.experimental.enable_op_determinism()
            # It warns of each new net in a process that trains many.
            tensorflow.get_logger().setLevel("ERROR")
    return module


def _use(config, wanted: str) -> None:
    """Set `tensorflow.config` to the processor alone, or to GPUs in full float32.

    Deterministic kernels lack a gradient for a DepthwiseConv2D that is as wide as its map, such as
    the compact net's last layer: on a GPU TensorFlow refuses to train it.
    """
    if wanted == "cpu":
        # Before anything is placed: else weights land on a GPU, whose sums have other bits.
        config.set_visible_devices([], "GPU")
        return
    for gpu in _gpus(config):
        # One after another, several processes take what they need instead of all there is.
        config.experimental.set_memory_growth(gpu, True)
    # TF32 keeps 10 of 23 bits in products; the study's float32 is all of them.
    config.experimental.enable_tensor_float_32_execution(False)


def _gpus(config) -> list:
    gpus = config.list_physical_devices("GPU")
    if not gpus:
        raise InputError("EMOCLASS_DEVICE=gpu, and TensorFlow sees no GPU: use EMOCLASS_DEVICE=cpu")
    return gpus


def _tensorflow_config():
    """`tensorflow.config`, once everything is set."""
    keras()
    import tensorflow

    return tensorflow.config


def devices() -> list[str]:
    """The GPUs for workers, one for each, as CUDA_VISIBLE_DEVICES names them; none on a processor.

    Worker number k calls `use_device(devices()[k])`. Raises InputError as `keras` does.
    """
    if device() == "cpu":
        return []
    gpus = _gpus(_tensorflow_config())
    named = os.environ.get(VISIBLE)
    if named:
        return named.split(",")[: len(gpus)]
    return [str(number) for number in range(len(gpus))]


def use_device(gpu: str) -> None:
    """This process shall see that GPU alone; to be called before TensorFlow is imported."""
    os.environ[VISIBLE] = gpu


def processor() -> str:
    """Whose arithmetic this is: "gpu: NAME", or the machine and its widest instruction set.

    Such as "x86_64 avx2" or "arm64 neon"; the machine alone where the system does not tell.
    Raises InputError as `keras` does.
    """
    if device() == "gpu":
        config = _tensorflow_config()
        details = config.experimental.get_device_details(_gpus(config)[0])
        return f"gpu: {details.get('device_name', 'unknown')}"
    machine = platform.machine().lower()
    machine = SAME_MACHINE.get(machine, machine)
    present = _cpu_flags()
    for flag, name in INSTRUCTION_SETS.get(machine, {}).items():
        if flag in present:
            return f"{machine} {name}"
    return machine


@cache
def fast_precision() -> str:
    """mixed_bfloat16 where the processor multiplies in it (AVX512-BF16, AMX), else float32."""
    present = _cpu_flags()
    if "avx512_bf16" in present or "amx_bf16" in present:
        return "mixed_bfloat16"
    return "float32"


def _cpu_flags() -> set[str]:
    """What Linux says that the processor can do; nothing on other systems."""
    try:
        return set(Path(CPUINFO).read_text().split())
    except OSError:
        return set()
