"""Check an implementation as ``rnn-goldens check`` does, and add up what became of every golden."""

import platform
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rnn_goldens.corpus import Corpus
from rnn_goldens.errors import CutShort, InvalidFile, WrongUse
from rnn_goldens.exit_codes import FINDING
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import CELLS
from rnn_goldens.implementations.versions import versions_of_packages
from rnn_goldens.pages.content import Checked
from rnn_goldens.plugin.builtin_check import as_typed
from rnn_goldens.plugin.builtin_check.supervisor import run
from rnn_goldens.plugin.implementation import WRONG_USE
from rnn_goldens.plugin.run_results import passes_again
from rnn_goldens.programs.command import MARK, find_command, is_command
from rnn_goldens.programs.program import TIME_LIMIT, Program
from rnn_goldens.result import (
    FAILED,
    KNOWN,
    PASSED,
    REFUSED,
    WRONG,
    Result,
    gradient_counts,
    named,
    own_reason,
)
from rnn_goldens.schema import FORMATS, problems

Document = dict[str, Any]


@dataclass(frozen=True)
class Found:
    """What became of an implementation.

    Attributes:
        outputs: in the order of the corpus; its name is what ``rnn-goldens check`` takes, ``-- COMMAND`` for a program.
        gradients: the same of its gradients; None if they were not asked.
    """

    outputs: Checked
    gradients: Checked | None = None

    @property
    def name(self) -> str:
        """The implementation's."""
        return self.outputs.name

    @property
    def everything(self) -> Sequence[Result]:
        """Results of outputs, and of gradients."""
        return [*self.outputs.results, *(self.gradients.results if self.gradients is not None else ())]


@dataclass(frozen=True)
class Asked:
    """What every implementation of a report is asked.

    Attributes:
        corpus: the goldens.
        known_failures: a folder; ``NAME.txt`` in it lists those that the implementation of that name is known to fail,
            ``NAME.gradients.txt`` those whose gradients it is, ``NAME.skip.txt`` those that it is not to be asked.
        time_limit: seconds that an implementation has for one golden; its own default if None.
        only: an expression that goldens have to match, as pytest's ``-k``; all are asked if "".
        processes: how many check at a time, as xdist's ``-n``; one if "".
        drawn: whether pictures of what is wrong are wanted.
        gradients: whether gradients are asked, too.
        selection: the arguments of ``Corpus.select``; all goldens if there are none.
        dtypes: the precisions; all if there are none.
        progress: is told how many goldens of how many were judged, about once a second.
    """

    corpus: Corpus
    known_failures: Path | None = None
    time_limit: float | None = None
    only: str = ""
    processes: str = ""
    drawn: bool = False
    gradients: bool = False
    selection: Mapping[str, Any] = field(default_factory=dict)
    dtypes: Sequence[str] = ()
    progress: Callable[[int, int], None] | None = None

    def known(self, implementation: str, *, back: bool) -> Path | None:
        """The file that lists what an implementation is known to fail, of its outputs or of its gradients."""
        return self._file(implementation, ".gradients.txt" if back else ".txt")

    def skip(self, implementation: str) -> Path | None:
        """The file that lists what it is not to be asked."""
        return self._file(implementation, ".skip.txt")

    def _file(self, implementation: str, ending: str) -> Path | None:
        return None if self.known_failures is None else self.known_failures / f"{file_name(implementation)}{ending}"

    def wanted(self, *, back: bool) -> set[tuple[str, str]]:
        """The goldens and precisions that are asked, where no expression says which."""
        return {
            (entry.id, dtype)
            for entry in self.corpus.select(**self.selection, gradients=back)
            for dtype in (entry.gradient_precisions if back else entry.precisions)
            if dtype in (self.dtypes or PRECISIONS)
        }

    def arguments(self, implementation: str, *, back: bool) -> list[str]:
        """What pytest is called with to ask it for outputs, or for gradients."""
        known, skip = self.known(implementation, back=back), self.skip(implementation)
        options = {
            "dtype": list(self.dtypes or PRECISIONS),
            "corpus": self.corpus.folder,
            "time_limit": self.time_limit,
            "known_failures": known.resolve() if known is not None and known.is_file() else None,
            "skip": skip.resolve() if skip is not None and skip.is_file() else None,
            "drawn": self.drawn,
            "gradients": back,
            **self.selection,
        }
        only = ["-k", self.only] if self.only else []
        processes = ["-n", self.processes] if self.processes else []
        return [*as_typed(options), "-q", "--tb=no", "-p", "no:cacheprovider", "-W", "ignore", *only, *processes]


def check(implementation: str, asked: Asked) -> Found:
    """Check an implementation.

    Args:
        implementation: as ``rnn-goldens check`` takes it; ``-- COMMAND`` for a program.
        asked: which goldens, and how.

    Raises:
        WrongUse: it could not be checked; with what its run printed.
        CutShort: not every golden was judged: that is a finding.
        InvalidFile: a known failure passes again.
    """
    outputs = _checked(implementation, asked, back=False)
    if asked.gradients and asked.wanted(back=True):
        return Found(outputs, _checked(implementation, asked, back=True))
    return Found(outputs)


def _checked(implementation: str, asked: Asked, *, back: bool) -> Checked:
    known = asked.known(implementation, back=back)
    found = _run(implementation, asked, back=back)
    if again := [result for result in found.results if passes_again(result)]:
        listed = [f"{named(result)} passes again: take it out, or narrow the line that covers it" for result in again]
        raise InvalidFile(known or implementation, listed)
    order = {golden_id: number for number, golden_id in enumerate(asked.corpus.ids)}
    in_order = sorted(found.results, key=lambda r: (order[r["golden"]], list(PRECISIONS).index(r["dtype"])))
    return replace(found, results=in_order)


