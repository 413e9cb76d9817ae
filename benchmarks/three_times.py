"""The study three times: its main numbers as each full training gave them, into docs/benchmarks.md.

The first two are read from the history of this repository, the third from the results of today.
Needs git and the whole history.
"""

import json
import subprocess
import sys

from emoclass import paths
from emoclass.errors import InputError
from emoclass.files import write_text
from emoclass.study.prose import in_words

TRAININGS = {  # column: the commit whose results.json it is read from; None: today's
    "first: AVX2, float32": "d370a9f",
    "second: AVX-512, bfloat16": "f1d8204",
    "now: as recorded": None,
}
ROWS = {
    "same_pictures.two.memorisation.accuracy": "the students' procedure: accuracy",
    "same_pictures.two.memorisation_as_long.accuracy": "after as many epochs",
    "same_pictures.two.memorisation.recall.fear": "recall of fear",
    "same_pictures.two.memorisation.recall.contempt": "recall of contempt",
    "same_pictures.six.memorisation.accuracy": "six classes: accuracy",
    "no_augmentation.photo.accuracy": "pared-down, random split: accuracy",
    "no_augmentation.photo.minority_recall": "its mean recall of the six",
    "four_convolutions.minus_convnet_a.accuracy": "four convolutions minus ConvNet A, one fold",
    "fingerprint.two.transformed": "called fear or contempt, transformed",
    "fingerprint.six.transformed": "copies of six: called one of them, transformed",
    "fingerprint.online.transformed": "every class online: called one of six, transformed",
    "compact.subject.accuracy": "compact, by subject: accuracy",
    "imbalance.compact.sqrt.minority_recall_minus_plain": "square-root weights: the six",
    "imbalance.compact.sqrt.majority_recall_minus_plain": "square-root weights: the two others",
    "new_faces.held_back.new_faces.minority_recall_minus_control": "new photos: the six",
    "new_faces.held_back.new_faces.majority_recall_minus_control": "new photos: the two others",
}
START = "<!-- three times -->\n"
END = "<!-- / three times -->"


def numbers_at(commit: str | None) -> dict[str, dict]:
    """The numbers of results.json by id, as of a commit; None: as they are now.

    Raises InputError if the commit is not in this clone.
    """
    path = "figures/muxspace/results.json"
    if commit is None:
        return json.loads((paths.ROOT / path).read_text())["numbers"]
    command = ["git", "-C", str(paths.ROOT), "show", f"{commit}:{path}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise InputError(f"commit {commit} is not in this clone: fetch the whole history")
    return json.loads(done.stdout)["numbers"]


def table(trainings: dict[str, dict[str, dict]]) -> str:
    """Markdown: a row for each number, a column for each training."""
    lines = ["| | " + " | ".join(trainings) + " |", "| --- |" + " --- |" * len(trainings)]
    for name, words in ROWS.items():
        cells = []
        for numbers in trainings.values():
            cells.append(in_words(numbers[name], name) if name in numbers else "not measured")
        lines.append(f"| {words} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the table; one sentence and 2 where it cannot be made."""
    document = paths.ROOT / "docs" / "benchmarks.md"
    text = document.read_text()
    try:
        if START not in text or END not in text:
            raise InputError(f"{document} has no place for the table: {START.strip()} ... {END}")
        found = {column: numbers_at(commit) for column, commit in TRAININGS.items()}
    except InputError as error:
        print(f"three_times: {error}", file=sys.stderr)
        return 2
    before, _, rest = text.partition(START)
    after = rest.partition(END)[2]
    write_text(document, before + START + table(found) + END + after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
