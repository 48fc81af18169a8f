"""The catalogue of deviations of the backward pass: outputs are right, gradients are wrong."""

from rnn_goldens.deviations.backward import (
    cotangents,
    dialects,
    directions_and_layers,
    gates,
    lengths,
    paths,
    rounding_and_scaling,
    sizes,
    slopes,
    sums,
)
from rnn_goldens.deviations.deviation import Deviation

BACKWARD_FAMILIES: dict[str, tuple[Deviation, ...]] = {
    "paths back": paths.DEVIATIONS,
    "gates back": gates.DEVIATIONS,
    "derivatives": slopes.DEVIATIONS,
    "cotangents and states": cotangents.DEVIATIONS,
    "sums of weights": sums.DEVIATIONS,
    "directions and layers back": directions_and_layers.DEVIATIONS,
    "dialects back": dialects.DEVIATIONS,
    "lengths back": lengths.DEVIATIONS,
    "sizes back": sizes.DEVIATIONS,
    "numerics back": rounding_and_scaling.DEVIATIONS,
}

BACKWARD_DEVIATIONS: tuple[Deviation, ...] = tuple(d for family in BACKWARD_FAMILIES.values() for d in family)

__all__ = ["BACKWARD_DEVIATIONS", "BACKWARD_FAMILIES"]
