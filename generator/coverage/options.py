"""The pairs of options that goldens must have: both present, one of them present, both absent."""

from collections.abc import Collection, Iterable, Iterator
from itertools import combinations, product

from rnn_goldens.golden.built_in_cells import CELLS

OPTIONS = ("bias", "state", "lengths", "unbatched", "bidirectional", "multilayer")
"""Features that correspond to arguments of a call or of the constructor."""

EXCLUSIVE = ({"lengths", "unbatched"},)
"""Pairs that exclude each other: lengths require a batch."""


def missing(goldens: Iterable[tuple[str, Collection[str]]]) -> Iterator[str]:
    """Yield the pairs of options, each present or absent, that no golden of a cell has.

    Args:
        goldens: the cells and features of the goldens.
    """
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
