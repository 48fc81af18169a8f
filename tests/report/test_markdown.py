"""Whatever a program is called, its page of Markdown holds no HTML of it, no link, and as many cells as columns."""

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


@pytest.mark.parametrize("said", [code, plain])
@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_text_on_one_line_of_one_cell(said: Callable[[str], str], name: str) -> None:
    made = said(name)
    assert "\n" not in made
    assert "\x1b" not in made
    assert "\u202e" not in made
    assert not re.search(r"(?<!\\)\|", made)
    assert not re.search(r"<(?!/?code>)", made)


def test_text_in_brackets_is_no_link() -> None:
    assert "](" not in plain("[x](https://example.org)").replace(r"\](", "")


def test_what_is_shown_is_the_name() -> None:
    shown = html.unescape(re.sub(r"\\([\\`|\]])", r"\1", code("<b>|`").removeprefix("<code>").removesuffix("</code>")))
    assert shown == "<b>|`"


def test_a_plain_name_is_plain_code() -> None:
    assert code("torch") == "`torch`"
