"""The page: a table by group, and what was said of those that are not named."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from benchmarks import page
from benchmarks.diagnosis.networks import ALONE, is_inside
from benchmarks.diagnosis.outcomes import AMONG, DRAWN, HINT, OUTCOMES, PARTLY, SILENT, WRONG, Result

PAGE = "diagnosis.md"

NOT_NAMED = (WRONG, SILENT, HINT, PARTLY, AMONG)

INTRODUCTION = f"""# What a failing run says

<!-- Made by `python -m benchmarks.diagnosis --write`; do not edit. -->

Wrong networks, each checked against every golden of its cell in float32 and diagnosed as a run is.

- **deviations**: every deviation of the catalogue in every cell it can be in. What it does to the inputs or to the
  outputs is done around torch's own layer; what it does inside is the definition in float32.
- **slips in NumPy**: mistakes written by hand, as edits of a few lines of [a network](../../benchmarks/diagnosis) that
  shares nothing with this project. A test holds each against the deviation it is named after, on every golden.
- **pairs**: two deviations at once, drawn from those where neither hides the other.

**named**: one cause explains the run, and it is the right one; of a pair both, and nothing else. **among others**: what
explains the run includes the right one, and the run says what it cannot be told from. **partly**: one of a pair, or a
cause that is said to be consistent with some failures. **hint**: no name, and facts that hold of every failure.
**silent**: nothing. **wrong name**: what is said to explain the run does not: it gives other outputs than the network
does, in one of {DRAWN} drawn cases."""


def report(results: Sequence[Result], of: Mapping[str, int]) -> str:
    """The page: a table by group, and what was said of those that are not named; of so many networks of each group."""
    failing = [one for one in results if one.outcome]
    groups = {group: [one for one in results if one.network[0] == group] for group in of}
    rows = [_row(group, f"{len(some):,} of {of[group]:,}", some) for group, some in groups.items() if some]
    inside = Counter(is_inside(one.network[2][0]) for one in failing if one.network[0] == ALONE)
    how_many = (
        "What fails no golden in float32, or cannot be at all, is left out of what follows. Of deviations "
        f"{inside[False]} are around torch's own layer, and {inside[True]} inside."
    )
    table = page.table(
        ("", "run", "fail", *OUTCOMES, "slowest, s"), [*rows, _row("together", f"{len(results):,}", results)]
    )
    lists = {outcome: _listed(one for one in failing if one.outcome == outcome) for outcome in NOT_NAMED}
    parts = [f"## {outcome.capitalize()}\n\n{lines}" for outcome, lines in lists.items() if lines]
    return "\n\n".join([INTRODUCTION, how_many, table, *parts, page.versions("numpy", "torch")]) + "\n"


def _row(name: str, asked: str, results: Sequence[Result]) -> list[object]:
    count = Counter(one.outcome for one in results if one.outcome)
    slowest = max((one.seconds for one in results), default=0.0)
    return [name, asked, count.total(), *(count[outcome] for outcome in OUTCOMES), f"{slowest:.1f}"]


def _listed(results: Iterable[Result]) -> str:
    lines = []
    for one in results:
        group, cell, names = one.network
        lines.append(f"- {cell}, {group}, {' & '.join(names)}{f': {one.said}' if one.said else ''}"[:158])
    return "\n".join(sorted(lines))
