"""What kinds of implementations can be asked and shown, and which sizes and options the corpus has."""

from collections.abc import Iterator, Sequence
from itertools import combinations

from benchmarks import page
from rnn_goldens.corpus import Corpus
from rnn_goldens.corpus.discrimination import Compared, Discrimination, discrimination
from rnn_goldens.corpus.index import Entry
from rnn_goldens.corpus.shown import KillMatrix, kill_matrix
from rnn_goldens.generator.coverage.dimensions import AT_ONCE, DIMENSIONS, HOLES, JUST, SIZES, WITH, is_hole
from rnn_goldens.generator.coverage.options import EXCLUSIVE, OPTIONS
from rnn_goldens.generator.coverage.profiles import PROFILES, Profile
from rnn_goldens.generator.hidden import HIDDEN_FROM_ZERO
from rnn_goldens.generator.hidden_backward import HIDDEN_BACKWARD_FROM_ZERO
from rnn_goldens.golden.shapes import CELLS

PRECISION = "float32"
"""That is counted in, where a profile has it."""

NOT_ASKED = "not asked"

Sized = tuple[Entry, dict[str, int]]
"""A golden, and how large it is in each dimension."""


def profiles(corpus: Corpus) -> str:
    """How many goldens apply to each kind of implementation, and how many deviations these can show."""
    parts = [PROFILES_SAID, "\n".join(f"- **{profile.name}**: {profile.sentence}" for profile in PROFILES)]
    for title, gradients in (("Outputs", False), ("Gradients", True)):
        matrix = kill_matrix(corpus, gradients=gradients)
        assert matrix is not None
        some = [p for p in PROFILES if not (gradients and (p.one_step or p.out_alone))]
        rows = [[cell, *(_cell_of(corpus, matrix, cell, p, gradients=gradients) for p in some)] for cell in CELLS]
        parts.append(f"### {title}\n\n" + page.table(["cell", *(profile.name for profile in some)], rows))
    return "\n\n".join([*parts, _hidden()])


PROFILES_SAID = """## Kinds of implementations

How many goldens the most common kinds can be asked, and how many of the deviations of their cell can show then, of all
that the corpus shows, in float32. A run says the same at its end, of what it compared, and which option adds most."""


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
    """What one layer from zero is not shown, although others are, and why."""
    by_reason: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for hidden in (*HIDDEN_FROM_ZERO, *HIDDEN_BACKWARD_FROM_ZERO):
        said = f"`{hidden.deviation}` ({', '.join(hidden.cells)})"
        by_reason.setdefault((hidden.reason, hidden.precisions), []).append(said)
    lines = [f"- {', '.join(held)}: {reason}: {', '.join(names)}." for (reason, held), names in by_reason.items()]
    said = "Every other deviation that it can have shows in every precision in which the corpus shows it. Not these:"
    return "\n\n".join(["### What one layer from zero is not shown", said, "\n".join(lines)])


def sizes(goldens: Sequence[Sized]) -> str:
    """How many goldens have each size of each dimension, and how many of these have gradients."""
    rows = []
    for dimension in DIMENSIONS:
        for cell in CELLS:
            cells = []
            for size in SIZES:
                having = [e for e, held in goldens if e.cell == cell and size <= held.get(dimension, 0) <= size * JUST]
                backward = sum(bool(entry.gradient_precisions) for entry in having)
                cells.append(NOT_ASKED if is_hole(cell, dimension, size) else f"{len(having)}, {backward}")
            rows.append([f"{dimension}, {cell}", *cells])
    holes = "\n".join(
        f"- {hole.dimension}, {', '.join(map(str, hole.sizes))} ({', '.join(hole.cells)}): {hole.reason}."
        for hole in HOLES
    )
    return "\n\n".join(
        [
            "## Sizes",
            "Goldens of each size, and how many of these have gradients. A size counts up to a quarter above it: 18 "
            "inputs of an upper layer are just above 16.",
            page.table(["dimension, cell", *map(str, SIZES)], rows),
            f"Not asked, and why:\n\n{holes}",
            "Goldens with an option that are at least so large, for what is cut off in one direction or layer alone:",
            page.table(["option, dimension, size", *CELLS], _with(goldens)),
            "One golden may count for several lines.",
            "Sizes that one golden has at once, for what fails where two of them are large:",
            page.table(["", "sizes", "gradients"], _at_once()),
            "Larger sizes than these are asked one at a time: what fails only with 33 units in 33 rows is not seen.",
        ]
    )


def _at_once() -> Iterator[list[object]]:
    for at_once in AT_ONCE:
        yield [at_once.network, at_once.large, "asked, too" if at_once.backward else "not asked"]


def _with(goldens: Sequence[Sized]) -> Iterator[list[object]]:
    for feature, least in WITH.items():
        for dimension, size in least.items():
            having = [e.cell for e, held in goldens if feature in e.features and held.get(dimension, 0) >= size]
            yield [f"{feature}, {dimension}, {size}", *map(having.count, CELLS)]


def options(goldens: Sequence[Sized]) -> str:
    """For each pair of options, the fewest goldens of a cell that have it."""
    rows = []
    for a, b in combinations(OPTIONS, 2):
        cells = []
        for given in ((True, True), (True, False), (False, True), (False, False)):
            counts = [_having(goldens, cell, dict(zip((a, b), given, strict=True))) for cell in CELLS]
            cells.append(NOT_ASKED if all(given) and {a, b} in EXCLUSIVE else str(min(counts)))
        rows.append([f"{a}, {b}", *cells])
    return "\n\n".join(
        [
            "## Options",
            "Options of the call and of the constructor, two at a time: the fewest goldens of a cell that have the one "
            "and the other, the one without the other, the other without the one, and neither.",
            page.table(["options", "both", "first alone", "second alone", "neither"], rows),
        ]
    )


def _having(goldens: Sequence[Sized], cell: str, given: dict[str, bool]) -> int:
    of_cell = [entry for entry, _ in goldens if entry.cell == cell]
    return sum(all((option in e.features) == there for option, there in given.items()) for e in of_cell)
