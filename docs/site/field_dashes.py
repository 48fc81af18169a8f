"""A dash between an argument and what is said of it, where quotes and dashes are otherwise left as they are typed."""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

TYPED, SHOWN = " -- ", " \N{EN DASH} "


def _draw(_app: Sphinx, doctree: nodes.document) -> None:
    for text in list(doctree.findall(nodes.Text)):
        if text.startswith(TYPED):
            text.parent.replace(text, nodes.Text(SHOWN + text.removeprefix(TYPED)))


def setup(app: Sphinx) -> ExtensionMetadata:
    """Take part in what was read."""
    app.connect("doctree-read", _draw)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
