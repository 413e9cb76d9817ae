"""Where training computes: on one thread of the processor, or on a GPU where that is wanted."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from emoclass import backend
from emoclass.errors import InputError
from emoclass.variant import Variant

QUIET = """
from emoclass.backend import keras
keras().layers.Dense(1)
import tensorflow
print(tensorflow.config.get_visible_devices("GPU"))
"""
FLAGS = "processor\t: 0\nflags\t\t: fpu sse2 {}\n"


class Config:
    """Stands in for `tensorflow.config`; writes down what it is set to."""

    def __init__(self, gpus):
        self.gpus = gpus
        self.calls = []
        self.experimental = SimpleNamespace(
            set_memory_growth=lambda gpu, on: self.calls.append(("growth", gpu, on)),
            enable_tensor_float_32_execution=lambda on: self.calls.append(("tf32", on)),
            get_device_details=lambda gpu: {"device_name": f"Model {gpu}"},
        )

    def list_physical_devices(self, kind):
        assert kind == "GPU"
        return self.gpus

    def set_visible_devices(self, devices, kind):
        self.calls.append(("visible", devices, kind))


@pytest.fixture
def gpus(monkeypatch):
    """Ask for a GPU, on a machine that has these."""
    monkeypatch.setenv("EMOCLASS_DEVICE", "gpu")
    monkeypatch.delenv(backend.VISIBLE, raising=False)

    def machine(*names):
        config = Config(list(names))
        monkeypatch.setattr(backend, "_tensorflow_config", lambda: config)
        return config

    return machine


@pytest.fixture
def cpuinfo(tmp_path, monkeypatch):
    """Give this text to whoever reads what the processor can do; None: there is no such file."""
    monkeypatch.delenv("EMOCLASS_DEVICE", raising=False)
    backend.fast_precision.cache_clear()

    def write(text, machine="x86_64"):
        path = tmp_path / "cpuinfo"
        if text is not None:
            path.write_text(text)
        monkeypatch.setattr(backend, "CPUINFO", path)
        monkeypatch.setattr(backend.platform, "machine", lambda: machine)

    yield write
    backend.fast_precision.cache_clear()


def test_keras_comes_without_its_chatter_and_sees_no_gpu():
    found = subprocess.run([sys.executable, "-c", QUIET], capture_output=True, text=True)
    assert found.returncode == 0
    assert found.stderr == ""
    assert found.stdout == "[]\n"


def test_by_default_gpus_are_hidden_before_anything_is_placed():
    config = Config(["GPU:0"])
    backend._use(config, "cpu")
    assert config.calls == [("visible", [], "GPU")]


def test_on_a_gpu_float32_is_all_of_float32_and_processes_share_its_memory():
    config = Config(["GPU:0", "GPU:1"])
    backend._use(config, "gpu")
    assert ("tf32", False) in config.calls
    assert ("growth", "GPU:0", True) in config.calls
    assert ("growth", "GPU:1", True) in config.calls
    assert "visible" not in {call[0] for call in config.calls}


@pytest.mark.parametrize("wanted", ["GPU0", "tpu", "0"])
def test_an_unknown_device_is_named(monkeypatch, wanted):
    monkeypatch.setenv("EMOCLASS_DEVICE", wanted)
    for work in (backend.device, backend.devices, backend.processor):
        with pytest.raises(InputError, match=f"EMOCLASS_DEVICE='{wanted}' is unknown"):
            work()


def test_a_gpu_that_is_not_there_is_a_sentence(gpus):
    gpus()
    with pytest.raises(InputError, match="TensorFlow sees no GPU"):
        backend.devices()
    with pytest.raises(InputError, match="TensorFlow sees no GPU"):
        backend._use(Config([]), "gpu")


def test_each_worker_sees_a_gpu_of_its_own(gpus, monkeypatch):
    gpus("GPU:0", "GPU:1")
    assert backend.devices() == ["0", "1"]
    monkeypatch.setenv(backend.VISIBLE, "2,5")  # TensorFlow counts what it sees from 0
    assert backend.devices() == ["2", "5"]
    backend.use_device("5")
    assert backend.os.environ[backend.VISIBLE] == "5"


def test_a_processor_is_no_device_to_be_dealt_out(monkeypatch):
    monkeypatch.delenv("EMOCLASS_DEVICE", raising=False)
    assert backend.devices() == []


def test_a_gpu_is_called_by_its_name(gpus):
    gpus("H200", "H100")
    assert backend.processor() == "gpu: Model H200"


@pytest.mark.parametrize(
    "machine, flags, expected",
    [
        ("x86_64", "avx2 fma", "x86_64 avx2"),
        ("AMD64", "avx2 avx512f", "x86_64 avx512"),
        ("x86_64", "avx2 avx512f avx512_bf16", "x86_64 avx512_bf16"),
        ("x86_64", "avx2 avx512f avx512_bf16 amx_bf16 amx_tile", "x86_64 amx_bf16"),
        ("aarch64", "fp asimd", "arm64 neon"),
        ("aarch64", "fp asimd sve bf16", "arm64 sve"),
        ("x86_64", "", "x86_64"),
        ("arm64", None, "arm64"),
        ("riscv64", "avx2", "riscv64"),
    ],
)
def test_arithmetic_is_called_by_machine_and_widest_instructions(cpuinfo, machine, flags, expected):
    cpuinfo(None if flags is None else FLAGS.format(flags), machine)
    assert backend.processor() == expected


@pytest.mark.parametrize(
    "flags, precision",
    [
        ("avx512f avx512_bf16", "mixed_bfloat16"),
        ("avx2 amx_bf16 amx_tile", "mixed_bfloat16"),
        ("avx2 avx512f", "float32"),
        (None, "float32"),
    ],
    ids=["AVX512-BF16", "AMX", "neither", "not Linux"],
)
def test_half_precision_is_chosen_only_where_the_processor_multiplies_in_it(
    cpuinfo, flags, precision
):
    cpuinfo(None if flags is None else FLAGS.format(flags))
    assert backend.fast_precision() == precision
    assert Variant("x", precision=precision).precision == precision
