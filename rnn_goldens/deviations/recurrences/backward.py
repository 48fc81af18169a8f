"""The catalogue of deviations of the backward pass of recurrences: outputs are right, gradients are wrong."""

from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.deviations.recurrences import (
    backward_all,
    backward_attention,
    backward_decays,
    backward_numerics,
    backward_scans,
    backward_slstm,
)

BACKWARD_FAMILIES: dict[str, tuple[Deviation, ...]] = {
    "states back": backward_all.STATES,
    "steps back": backward_all.STEPS,
    "sequences back": backward_all.SEQUENCES,
    "weights back": backward_all.WEIGHTS,
    "queries back": backward_attention.QUERIES,
    "keys, values and beta back": backward_attention.KEYS_AND_VALUES,
    "attention's state back": backward_attention.STATE,
    "decays back": (*backward_decays.RUNNING_SUM, *backward_decays.STATE),
    "selective scan back": backward_scans.SELECTIVE_SCAN,
    "RG-LRU back": backward_scans.RG_LRU,
    "minGRU back": backward_scans.MIN_GRU,
    "causal convolution back": backward_scans.CAUSAL_CONV,
    "sLSTM back": backward_slstm.DEVIATIONS,
    "numerics": backward_numerics.DEVIATIONS,
}

BACKWARD_RECURRENCE_DEVIATIONS: tuple[Deviation, ...] = tuple(
    deviation for family in BACKWARD_FAMILIES.values() for deviation in family
)

__all__ = ["BACKWARD_FAMILIES", "BACKWARD_RECURRENCE_DEVIATIONS"]
