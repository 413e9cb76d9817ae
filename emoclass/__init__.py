"""emoclass: you augmented before you split, and what it was worth.

Names are looked up when they are first used, so `import emoclass` is quick and loads no TensorFlow.
"""

from importlib import import_module

# name: the module that it comes from
HOME = {
    "InputError": "errors",
    "LeakError": "errors",
    "Faces": "faces",
    "load_faces": "data",
    "load_new_faces": "data.new_faces",
    "load_second_opinions": "data.second_opinions",
    "with_new_faces": "data.new_faces",
    "EMOTIONS": "labels",
    "MAJORITY": "labels",
    "MINORITY": "labels",
    "OfflineAugmentation": "augment",
    "OnlineAugmentation": "augment",
    "ConvNet": "models",
    "ResNet": "models",
    "CONVNET_A": "models",
    "PARED_DOWN": "models",
    "COMPACT": "models",
    "Variant": "variant",
    "Study": "study.notebook",
}
MODULES = (
    "augment",
    "baselines",
    "data",
    "explain",
    "inference",
    "leakage",
    "losses",
    "metrics",
    "models",
    "plots",
    "posthoc",
    "splits",
    "study",
    "trades",
)

__all__ = [*HOME, *MODULES]


def __getattr__(name):
    if name in MODULES:
        return import_module(f"emoclass.{name}")
    if name in HOME:
        return getattr(import_module(f"emoclass.{HOME[name]}"), name)
    raise AttributeError(f"emoclass has no {name!r}")
