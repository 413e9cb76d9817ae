"""README's first code runs as it stands, and is wrong and right as it says."""

import re

import numpy as np

from emoclass.study.documents import README


def test_the_wrong_way_leaks_and_the_right_one_does_not():
    code = re.search(r"```python\n(.*?)```", README.read_text(), re.S).group(1)
    wrong, right = code.split("# right")
    names = {}
    exec(wrong, names)
    photos = {photo.tobytes() for photo in names["x"].astype(np.float32)}
    tested = [photo for photo in names["test"].astype(np.float32) if photo.tobytes() in photos]
    trained = {photo.tobytes() for photo in names["train"].astype(np.float32)}
    assert tested and not {photo.tobytes() for photo in tested} & trained
    assert len(names["train"]) + len(names["test"]) == 2 * len(names["x"])
    exec("# right" + right, names)
    people = names["person"]
    assert not set(people[names["train"]]) & set(people[names["test"]])
    assert names["net"](names["x"][:2]).shape == (2, 8)
