"""Counts the goldens of every size, and the errors of activations that they detect.

The coverage gate of ``rnn-goldens generate`` (``generator/coverage``) has the requirements: it is wrong if something is
not covered and not listed with a reason.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from benchmarks import page
from benchmarks.benchmark import PROCESSES, Measured
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.corpus import open_corpus
from rnn_goldens.generator.coverage import activation_arguments, dimensions, recurrence_sizes, size_pairs
from rnn_goldens.generator.coverage.activation_arguments import Observation, Place, SmallestErrors
from rnn_goldens.generator.coverage.coverage_gate import (
    require_covered,
    require_covered_backward,
    require_pairs,
    require_recurrence_sizes,
)
from rnn_goldens.generator.coverage.dimensions import AT_ONCE, DIMENSIONS, JUST, SIZES, SizeGap
from rnn_goldens.generator.coverage.implementation_kinds import IMPLEMENTATION_KINDS
from rnn_goldens.generator.coverage.recurrence_sizes import BACKWARD_GAPS, GAPS, Having
from rnn_goldens.generator.scenario import Refused
from rnn_goldens.golden.built_in_cells import CELLS, LAYOUTS
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.recurrences import RECURRENCES

NOT_COVERED, EMBEDDED = "none", "embedded"


def measured() -> Measured:
    """Return the section, and what is not covered."""
    corpus = open_corpus()
    goldens = [corpus.load(entry.id, "float64") for entry in corpus.select(cell=LAYOUTS)]
    backward = [corpus.load(e.id, "float64", gradients=True) for e in corpus.select() if e.gradient_precisions]
    recurrences = [corpus.load(entry.id, "float64") for entry in corpus.select(cell=RECURRENCES)]
    recurrences_backward = [
        corpus.load(entry.id, "float64", gradients=True)
        for entry in corpus.select(cell=RECURRENCES)
        if entry.gradient_precisions
    ]
    with ProcessPoolExecutor(PROCESSES) as pool:
        observed = list(pool.map(_observed, [golden.id for golden in goldens], chunksize=4))
    try:
        require_pairs([*goldens, *recurrences])
        require_recurrence_sizes(recurrences)
        require_recurrence_sizes(recurrences_backward, backward=True)
        require_covered(goldens, observed)
        require_covered_backward(backward)
    except Refused as gaps:
        return Measured("", [str(gaps)])
    with_gradients = {golden.id for golden in backward}
    parts = [
        TITLE,
        kinds(),
        sizes(goldens, with_gradients),
        sizes_of_recurrences(recurrences, recurrences_backward),
        activations(activation_arguments.coverage(observed)),
    ]
    return Measured("\n\n".join(part.strip() for part in parts))


def _observed(golden_id: str) -> list[Observation]:
    return activation_arguments.observe(open_corpus().load(golden_id, dtype="float64"))


TITLE = """## What the corpus covers

`rnn-goldens generate` refuses a corpus without goldens of every size, of networks and recurrences, and every pair of
options, with and without gradients, and of every band of an activation's argument, unless the reason is listed. For
each pair of options, every cell has goldens with both, with either one, and with neither; only `lengths` and
`unbatched` exclude each other."""

KINDS = """### Kinds of implementations

For each kind of implementation, the goldens that it can run detect every [known bug](../deviations.md) that it can
have; [the exceptions](../../generator/undetected.toml) are listed with reasons, and `rnn-goldens generate`
refuses any other. Every run prints how many of the bugs its goldens detect.

"""


def kinds() -> str:
    """Return the list of the kinds of implementations."""
    return KINDS + "\n".join(f"- **{kind.name}**: {kind.sentence}" for kind in IMPLEMENTATION_KINDS)


def sizes(goldens: Sequence[Golden], with_gradients: set[str]) -> str:
    """Return a table of how many goldens have each size of each dimension, and how many of these have gradients."""
    sized = [(golden, dimensions.sizes_of(golden.network, golden.x.shape)) for golden in goldens]

    def count(cell: str, dimension: str, size: int) -> str:
        having = [g.id for g, by in sized if g.cell == cell and size <= by.get(dimension, 0) <= size * JUST]
        covered = f"{len(having)}, {len(with_gradients.intersection(having))}"
        return NOT_COVERED if dimensions.is_gap(cell, dimension, size) else covered

    rows = [[f"{d}, {cell}", *(count(cell, d, size) for size in SIZES)] for d in DIMENSIONS for cell in CELLS]
    return "\n\n".join(
        [
            "### Sizes",
            "Goldens of each size, and how many of them have gradients. A size counts up to a quarter above it, so 18 "
            "inputs count as 17.",
            page.table(["dimension, cell", *map(str, SIZES)], rows),
            "Sizes without a golden, and why:\n\n" + _listed(dimensions.GAPS),
            "Sizes that one golden has at the same time, for bugs that need two large sizes:\n\n"
            + "\n".join(
                f"- {one.network}: {one.large}{', also with gradients' if one.backward else ''}." for one in AT_ONCE
            ),
            _pairs(),
        ]
    )


def _pairs() -> str:
    """Return the pairs of larger sizes that each cell has in float32."""
    units, steps = ", ".join(map(str, size_pairs.TILES)), size_pairs.STEPS[-1]
    return (
        f"In float32, goldens of each standard cell have {units} units with as many rows, with as many inputs, "
        f"with {steps} steps and in {size_pairs.LAYERS} layers; each dialect has "
        f"{', and '.join(map(str, size_pairs.OF_DIALECTS))}. A bug that needs three large sizes, or more rows than "
        "units, may not be detected."
    )


RECURRENCES_INTRODUCTION = f"""### Sizes of recurrences

