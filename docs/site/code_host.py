"""What makes a page of the repository one of the site: its links and anchors mean here what they mean on a code host.

A link to a file that is no page of the site leads to the repository; one to a file that does not exist is refused. A
heading has the anchor that a code host gives it.
"""

from pathlib import Path

from docutils import nodes
from repository_links import address, in_repository, project, relinked
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata

ROOT = Path(__file__).parents[2]
DOCS = "docs/"
BRANCH = "main"

PAGES = {"README.md": "start.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
"""Pages of the repository's top, and the pages of the site that show them."""

SHOWN = frozenset({".md", ".png", ".svg"})
"""What of ``docs`` is on the site."""

_log = logging.getLogger(__name__)


def on_the_site(page: str, target: str) -> str:
    """What a link of a page leads to, relative to ``docs``, or the address of what is not on the site.

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
    return address(ROOT, str(urls()["Repository"]), BRANCH, path) + anchor


def urls() -> dict[str, object]:
    """The project's addresses."""
    found = project(ROOT)["urls"]
    assert isinstance(found, dict)
    return found


def _relink(page: str, content: list[str]) -> None:
    def to(target: str) -> str:
        try:
            return on_the_site(page, target)
        except FileNotFoundError as error:
            _log.warning(str(error), location=page)
            return target

    content[0] = relinked(content[0], to)


def _read(app: Sphinx, docname: str, content: list[str]) -> None:
    _relink(Path(app.env.doc2path(docname)).resolve().relative_to(ROOT).as_posix(), content)


def _included(_app: Sphinx, path: Path, _docname: str, content: list[str]) -> None:
    _relink((ROOT / DOCS / path).resolve().relative_to(ROOT).as_posix(), content)


class AnchorsOfTheHost(SphinxTransform):
    """Give each section the anchor that its heading has on a code host, before the one that docutils makes."""

    default_priority = 900

    def apply(self, **_: object) -> None:
        """Put it first, which is the one that links and the address bar have."""
        for section in self.document.findall(nodes.section):
            slug = section.get("slug")
            if slug and slug not in section["ids"]:
                section["ids"].insert(0, slug)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Take part in reading."""
    app.connect("source-read", _read)
    app.connect("include-read", _included)
    app.add_transform(AnchorsOfTheHost)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
