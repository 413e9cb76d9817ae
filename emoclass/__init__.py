"""emoclass: you copied before you split, and what it was worth.

Names are looked up when they are first used, so `import emoclass` is quick and loads no TensorFlow.
"""

from importlib import import_module

_HOME = {
    "BadInput": "faces",
    "Faces": "faces",
    "load_faces": "data",
    "load_new_faces": "new_faces",
    "with_new_faces": "new_faces",
    "EMOTIONS": "labels",
    "COMMON": "labels",
    "SCARCE": "labels",
    "LeakError": "split",
    "Copies": "augment",
    "Net": "models",
    "CONVNET_A": "models",
    "PARED_DOWN": "models",
    "COMPACT": "models",
    "Residual": "models",
    "Jitter": "augment",
    "Variant": "variant",
    "Study": "study",
}
_MODULES = (
    "after", "audit", "augment", "baselines", "losses", "model", "models", "plots", "scores", "seeing", "split",
    "sweep", "train",
)  # fmt: skip

__all__ = [*_HOME, *_MODULES]


def __getattr__(name):
    if name in _MODULES:
        return import_module(f"emoclass.{name}")
    if name in _HOME:
        return getattr(import_module(f"emoclass.{_HOME[name]}"), name)
    raise AttributeError(f"emoclass has no {name!r}")
