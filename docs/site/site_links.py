"""Finds dead links within a built site; external links are not checked."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
"""For each element whose content a browser fetches: the attribute with the address of the content."""

NOT_FETCHED = frozenset({"canonical", "next", "prev", "index", "search", "author", "license"})
"""Relations of ``link`` elements that are not fetched."""


@dataclass
class _Page(HTMLParser):
    """A parsed page.

    Attributes:
        anchors: anchors that links can point to.
        links: targets of its links.
        loads: addresses that a browser fetches to display it.
    """

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect anchors, links and fetched addresses."""
        attributes = {name: value or "" for name, value in attrs}
        self.anchors |= {attributes[name] for name in ("id", "name") if name in attributes}
        if tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])
        if tag in LOADED and LOADED[tag] in attributes and not NOT_FETCHED & set(attributes.get("rel", "").split()):
            self.loads.append(attributes[LOADED[tag]])


def pages(site: Path) -> list[Path]:
    """Return all pages of a site."""
    return sorted(site.rglob("*.html"))


def findings(site: Path) -> Iterator[str]:
    """Yield one line for each dead link, and for each address that is fetched from the network."""
    parsed = {path.resolve(): _read(path) for path in pages(site)}
    for path, page in parsed.items():
        name = path.relative_to(site.resolve()).as_posix()
        for address in page.loads:
            if urlsplit(address).scheme not in ("", "data") or urlsplit(address).netloc:
                yield f"{name}: fetches {address}: the site must work without a network"
        for address in dict.fromkeys([*page.links, *page.loads]):
            if reason := _dead(address, path, parsed):
                yield f"{name}: a dead link to {address}: {reason}"


def _dead(address: str, page: Path, parsed: dict[Path, _Page]) -> str | None:
    """Return the reason why a link is dead; None if the link works or leaves the site."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return None
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.is_file():
        return "no such file"
    anchor = unquote(parts.fragment)
    if anchor and target in parsed and anchor not in parsed[target].anchors:
        return "the page has no such anchor"
    return None


def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text("utf-8"))
    return page
