"""Check a built site: every link, and every page in a browser at the widths of a phone and a desktop.

python docs/site/check_site.py build/docs
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from headless import installed, show, start_browser
from selenium.webdriver import Chrome
from site_links import findings, pages

WIDTHS = (375, 1280)

WIDE = """
const all = [...document.querySelectorAll('body *')];
const beyond = all.filter((one) => one.getBoundingClientRect().right > innerWidth + 1);
const wide = document.documentElement.scrollWidth;
return wide <= innerWidth ? null : [wide, beyond.length ? beyond[0].outerHTML.slice(0, 80) : 'no visible element'];
"""
"""JavaScript that returns the width of a page and its first element that is too wide; null if the page fits."""

FETCHED = """
const names = performance.getEntriesByType('resource').map((one) => one.name);
return names.filter((name) => !/^(file|data|blob):/.test(name));
"""

SEARCH = "search.html"
QUERY = "transposed"
"""A word that occurs on the site, to test its search."""

FOUND = """
const end = arguments[arguments.length - 1];
const look = (left) => {
    const found = document.querySelectorAll('#search-results li').length;
    if (found || !left) end(found); else setTimeout(look, 100, left - 1);
};
look(50);
"""


def rendering_errors(chrome: Chrome, site: Path) -> Iterator[str]:
    """Yield one line for each error of a rendered page."""
    for path in pages(site):
        name = path.relative_to(site).as_posix()
        for width in WIDTHS:
            show(chrome, path, width)
            if wide := chrome.execute_script(WIDE):
                yield f"{name}: {wide[0]} pixels wide on a screen of {width}: {wide[1]}"
            for entry in chrome.get_log("browser"):  # type: ignore[no-untyped-call]
                yield f"{name}: the browser logs at a width of {width}: {entry['message']}"
        for address in chrome.execute_script(FETCHED):
            yield f"{name}: fetches {address}: the site must work without a network"


def search_errors(chrome: Chrome, site: Path) -> Iterator[str]:
    """Yield the errors of the search page, if there is one: the search must work from disk, without a server."""
    if (site / SEARCH).is_file():
        show(chrome, site / SEARCH, WIDTHS[-1], query=f"?q={QUERY}")
        if not chrome.execute_async_script(FOUND):
            yield f"{SEARCH}: finds nothing for {QUERY!r}"
        for entry in chrome.get_log("browser"):  # type: ignore[no-untyped-call]
            yield f"{SEARCH}: the browser logs: {entry['message']}"


def main() -> None:
    """Check a site; print the findings and exit with 1 if there are any."""
    site = Path(sys.argv[1])
    if not pages(site):
        sys.exit(f"{site} has no pages: build the site with make docs")
    found = list(findings(site))
    if not installed():
        sys.exit("\n".join([*found, "Chromium and its driver are not installed: run examples/install.sh"]))
    with TemporaryDirectory() as profiles:
        chrome = start_browser(Path(profiles))
        try:
            found += [*rendering_errors(chrome, site), *search_errors(chrome, site)]
        finally:
            chrome.quit()
    if found:
        sys.exit("\n".join(dict.fromkeys(found)))
    widths = " and ".join(map(str, WIDTHS))
    print(f"{len(pages(site))} pages, each at {widths} pixels: no dead link, no error, no horizontal scrolling")


if __name__ == "__main__":
    main()
