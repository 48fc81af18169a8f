"""Findings and reports as text for a terminal of 80 columns."""

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rnn_goldens.defects.catalogue import Defect
from rnn_goldens.defects.measurement import HERE, NO_ADAPTER, NOT_INSTALLED, PRESENT, REFUSED, Finding
from rnn_goldens.plurals import counted

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
