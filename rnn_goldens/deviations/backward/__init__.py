"""The catalogue of deviations of the backward pass: outputs are right, and gradients are not."""

from rnn_goldens.deviations.backward import directions, lengths, numerics, paths, slopes, states, sums
from rnn_goldens.deviations.backward.wrong import BackwardDeviation, WrongBackward

BACKWARD_FAMILIES: dict[str, tuple[BackwardDeviation, ...]] = {
    "paths back": paths.DEVIATIONS,
    "derivatives": slopes.DEVIATIONS,
    "cotangents and states": states.DEVIATIONS,
    "sums of weights": sums.DEVIATIONS,
    "directions and layers back": directions.DEVIATIONS,
    "lengths back": lengths.DEVIATIONS,
    "numerics back": numerics.DEVIATIONS,
}

BACKWARD_DEVIATIONS: tuple[BackwardDeviation, ...] = tuple(d for family in BACKWARD_FAMILIES.values() for d in family)

__all__ = ["BACKWARD_DEVIATIONS", "BACKWARD_FAMILIES", "BackwardDeviation", "WrongBackward"]
