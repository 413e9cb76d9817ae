"""The site: `make site` builds it, every link leads somewhere, and nothing comes from a network."""

import posixpath
import re
import struct
import subprocess
import sys
import threading
from functools import partial
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import pytest

from emoclass.paths import NOTEBOOKS, ROOT

pytest.importorskip("mkdocs")
pytest.importorskip("material")
pytest.importorskip("mkdocs_jupyter")

TAGS = re.compile(r'<(a|img|script|link|source|iframe)\b[^>]*?\s(?:href|src)=["\']?([^"\'\s>]+)')
PATIENCE = 180_000  # milliseconds: a machine that is busy with other tests is slow
LARGEST_PLAY = 1_500_000  # bytes


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder of the built site."""
    folder = tmp_path_factory.mktemp("built") / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def links(page):
    """(tag, link) of all that a page shows, loads or leads to."""
    for tag, link in TAGS.findall(page.read_text(encoding="utf-8")):
        yield tag, unescape(link)


def is_of_the_site(link):
    return not re.match(r"[a-z]+:|//|#", link)


def test_there_is_a_page_for_the_readme_each_document_and_each_notebook(site):
    wanted = {"index.html", "CONTRIBUTING.html", "splitaudit/index.html", "play/index.html"}
    for source in [*(ROOT / "docs").glob("*.md"), *NOTEBOOKS.glob("*.ipynb")]:
        wanted.add(source.relative_to(ROOT).with_suffix(".html").as_posix())
    built = {page.relative_to(site).as_posix() for page in site.rglob("*.html")}
    assert wanted <= built


def test_every_link_of_the_site_leads_to_a_file_and_a_place_in_it(site):
    lost = []
    for page in site.rglob("*.html"):
        if page.name == "404.html":
            continue  # its links are those of the server's root
        for _, link in links(page):
            if not is_of_the_site(link):
                continue
            name, _, place = link.partition("#")
            target = page.parent / posixpath.normpath(unquote(name.partition("?")[0]))
            if target.is_dir():
                target /= "index.html"
            found = target.exists()
            if found and place and target.suffix == ".html":
                found = f'id="{unquote(place)}"' in target.read_text(encoding="utf-8")
            if not found:
                lost.append((page.relative_to(site).as_posix(), link))
    assert lost == []


def test_only_readers_leave_for_the_network(site):
    away = set()
    for page in site.rglob("*.html"):
        for tag, link in links(page):
            if tag != "a" and link.startswith(("http", "//")) and 'rel="canonical"' not in link:
                away.add((page.relative_to(site).as_posix(), link))
        if re.search(r"(?:import|src=)[^;>]{0,20}[\"']https?:", page.read_text(encoding="utf-8")):
            away.add((page.relative_to(site).as_posix(), "a script"))
    assert away == set()


def test_notebooks_are_shown_executed(site):
    page = (site / "notebooks" / "03_leakage.html").read_text(encoding="utf-8")
    assert "data:image/png;base64" in page
    assert "<h1" in page


def test_numbers_stand_in_the_text_without_the_comments_that_name_them(site):
    page = (site / "index.html").read_text(encoding="utf-8")
    assert "<!-- number" not in page
    assert "<table>" in page


def test_there_is_a_search_and_a_dark_mode(site):
    assert (site / "search" / "search_index.json").exists()
    page = (site / "index.html").read_text(encoding="utf-8")
    assert 'data-md-color-scheme="slate"' in page


def test_the_page_to_play_with_is_small_and_calls_nobody(site):
    folder = site / "play"
    assert sum(file.stat().st_size for file in folder.iterdir()) < LARGEST_PLAY
    for file in folder.glob("*.*"):
        if file.suffix != ".png":
            assert not re.search(r"https?://|fetch\(|XMLHttp", file.read_text(encoding="utf-8"))
    assert {file.suffix for file in folder.iterdir()} == {".html", ".css", ".js", ".png"}


def test_the_share_picture_has_the_size_that_is_asked_for(site):
    header = (site / "play" / "share.png").read_bytes()[:24]
    assert struct.unpack(">II", header[16:24]) == (1200, 630)


@pytest.fixture
def served(site):
    """The address of the site on this machine."""
    handler = partial(SimpleHTTPRequestHandler, directory=site)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_search_finds_what_is_written(served, chromium):
    page = chromium.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{served}index.html")
    page.fill("[data-md-component=search-query]", "fingerprint")
    page.wait_for_selector(".md-search-result__item a")
    page.close()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize(
    "name", ["index.html", "docs/benchmarks.html", "notebooks/03_leakage.html", "play/index.html"]
)
def test_a_browser_shows_no_page_wider_than_its_window(site, chromium, name, width):
    page = chromium.new_page(viewport={"width": width, "height": 900})
    page.set_default_timeout(PATIENCE)
    page.goto((site / name).as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
