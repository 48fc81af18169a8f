"""The coverage gate: refuses a corpus that misses arguments, sizes, options or deviations that it should cover."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import combinations, product

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.corpus.kill_matrix import Undetected
from rnn_goldens.deviations import integer_lstms
from rnn_goldens.generator.coverage import (
    activation_arguments,
    dimensions,
    implementation_kinds,
    recurrence_sizes,
    size_pairs,
)
from rnn_goldens.generator.coverage.activation_arguments import coverage
from rnn_goldens.generator.coverage.activation_arguments import missing as missing_arguments
from rnn_goldens.generator.coverage.dimensions import AT_ONCE, SizeCombination, Sizes
from rnn_goldens.generator.coverage.implementation_kinds import IMPLEMENTATION_KINDS, ONE_LAYER, OUT_ALONE
from rnn_goldens.generator.kill_matrix import KillMatrix
from rnn_goldens.generator.scenario import Refused
from rnn_goldens.golden.built_in_cells import CELLS, LAYOUTS
from rnn_goldens.plurals import counted

OPTIONS = ("bias", "state", "lengths", "unbatched", "bidirectional", "multilayer")
"""Features that correspond to arguments of a call or of the constructor."""

EXCLUSIVE = ({"lengths", "unbatched"},)
"""Pairs that exclude each other: lengths require a batch."""


def require_covered(goldens: Sequence[Golden], covered: Sequence[Sequence[activation_arguments.Observation]]) -> None:
    """Raise Refused if goldens lack arguments or pieces of activations, sizes of a dimension, or pairs of options."""
    standard = [golden for golden in goldens if golden.cell in CELLS]
    one_layer = [found for golden, found in zip(goldens, covered, strict=True) if ONE_LAYER.can(golden.features)]
    others = [cell for cell in LAYOUTS if cell not in activation_arguments.CELLS]
    _refuse(
        [
            *missing_arguments(coverage(covered)),
            *missing_arguments(coverage(one_layer), activation_arguments.GAPS_FROM_ZERO),
            *missing_arguments(coverage(covered, others)),
            *_sizes_and_options(standard, [dimensions.sizes_of(g.network, g.x.shape) for g in standard], AT_ONCE),
        ]
    )


def require_pairs(goldens: Sequence[Golden]) -> None:
    """Raise Refused if the goldens lack pairs of sizes, or steps of several chunks."""
    _refuse(size_pairs.missing(goldens))


def require_recurrence_sizes(goldens: Iterable[Golden], *, backward: bool = False) -> None:
    """Raise Refused if goldens of recurrences lack sizes; if ``backward``, all have gradients, which must count."""
    _refuse(recurrence_sizes.missing(goldens, backward=backward))


def require_covered_backward(goldens: Sequence[Golden]) -> None:
    """Raise Refused if goldens with gradients lack sizes, whose last index has a nonzero one, or pairs of options."""
    standard = [golden for golden in goldens if golden.cell in CELLS]
    sizes = [dimensions.sizes_back(g.network, g.gradients.expected) for g in standard if g.gradients is not None]
    _refuse(
        [
            *_sizes_and_options(standard, sizes, [at_once for at_once in AT_ONCE if at_once.backward]),
            *size_pairs.missing_backward(standard),
        ]
    )


def require_shown(
    matrix: KillMatrix,
    goldens: Sequence[Golden],
    from_zero: Sequence[Undetected],
    in_out: Sequence[Undetected] = (),
) -> None:
    """Raise Refused if a kind of implementation can have a deviation that no golden for this kind detects.

    ``from_zero`` and ``in_out`` are exceptions for the kinds ``ONE_LAYER`` and ``OUT_ALONE``, besides those of all.
    """
    features = {golden.id: golden.features for golden in goldens}
    hidden = {ONE_LAYER: from_zero, OUT_ALONE: in_out}
    _refuse(
        line
        for kind in IMPLEMENTATION_KINDS
        if matrix.of_out or not kind.out_alone
        for line in implementation_kinds.problems(kind, matrix, features, [*matrix.hidden, *hidden.get(kind, ())])
    )


def require_integers_detected(goldens: Iterable[Golden]) -> None:
    """Raise Refused if no golden detects a bug of integer LSTMs in a definition that it is a bug of."""
    detected = {(one.name, cell): False for one in integer_lstms.DEVIATIONS for cell in one.cells}
    for golden in goldens:
        detected |= dict.fromkeys(((name, golden.cell) for name in integer_lstms.detected_by(golden)), True)
    _refuse(f"{cell}: no golden detects {name}" for (name, cell), found in detected.items() if not found)


def _sizes_and_options(
    goldens: Sequence[Golden], sizes: Sequence[Sizes], at_once: Iterable[SizeCombination]
) -> list[str]:
    sized = [(golden.cell, golden.features, found) for golden, found in zip(goldens, sizes, strict=True)]
    of_one = [(cell, found) for cell, features, found in sized if ONE_LAYER.can(features)]
    return [
        *dimensions.missing((cell, found) for cell, _, found in sized),
        *(f"{line}, from zero" for line in dimensions.missing(of_one, dimensions.OF_ONE_LAYER)),
        *dimensions.missing_with_features(sized),
        *dimensions.missing_at_once(sized, at_once),
        *missing_options((g.cell, g.features) for g in goldens),
    ]


def missing_options(goldens: Iterable[tuple[str, Collection[str]]]) -> Iterator[str]:
    """Yield the pairs of options, each present or absent, that no golden of a cell has, given cells and features."""
    listed = [(cell, set(features)) for cell, features in goldens]
    for cell in CELLS:
        of_cell = [features for of, features in listed if of == cell]
        for pair in combinations(OPTIONS, 2):
            for flags in product((True, False), repeat=2):
                if all(flags) and set(pair) in EXCLUSIVE:
                    continue
                if not any(all((o in features) == g for o, g in zip(pair, flags, strict=True)) for features in of_cell):
                    text = " and ".join(option if g else f"no {option}" for option, g in zip(pair, flags, strict=True))
                    yield f"{cell}: no golden has {text}"


def _refuse(lines: Iterable[str]) -> None:
    if gaps := list(lines):
        listed = "".join(f"\n  {line}" for line in gaps)
        raise Refused(f"the corpus does not pass the coverage gate, {counted(len(gaps), 'gap')}:{listed}")
