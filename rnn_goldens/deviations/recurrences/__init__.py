"""The catalogue of deviations of recurrences: named wrong kernels of linear attention, scans, sLSTM and convolution."""

from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.deviations.recurrences import attention, chunks, convolution, numerics, scans, slstm, states, updates

FAMILIES: dict[str, tuple[Deviation, ...]] = {
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

RECURRENCE_DEVIATIONS: tuple[Deviation, ...] = tuple(deviation for family in FAMILIES.values() for deviation in family)

__all__ = ["FAMILIES", "RECURRENCE_DEVIATIONS"]
