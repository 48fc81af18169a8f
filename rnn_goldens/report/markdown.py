"""Whatever a file or a program says, as text of a page of Markdown: neither HTML nor links, and on one line."""

import re

from rnn_goldens.visible import visible

_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_MARKUP = re.compile(r"[\\`|]|\](?=[(\[:])")
"""What has a meaning in a paragraph or a table; of brackets, one that makes a link."""


def plain(text: str) -> str:
    """As text. A star or an underline stays: it changes how the text looks, at the most."""
    return _MARKUP.sub(r"\\\g<0>", _on_one_line(text).translate(_HTML))


def code(text: str) -> str:
    """As code, in a paragraph or in a table, where a bar in a code span would end the cell."""
    said = _on_one_line(text)
    if set(said) & set("`|\\<>&"):
        return f"<code>{plain(said)}</code>"
    return f"`{said}`"


def _on_one_line(text: str) -> str:
    return visible(" ".join(text.split()))
