"""The catalogue of deviations of the backward pass: outputs are right, gradients are wrong."""

from rnn_goldens.deviations.backward import (
    cotangents,
    dialects,
    directions_and_layers,
    gates,
    lengths,
    paths,
    sums,
)
from rnn_goldens.deviations.deviation import Deviation

BACKWARD_FAMILIES: dict[str, tuple[Deviation, ...]] = {
    "paths back": paths.PATHS,
    "gates back": gates.GATES,
    "derivatives": paths.SLOPES,
    "cotangents and states": cotangents.DEVIATIONS,
    "sums of weights": sums.SUMS,
    "directions and layers back": directions_and_layers.DEVIATIONS,
    "dialects back": dialects.DEVIATIONS,
    "lengths back": lengths.DEVIATIONS,
    "sizes back": sums.SIZES,
    "numerics back": gates.NUMERICS,
}

BACKWARD_DEVIATIONS: tuple[Deviation, ...] = tuple(d for family in BACKWARD_FAMILIES.values() for d in family)

__all__ = ["BACKWARD_DEVIATIONS", "BACKWARD_FAMILIES"]
