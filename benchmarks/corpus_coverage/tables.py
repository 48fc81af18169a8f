"""Tables of the kinds of implementations, the sizes and the options that the corpus covers."""

from collections.abc import Iterator, Sequence
from itertools import combinations

from benchmarks import page
from rnn_goldens.corpus import Corpus
from rnn_goldens.corpus.discrimination import Compared, Discrimination, discrimination
from rnn_goldens.corpus.index import Entry
from rnn_goldens.corpus.kill_matrix import KillMatrix, kill_matrix
from rnn_goldens.generator.coverage.dimensions import AT_ONCE, DIMENSIONS, GAPS, JUST, SIZES, WITH, is_gap
from rnn_goldens.generator.coverage.options import EXCLUSIVE, OPTIONS
from rnn_goldens.generator.coverage.profiles import PROFILES, Profile
from rnn_goldens.generator.undetected import HIDDEN_FROM_ZERO
from rnn_goldens.generator.undetected_gradients import HIDDEN_BACKWARD_FROM_ZERO
from rnn_goldens.golden.built_in_cells import CELLS

PRECISION = "float32"
"""Precision that the tables count in, where a profile supports it."""

NOT_COVERED = "none"

Sized = tuple[Entry, dict[str, int]]
"""A golden and its size in each dimension."""


def profiles(corpus: Corpus) -> str:
    """Return tables of how many goldens each kind of implementation can run, and how many deviations they detect."""
    parts = [PROFILES_INTRODUCTION, "\n".join(f"- **{profile.name}**: {profile.sentence}" for profile in PROFILES)]
    for title, gradients in (("Outputs", False), ("Gradients", True)):
        matrix = kill_matrix(corpus, gradients=gradients)
        assert matrix is not None
        some = [p for p in PROFILES if not (gradients and (p.one_step or p.out_alone))]
        rows = [[cell, *(_cell_of(corpus, matrix, cell, p, gradients=gradients) for p in some)] for cell in CELLS]
        parts.append(f"{title}:\n\n" + page.table(["cell", *(profile.name for profile in some)], rows))
    return "\n\n".join([*parts, _hidden()])


PROFILES_INTRODUCTION = """### Kinds of implementations

The number of goldens that each kind of implementation can run in float32, and the number of known bugs that these
goldens detect, of all that the corpus detects in the cell. Every run prints the same figures for its implementation."""


def _cell_of(corpus: Corpus, matrix: KillMatrix, cell: str, profile: Profile, *, gradients: bool) -> str:
    precision = PRECISION if PRECISION in profile.precisions else profile.precisions[0]
    entries = [e for e in corpus.entries if e.cell == cell and (e.gradient_precisions or not gradients)]
    compared = [
        Compared(entry.id, precision, out_alone=profile.out_alone)
        for entry in entries
        if profile.can(entry.features) and precision in (entry.gradient_precisions if gradients else entry.precisions)
    ]
    by_precision = discrimination(matrix, cell, entries, compared, gradients=gradients)
    found = by_precision.get(precision, Discrimination(goldens=0, shown=0, total=0))
    return f"{found.goldens}: {found.shown} of {found.total}"


def _hidden() -> str:
    """Return a list of the deviations that no golden with one layer and a zero initial state detects, with reasons."""
    by_reason: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for hidden in (*HIDDEN_FROM_ZERO, *HIDDEN_BACKWARD_FROM_ZERO):
        name = f"`{hidden.deviation}` ({', '.join(hidden.cells)})"
        by_reason.setdefault((hidden.reason, hidden.precisions), []).append(name)
    lines = [
        f"- {', '.join(precisions)}: {reason}: {', '.join(names)}." for (reason, precisions), names in by_reason.items()
    ]
    introduction = "Bugs that one layer from zero can have, and that only goldens with more options detect:"
    return "\n\n".join([introduction, "\n".join(lines)])


def sizes(goldens: Sequence[Sized]) -> str:
    """Return tables of how many goldens have each size of each dimension, and how many of these have gradients."""
    rows = []
    for dimension in DIMENSIONS:
        for cell in CELLS:
            cells = []
            for size in SIZES:
                having = [
                    e for e, by_name in goldens if e.cell == cell and size <= by_name.get(dimension, 0) <= size * JUST
                ]
                backward = sum(bool(entry.gradient_precisions) for entry in having)
                cells.append(NOT_COVERED if is_gap(cell, dimension, size) else f"{len(having)}, {backward}")
            rows.append([f"{dimension}, {cell}", *cells])
    gaps = "\n".join(
        f"- {gap.dimension}, {', '.join(map(str, gap.sizes))} ({', '.join(gap.cells)}): {gap.reason}." for gap in GAPS
    )
    return "\n\n".join(
        [
            "### Sizes",
            "Goldens of each size, and how many of them have gradients. A size counts up to a quarter above it, so 18 "
            "inputs count as 17.",
            page.table(["dimension, cell", *map(str, SIZES)], rows),
            f"Sizes without a golden, and why:\n\n{gaps}",
            "Goldens with an option and at least this size, for bugs in one direction or layer only:",
            page.table(["option, dimension, size", *CELLS], _with(goldens)),
            "Sizes that one golden has at the same time, for bugs that need two large sizes:",
            page.table(["", "sizes", "gradients"], _at_once()),
            "Larger sizes are tested one at a time: a bug that needs 33 units and 33 rows is not detected.",
        ]
    )


def _at_once() -> Iterator[list[object]]:
    for at_once in AT_ONCE:
        yield [at_once.network, at_once.large, "yes" if at_once.backward else "no"]


def _with(goldens: Sequence[Sized]) -> Iterator[list[object]]:
    for feature, least in WITH.items():
        for dimension, size in least.items():
            having = [e.cell for e, by_name in goldens if feature in e.features and by_name.get(dimension, 0) >= size]
            yield [f"{feature}, {dimension}, {size}", *map(having.count, CELLS)]


def options(goldens: Sequence[Sized]) -> str:
    """Return a table of the smallest number of goldens of any cell, for each pair of options."""
    rows = []
    for a, b in combinations(OPTIONS, 2):
        cells = []
        for present in ((True, True), (True, False), (False, True), (False, False)):
            counts = [_having(goldens, cell, dict(zip((a, b), present, strict=True))) for cell in CELLS]
            cells.append(NOT_COVERED if all(present) and {a, b} in EXCLUSIVE else str(min(counts)))
        rows.append([f"{a}, {b}", *cells])
    return "\n\n".join(
        [
            "### Options",
            "For each pair of options, the smallest number of goldens of any cell that have both, one or neither:",
            page.table(["options", "both", "first alone", "second alone", "neither"], rows),
        ]
    )


def _having(goldens: Sequence[Sized], cell: str, present: dict[str, bool]) -> int:
    of_cell = [entry for entry, _ in goldens if entry.cell == cell]
    return sum(all((option in e.features) == wanted for option, wanted in present.items()) for e in of_cell)
