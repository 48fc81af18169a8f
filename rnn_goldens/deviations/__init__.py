"""The catalogue of deviations: every known bug, each as a small change of ``rnn_goldens.cells``.

The coverage gate admits a corpus only if the corpus detects every deviation of the catalogue. The diagnosis searches
the catalogue for the deviation that explains a failure. The documentation lists it.
"""

from collections.abc import Sequence

from rnn_goldens.deviations import (
    activations,
    biases,
    dialect_equations,
    dialect_options,
    directions_and_layers,
    gates,
    lengths,
    low_precision,
    sizes,
    states,
    time_and_batch,
    weights,
)
from rnn_goldens.deviations.alteration import Alteration
from rnn_goldens.deviations.custom_cells import derived, named
from rnn_goldens.deviations.deviation import Deviation, named_in
from rnn_goldens.deviations.wrong_pass import WrongPass

FAMILIES: dict[str, tuple[Deviation, ...]] = {
    "gate order": weights.GATE_ORDERS,
    "weights": weights.WEIGHTS,
    "biases": biases.DEVIATIONS,
    "gates": gates.GATES,
    "dialects": gates.OTHER_DEFINITIONS,
    "dialect equations": dialect_equations.DEVIATIONS,
    "dialect options": dialect_options.DEVIATIONS,
    "states": states.DEVIATIONS,
    "last states": time_and_batch.LAST_STATES,
    "time": time_and_batch.TIME,
    "batch": time_and_batch.BATCH,
    "directions": directions_and_layers.DIRECTIONS,
    "layers": directions_and_layers.LAYERS,
    "lengths": lengths.DEVIATIONS,
    "sizes": sizes.DEVIATIONS,
    "activations": activations.DEVIATIONS,
    "numerics": low_precision.DEVIATIONS,
}

DEVIATIONS: tuple[Deviation, ...] = tuple(deviation for family in FAMILIES.values() for deviation in family)

_BY_NAME = {deviation.name: deviation for deviation in DEVIATIONS}


def deviation(name: str) -> Deviation:
    """Return a deviation of any pass, or a derived one, by name; raises UnknownName with the names that exist."""
    if found := _BY_NAME.get(name) or named(name):
        return found
    from rnn_goldens.deviations.families import BY_NAME  # imported here: checking outputs does not need it
    from rnn_goldens.deviations.recurrences import derived as of_recurrences

    if found := of_recurrences.named(name):
        return found

    return named_in(BY_NAME, name)


def together(names: Sequence[str]) -> WrongPass:
    """Return the combination of several deviations; raises ValueError if they exclude each other."""
    wrong = deviation(names[0]).wrong
    for name in names[1:]:
        wrong = wrong & deviation(name).wrong
    return wrong


__all__ = ["DEVIATIONS", "FAMILIES", "Alteration", "Deviation", "derived", "deviation", "together"]
