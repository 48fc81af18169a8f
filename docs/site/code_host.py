"""Sphinx extension that keeps the links and anchors of the repository's pages working on the site.

A link to a file that is not a page of the site leads to the repository; a link to a missing file is a warning. A
heading has the same anchor as on the code host.
"""

from pathlib import Path

from docutils import nodes
from on_the_site import DOCS, ROOT, on_the_site
from repository_links import relinked
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata

_log = logging.getLogger(__name__)


def _relink(file: Path, content: list[str]) -> None:
    page = file.resolve().relative_to(ROOT).as_posix()

    def to(target: str) -> str:
        try:
            return on_the_site(page, target)
        except FileNotFoundError as error:
            _log.warning(str(error))
            return target

    content[0] = relinked(content[0], to)


def _read(app: Sphinx, docname: str, content: list[str]) -> None:
    _relink(Path(app.env.doc2path(docname)), content)


def _included(_app: Sphinx, path: Path, _docname: str, content: list[str]) -> None:
    _relink(ROOT / DOCS / path, content)


class AnchorsOfTheHost(SphinxTransform):  # type: ignore[misc] # from the extra docs
    """Adds to each section the anchor that its heading has on the code host."""

    default_priority = 900

    def apply(self, **_: object) -> None:
        """Insert the anchor before all others: links and the address bar use the first anchor."""
        for section in self.document.findall(nodes.section):
            slug = section.get("slug")
            if slug and slug not in section["ids"]:
                section["ids"].insert(0, slug)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the extension."""
    app.connect("source-read", _read)
    app.connect("include-read", _included)
    app.add_transform(AnchorsOfTheHost)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
