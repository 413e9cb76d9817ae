"""Three small nets, trained on synthetic faces, which differ only in how they were augmented."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from emoclass import models
from emoclass.augment import OfflineAugmentation, OnlineAugmentation, transformed, warp
from emoclass.data.synthetic import SyntheticConfig, draw
from emoclass.faces import Faces
from emoclass.labels import EMOTIONS, MAJORITY
from emoclass.study.play.script import text_as_weights, weights_as_text
from emoclass.study.train import train
from emoclass.variant import Variant

SIZE = 32  # pixels a side of what the nets see
NET = models.ConvNet(blocks=((8,), (16,), (32,)), dense=(32,))
COPIED = ("fear", "contempt")
# As in the photo collection: mostly happy and neutral, few of the others. All in one style.
TRAINED_ON = SyntheticConfig(
    counts=(40, 20, 40, 20, 700, 700, 40, 60), photos_per_subject=(2, 2), film=0.0
)
NEVER_SEEN = SyntheticConfig(
    counts=(30, 30, 30, 30, 300, 300, 30, 30), photos_per_subject=(2, 2), film=0.0
)
NEVER_SEEN_SEED = 1  # another than that of the faces trained on
ASIDE = 0.1  # of the side: as far as a copy is moved at most
COPIES = OfflineAugmentation(target_count=350, classes=COPIED)
ALIKE = OnlineAugmentation(
    rotation=COPIES.rotation,
    shift=COPIES.shift,
    zoom=COPIES.zoom,
    contrast=0,
    flip=COPIES.flip,
)
PLAIN = Variant("none", net=NET)
VARIANTS = (
    PLAIN,
    PLAIN.replace(name="copies", offline_augmentation=COPIES),
    PLAIN.replace(name="online", online_augmentation=ALIKE, epochs=30),
)


@dataclass(frozen=True, eq=False)
class TrainedNet:
    """A net of the page: its name, and its weights in Keras's order."""

    name: str
    weights: list[np.ndarray]

    @cached_property
    def model(self):
        """The Keras model, from (batch, SIZE, SIZE, 1) uint8 to logits."""
        built = models.build(NET, SIZE, len(EMOTIONS))
        built.set_weights(self.weights)
        return built

    def probabilities(self, pixels: np.ndarray) -> np.ndarray:
        """(n, 8) float64 for (n, SIZE, SIZE) uint8 pictures."""
        logits = self.model.predict(pixels[..., None], batch_size=512, verbose=0)
        logits = logits.astype(np.float64)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)


def trained_nets(progress=print) -> list[TrainedNet]:
    """Train all three, from nothing: minutes."""
    faces = draw(TRAINED_ON, size=SIZE)
    nets = []
    for variant in VARIANTS:
        run = train(variant, faces)
        nets.append(TrainedNet(variant.name, run.weights))
        progress(f"{variant.name}: {run.seconds:.0f} s")
    return nets


def unseen_faces(size: int = SIZE) -> Faces:
    """Synthetic faces that no net was trained on; the same faces at each size."""
    return draw(NEVER_SEEN, size=size, seed=NEVER_SEEN_SEED)


def moved_aside(pictures: np.ndarray) -> np.ndarray:
    """The same pictures, pushed to the right."""
    right = ASIDE * len(pictures[0])
    return np.stack([warp(picture, right=right) for picture in pictures])


def moved_like_copies(faces: Faces) -> np.ndarray:
    """Each face turned, moved, zoomed and mirrored by chance, as a copy is."""
    moved = []
    for picture, photo in zip(faces.pixels, faces.table.photo):
        moved.append(transformed(picture, photo, 0, COPIES))
    return np.stack(moved)


def shares_called_copied(net: TrainedNet, faces: Faces) -> dict[str, float]:
    """Of happy and neutral faces, the share that is called one of the copied classes."""
    rows = np.flatnonzero(faces.table.emotion.isin(MAJORITY))
    chosen = faces.select(rows)
    pictures = {
        "plain": chosen.pixels,
        "aside": moved_aside(chosen.pixels),
        "moved": moved_like_copies(chosen),
    }
    copied = [EMOTIONS.index(emotion) for emotion in COPIED]
    shares = {}
    for name, shown in pictures.items():
        called = net.probabilities(shown).argmax(axis=1)
        shares[name] = round(float(np.isin(called, copied).mean()), 4)
    return shares


def as_script(nets: list[TrainedNet]) -> dict:
    """The nets as plain values: their layers, and how often each is misled."""
    faces = unseen_faces()
    exported = []
    for net in nets:
        layers = [weights_as_text(weights) for weights in net.weights]
        exported.append(
            {
                "name": net.name,
                "weights": layers,
                "called_copied": shares_called_copied(net, faces),
            }
        )
    return {
        "size": SIZE,
        "emotions": list(EMOTIONS),
        "copied": list(COPIED),
        "aside": ASIDE,
        "asked": int(faces.table.emotion.isin(MAJORITY).sum()),
        "nets": exported,
    }


def from_script(kept: dict) -> list[TrainedNet]:
    """The nets that `as_script` made into plain values, their weights to 16 bits."""
    nets = []
    for net in kept["nets"]:
        weights = [text_as_weights(layer) for layer in net["weights"]]
        nets.append(TrainedNet(net["name"], weights))
    return nets