def file_name(implementation: str) -> str:
    """What the known failures of an implementation are called: its name, without what some file system refuses."""
    return re.sub(r"[^\w.-]+", "_", implementation.removeprefix(MARK)).strip("_")


def known_of_none(implementations: Iterable[str], asked: Asked) -> list[Path]:
    """Files of known failures that are called like none of the implementations."""
    called = {f"{file_name(name)}{ending}.txt" for name in implementations for ending in ("", ".gradients", ".skip")}
    files = [] if asked.known_failures is None else sorted(asked.known_failures.glob("*.txt"))
    return [path for path in files if path.name not in called]


def _run(implementation: str, asked: Asked, *, back: bool) -> Checked:
    """What came back, in any order; reasons without the golden and precision that the report says beside them."""
    finished = run(implementation, asked.arguments(implementation, back=back), captured=True, progress=asked.progress)
    document = finished.document or {}
    found: list[Result] = document["results"] if "results" in document else document.get("results_so_far", [])
    for result in found:
        if "reason" in result:
            result["reason"] = own_reason(result)
    if finished.code <= FINDING and (cut_short := finished.trouble or document.get("why", "")):
        raise CutShort(f"{implementation} could not be checked: {cut_short}")
    if finished.code > FINDING or "results" not in document:
        reasons = [result.get("reason", "") for result in found]
        lines = [*reasons, *finished.stdout.splitlines()]  # which pytest cuts off
        said = finished.stderr.strip() or _wrong_use(lines) or finished.stdout.strip()
        raise WrongUse(f"{implementation} could not be checked: {said.removeprefix('Error: ')}")
    _require_all(implementation, found, asked, back=back)
    return Checked(implementation, {}, found, document["causes"], finished.drawn)


def _require_all(implementation: str, found: Sequence[Result], asked: Asked, *, back: bool) -> None:
    """Hold what came back against what was asked, where no expression says which goldens that is."""
    wanted = asked.wanted(back=back)
    came = [(result["golden"], result["dtype"]) for result in found]
    if len(set(came)) != len(came) or not wanted.issuperset(came) or (not asked.only and wanted != set(came)):
        raise CutShort(
            f"{implementation} could not be checked: {len(wanted)} goldens and precisions were asked, "
            f"and {len(set(came) & wanted)} came back"
        )


def _wrong_use(lines: Iterable[str]) -> str:
    """The first line that says what the user did wrong, without what pytest puts around it; or nothing."""
    said = (line.partition(WRONG_USE)[2].removesuffix(" !") for line in lines)
    return next(filter(None, said), "")


def document(found: Iterable[Found], asked: Asked, merged: Iterable[Document] = ()) -> Document:
    """What goes into ``conformance.json``, ``merged`` rows after those found; raises InvalidFile if it is not valid."""
    cells = {entry.id: entry.cell for entry in asked.corpus.entries}
    made: Document = {
        "kind": "conformance",
        "format": FORMATS["conformance"],
        "corpus": asked.corpus.label,
        "made_with": {"rnn-goldens": version("rnn-goldens"), **_machine()},
        "implementations": [
            {
                "name": one.name,
                "versions": versions(one.name, asked.time_limit or TIME_LIMIT),
                **_summed_up(one.outputs.results, cells),
                "causes": list(one.outputs.causes),
                **_of_gradients(one.gradients, cells),
            }
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
            for cell in CELLS
            for dtype in PRECISIONS
        ],
        "refusals": _refusals(results, cells),
        "disagreements": [
            {"golden": r["golden"], "dtype": r["dtype"], "known": r.get("known"), "reason": r.get("reason", "")}
            for r in results
            if r["outcome"] in WRONG
        ],
    }


def _of_gradients(gradients: Checked | None, cells: dict[str, str]) -> Document:
    if gradients is None:
        return {}
    _, _, left_out = gradient_counts(gradients.results)
    return {"gradients": {**_summed_up(gradients.results, cells), "not_checked": dict(left_out.most_common())}}


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


def _refusals(results: Sequence[Result], cells: dict[str, str]) -> list[Document]:
    """Why goldens were refused, with how many, in which cells and precisions."""
    by_reason: dict[str, list[Result]] = {}
    for result in results:
        if result["outcome"] == REFUSED:
            by_reason.setdefault(result.get("reason", ""), []).append(result)
    found = []
    for reason, own in by_reason.items():
        in_cells, dtypes = {cells[r["golden"]] for r in own}, {r["dtype"] for r in own}
        found.append(
            {
                "reason": reason,
                "count": len(own),
                "cells": [cell for cell in CELLS if cell in in_cells],
                "dtypes": [dtype for dtype in PRECISIONS if dtype in dtypes],
            }
        )
    return found


def versions(implementation: str, time_limit: float) -> dict[str, str]:
    """The versions of the packages that an implementation is made of, or a program's own; none for a file."""
    if is_command(implementation):
        program = Program(find_command(implementation, Path.cwd()), time_limit)
        program.close()
        return {program.name: program.version}
    return versions_of_packages(implementation)


def _machine() -> dict[str, str]:
    return {"python": platform.python_version(), "machine": f"{platform.system()} {platform.machine()}"}
