"""The files of the page to play with."""

from emoclass import paths

PAGE = paths.ROOT / "docs" / "play"
NETS = PAGE / "nets.js"
FACES = PAGE / "faces.js"
EXPECTED = PAGE / "expected.json"  # of Keras; for a test
