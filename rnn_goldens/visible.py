"""Text of a file, a program or somebody's exception as people see it: what a terminal would obey is written out.

ESC is shown as backslash, ``x1b``. So are the other control characters but newline and tab, the characters that turn
the direction of what follows, and halves of characters, which no encoding has.
"""

_CONTROL = [*range(0x20), *range(0x7F, 0xA0)]
_DIRECTION = [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_LINES = [0x2028, 0x2029]
"""What some terminals and most languages take for an end of line."""

_HALVES = range(0xD800, 0xE000)

_ALLOWED = {ord("\n"), ord("\t")}
_HIDDEN = [code for code in (*_CONTROL, *_DIRECTION, *_LINES, *_HALVES) if code not in _ALLOWED]

_WRITTEN_OUT = {code: chr(code).encode("unicode_escape").decode() for code in _HIDDEN}
_IN_JSON = {code: f"\\u{code:04x}" for code in _HIDDEN if code >= 0x7F}  # noqa: PLR2004 - JSON has escaped what is below


def visible(text: str) -> str:
    """The text with those characters written out; all else, letters of any language too, as it is."""
    return text.translate(_WRITTEN_OUT)


def visible_json(document: str) -> str:
    """The same of JSON, in which what is written out stands for itself."""
    return document.translate(_IN_JSON)
