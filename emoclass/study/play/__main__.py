"""`make play`: train the nets of the page, draw its faces, and write both beside it.

With the word `faces`: draw the faces alone, for the nets that are there.
"""

import json
import sys

from emoclass import paths
from emoclass.__main__ import run, say_on
from emoclass.files import write_text
from emoclass.study.play import faces, nets
from emoclass.study.play.page import EXPECTED, FACES, NETS
from emoclass.study.play.script import read_constant, text_as_pixels, write_constant


def make(only: str = "") -> None:
    """Train, draw, write."""
    paths.require_checkout("play")
    if only == "faces":
        kept = nets.from_script(read_constant(NETS))
        write_constant(FACES, "FACES", faces.as_script(kept))
        return
    trained = nets.trained_nets(progress=say_on)
    write_constant(NETS, "NETS", nets.as_script(trained))
    write_constant(FACES, "FACES", faces.as_script(trained))
    write_text(EXPECTED, json.dumps(expected(trained)) + "\n")
    say_on(f"{NETS}, {FACES}")


def expected(trained: list[nets.TrainedNet]) -> dict:
    """What Keras's nets, with all their digits, say of the faces of the page: name to (n, 8)."""
    texts = [face["seen"] for face in read_constant(FACES)["move"]]
    pictures = nets.moved_aside([text_as_pixels(text, nets.SIZE) for text in texts])
    said = {}
    for net in trained:
        said[net.name] = net.probabilities(pictures).round(5).tolist()
    return said


if __name__ == "__main__":
    sys.exit(run(make, *sys.argv[1:]))
