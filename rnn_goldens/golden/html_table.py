"""A table of facts in escaped HTML, for notebooks."""

from collections.abc import Iterable, Sequence
from html import escape

_LEFT = ' style="text-align: left"'


def table(heading: str, rows: Iterable[Sequence[object]], columns: Sequence[str] = ()) -> str:
    """Return a table with a heading. The first entry of a row is its title; ``columns`` are the column titles."""
    parts = [f"<table><caption{_LEFT}><b>{escape(heading)}</b></caption>"]
    if columns:
        parts.append(f"<tr>{''.join(f'<th{_LEFT}>{escape(column)}</th>' for column in columns)}</tr>")
    for title, *values in rows:
        fields = "".join(f"<td{_LEFT}>{escape(str(value))}</td>" for value in values)
        parts.append(f"<tr><th{_LEFT}>{escape(str(title))}</th>{fields}</tr>")
    return "".join([*parts, "</table>"])
