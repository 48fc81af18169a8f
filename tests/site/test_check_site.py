"""The check of a built site reports each error with its page."""

import subprocess
import sys
from pathlib import Path

import pytest
from examples.compilation import lacking
from headless import installed

pytestmark = pytest.mark.slow

CHECK = Path(__file__).parents[2] / "docs/site/check_site.py"

PAGE = """<!doctype html><html><head><meta charset="utf-8"><link rel="icon" href="data:,">{head}</head>
<body><h1 id="top">A page</h1>{body}</body></html>"""

OTHER = PAGE.format(head="", body='<p id="here">Here.</p><a href="index.html#top">back</a>')

GOOD = """<p>A <a href="folder/other%20page.html#here">link</a>, <a href="#top">another</a>,
<a href="https://example.org/none#x">an external link</a>.</p>
<div style="overflow-x: auto"><table><tr><td style="min-width: 2000px">wide, scrolls</td></tr></table></div>"""


def checked(site: Path, *, head: str = "", body: str = GOOD) -> "subprocess.CompletedProcess[str]":
    if not installed():
        lacking("chromium, or its chromedriver, is not installed")
    (site / "folder").mkdir()
    (site / "index.html").write_text(PAGE.format(head=head, body=body))
    (site / "folder/other page.html").write_text(OTHER.replace("index.html", "../index.html"))
    return subprocess.run([sys.executable, CHECK, site], capture_output=True, text=True, check=False)


def test_a_good_site_passes(tmp_path: Path) -> None:
    done = checked(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ("2 pages, each at 375 and 1280 pixels: no dead link, no error, no horizontal scrolling\n")


ELSEWHERE = ("https://cdn.example.org/a.js", "https://fonts.example.org/a.css")
SCRIPT, STYLE = f'<script src="{ELSEWHERE[0]}"></script>', f'<style>@import url("{ELSEWHERE[1]}");</style>'
OTHER_NONE = "folder/other%20page.html#none"


@pytest.mark.parametrize(
    ("head", "body", "message"),
    [
        ("", '<a href="none.html">x</a>', "index.html: a dead link to none.html: no such file"),
        ("", '<a href="folder/">x</a>', "index.html: a dead link to folder/: no such file"),
        ("", '<a href="#none">x</a>', "index.html: a dead link to #none: the page has no such anchor"),
        ("", f'<a href="{OTHER_NONE}">x</a>', f"index.html: a dead link to {OTHER_NONE}: the page has no such anchor"),
        ('<link rel="stylesheet" href="none.css">', "", "index.html: a dead link to none.css: no such file"),
        (SCRIPT, "", f"index.html: fetches {ELSEWHERE[0]}: the site must work without a network"),
        (STYLE, "", f"index.html: fetches {ELSEWHERE[1]}: the site must work without a network"),
        ("<script>undefined_name()</script>", "", "index.html: the browser logs at a width of 375: "),
        ("<script>console.error('odd')</script>", "", "index.html: the browser logs at a width of 1280: "),
        ("", '<p style="width: 600px">wide</p>', "pixels wide on a screen of 375: <p style"),
        ("", '<p style="width: 1500px">wide</p>', "pixels wide on a screen of 1280: <p style"),
    ],
)
def test_problems_of_a_page_are_errors(tmp_path: Path, head: str, body: str, message: str) -> None:
    done = checked(tmp_path, head=head, body=body)
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_search_without_results_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "search.html").write_text(PAGE.format(head="", body='<ul id="search-results"></ul>'))
    assert checked(tmp_path).stderr == "search.html: finds nothing for 'transposed'\n"


def test_a_folder_without_pages_is_an_error(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, CHECK, tmp_path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"{tmp_path} has no pages: build the site with make docs\n")
