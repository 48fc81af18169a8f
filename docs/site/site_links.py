"""What the pages of a built site link to, and which of that is not there. Nothing is looked up outside."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
"""What a browser fetches by itself, and where it says from where."""

NOT_FETCHED = frozenset({"canonical", "next", "prev", "index", "search", "author", "license"})
"""Kinds of ``link`` that say where something is, and load nothing."""


@dataclass
class _Page(HTMLParser):
    """A page as it is read.

    Attributes:
        anchors: what can be linked to.
        links: what it links to.
        loads: what is fetched to show it.
    """

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note anchors, links and what is loaded."""
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in LOADED and LOADED[tag] in given and not NOT_FETCHED & set(given.get("rel", "").split()):
            self.loads.append(given[LOADED[tag]])


def pages(site: Path) -> list[Path]:
    """Every page of a site."""
    return sorted(site.rglob("*.html"))


def findings(site: Path) -> Iterator[str]:
    """What is linked to and is not there, and what is fetched from elsewhere: one line each."""
    read = {path.resolve(): _read(path) for path in pages(site)}
    for path, page in read.items():
        name = path.relative_to(site.resolve()).as_posix()
        for address in page.loads:
            if urlsplit(address).scheme not in ("", "data") or urlsplit(address).netloc:
                yield f"{name}: fetches {address}: a site has to be shown without a network"
        for address in dict.fromkeys([*page.links, *page.loads]):
            if reason := _dead(address, path, read):
                yield f"{name}: a dead link to {address}: {reason}"


def _dead(address: str, page: Path, read: dict[Path, _Page]) -> str | None:
    """Why an address leads nowhere; None if it leads somewhere, or out of the site."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return None
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.is_file():
        return "no such file"
    anchor = unquote(parts.fragment)
    if anchor and target in read and anchor not in read[target].anchors:
        return "the page has no such anchor"
    return None


def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text("utf-8"))
    return page
