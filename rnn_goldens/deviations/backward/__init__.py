"""The catalogue of deviations of the backward pass: outputs are right, gradients are wrong."""

from rnn_goldens.deviations.backward import (
    cotangents,
    dialects,
    directions,
    gates,
    lengths,
    numerics,
    paths,
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
    "directions and layers back": directions.DEVIATIONS,
    "dialects back": dialects.DEVIATIONS,
    "lengths back": lengths.DEVIATIONS,
    "sizes back": sizes.DEVIATIONS,
    "numerics back": numerics.DEVIATIONS,
}

BACKWARD_DEVIATIONS: tuple[Deviation, ...] = tuple(d for family in BACKWARD_FAMILIES.values() for d in family)

__all__ = ["BACKWARD_DEVIATIONS", "BACKWARD_FAMILIES"]
