"""Writes the table of the defects in ``docs/defects.md``.

python -m rnn_goldens.defects.page docs/defects.md
"""

import sys
from itertools import groupby
from pathlib import Path

from rnn_goldens.atomic_write import write_whole
from rnn_goldens.defects.catalogue import read_defects

BEGIN, END = "<!-- begin table: made by `make generate` from defects.toml -->\n\n", "\n<!-- end table -->"


def with_table(page: str) -> str:
    """Return a page with its table replaced by the present one."""
    parts = [page.partition(BEGIN)[0], BEGIN]
    for engine, defects in groupby(read_defects(), key=lambda defect: defect.engine):
        parts.append(f"| {engine} | versions | shown by |\n|---|---|---|\n")
        for defect in defects:
            known = f" `{defect.deviation}`" if defect.deviation else ""
            report = f" [Report]({defect.issue})" if defect.issue else ""
            what = f"{defect.dtype}{', gradients' if defect.gradients else ''}"
            shown = f"`{defect.implementation}`, `{defect.golden}`, {what}"
            parts.append(f"| {defect.effect}{known}{report} | `{defect.versions}` | {shown} |\n")
        parts.append("\n")
    return "".join([*parts, END, page.partition(END)[2]])


if __name__ == "__main__":
    path = Path(sys.argv[1])
    write_whole(path, with_table(path.read_text("utf-8")).encode("utf-8"))
