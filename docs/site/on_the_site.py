"""Translates links of the repository's pages to links of the site."""

from pathlib import Path

from repository_links import address, in_repository, project

ROOT = Path(__file__).parents[2]
DOCS = "docs/"
BRANCH = "main"

PAGES = {
    "README.md": "start.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
}
"""Pages in the root of the repository, and the pages of the site that include them."""

SHOWN = frozenset({".md", ".png", ".svg"})
"""Suffixes of the files in ``docs`` that are on the site."""


def on_the_site(page: str, target: str) -> str:
    """Return the target of a link: a path on the site, where ``/`` is ``docs``, or else an address on the code host.

    Args:
        page: path of the page from the root of the repository.
        target: target of the link, relative to the page.

    Raises:
        FileNotFoundError: the target does not exist.
    """
    path, anchor = in_repository(ROOT, page, target)
    if path in PAGES:
        return f"/{PAGES[path]}{anchor}"
    if path.startswith(DOCS) and Path(path).suffix in SHOWN:
        return f"/{path.removeprefix(DOCS)}{anchor}"
    return address(ROOT, project(ROOT).repository, BRANCH, path) + anchor
