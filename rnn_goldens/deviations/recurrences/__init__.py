"""The catalogue of deviations of recurrences: of linear attention, scans, sLSTM and convolution, forward and back."""

from collections.abc import Mapping

from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.deviations.recurrences import (
    attention,
    backward_attention,
    backward_decays,
    backward_every_recurrence,
    backward_models,
    backward_scans,
    chunks,
    convolution,
    gated_models,
    models,
    numerics,
    scans,
    states_and_sequences,
)

Families = Mapping[str, tuple[Deviation, ...]]

FAMILIES: Families = {
    "layout": attention.LAYOUT,
    "scale": attention.SCALE,
    "decay": attention.DECAY,
    "delta rule": attention.DELTA_RULE,
    "states": states_and_sequences.STATES,
    "packed sequences": states_and_sequences.PACKED,
    "chunks": chunks.DEVIATIONS,
    "selective scan": scans.SELECTIVE_SCAN,
    "RG-LRU": scans.RG_LRU,
    "minGRU": scans.MIN_GRU,
    "scan operator": scans.OPERATOR,
    "sLSTM": scans.SLSTM,
    "convolution": convolution.DEVIATIONS,
    **models.FAMILIES,
    **gated_models.FAMILIES,
    "numerics": numerics.DEVIATIONS,
}

BACKWARD_FAMILIES: Families = {
    "states back": backward_every_recurrence.STATES,
    "steps back": backward_every_recurrence.STEPS,
    "sequences back": backward_every_recurrence.SEQUENCES,
    "weights back": backward_every_recurrence.WEIGHTS,
    "queries back": backward_attention.QUERIES,
    "keys, values and beta back": backward_attention.KEYS_AND_VALUES,
    "attention's state back": backward_attention.STATE,
    "decays back": (*backward_decays.RUNNING_SUM, *backward_decays.STATE),
    "selective scan back": backward_scans.SELECTIVE_SCAN,
    "RG-LRU back": backward_scans.RG_LRU,
    "minGRU back": backward_scans.MIN_GRU,
    "causal convolution back": backward_scans.CAUSAL_CONV,
    "sLSTM back": backward_scans.SLSTM,
    **backward_models.FAMILIES,
    **gated_models.BACKWARD_FAMILIES,
    "numerics": backward_every_recurrence.NUMERICS,
}
"""Families of the backward pass: outputs are right, gradients are wrong."""

RECURRENCE_DEVIATIONS = tuple(deviation for family in FAMILIES.values() for deviation in family)
BACKWARD_RECURRENCE_DEVIATIONS = tuple(deviation for family in BACKWARD_FAMILIES.values() for deviation in family)
