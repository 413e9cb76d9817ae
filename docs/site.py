"""`make site`: README, docs and executed notebooks as static pages: no network, light and dark, on phone and desk."""

import posixpath
import re
import shutil
import sys
from functools import partial
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter
from nbconvert.filters import markdown2html
from pygments.formatters import HtmlFormatter

from emoclass import paths
from emoclass.__main__ import run, say_on
from emoclass.errors import InputError
from emoclass.files import replacing
from emoclass.study.documents import documents

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
:root{{color-scheme:light dark}}
body{{font:1rem/1.6 system-ui,sans-serif;max-width:56rem;margin:auto;padding:1rem}}
img{{max-width:100%;height:auto;background:white}}
table{{display:block;overflow-x:auto;border-collapse:collapse;font-size:.85rem}}
td,th{{padding:.15rem .6rem;text-align:left;border-bottom:1px solid #8884}}
pre{{overflow-x:auto;padding:.6rem;border-radius:.4rem;background:#8881;font-size:.85rem}}
.anchor-link{{display:none}}
{light}@media(prefers-color-scheme:dark){{a{{color:#8ab4f8}}{dark}}}
</style>{home}{body}</html>
"""
NOTEBOOK = partial(
    HTMLExporter, template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True
)
STYLES = dict(light="default", dark="monokai")
LINK = re.compile(r'(href|src)="(?![a-z]+:|#)([^"#]+)([^"]*)"')  # to a file of the project


def site(folder: Path | None = None) -> Path:
    """Write all pages below a folder (default: build/site), in place of what was there; return the first of them.

    Raises InputError if a link or a file is there.
    """
    folder = Path(folder or paths.build_folder() / "site")
    if folder.is_symlink() or folder.is_file():
        raise InputError(
            f"{folder} is no folder of its own: take it away, the pages come in its place"
        )
    others = [paths.ROOT / "CONTRIBUTING.md", paths.ROOT / "splitaudit" / "README.md"]
    sources = [*documents(), *others, *sorted(paths.NOTEBOOKS.glob("*.ipynb"))]
    with replacing(folder) as draft:
        linked = {link for source in sources for link in _write(source, draft)}
        for name in sorted(linked):
            if not (draft / name).exists():
                (draft / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(paths.ROOT / name, draft / name)
        if folder.exists():
            shutil.rmtree(folder)
    return folder / "index.html"


def _page_of(name: str) -> str:
    """Where the page of a document or notebook goes; other files keep their names."""
    return "index.html" if name == "README.md" else re.sub(r"\.(md|ipynb)$", ".html", name)


def _write(source: Path, folder: Path) -> set[str]:
    """Write the page of one document or notebook; the project's files that it links to, by their names here."""
    name, linked = source.relative_to(paths.ROOT).as_posix(), set()
    if source.suffix == ".md":
        body = markdown2html(source.read_text(encoding="utf-8"))
    else:
        body = NOTEBOOK().from_notebook_node(nbformat.read(source, as_version=4))[0]

    def here(found):
        at = posixpath.normpath(posixpath.join(posixpath.dirname(name), found[2]))
        linked.add(_page_of(at))
        return f'{found[1]}="{posixpath.relpath(_page_of(at), posixpath.dirname(name) or ".")}{found[3]}"'

    up = "../" * name.count("/")
    style = {
        key: HtmlFormatter(style=style).get_style_defs(".highlight")
        for key, style in STYLES.items()
    }
    home = f'<nav><a href="{up}index.html">emoclass</a></nav>' * bool(up)
    (folder / _page_of(name)).parent.mkdir(parents=True, exist_ok=True)
    page = PAGE.format(
        title=f"emoclass: {source.stem}", home=home, body=LINK.sub(here, body), **style
    )
    (folder / _page_of(name)).write_text(page, encoding="utf-8")
    return linked


def main() -> int:
    """Make the pages and say where they are; errors end as those of `emoclass` do."""
    return run(lambda: say_on(f"{site()}: open it in a browser"))


if __name__ == "__main__":
    sys.exit(main())
