"""The page's nets are Keras's, and it moves a picture as a copy is moved."""

import json

import cv2
import numpy as np
import pytest

from emoclass.augment import warp
from emoclass.study.play import nets
from emoclass.study.play.page import EXPECTED, FACES, NETS
from emoclass.study.play.script import (
    pixels_as_text,
    read_constant,
    text_as_pixels,
    text_as_weights,
    weights_as_text,
)

START = """
const fs = require("fs");
const page = require("./docs/play/play.js");
const values = (name) => {
  const text = fs.readFileSync(`docs/play/${name}.js`, "utf8");
  return JSON.parse(text.slice(text.indexOf("=") + 1, text.lastIndexOf(";")));
};
const NETS = values("nets");
const FACES = values("faces");
const nets = NETS.nets.map(page.netOf);
"""
CHANGES = (
    {"right": 0, "down": 0, "turn": 0, "zoom": 1, "mirror": False},
    {"right": 0.1, "down": 0, "turn": 0, "zoom": 1, "mirror": False},
    {"right": -0.07, "down": 0.2, "turn": 17, "zoom": 1.1, "mirror": True},
    {"right": 0.03, "down": -0.1, "turn": -30, "zoom": 0.8, "mirror": False},
)
NEAR = 0.01  # of a probability


@pytest.fixture(scope="module")
def faces():
    """(n, size, size) uint8: the faces of the page, as its nets see them."""
    kept = read_constant(FACES)["move"]
    return np.stack([text_as_pixels(face["seen"], nets.SIZE) for face in kept])


@pytest.fixture(scope="module")
def in_the_page(node):
    """(changes, faces): what the page makes of each face, and what its nets then say."""
    code = f"""{START}
    const found = {json.dumps(CHANGES)}.map((change) => FACES.move.map((face) => {{
      const seen = page.moved(page.picture(face.seen, NETS.size), change);
      return {{
        pixels: Array.from(seen.pixels),
        said: nets.map((net) => page.predicted(net, seen)),
      }};
    }}));
    console.log(JSON.stringify(found));
    """
    return json.loads(node(code))


def pixels_of(found):
    flat = np.array([[face["pixels"] for face in change] for change in found], np.uint8)
    return flat.reshape(*flat.shape[:2], nets.SIZE, nets.SIZE)


def test_its_nets_say_what_keras_says_of_the_same_pixels(in_the_page):
    pixels = pixels_of(in_the_page)
    for place, net in enumerate(nets.from_script(read_constant(NETS))):
        for change, shown in zip(in_the_page, pixels):
            said = np.array([face["said"][place] for face in change])
            assert np.abs(said - net.probabilities(shown)).max() < NEAR


def test_its_nets_say_what_keras_said_before_the_weights_were_rounded(in_the_page):
    expected = json.loads(EXPECTED.read_text())
    for place, net in enumerate(read_constant(NETS)["nets"]):
        said = np.array([face["said"][place] for face in in_the_page[1]])
        assert np.abs(said - np.array(expected[net["name"]])).max() < NEAR


def test_it_moves_a_picture_as_a_copy_is_moved(in_the_page, faces):
    for change, shown in zip(CHANGES, pixels_of(in_the_page)):
        for face, found in zip(faces, shown):
            wanted = warp(
                face,
                degrees=change["turn"],
                right=change["right"] * nets.SIZE,
                down=change["down"] * nets.SIZE,
                zoom=change["zoom"],
                flip=change["mirror"],
                border=cv2.BORDER_REFLECT,
            )
            apart = np.abs(wanted.astype(int) - found)
            assert apart.mean() < 0.2  # grey levels


def test_happy_pushed_aside_becomes_a_copied_emotion_in_one_net_alone():
    happy = read_constant(FACES)["move"][0]
    assert happy["emotion"] == "happiness"
    assert happy["called"]["copies"] in nets.COPIED
    assert happy["called"]["none"] == happy["called"]["online"] == "happiness"


def test_the_share_of_misled_faces_is_that_of_the_nets_of_the_page():
    kept = read_constant(NETS)
    unseen = nets.unseen_faces()
    for net, told in zip(nets.from_script(kept), kept["nets"]):
        shares = nets.shares_called_copied(net, unseen)
        assert shares == pytest.approx(told["called_copied"], abs=NEAR)


def test_weights_and_pixels_come_back_from_text():
    weights = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    again = text_as_weights(weights_as_text(weights))
    assert np.abs(again - weights).max() < 1e-4
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert (text_as_pixels(pixels_as_text(pixels), 16) == pixels).all()


def test_copies_made_first_stand_on_both_sides_and_made_after_never(node):
    code = f"""{START}
    const photos = FACES.split.map((face, family) => ({{
      emotion: face.emotion,
      family,
      shown: page.picture(face.pixels, FACES.small),
    }}));
    const leaks = (order, copies) => {{
      let count = 0;
      for (let seed = 1; seed <= 20; seed += 1) {{
        const dealt = page.dealt(photos, order, copies, seed);
        for (const each of dealt.test) {{
          count += page.siblings(each, dealt.training).length > 0;
        }}
      }}
      return count;
    }};
    console.log(JSON.stringify([
      leaks(["copy", "split"], 5), leaks(["copy", "split"], 0), leaks(["split", "copy"], 11),
    ]));
    """
    leaky, without_copies, split_first = json.loads(node(code))
    assert leaky > 20
    assert without_copies == split_first == 0
