"""Sphinx extension that adds the navigation from ``navigation.toml``, so that the pages stay plain Markdown."""

import tomllib
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

FILE = Path(__file__).with_name("navigation.toml")

TREE = """

```{{toctree}}
:hidden:
{caption}
{pages}
```
"""


def _append(_app: Sphinx, docname: str, content: list[str]) -> None:
    for part in tomllib.loads(FILE.read_text("utf-8"))["part"]:
        if part["of"] == docname:
            pages = "\n".join(f"/{page}" for page in part["pages"])
            caption = f":caption: {part['caption']}\n" if "caption" in part else ""
            content[0] += TREE.format(caption=caption, pages=pages)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the extension."""
    app.connect("source-read", _append)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
