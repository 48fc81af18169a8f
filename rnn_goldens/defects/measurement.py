"""Runs the goldens of defects in the engines that are installed, as ``rnn-goldens check`` does, and shows the findings.

All goldens of an implementation run in one process. If that process ends early, the goldens without a result run again,
each in a process of its own: a golden whose process ends has the end as its result.
"""

import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path

from rnn_goldens.corpus import open_corpus
from rnn_goldens.defects.catalogue import Defect
from rnn_goldens.errors import FINDING
from rnn_goldens.golden_result import FAILED, PASSED, UNCHECKED, Result, golden_and_precision, own_reason
from rnn_goldens.golden_result import REFUSED as GOLDEN_REFUSED
from rnn_goldens.implementations import BUILTIN
from rnn_goldens.plugin import as_typed
from rnn_goldens.plugin.builtin_check.supervisor import run
from rnn_goldens.plurals import counted

PRESENT, ABSENT, OTHERWISE, REFUSED = "present", "not present", "fails otherwise", "refused"
NOT_RUN, NOT_INSTALLED, NO_ADAPTER = "not run", "not installed", "no adapter"
"""States of a defect: its golden fails as listed, passes, fails in another way, or is refused; its engine could not be
run; a package is not installed; or the adapter, which only the repository has, is not here."""

HERE = (PRESENT, ABSENT, OTHERWISE, REFUSED, NOT_RUN)
"""States of defects whose engine is installed and has its adapter."""


@dataclass(frozen=True)
class Finding:
    """What was found of a defect in the installed version of its engine, which is "" if none is installed.

    The detail is the reason of a failure or refusal, why the engine did not run, or what is missing; else "".
    """

    defect: Defect
    state: str
    version: str = ""
    detail: str = ""

    @property
    def correction(self) -> str:
        """Return how the list differs from what was found, and what to edit; "" if it does not."""
        listed = f'versions = "{self.defect.versions}"'
        here = f"{self.defect.engine} {self.version}"
        if self.state == PRESENT and not self.defect.covers(self.version):
            return f"is present in {here}: extend {listed}"
        if self.state == ABSENT and self.defect.covers(self.version):
            return f"is not present in {here}: exclude that version from {listed}"
        if self.state == OTHERWISE and self.defect.covers(self.version):
            return f"{here} fails, but not as listed: correct the entry, or add another. {self.detail}"
        if self.state == NOT_RUN:
            return f"{here} could not be run: {self.detail}"
        return ""


def measured(defects: Sequence[Defect]) -> Iterator[Finding]:
    """Yield the state of each defect here, one implementation after the other."""
    by_run = sorted(defects, key=_run_of)  # stable: the order within a run is that of the list
    for _, of_run in groupby(by_run, key=_run_of):
        yield from _of_run(list(of_run))


def _run_of(defect: Defect) -> tuple[str, str, list[tuple[str, str]], bool]:
    """Return what defects must have in common to be run together."""
    return defect.engine, defect.implementation, sorted(defect.environment.items()), defect.gradients


def _of_run(defects: Sequence[Defect]) -> Iterator[Finding]:
    first = defects[0]
    try:
        installed = version(first.engine)
    except PackageNotFoundError:
        yield from (Finding(defect, NOT_INSTALLED, detail=first.engine) for defect in defects)
        return
    if missing := _missing(first.implementation):
        state = NOT_INSTALLED if first.implementation in BUILTIN else NO_ADAPTER
        yield from (Finding(defect, state, installed, missing) for defect in defects)
        return
    found = dict(_run(defects))
    for defect in defects:
        if defect.id not in found and len(defects) > 1:
            found |= _run([defect])
        result = found.get(defect.id, "it gave no result")
        if isinstance(result, str):
            yield Finding(defect, NOT_RUN, installed, result)
        else:
            yield Finding(defect, _state(defect, result), installed, own_reason(result))


def _missing(implementation: str) -> str:
    """Return the package or the repository's adapter that an implementation lacks here; "" if it lacks none.

    A user's own adapter is run, so that an adapter that cannot be imported is reported.
    """
    if implementation in BUILTIN:
        return next((name for name in BUILTIN[implementation].needs if find_spec(name) is None), "")
    parts = implementation.partition(":")[0].split(".")
    file = Path(*parts).with_suffix(".py")
    is_here = any(Path(at, file).is_file() for at in ("", *sys.path))
    return str(file) if parts[0] == "conformance" and not is_here else ""


def _state(defect: Defect, result: Result) -> str:
    if result["outcome"] == PASSED:
        return ABSENT
    if result["outcome"] == GOLDEN_REFUSED:
        return REFUSED
    as_listed = (
        not defect.deviation or defect.deviation in result.get("explained_by", ()),
        not defect.fact or result.get("facts", {}).get(defect.fact) is True,
        defect.reason in result.get("reason", ""),
    )
    return PRESENT if all(as_listed) else OTHERWISE


