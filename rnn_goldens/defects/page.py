"""Writes the table of the defects in ``docs/defects.md``.

python -m rnn_goldens.defects.page docs/defects.md
"""

import sys
from itertools import groupby
from pathlib import Path

from rnn_goldens.atomic_write import write_whole
from rnn_goldens.defects.catalogue import Defect, read_defects

BEGIN, END = "<!-- begin table: made by `make generate` from defects.toml -->\n\n", "\n<!-- end table -->"


def with_table(page: str) -> str:
    """Return a page with its table replaced by the present one."""
    before, after = page.partition(BEGIN)[0], page.partition(END)[2]
    return "".join([before, BEGIN, *map(_section, _by_engine()), END, after])


def _by_engine() -> list[list[Defect]]:
    return [list(defects) for _, defects in groupby(read_defects(), key=lambda defect: defect.engine)]


def _section(defects: list[Defect]) -> str:
    rows = (
        f"| {_effect(defect)} | `{defect.versions}` | `{defect.implementation}`, `{defect.golden}`, {_what(defect)} |\n"
        for defect in defects
    )
    head = f"| {defects[0].engine} | versions | shown by |\n|---|---|---|\n"
    return f"{head}{''.join(rows)}\n"


def _effect(defect: Defect) -> str:
    known = f" `{defect.deviation}`" if defect.deviation else ""
    return f"{defect.effect}{known}{f' [Report]({defect.issue})' if defect.issue else ''}"


def _what(defect: Defect) -> str:
    return f"{defect.dtype}{', gradients' if defect.gradients else ''}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    write_whole(path, with_table(path.read_text("utf-8")).encode("utf-8"))
