"""The catalogue of deviations: every known way of being wrong, each a small departure from ``rnn_goldens.cells``.

It has three readers: the gate that admits a corpus only if it exposes every one, the diagnosis that names the one a
failure looks like, and the table in the documentation.
"""

from collections.abc import Sequence

from rnn_goldens.deviations import (
    activations,
    batch,
    biases,
    dialects,
    directions,
    gate_order,
    gates,
    last_states,
    layers,
    lengths,
    numerics,
    sizes,
    states,
    time,
    weights,
)
from rnn_goldens.deviations.derived import derived, named
from rnn_goldens.deviations.deviation import Deviation, Wrong
from rnn_goldens.errors import UnknownName

FAMILIES: dict[str, tuple[Deviation, ...]] = {
    "gate order": gate_order.DEVIATIONS,
    "weights": weights.DEVIATIONS,
    "biases": biases.DEVIATIONS,
    "gates": gates.DEVIATIONS,
    "dialects": dialects.DEVIATIONS,
    "states": states.DEVIATIONS,
    "last states": last_states.DEVIATIONS,
    "time": time.DEVIATIONS,
    "batch": batch.DEVIATIONS,
    "directions": directions.DEVIATIONS,
    "layers": layers.DEVIATIONS,
    "lengths": lengths.DEVIATIONS,
    "sizes": sizes.DEVIATIONS,
    "activations": activations.DEVIATIONS,
    "numerics": numerics.DEVIATIONS,
}

DEVIATIONS: tuple[Deviation, ...] = tuple(deviation for family in FAMILIES.values() for deviation in family)

_BY_NAME = {deviation.name: deviation for deviation in DEVIATIONS}


def deviation(name: str) -> Deviation:
    """Look a deviation up by name, of either pass, one that is derived too; raises UnknownName with what exists."""
    if found := _BY_NAME.get(name) or named(name):
        return found
    from rnn_goldens.deviations.backward import BACKWARD_DEVIATIONS  # here: who checks outputs alone needs none of it

    by_name = _BY_NAME | {deviation.name: deviation for deviation in BACKWARD_DEVIATIONS}
    if found := by_name.get(name):
        return found
    raise UnknownName("deviation", name, by_name, seen="rnn-goldens explain --list")


def together(names: Sequence[str]) -> Wrong:
    """Several deviations at once; raises ValueError if they can not be."""
    wrong = deviation(names[0]).wrong
    for name in names[1:]:
        wrong = wrong & deviation(name).wrong
    return wrong


__all__ = ["DEVIATIONS", "FAMILIES", "Deviation", "Wrong", "derived", "deviation", "together"]
