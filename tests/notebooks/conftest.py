"""What notebooks that are run by hand must leave as it is."""

import pytest

from emoclass import paths
from emoclass.study.documents import documents


@pytest.fixture
def committed():
    """A function that reads the bytes of all that `make reproduce` alone may write."""

    def read() -> dict:
        found = {path: path.read_bytes() for path in documents()}
        for folder in (paths.NOTEBOOKS, paths.FIGURES, paths.RECORD):
            for path in folder.rglob("*"):
                if path.is_file():
                    found[path] = path.read_bytes()
        return found

    return read
