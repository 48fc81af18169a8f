"""Sphinx extension that replaces ``--`` before a description by a dash, because ``smartquotes`` is off."""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

SOURCE, RENDERED = " -- ", " \N{EN DASH} "


def _replace(_app: Sphinx, doctree: nodes.document) -> None:
    for text in list(doctree.findall(nodes.Text)):
        if text.startswith(SOURCE):
            text.parent.replace(text, nodes.Text(RENDERED + text.removeprefix(SOURCE)))


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the extension."""
    app.connect("doctree-read", _replace)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
