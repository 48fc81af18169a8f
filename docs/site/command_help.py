"""Sphinx extension that escapes asterisks in the help of commands."""

import click
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata


def _escape(_app: Sphinx, _context: click.Context, lines: list[str]) -> None:
    lines[:] = [line.replace("*", r"\*") for line in lines]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the extension with sphinx-click."""
    app.setup_extension("sphinx_click")
    for part in ("description", "options", "arguments", "epilog"):
        app.connect(f"sphinx-click-process-{part}", _escape)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
