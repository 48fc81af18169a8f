"""Text that a terminal would obey is shown as what it is."""

import json

import pytest

from rnn_goldens.errors import InvalidFile
from rnn_goldens.visible import visible, visible_json


@pytest.mark.parametrize(
    ("hidden", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("\r", r"\r"),
        ("\x00\x07\x7f", r"\x00\x07\x7f"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202eabc\u2066", r"\u202eabc\u2066"),
        ("\udc80", r"\udc80"),
    ],
)
def test_what_controls_a_terminal_is_written_out(hidden: str, shown: str) -> None:
    assert visible(hidden) == shown


def test_all_else_stays_as_it_is() -> None:
    text = "Größe, 入力, שלום 🙂\n\tand [/x] <b>"
    assert visible(text) == text


def test_in_json_it_still_stands_for_itself() -> None:
    given = {"title": "\x1b\x7f\x9b\u202e\udc80 ü"}
    written = visible_json(json.dumps(given, ensure_ascii=False))
    assert json.loads(written) == given
    assert written.isprintable()


def test_an_error_that_quotes_a_file_controls_no_terminal() -> None:
    assert str(InvalidFile("a\x1b[2J.json", ["has \u202e"])) == r"a\x1b[2J.json: has \u202e"
