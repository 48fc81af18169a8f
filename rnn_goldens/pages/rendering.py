"""Content → one HTML file: a template, and beside it a style, a script and a library that draws."""

from importlib.util import find_spec
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING

from rnn_goldens.errors import WrongUse
from rnn_goldens.visible import visible

if TYPE_CHECKING:
    from rnn_goldens.pages.content import Content

EXTRA = "rnn-goldens[html]"

MOST_BYTES = 4_900_000
"""What a page may have; beyond that details and pictures are left out, and it says so."""

SUFFIXES = (".html", ".htm")
"""Of files that are pages."""


def is_page(path: str | Path) -> bool:
    """Whether a file of this name is to be a page."""
    return Path(path).suffix.lower() in SUFFIXES


def require_engine() -> None:
    """Raise WrongUse, which says what to install, unless pages can be made."""
    if find_spec("jinja2") is None:
        raise WrongUse(f"an HTML page needs jinja2, which is not installed: pip install '{EXTRA}'")


def render(content: "Content") -> bytes:
    """The bytes of the page, at most ``MOST_BYTES`` however much there is to tell; raises WrongUse as above."""
    require_engine()
    from rnn_goldens.pages.view import view

    share = 1.0
    while len(made := _filled(view(content, share))) > MOST_BYTES:
        share /= 2
    return made


def _dumped(value: object, **_: object) -> str:
    """Data for the script, which shows their texts as they are."""
    from rnn_goldens.pages.view import COMPACT

    return dumps(_visible_within(value), separators=COMPACT)


def _visible_within(value: object) -> object:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {key: _visible_within(item) for key, item in value.items()}
    return [_visible_within(item) for item in value] if isinstance(value, list) else value


def _filled(values: dict[str, object]) -> bytes:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    home = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(home),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if type(value) is str else value,  # and not what is marked as HTML
    )
    environment.policies["json.dumps_function"] = _dumped
    files = {
        name: (home / file).read_text("utf-8")
        for name, file in {
            "style": "page.css",
            "script": "page.js",
            "drawing": "uPlot.iife.min.js",
            "drawing_style": "uPlot.min.css",
            "drawing_licence": "uPlot.LICENSE.txt",
        }.items()
    }
    return environment.get_template("page.html.jinja").render(**values, files=files).encode("utf-8", "backslashreplace")
