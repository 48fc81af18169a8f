"""Where a link of a page in the repository leads on the site."""

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
"""Pages of the repository's top, and the pages of the site that show them."""

SHOWN = frozenset({".md", ".png", ".svg"})
"""What of ``docs`` is on the site."""


def on_the_site(page: str, target: str) -> str:
    """What a link of a page leads to, from ``docs`` as ``/``, or the address of what is not on the site.

    Args:
        page: the path of the page, from the repository's top.
        target: the link's, relative to the page.

    Raises:
        FileNotFoundError: there is no such file.
    """
    path, anchor = in_repository(ROOT, page, target)
    if path in PAGES:
        return f"/{PAGES[path]}{anchor}"
    if path.startswith(DOCS) and Path(path).suffix in SHOWN:
        return f"/{path.removeprefix(DOCS)}{anchor}"
    return address(ROOT, project(ROOT).repository, BRANCH, path) + anchor
