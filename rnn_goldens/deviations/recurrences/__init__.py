"""The catalogue of deviations of recurrences: named wrong kernels of linear attention, scans, sLSTM and convolution."""

from typing import Any

from rnn_goldens.deviations.deviation import named_in
from rnn_goldens.deviations.recurrences import (
    attention,
    chunks,
    convolution,
    numerics,
    scans,
    slstm,
    states,
    updates,
)
from rnn_goldens.deviations.recurrences.deviation import FEATURES, RecurrenceDeviation

FAMILIES: dict[str, tuple[RecurrenceDeviation, ...]] = {
    "layout": attention.LAYOUT,
    "scale": attention.SCALE,
    "decay": updates.DECAY,
    "delta rule": updates.DELTA_RULE,
    "states": states.STATES,
    "packed sequences": states.PACKED,
    "chunks": chunks.DEVIATIONS,
    "selective scan": scans.SELECTIVE_SCAN,
    "RG-LRU": scans.RG_LRU,
    "minGRU": scans.MIN_GRU,
    "scan operator": scans.OPERATOR,
    "sLSTM": slstm.DEVIATIONS,
    "convolution": convolution.DEVIATIONS,
    "numerics": numerics.DEVIATIONS,
}

RECURRENCE_DEVIATIONS: tuple[RecurrenceDeviation, ...] = tuple(
    deviation for family in FAMILIES.values() for deviation in family
)

_BY_NAME = {deviation.name: deviation for deviation in RECURRENCE_DEVIATIONS}


def recurrence_deviation(name: str) -> RecurrenceDeviation:
    """Return a deviation of recurrences by name; raises UnknownName with the names that exist."""
    return named_in(_BY_NAME, name)


def all_by_name() -> dict[str, Any]:
    """Return the deviations of recurrences, of either pass, by name."""
    from rnn_goldens.deviations.recurrences.backward import BACKWARD_RECURRENCE_DEVIATIONS

    return _BY_NAME | {deviation.name: deviation for deviation in BACKWARD_RECURRENCE_DEVIATIONS}


__all__ = [
    "FAMILIES",
    "FEATURES",
    "RECURRENCE_DEVIATIONS",
    "RecurrenceDeviation",
    "all_by_name",
    "recurrence_deviation",
]
