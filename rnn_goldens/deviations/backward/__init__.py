"""The catalogue of deviations of the backward pass: outputs are right, and gradients are not."""

from collections.abc import Sequence

from rnn_goldens.deviations.backward import (
    cotangents,
    directions,
    gates,
    lengths,
    numerics,
    paths,
    sizes,
    slopes,
    states,
    steps,
    sums,
)
from rnn_goldens.deviations.backward.wrong import BackwardDeviation, WrongBackward
from rnn_goldens.errors import UnknownName

BACKWARD_FAMILIES: dict[str, tuple[BackwardDeviation, ...]] = {
    "paths back": paths.DEVIATIONS,
    "gates back": gates.DEVIATIONS,
    "derivatives": slopes.DEVIATIONS,
    "cotangents and states": (*states.DEVIATIONS, *cotangents.DEVIATIONS),
    "sums of weights": (*sums.DEVIATIONS, *steps.DEVIATIONS),
    "directions and layers back": directions.DEVIATIONS,
    "lengths back": lengths.DEVIATIONS,
    "sizes back": sizes.DEVIATIONS,
    "numerics back": numerics.DEVIATIONS,
}

BACKWARD_DEVIATIONS: tuple[BackwardDeviation, ...] = tuple(d for family in BACKWARD_FAMILIES.values() for d in family)

_BY_NAME = {deviation.name: deviation for deviation in BACKWARD_DEVIATIONS}


def backward_deviation(name: str) -> BackwardDeviation:
    """Look one up by name; raises UnknownName with the names that exist."""
    try:
        return _BY_NAME[name]
    except KeyError:
        raise UnknownName("deviation of the backward pass", name, _BY_NAME, seen="rnn-goldens explain --list") from None


def together_backward(names: Sequence[str]) -> WrongBackward:
    """Several of them at once; raises ValueError if they can not be."""
    wrong = backward_deviation(names[0]).wrong
    for name in names[1:]:
        wrong = wrong & backward_deviation(name).wrong
    return wrong


__all__ = [
    "BACKWARD_DEVIATIONS",
    "BACKWARD_FAMILIES",
    "BackwardDeviation",
    "WrongBackward",
    "backward_deviation",
    "together_backward",
]
