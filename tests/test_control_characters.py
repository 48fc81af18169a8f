"""Characters that control a terminal are escaped."""

import json

from rnn_goldens.control_characters import visible, visible_json
from rnn_goldens.errors import InvalidFile


def test_control_characters_are_escaped() -> None:
    assert visible("\x1b[2J\r\x00\x07\x7f\x9b31m") == r"\x1b[2J\r\x00\x07\x7f\x9b31m"
    assert visible("\u202eabc\u2066\udc80") == r"\u202eabc\u2066\udc80"


def test_other_characters_are_unchanged() -> None:
    text = "Größe, 入力, שלום 🙂\n\tand [/x] <b>"
    assert visible(text) == text


def test_escapes_in_json_preserve_the_value() -> None:
    document = {"title": "\x1b\x7f\x9b\u202e\udc80 ü"}
    text = visible_json(json.dumps(document, ensure_ascii=False))
    assert json.loads(text) == document
    assert text.isprintable()


def test_an_error_that_quotes_a_file_is_escaped() -> None:
    assert str(InvalidFile("a\x1b[2J.json", ["has \u202e"])) == r"a\x1b[2J.json: has \u202e"