Goldens of each size as stored, and how many of them have gradients. “{EMBEDDED}”: [embedded](../kernel-sizes.md) in
that size. A size counts only if a kernel that loses its last place fails and, for gradients, if the last place has one.
Query heads grow with heads; steps and the width of a convolution cannot grow."""


def sizes_of_recurrences(goldens: Sequence[Golden], backward: Sequence[Golden]) -> str:
    """Return a table of how goldens of recurrences have each size of each dimension, and those with gradients."""
    forward = recurrence_sizes.having(goldens, recurrence_sizes.counts_forward)
    gradients = recurrence_sizes.having(backward, recurrence_sizes.counts_backward)

    def how(cell: str, dimension: str, size: int) -> str:
        place = recurrence_sizes.Place(cell, dimension, size)
        both = [_how(forward[place]), _how(gradients[place])]
        return both[0] if both[0] == both[1] and not both[0].isdigit() else ", ".join(both)

    rows = [
        [
            f"{dimension}, {cell}",
            *(how(cell, dimension, size) for size in recurrence_sizes.SIZES),
        ]
        for dimension in dict.fromkeys(place.dimension for place in forward)
        for cell in RECURRENCES
        if dimension in recurrence_sizes.dimensions_of(cell)
    ]
    return "\n\n".join(
        [
            RECURRENCES_INTRODUCTION,
            page.table(["dimension, cell", *map(str, recurrence_sizes.SIZES)], rows),
            "Sizes of recurrences without a golden, and why:\n\n" + _listed(GAPS),
            "Further sizes without gradients, and why:\n\n" + _listed(BACKWARD_GAPS),
        ]
    )


def _how(having: Having) -> str:
    return str(having.stored) if having.stored else EMBEDDED if having.embedded else NOT_COVERED


def _listed(gaps: Sequence[SizeGap]) -> str:
    """Return a list of gaps; those of a dimension that have the same reason are one item."""
    items: dict[tuple[str, str], list[str]] = {}
    for gap in gaps:
        text = f"{', '.join(map(str, gap.sizes))} ({', '.join(gap.cells)})"
        items.setdefault((gap.dimension, gap.reason), []).append(text)
    return "\n".join(f"- {dimension}, {'; '.join(of)}: {reason}." for (dimension, reason), of in items.items())


ARGUMENTS_INTRODUCTION = """### Arguments of activations

For each activation and each band of the size of its argument, the result was changed by the smallest error that some
golden detects, in roundoffs of the precision. The table has the smallest and the largest of all bands; of both signs of
the argument, the larger value counts. “none”: some bands are not checked there. A correct activation may have an error
of 8 roundoffs, so the smallest possible value in float32 and float64 is 16. Chaotic goldens are left out."""


def activations(found: Mapping[Place, SmallestErrors]) -> str:
    """Return a table of the smallest detected errors of each activation in each precision."""
    rows = [
        [f"{cell}: {label}", *(_range(found, cell, label, precision) for precision in PRECISIONS)]
        for cell in activation_arguments.CELLS
        for label in activation_arguments.functions(cell)
    ]
    not_covered = "\n".join(
        f"- {cell}, {label}, from {edge:g} on, {precision}{of}: {why}."
        for listed, of in (
            (activation_arguments.GAPS, ""),
            (activation_arguments.GAPS_FROM_ZERO, ", of one layer from zero"),
        )
        for (cell, label), edge, precision, why in listed
    )
    table = page.table(["activation", *PRECISIONS], rows)
    return "\n\n".join([ARGUMENTS_INTRODUCTION, table, f"Bands that are not checked, and why:\n\n{not_covered}"])


def _range(found: Mapping[Place, SmallestErrors], cell: str, label: str, precision: str) -> str:
    errors = {band: found[cell, label, band].get(precision, (np.inf, ""))[0] for band in activation_arguments.bands()}
    of_both_signs = [max(error, errors[-band[1], -band[0]]) for band, error in errors.items()]
    detected = [error for error in of_both_signs if error < np.inf]
    text = f"{min(detected):.1f} to {max(detected):.1f}"
    return text if len(detected) == len(of_both_signs) else f"{text}, or {NOT_COVERED}"
