"""What CONTRIBUTING.md tells to do can be done as it stands there."""

import os
import re
import subprocess
import sys

from emoclass.paths import ROOT

BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.S)
AT_THE_END = """
assert "mine.copies_minus_plain" in study.results.numbers
assert np.allclose(seven.probabilities[:, EMOTIONS.index("contempt")], 0)
assert "contempt" not in set(seven.table.emotion)
assert 0 <= auc <= 1 and 0 <= top_2 <= 1
"""


def test_every_block_runs_as_a_script_without_a_main_guard(tmp_path):
    """Workers then carry functions of `__main__`, and must not run the script themselves."""
    assert len(BLOCKS) == 6
    script = tmp_path / "mine.py"
    script.write_text("\n\n".join([*BLOCKS, AT_THE_END]))
    before = {path: path.read_bytes() for path in (ROOT / "figures").rglob("*.json")}
    environment = os.environ | {
        "EMOCLASS_BUILD": str(tmp_path / "build"),
        "EMOCLASS_WORKERS": "1",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, script], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    trained = [line for line in done.stderr.splitlines() if line.startswith("run ")]
    assert len(trained) == 5  # two variants in two folds each, and one fold of the backbone
    assert {path: path.read_bytes() for path in before} == before
