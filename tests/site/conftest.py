"""The page to play with, opened in a browser as a stranger opens it."""

import shutil
import subprocess

import pytest

from emoclass.paths import ROOT
from emoclass.study.play import scores

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
DESK = {"viewport": {"width": 1280, "height": 900}}
PATIENCE = 180_000  # milliseconds: a machine that is busy with other tests is slow
WINDOWS = {"phone": PHONE, "desk": DESK}


@pytest.fixture(scope="session")
def page_folder(tmp_path_factory):
    """docs/play with the scores of today, as the site has it."""
    folder = tmp_path_factory.mktemp("page") / "play"
    shutil.copytree(ROOT / "docs" / "play", folder)
    (folder / "scores.js").write_text(scores.as_script(), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def chromium():
    """A headless Chromium; skipped where there is none, or nothing to drive it with."""
    playwright = pytest.importorskip("playwright.sync_api")
    found = [program for program in map(shutil.which, BROWSERS) if program]
    if not found:
        pytest.skip("no Chromium is installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found[0], args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium, page_folder):
    """Open the page in a window of this kind, (kind, options) -> its Page; an error fails."""
    contexts = []
    errors = []

    def open_page(kind="desk", **options):
        context = chromium.new_context(**WINDOWS[kind], **options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(error))
        page.on("request", lambda request: _must_be_a_file(request.url))
        page.goto((page_folder / "index.html").as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


def _must_be_a_file(address):
    assert address.startswith(("file:", "data:"))


@pytest.fixture(scope="session")
def node():
    """Run a line of JavaScript after the page's own functions, (code) -> what it prints."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("no node is installed")

    def run(code):
        done = subprocess.run([program, "-e", code], capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
