"""What a notebook that is run by hand says of itself: where it writes, and what differs."""

import ast
import os
from pathlib import Path

import nbformat
from IPython import get_ipython
from IPython.display import Markdown, display

from emoclass import paths
from emoclass.errors import listed
from emoclass.files import write_text
from emoclass.own_code import source_digest


class EditedNote:
    """A few lines at the head of a notebook; how many sentences no longer hold is filled in at its end."""

    def __init__(self, notebook: str, folder: Path, parameters: dict, published: dict):
        self.notebook = notebook
        self.folder = folder
        self.changed = _changed(parameters, published.get("parameters", {}).get(notebook, {}))
        self.published = published
        self.display_id = f"emoclass-{notebook}"

    def show(self) -> None:
        """Show the note: here, at the head."""
        display(Markdown(self._text("")), display_id=self.display_id)

    def finish(self, expectations: dict[str, dict]) -> None:
        """Count the sentences that do not hold, in the note at the head; keep the code as it was run."""
        broken = [sentence for sentence, found in expectations.items() if not found["holds"]]
        outcome = f"{len(broken)} of {len(expectations)} sentences that the text rests on do not hold here"
        if broken:
            outcome += f": {listed(broken, 8)}"
        display(Markdown(self._text(outcome + ".")), display_id=self.display_id, update=True)
        cells = _cells_as_run()
        if cells:
            self._keep(cells)

    def _text(self, outcome: str) -> str:
        where = os.path.relpath(self.folder, paths.ROOT)
        first = f"figures and numbers go to `{where}/`; nothing published changes."
        lines = [f"**Not the published study:** {first}"]
        lines.append(self._difference())
        if outcome:
            lines.append(outcome)
        return "  \n".join(lines)

    def _difference(self) -> str:
        """In one sentence: which values, and how many cells, are not those of the published study."""
        what = list(self.changed)
        edited = self._edited_cells()
        if edited:
            what.append("one of its cells" if edited == 1 else f"{edited} of its cells")
        if what:
            return f"It differs from the published study in: {listed(what)}."
        if self.notebook not in self.published.get("parameters", {}):
            return "The published study does not say with which values it was made."
        return "Its values are those of the published study."

    def _edited_cells(self) -> int:
        """How many of the cells that were run are not among the published ones, parameters apart."""
        known = self.published.get("cells", {}).get(self.notebook)
        if not known:
            return 0
        edited = 0
        for source in _cells_as_run():
            is_known = _digest(source) in known
            if not is_known and not _sets_parameters(source):
                edited += 1
        return edited

    def _keep(self, cells: list[str]) -> None:
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells]
        )
        path = self.folder / f"{self.notebook}.as_run.ipynb"
        write_text(path, nbformat.writes(notebook) + "\n")


def _changed(parameters: dict, published: dict) -> list[str]:
    """Each parameter with another value than the published one: "ROTATION (30 instead of 15)"."""
    found = []
    for name, value in parameters.items():
        if name in published and published[name] != value:
            found.append(f"{name} ({value!r} instead of {published[name]!r})")
    return found


def _cells_as_run() -> list[str]:
    """The code cells that this kernel has run, in order; none outside a kernel."""
    shell = get_ipython()
    if shell is None:
        return []
    found = []
    for source in shell.user_ns.get("In", [])[1:]:
        if source.strip() and not _is_injected(source):
            found.append(source)
    return found


def _is_injected(source: str) -> bool:
    return source.lstrip().startswith("# Parameters")  # as papermill begins the cell that it adds


def _sets_parameters(source: str) -> bool:
    """Whether a cell only gives values to names in capitals, which are compared by value."""
    try:
        statements = ast.parse(source).body
    except SyntaxError:
        return False
    for statement in statements:
        if not isinstance(statement, ast.Assign):
            return False
        for name in statement.targets:
            if not isinstance(name, ast.Name) or not name.id.isupper():
                return False
    return True


def _digest(source: str) -> str:
    try:
        return source_digest(source)
    except SyntaxError:  # a cell with a magic
        return source


def cell_digests(sources: list[str]) -> list[str]:
    """What each code cell is compared by."""
    return [_digest(source) for source in sources]