def _run(defects: Sequence[Defect]) -> Iterator[tuple[str, Result | str]]:
    """Run goldens in one process; yields ids with results, or why there is none, but not if other goldens ended it."""
    first = defects[0]
    finished = run(first.implementation, _arguments(defects), captured=True, environment=first.environment)
    document = finished.document or {}
    rows: Sequence[Result] = document.get("results") or document.get("results_so_far", ())
    by_place = {golden_and_precision(row): row for row in rows if row["outcome"] != UNCHECKED}
    for defect in defects:
        place = f"{defect.golden} in {defect.dtype}"
        if place in by_place:
            yield defect.id, by_place[place]
        elif finished.document is None or finished.code > FINDING:
            printed = (finished.stderr.strip() or finished.stdout.strip()).splitlines() or ["it printed nothing"]
            line = printed[-1 if printed[0].startswith("Traceback") else 0].removeprefix("Error: ")
            yield defect.id, finished.trouble or line
        elif len(defects) == 1:
            ended: Result = {"golden": defect.golden, "dtype": defect.dtype, "test": "", "outcome": FAILED}
            yield defect.id, {**ended, "reason": finished.trouble}


def _arguments(defects: Sequence[Defect]) -> list[str]:
    """Return pytest's arguments that select exactly the goldens and precisions of defects."""
    corpus = open_corpus()
    options = {
        "ids": [d.golden for d in defects],
        "cell": list(dict.fromkeys(corpus.entry(d.golden).cell for d in defects)),
        "dtype": list(dict.fromkeys(d.dtype for d in defects)),
        "gradients": defects[0].gradients,
    }
    exactly = " or ".join(f"[{d.golden}-{d.dtype}]" for d in defects)
    return [*as_typed(options), "-k", exactly, "-q", "--tb=no", "-p", "no:cacheprovider", "-W", "ignore"]


_WIDTH, _INDENT = 80, "  "


def row(finding: Finding) -> Iterator[str]:
    """Yield the lines of a defect whose engine is installed: the state here, what is known, and the report."""
    defect = finding.defect
    yield from _wrapped(f"{finding.state}: {defect.engine} {finding.version}, {defect.place}", "", _INDENT)
    deviation = f" ({defect.deviation})" if defect.deviation else ""
    yield from _wrapped(f"{defect.engine} {defect.versions}: {defect.effect}{deviation}", _INDENT)
    yield f"{_INDENT}{defect.issue or 'no report is known'}"
    if finding.state != PRESENT and finding.detail:
        yield from _wrapped(finding.detail.partition("\n")[0], _INDENT)


def summary(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield counts of what was run, and what was not run and why."""
    counts = Counter(finding.state for finding in findings)
    run = ", ".join(f"{counts[state]} {state}" for state in HERE if counts[state])
    yield f"{counted(sum(counts[state] for state in HERE), 'defect')} run: {run}" if run else "no defect was run"
    for state, why in ((NOT_INSTALLED, "not installed"), (NO_ADAPTER, "needs an adapter of the repository")):
        missing = Counter(f.detail if state == NOT_INSTALLED else f.defect.engine for f in findings if f.state == state)
        if missing:
            named = ", ".join(f"{name} ({count})" for name, count in missing.items())
            yield from _wrapped(f"{counts[state]} {why}: {named}", "", _INDENT)
    if counts[NO_ADAPTER]:
        yield f"{_INDENT}run this command in a checkout of rnn-goldens"
    if counts[REFUSED]:
        yield "A refused golden shows nothing about its defect."


def corrections(findings: Iterable[Finding], path: str) -> Iterator[str]:
    """Yield how a list of defects differs from what was found; nothing if it does not."""
    wrong = [finding for finding in findings if finding.correction]
    if wrong:
        yield f"{path} differs:"
    for finding in wrong:
        yield from _wrapped(f"{finding.defect.id}: {finding.correction}", _INDENT)


def reported(reports: Mapping[str, str], deviations: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield the lines of the reports, each with the names of the deviations that stand for it."""
    for issue, effect in reports.items():
        yield from _wrapped(f"{issue}: {effect}", "", _INDENT)
        yield from _wrapped(", ".join(deviations.get(issue, ())) or "no deviation", _INDENT)
    without = sum(issue not in deviations for issue in reports)
    yield f"{counted(len(reports), 'report')}; {without} without a deviation: docs/deviations.md says why"


def as_json(finding: Finding) -> dict[str, object]:
    """Return a finding as the entry of a JSON list."""
    defect: Defect = finding.defect
    return {
        "id": defect.id,
        "engine": defect.engine,
        "installed": finding.version or None,
        "versions": defect.versions,
        "implementation": defect.implementation,
        "golden": defect.golden,
        "dtype": defect.dtype,
        "gradients": defect.gradients,
        "state": finding.state,
        "as_listed": not finding.correction,
        "detail": finding.detail,
        "effect": defect.effect,
        "deviation": defect.deviation or None,
        "issue": defect.issue or None,
    }


def _wrapped(text: str, indent: str, hanging: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
