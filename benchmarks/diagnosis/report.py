"""Writes the section: a table by group, and lists of the networks whose cause was not identified."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from benchmarks import page
from benchmarks.diagnosis.networks import SINGLE, changes_steps
from benchmarks.diagnosis.outcomes import AMONG, DRAWN, HINT, OUTCOMES, PARTLY, SILENT, WRONG, Result

IN_FULL, BRIEFLY = (WRONG, SILENT), (HINT, PARTLY, AMONG)

INTRODUCTION = f"""## Causes of wrong outputs

Wrong networks were checked in float32 against every golden of their cell; the table says how often the run
identified the right cause.

- **deviations**: every known bug in every cell that it applies to.
- **slips in NumPy**: mistakes written by hand as edits of a few lines of [an independent
  network](../../benchmarks/diagnosis).
- **pairs**: two random bugs at once, neither of which hides the other.

**identified**: one cause explains the run, and it is right (for a pair: both). **among others**: the right cause is
listed with causes that cannot be distinguished. **partly**: one of a pair, or a cause that explains some failures.
**hint**: no cause, but facts that are true for every failure. **silent**: nothing. **wrong cause**: the outputs of the
identified cause differ from those of the network in one of {DRAWN} random cases."""


def report(results: Sequence[Result], of: Mapping[str, int]) -> str:
    """Return the section; ``of`` is the number of networks in each group."""
    failing = [one for one in results if one.outcome]
    groups = {group: [one for one in results if one.network[0] == group] for group in of}
    rows = [_row(group, f"{len(some):,} of {of[group]:,}", some) for group, some in groups.items() if some]
    inside = Counter(changes_steps(one.network[2][0]) for one in failing if one.network[0] == SINGLE)
    how_many = (
        "Networks that fail no golden in float32 are left out. "
        f"Deviations around torch's own layer: {inside[False]}; inside the cell: {inside[True]}."
    )
    table = page.table(
        ("", "run", "fail", *OUTCOMES, "slowest, s"), [*rows, _row("together", f"{len(results):,}", results)]
    )
    lists = {outcome: _listed(one for one in failing if one.outcome == outcome) for outcome in IN_FULL}
    parts = [f"### {outcome.capitalize()}\n\n{lines}" for outcome, lines in lists.items() if lines]
    brief = [_briefly(outcome, failing) for outcome in BRIEFLY]
    return "\n\n".join([INTRODUCTION, how_many, table, *parts, "\n".join(filter(None, brief))]) + "\n"


def _briefly(outcome: str, failing: Sequence[Result]) -> str:
    """Return a list of the single deviations with an outcome, each with its cells."""
    cells: dict[str, list[str]] = {}
    for one in failing:
        group, cell, names = one.network
        if one.outcome == outcome and group == SINGLE:
            cells.setdefault(names[0], []).append(cell)
    listed = ", ".join(f"`{name}` ({', '.join(sorted(where))})" for name, where in sorted(cells.items()))
    return f"- {outcome}: {listed}." if listed else ""


def _row(name: str, ran: str, results: Sequence[Result]) -> list[object]:
    count = Counter(one.outcome for one in results if one.outcome)
    slowest = max((one.seconds for one in results), default=0.0)
    return [name, ran, count.total(), *(count[outcome] for outcome in OUTCOMES), f"{slowest:.1f}"]


def _listed(results: Iterable[Result]) -> str:
    lines = []
    for one in results:
        group, cell, names = one.network
        lines.append(f"- {cell}, {group}, {' & '.join(names)}{f': {one.causes}' if one.causes else ''}"[:158])
    return "\n".join(sorted(lines))
