"""Escapes characters that control a terminal in text from files, programs and exceptions.

ESC becomes a backslash and ``x1b``. All control characters except newline and tab are escaped in this way, and also
line and paragraph separators, characters that change the writing direction, and lone surrogates, which cannot be
encoded.
"""

_CONTROL = [*range(0x20), *range(0x7F, 0xA0)]
_DIRECTION = [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_LINES = [0x2028, 0x2029]
"""Characters that some terminals and most programming languages treat as line breaks."""

_SURROGATES = range(0xD800, 0xE000)

_ALLOWED = {ord("\n"), ord("\t")}
_ESCAPED = [code for code in (*_CONTROL, *_DIRECTION, *_LINES, *_SURROGATES) if code not in _ALLOWED]

_ESCAPES = {code: chr(code).encode("unicode_escape").decode() for code in _ESCAPED}
_IN_JSON = {code: f"\\u{code:04x}" for code in _ESCAPED if code >= 0x7F}  # noqa: PLR2004 - JSON escapes codes below


def visible(text: str) -> str:
    """Return the text with the ``_ESCAPED`` characters escaped. All other characters are unchanged."""
    return text.translate(_ESCAPES)


def visible_json(document: str) -> str:
    """Return JSON text with the ``_ESCAPED`` characters escaped as JSON does, so that its values are unchanged."""
    return document.translate(_IN_JSON)
