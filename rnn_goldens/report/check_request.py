"""Checks an implementation as ``rnn-goldens check`` does, as a report requests it."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rnn_goldens.corpus import Corpus
from rnn_goldens.errors import FINDING, CutShort, InvalidFile, WrongUse
from rnn_goldens.golden.precision import NUMBER_TYPES, PRECISIONS
from rnn_goldens.golden_result import Result, golden_and_precision, own_reason
from rnn_goldens.pages import Checked
from rnn_goldens.plugin import as_typed
from rnn_goldens.plugin.builtin_check.supervisor import run
from rnn_goldens.plugin.implementation import WRONG_USE
from rnn_goldens.plugin.run_results import passes_again
from rnn_goldens.programs.command import MARK

Document = dict[str, Any]


ENDINGS = (".txt", ".gradients.txt", ".skip.txt")
"""Endings of the files of an implementation: known failures, known failures of gradients, and goldens to skip."""


@dataclass(frozen=True)
class CheckRequest:
    """The options of the checks of a report, the same for every implementation."""

    corpus: Corpus  # the goldens
    # a folder; ``NAME.txt`` in it lists the known failures of the implementation NAME, ``NAME.gradients.txt`` the known
    # failures of its gradients, ``NAME.skip.txt`` goldens not to run
    known_failures: Path | None = None
    time_limit: float | None = None  # seconds for one golden; None for the default of ``rnn-goldens check``
    only: str = ""  # an expression that goldens must match, as pytest's ``-k``; "" for all
    processes: str = ""  # number of processes, as xdist's ``-n``; "" for one
    drawn: bool = False  # whether to collect pictures of wrong outputs
    gradients: bool = False  # whether to check gradients, too
    profile: Sequence[str] = ()  # names of the profile: the rounding errors that are allowed; empty for the default
    selection: Mapping[str, Any] = field(default_factory=dict)  # arguments of ``Corpus.select``; empty for all goldens
    dtypes: Sequence[str] = ()  # the precisions; empty for all
    revision: str = ""  # what the user calls the version of what is checked, such as a commit; "" for nothing
    progress: Callable[[int, int], None] | None = None  # called each second: goldens compared, selected

    def file(self, implementation: str, ending: str) -> Path | None:
        """Return the file of an implementation with one of the ``ENDINGS``; None if there is none."""
        path = None if self.known_failures is None else self.known_failures / f"{file_name(implementation)}{ending}"
        return path if path is not None and path.is_file() else None

    def wanted(self, *, back: bool) -> set[tuple[str, str]]:
        """Return the selected goldens and precisions, disregarding the expression ``only``."""
        return {
            (entry.id, dtype)
            for entry in self.corpus.select(**self.selection, gradients=back)
            for dtype in entry.checked_in(self.dtypes or PRECISIONS, gradients=back)
        }

    def arguments(self, implementation: str, *, back: bool) -> list[str]:
        """Return pytest's arguments to check outputs, or gradients."""
        known, skip = (self.file(implementation, ending) for ending in (ENDINGS[back], ENDINGS[-1]))
        options = {
            "dtype": list(self.dtypes or PRECISIONS),
            "corpus": self.corpus.folder,
            "time_limit": self.time_limit,
            "known_failures": known and known.resolve(),
            "skip": skip and skip.resolve(),
            "drawn": self.drawn,
            "gradients": back,
            "profile": list(self.profile),
            **self.selection,
        }
        only = ["-k", self.only] if self.only else []
        processes = ["-n", self.processes] if self.processes else []
        return [*as_typed(options), "-q", "--tb=no", "-p", "no:cacheprovider", "-W", "ignore", *only, *processes]


def check(implementation: str, request: CheckRequest) -> Checked:
    """Check an implementation, ``-- COMMAND`` for a program; the results are in the order of the corpus.

    Raises:
        WrongUse: the implementation could not be checked; the message has the output of its run.
        CutShort: not every golden was compared.
        InvalidFile: a known failure passes.
    """
    outputs = _checked(implementation, request, back=False)
    is_enough = not request.gradients or not request.wanted(back=True)
    return outputs if is_enough else replace(outputs, gradients=_checked(implementation, request, back=True))


def _checked(implementation: str, request: CheckRequest, *, back: bool) -> Checked:
    found = _run(implementation, request, back=back)
    if again := [golden_and_precision(result) for result in found.results if passes_again(result)]:
        listed = [f"{golden} passes: remove it, or narrow the line that covers it" for golden in again]
        raise InvalidFile(request.file(implementation, ENDINGS[back]) or implementation, listed)
    order = {golden_id: number for number, golden_id in enumerate(request.corpus.ids)}
    in_order = sorted(found.results, key=lambda r: (order[r["golden"]], list(NUMBER_TYPES).index(r["dtype"])))
    return replace(found, results=in_order)


def file_name(implementation: str) -> str:
    """Return an implementation's name for files, in which ``_`` replaces characters that file systems refuse."""
    return re.sub(r"[^\w.-]+", "_", implementation.removeprefix(MARK)).strip("_")


def known_of_none(implementations: Iterable[str], request: CheckRequest) -> list[Path]:
    """Return the files of known failures and skipped goldens whose names match none of the implementations."""
    called = {f"{file_name(name)}{ending}" for name in implementations for ending in ENDINGS}
    files = [] if request.known_failures is None else sorted(request.known_failures.glob("*.txt"))
    return [path for path in files if path.name not in called]


def _run(implementation: str, request: CheckRequest, *, back: bool) -> Checked:
    """Return the results of a run, without the golden and precision at the beginning of each reason."""
    finished = run(
        implementation, request.arguments(implementation, back=back), captured=True, progress=request.progress
    )
    document = finished.document or {}
    found: list[Result] = document["results"] if "results" in document else document.get("results_so_far", [])
    for result in found:
        if "reason" in result:
            result["reason"] = own_reason(result)
    if finished.code <= FINDING and (cut_short := finished.trouble or document.get("why", "")):
        raise CutShort(f"{implementation} could not be checked: {cut_short}")
    if finished.code > FINDING or "results" not in document:
        reasons = [result.get("reason", "") for result in found]
        lines = [*reasons, *finished.stdout.splitlines()]  # pytest cuts off long lines of stdout
        errors = (line.partition(WRONG_USE)[2].removesuffix(" !") for line in lines)  # without pytest's decoration
        message = finished.stderr.strip() or next(filter(None, errors), "") or finished.stdout.strip()
        raise WrongUse(f"{implementation} could not be checked: {message.removeprefix('Error: ')}")
    _require_all(implementation, found, request, back=back)
    return Checked(implementation, {}, found, document["causes"], finished.drawn)


def _require_all(implementation: str, found: Sequence[Result], request: CheckRequest, *, back: bool) -> None:
    """Raise CutShort unless each selected golden has one result; with ``request.only``, some may have none."""
    wanted = request.wanted(back=back)
    returned = [(result["golden"], result["dtype"]) for result in found]
    if (
        len(set(returned)) != len(returned)
        or not wanted.issuperset(returned)
        or (not request.only and wanted != set(returned))
    ):
        raise CutShort(
            f"{implementation} could not be checked: {len(wanted)} goldens and precisions were selected, "
            f"but {len(set(returned) & wanted)} have results"
        )
