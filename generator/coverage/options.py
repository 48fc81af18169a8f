"""Which options of the call the goldens have: each with and without each other."""

from collections.abc import Collection, Iterable, Iterator
from itertools import combinations, product

from rnn_goldens.golden.shapes import CELLS

OPTIONS = ("bias", "state", "lengths", "unbatched", "bidirectional", "multilayer")
"""Features that say what is given to a call, or to the constructor."""

EXCLUSIVE = ({"lengths", "unbatched"},)
"""Lengths are of a batch."""


def missing(goldens: Iterable[tuple[str, Collection[str]]]) -> Iterator[str]:
    """Pairs of options, each given or not, that no golden of a cell has.

    Args:
        goldens: their cells and features.
    """
    held = [(cell, set(features)) for cell, features in goldens]
    for cell in CELLS:
        mine = [features for of, features in held if of == cell]
        for pair in combinations(OPTIONS, 2):
            for given in product((True, False), repeat=2):
                if all(given) and set(pair) in EXCLUSIVE:
                    continue
                if not any(all((o in features) == g for o, g in zip(pair, given, strict=True)) for features in mine):
                    said = " and ".join(option if g else f"no {option}" for option, g in zip(pair, given, strict=True))
                    yield f"{cell}: no golden has {said}"
