"""Look at a built site as its readers do: every link, and every page in a browser, on a phone and on a desk.

python docs/site/check_site.py build/docs
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from headless import installed, show, started
from selenium.webdriver import Chrome
from site_links import findings, pages

WIDTHS = (375, 1280)

WIDE = """
const all = [...document.querySelectorAll('body *')];
const beyond = all.filter((one) => one.getBoundingClientRect().right > innerWidth + 1);
const wide = document.documentElement.scrollWidth;
return wide <= innerWidth ? null : [wide, beyond.length ? beyond[0].outerHTML.slice(0, 80) : 'nothing that is seen'];
"""
"""How wide a page is that has to be scrolled sideways, and what stands out first."""

FETCHED = """
const names = performance.getEntriesByType('resource').map((one) => one.name);
return names.filter((name) => !/^(file|data|blob):/.test(name));
"""

SEARCH = "search.html"
ASKED = "transposed"
"""A word that the site has, for its search."""

FOUND = """
const end = arguments[arguments.length - 1];
const look = (left) => {
    const found = document.querySelectorAll('#search-results li').length;
    if (found || !left) end(found); else setTimeout(look, 100, left - 1);
};
look(50);
"""


def seen(chrome: Chrome, site: Path) -> Iterator[str]:
    """What is wrong with pages as they are shown: one line each."""
    for path in pages(site):
        name = path.relative_to(site).as_posix()
        for width in WIDTHS:
            show(chrome, path, width)
            if wide := chrome.execute_script(WIDE):
                yield f"{name}: {wide[0]} pixels wide, on a screen of {width}: {wide[1]}"
            for said in chrome.get_log("browser"):  # type: ignore[no-untyped-call]
                yield f"{name}: the browser says at a width of {width}: {said['message']}"
        for address in chrome.execute_script(FETCHED):
            yield f"{name}: fetches {address}: a site has to be shown without a network"


def searched(chrome: Chrome, site: Path) -> Iterator[str]:
    """Whether the search of a site that has one finds something, from a disk and without a server."""
    if (site / SEARCH).is_file():
        show(chrome, site / SEARCH, WIDTHS[-1], query=f"?q={ASKED}")
        if not chrome.execute_async_script(FOUND):
            yield f"{SEARCH}: finds nothing for {ASKED!r}"
        for said in chrome.get_log("browser"):  # type: ignore[no-untyped-call]
            yield f"{SEARCH}: the browser says: {said['message']}"


def main() -> None:
    """Look at a site; what is found is said, and the exit code is 1."""
    site = Path(sys.argv[1])
    if not pages(site):
        sys.exit(f"{site} has no pages: make docs builds the site")
    found = list(findings(site))
    if not installed():
        sys.exit("\n".join([*found, "Chromium and its driver are not installed: examples/install.sh does it"]))
    with TemporaryDirectory() as profiles:
        chrome = started(Path(profiles))
        try:
            found += [*seen(chrome, site), *searched(chrome, site)]
        finally:
            chrome.quit()
    if found:
        sys.exit("\n".join(dict.fromkeys(found)))
    widths = " and ".join(map(str, WIDTHS))
    print(f"{len(pages(site))} pages, each at {widths} pixels: no dead link, no error, nothing to scroll sideways")


if __name__ == "__main__":
    main()
