"""What mkdocs does for `make site`: it takes pages from where they stand, and mends their links."""

import posixpath
import re

from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files

from emoclass import paths
from emoclass.study.documents import documents
from emoclass.study.play import scores, share

OTHERS = ("CONTRIBUTING.md", "LICENSE", "splitaudit/README.md", "benchmarks/others.py")
COMMENT = re.compile(r"<!-- .*? -->\n?", re.DOTALL)
# Of mkdocs-jupyter, for diagrams that no notebook has; it would load them from a network.
DIAGRAMS = re.compile(r"<script[^>]*>(?:(?!</script>).)*mermaid(?:(?!</script>).)*</script>", re.S)
LINK = re.compile(r'(href|src)="(?![a-z]+:|#)([^"#]+)([^"]*)"')  # to a file of the project


@event_priority(100)  # before notebooks are told from other files
def on_files(files: Files, config) -> Files:
    """The site's files bear the names that they have in the repository; play/ lies at the top."""
    kept = [file for file in files if not _is_document(file, config)]
    sources = [*documents(), *paths.NOTEBOOKS.glob("*.ipynb")]
    sources += paths.FIGURES.rglob("*.*")
    sources += [paths.ROOT / name for name in OTHERS]
    for source in sorted(set(sources)):
        name = source.relative_to(paths.ROOT).as_posix()
        kept.append(File(name, str(paths.ROOT), config.site_dir, config.use_directory_urls))
    kept.append(File.generated(config, "play/scores.js", content=scores.as_script()))
    kept.append(File.generated(config, "play/share.png", content=share.as_png()))
    return Files(kept)


def _is_document(file: File, config) -> bool:
    """Whether a file of docs/ is no part of the page to play with."""
    is_in_docs = file.src_dir == config.docs_dir
    return is_in_docs and not file.src_uri.startswith("play/")


def on_page_markdown(markdown: str, page, config, files) -> str:
    """Without the comments that say where a number comes from."""
    return COMMENT.sub("", markdown)


def on_page_content(html: str, page, config, files) -> str:
    """Links of a notebook lead to pages of the site, as those of a document do.

    And nothing in it is loaded from a network.
    """
    if not page.file.src_uri.endswith(".ipynb"):
        return html
    folder = posixpath.dirname(page.file.src_uri)

    def mended(found: re.Match) -> str:
        attribute, name, anchor = found.groups()
        target = posixpath.normpath(posixpath.join(folder, name))
        file = files.get_file_from_path(target)
        if file is None:
            return found[0]
        return f'{attribute}="{file.url_relative_to(page.file)}{anchor}"'

    return LINK.sub(mended, DIAGRAMS.sub("", html))
