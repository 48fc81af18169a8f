"""Rows and columns of the results of primitives of matrices, from those of their arguments."""

from collections.abc import Sequence
from typing import Any

Size = tuple[int, int]


def size_of_result(primitive: str, sizes: Sequence[Size], detail: Sequence[Any]) -> Size:
    """Return the rows and columns of a result. Raises TypeError if those of the arguments do not go together."""
    rows, columns = zip(*sizes, strict=True)
    found: Size | None = None
    if primitive == "matmul":
        found = (rows[0], columns[1]) if columns[0] == rows[1] else None
    elif primitive == "outer":
        found = (rows[0], rows[1]) if columns[0] == columns[1] else None
    elif primitive == "stacked":
        found = (sum(rows), columns[0]) if len({*columns}) == 1 else None
    elif primitive == "rows":
        found = len(range(rows[0])[slice(*detail, *([None] * (2 - len(detail))))]), columns[0]
    elif primitive in ("transpose", "mean"):
        found = (columns[0], rows[0]) if primitive == "transpose" else (1, columns[0])
    elif all(len({*of} - {1}) <= 1 for of in (rows, columns)):  # element by element
        found = max(rows), max(columns)
    if found is None:
        shown = " and ".join(f"{r} by {c}" for r, c in sizes)
        raise TypeError(f"{primitive}: the sizes {shown} do not go together")
    return found
