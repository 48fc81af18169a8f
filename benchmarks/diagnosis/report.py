"""The page: a table by group, and what was told of those that are not named."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from benchmarks import page
from benchmarks.diagnosis.networks import is_inside
from benchmarks.diagnosis.telling import AMONG, HINT, OUTCOMES, PARTLY, SILENT, WRONG, Told

PAGE = "diagnosis.md"

INTRODUCTION = """# What a failing run says

<!-- Made by `python -m benchmarks.diagnosis --write`; do not edit. -->

Wrong networks, each asked every golden of its cell in float32 and diagnosed as a run is.

- **deviations**: every deviation of the catalogue in every cell it can befall, but for those inside a cell that are
  slips in torch; what it does to the question or to the outputs is done around torch's own layer, what it does inside
  is the definition in float32.
- **slips**: the same mistakes written by hand, as a few lines of networks that share nothing with this project: in
  torch operations, in JavaScript, in C, which has two cells of one layer, and in NumPy. Each is held against the
  deviation first, on every golden (`python -m benchmarks.slips`).
- **slip pairs**: two slips in torch at once, drawn.
- **pairs**: two at once, drawn from those where neither hides the other.
- **edits**: random edits of a NumPy network that is written without this project, one or two of them by seed
  ([how they are made](mutation.md)).

**named**: one cause explains the run, and it is the right one; of a pair both, and nothing else. **among others**: what
explains the run includes the right one, and it is said what is not told from it. **partly**: one of a pair, or a cause
that is said to be consistent with some failures. **hint**: no name, and facts that hold of every failure. **silent**:
nothing. **wrong name**: what is said to explain the run does not: it gives other outputs than the network does, on one
of 200 [drawn questions](mutation.md)."""


def report(asked: Sequence[Told], of: Mapping[str, int]) -> str:
    """The page: a table by group, and what was told of those that are not named; of so many networks of each group."""
    told = [one for one in asked if one.outcome]
    rows = [
        _row(
            group,
            f"{sum(one.group == group for one in asked):,} of {of[group]:,}",
            [t for t in told if t.group == group],
        )
        for group in dict.fromkeys(one.group for one in asked)
    ]
    inside = Counter(is_inside(one.what) for one in told if one.group == "deviations")
    how_many = (
        "**asked** of all, in an order that is drawn; what fails no golden in float32, or does not run, is left out of "
        "what follows.\n"
        f"Of deviations {inside[False]} are around torch's own layer, and {inside[True]} inside, for want of a slip."
    )
    parts = [
        INTRODUCTION,
        how_many,
        page.table(("", "asked", "fail", *OUTCOMES, "slowest, s"), [*rows, _row("together", f"{len(asked):,}", told)]),
    ]
    for outcome in (WRONG, SILENT, HINT, PARTLY, AMONG):
        lines = _listed(one for one in told if one.outcome == outcome and one.group != "edits")
        if lines:
            parts.append(f"## {outcome.capitalize()}, of all but edits\n\n" + "\n".join(lines))
    parts.append("## Edits\n\n" + "\n".join(_listed(one for one in told if one.group == "edits" and one.said)))
    return "\n\n".join([*parts, page.versions("numpy", "torch")]) + "\n"


def _row(name: str, asked: str, told: Sequence[Told]) -> list[object]:
    count = Counter(one.outcome for one in told)
    slowest = max((one.seconds for one in told), default=0.0)
    return [name, asked, len(told), *(count[outcome] for outcome in OUTCOMES), f"{slowest:.1f}"]


def _listed(told: Iterable[Told]) -> list[str]:
    return [f"- {one.cell}, {one.what}: {one.outcome}{f', {one.said}' if one.said else ''}"[:158] for one in told]
