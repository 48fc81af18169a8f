"""Names of programs are escaped in Markdown: no HTML, no links, no extra table cells."""

import html
import re
from collections.abc import Callable

import pytest

from rnn_goldens.report.page import code, plain

NAMES = [
    "a|b",
    "<script>alert(1)</script>",
    "`a` | b",
    "two\nlines",
    "&lt;",
    "[x](javascript:alert(1))",
    "\x1b[2J\u202e",
]


@pytest.mark.parametrize("escape", [code, plain])
@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_text_on_one_line_of_one_cell(escape: Callable[[str], str], name: str) -> None:
    text = escape(name)
    assert "\n" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert not re.search(r"(?<!\\)\|", text)
    assert not re.search(r"<(?!/?code>)", text)


def test_text_in_brackets_is_not_a_link() -> None:
    assert "](" not in plain("[x](https://example.org)").replace(r"\](", "")


def test_the_name_is_shown_unchanged() -> None:
    shown = html.unescape(re.sub(r"\\([\\`|\]])", r"\1", code("<b>|`").removeprefix("<code>").removesuffix("</code>")))
    assert shown == "<b>|`"


def test_a_plain_name_is_plain_code() -> None:
    assert code("torch") == "`torch`"
