"""How many goldens each implementation passes, refuses and gets wrong: ``conformance.json``, and the badge."""

import platform
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rnn_goldens.errors import InvalidFile
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.precision import INPUT_TYPES, PRECISIONS
from rnn_goldens.golden.recurrences import INTEGER_LSTMS
from rnn_goldens.golden_result import CHECKED, FAILED, KNOWN, PASSED, REFUSED, WRONG, Result, gradient_counts
from rnn_goldens.implementations.builtin import versions_of_packages
from rnn_goldens.pages import Checked, in_order, reasons
from rnn_goldens.programs.command import find_command, is_command
from rnn_goldens.programs.program import TIME_LIMIT, Program
from rnn_goldens.report.check_request import CheckRequest
from rnn_goldens.schema import FORMATS, problems

Document = dict[str, Any]

GOOD, FAIR, BAD, NOTHING = "brightgreen", "yellow", "red", "lightgrey"
"""Colours: all implementations agree; not all agree; some failed, were skipped or not checked; nothing compared."""


def document(found: Iterable[Checked], request: CheckRequest, merged: Iterable[Document] = ()) -> Document:
    """Return the content of ``conformance.json``, ``merged`` rows last; raises InvalidFile if it is invalid."""
    cells = {entry.id: entry.cell for entry in request.corpus.entries}
    made: Document = {
        "kind": "conformance",
        "format": FORMATS["conformance"],
        "corpus": request.corpus.label,
        "made_with": {
            "rnn-goldens": version("rnn-goldens"),
            "python": platform.python_version(),
            "machine": f"{platform.system()} {platform.machine()}",
            "date": datetime.now(UTC).date().isoformat(),
            **({"revision": request.revision} if request.revision else {}),
        },
        "implementations": [
            {
                "name": one.name,
                "versions": versions(one.name, request.time_limit or TIME_LIMIT),
                **({"profile": list(request.profile)} if request.profile else {}),
                **_summed_up(one.results, cells),
                "causes": list(one.causes),
            }
            | ({} if one.gradients is None else {"gradients": _gradients(one.gradients.results, cells)})
            for one in found
        ],
    }
    for row in merged:
        made["implementations"].append({k: v for k, v in row.items() if (k, v) != ("made_with", made["made_with"])})
    if wrong := problems(made, "conformance"):
        raise InvalidFile("conformance.json", wrong)
    return made


def _summed_up(results: Sequence[Result], cells: dict[str, str]) -> Document:
    return {
        "results": [
            _totals(cell, dtype, [r for r in results if cells[r["golden"]] == cell and r["dtype"] == dtype])
            for cell in dict.fromkeys([*CELLS, *in_order({cells[r["golden"]] for r in results})])
            for dtype in (INPUT_TYPES if cell in INTEGER_LSTMS else PRECISIONS)
        ],
        "refusals": reasons(results, REFUSED, cells),
        "disagreements": [
            {"golden": r["golden"], "dtype": r["dtype"], "known": r.get("known"), "reason": r.get("reason", "")}
            for r in results
            if r["outcome"] in WRONG
        ],
    }


def _gradients(results: Sequence[Result], cells: dict[str, str]) -> Document:
    _, _, left_out = gradient_counts(results)
    return {**_summed_up(results, cells), "not_checked": dict(left_out.most_common())}


def _totals(cell: str, dtype: str, results: list[Result]) -> Document:
    outcomes = Counter(result["outcome"] for result in results)
    errors = [r["largest_error"] for r in results if r["outcome"] == PASSED and "largest_error" in r]
    return {
        "cell": cell,
        "dtype": dtype,
        "passed": outcomes[PASSED],
        "refused": outcomes[REFUSED],
        "wrong": outcomes[FAILED] + outcomes[KNOWN],
        "largest_error": max(errors, default=None),
    }


def versions(implementation: str, time_limit: float) -> dict[str, str]:
    """Return the versions of an implementation's packages, or of a program; {} for an ONNX file."""
    if is_command(implementation):
        program = Program(find_command(implementation, Path.cwd()), time_limit)
        program.close()
        return {program.name: program.version}
    return versions_of_packages(implementation)


def badge(found: Sequence[Checked], unchecked: int = 0) -> dict[str, Any]:
    """Return the badge, a summary in words and a colour; ``unchecked`` implementations could not be checked."""
    counts = Counter(result["outcome"] for one in found for result in one.everything)
    passing = [one for one in found if any(result["outcome"] == PASSED for result in one.results)]
    agreeing = [one for one in passing if {result["outcome"] for result in one.everything} <= {PASSED, REFUSED}]
    if len(found) + unchecked > 1:
        summary = f"{len(agreeing)} of {len(found) + unchecked} implementations agree"
    else:
        names = {"passed": "passed", "failed": "wrong", "known-failure": "known to be wrong", "refused": "refused"}
        summary = ", ".join(f"{counts[outcome]} {name}" for outcome, name in names.items() if counts[outcome])
    colour = GOOD if len(agreeing) == len(found) else FAIR
    if counts["failed"] or counts["skipped"] or unchecked:
        colour = BAD
    elif not any(counts[outcome] for outcome in CHECKED):
        colour = NOTHING
    return {"schemaVersion": 1, "label": "rnn-goldens", "message": summary or "nothing was checked", "color": colour}
