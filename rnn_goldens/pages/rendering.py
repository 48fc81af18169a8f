"""Renders the HTML page of a run or report: a template with a style, a script and a plotting library."""

from importlib.util import find_spec
from json import dumps
from pathlib import Path

from rnn_goldens.control_characters import visible
from rnn_goldens.errors import WrongUse
from rnn_goldens.pages import Content

MAX_BYTES = 4_900_000
"""Maximum size of a page. A larger page omits details and pictures, and says how many."""


def is_page(path: str | Path) -> bool:
    """Return whether a file name has a suffix of pages."""
    return Path(path).suffix.lower() in (".html", ".htm")


def require_engine() -> None:
    """Raise WrongUse with the package to install unless pages can be rendered."""
    if find_spec("jinja2") is None:
        raise WrongUse("an HTML page needs jinja2, which is not installed: pip install 'rnn-goldens[html]'")


def render(content: Content) -> bytes:
    """Return the bytes of the page, at most ``MAX_BYTES``; raises WrongUse as ``require_engine`` does."""
    require_engine()
    from rnn_goldens.pages.view import view

    share = 1.0
    while len(made := _filled(view(content, share))) > MAX_BYTES:
        share /= 2
    return made


def _visible_within(value: object) -> object:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {key: _visible_within(item) for key, item in value.items()}
    return [_visible_within(item) for item in value] if isinstance(value, list) else value


def _filled(values: dict[str, object]) -> bytes:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from rnn_goldens.pages.view import COMPACT

    home = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(home),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if type(value) is str else value,  # except text that is marked as HTML
    )
    environment.policies["json.dumps_function"] = lambda value, **_: dumps(_visible_within(value), separators=COMPACT)
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
