"""What CONTRIBUTING.md tells to do can be done as it stands there."""

import re

from emoclass.data import subjects
from emoclass.paths import ROOT


def test_every_block_runs_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOCLASS_BUILD", str(tmp_path))
    monkeypatch.setenv("EMOCLASS_WORKERS", "1")
    monkeypatch.setattr(subjects, "KINDS", dict(subjects.KINDS))
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.S)
    assert len(blocks) == 4
    names = {"__name__": "contributing"}
    for block in blocks:
        exec(block, names)
    assert "mine.copies_minus_plain" in names["study"].results.numbers
