"""The site: every link leads somewhere, nothing comes from a network, and a browser shows it at any width."""

import importlib.util
import re

import pytest

from emoclass import paths
from emoclass.errors import InputError

SPEC = importlib.util.spec_from_file_location("pages", paths.ROOT / "docs" / "site.py")
pages = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(pages)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return pages.site(tmp_path_factory.mktemp("made") / "site").parent


def links(page):
    return re.findall(r'<(\w+)[^>]*? (?:href|src)="([^"]*)"', page.read_text())


def test_there_is_a_page_for_the_readme_each_document_and_each_notebook(folder):
    sources = [*(paths.ROOT / "docs").glob("*.md"), *paths.NOTEBOOKS.glob("*.ipynb")]
    wanted = {source.relative_to(paths.ROOT).with_suffix(".html").as_posix() for source in sources}
    assert {page.relative_to(folder).as_posix() for page in folder.rglob("*.html")} == wanted | {
        "index.html",
        "CONTRIBUTING.html",
        "splitaudit/README.html",
    }


def test_every_link_leads_somewhere_and_only_readers_leave_for_the_network(folder):
    for page in folder.rglob("*.html"):
        for tag, link in links(page):
            if link.startswith(("http:", "https:")):
                assert tag == "a"
            elif not link.startswith(("data:", "#")):
                assert (page.parent / link.split("#")[0]).exists(), (page.name, link)
        assert "<script" not in page.read_text() and "@import" not in page.read_text()
    assert any(link.endswith(".png") for _, link in links(folder / "index.html"))


def test_it_is_made_anew_in_place_of_the_last_one(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("EMOCLASS_BUILD", str(tmp_path))
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "old.html").write_text("of a notebook that is gone")
    assert pages.main() == 0
    assert (
        not (tmp_path / "site" / "old.html").exists()
        and (tmp_path / "site" / "index.html").exists()
    )
    assert "open it in a browser" in capsys.readouterr().out


@pytest.mark.parametrize(
    "name", ["index.html", "notebooks/03_leakage.html", "docs/benchmarks.html"]
)
@pytest.mark.parametrize(
    "width", [500, 1280]
)  # Chromium without a screen has windows of at least 500 pixels
def test_a_browser_shows_no_page_wider_than_its_window(folder, browser, name, width):
    page = folder / name
    measured = page.with_name(f"measured_{width}_{page.name}")
    script = "<script>document.title = document.documentElement.scrollWidth</script>"
    measured.write_text(page.read_text().replace("</html>", f"{script}</html>"))
    shown = browser(measured, width, "--dump-dom")
    measured.unlink()
    assert int(re.search(r"<title>(\d+)</title>", shown)[1]) <= width


@pytest.mark.parametrize(
    "make",
    [lambda site, other: site.write_text("mine"), lambda site, other: site.symlink_to(other)],
)
def test_what_is_no_folder_of_its_own_is_left_and_said(tmp_path, make):
    (tmp_path / "other").mkdir()
    make(tmp_path / "site", tmp_path / "other")
    with pytest.raises(InputError, match="is no folder of its own"):
        pages.site(tmp_path / "site")
    assert not list((tmp_path / "other").iterdir())
