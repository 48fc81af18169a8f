"""The families of all deviations: of networks and of recurrences, forward and backward."""

from collections.abc import Mapping, Sequence

from rnn_goldens.deviations import FAMILIES
from rnn_goldens.deviations.backward import BACKWARD_FAMILIES
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.deviations.recurrences import FAMILIES as OF_RECURRENCES
from rnn_goldens.deviations.recurrences import RecurrenceDeviation
from rnn_goldens.deviations.recurrences.backward import BACKWARD_FAMILIES as OF_RECURRENCES_BACK
from rnn_goldens.deviations.recurrences.backward_deviation import BackwardRecurrenceDeviation

OfRecurrences = RecurrenceDeviation | BackwardRecurrenceDeviation

AnyDeviation = Deviation | OfRecurrences

RECURRENCES: Mapping[str, Sequence[OfRecurrences]] = {f"recurrences: {n}": of for n, of in OF_RECURRENCES.items()}
"""Families of the forward pass of recurrences."""

RECURRENCES_BACK: Mapping[str, Sequence[OfRecurrences]] = {
    f"gradients of recurrences: {name}": members for name, members in OF_RECURRENCES_BACK.items()
}
"""Families of the backward pass of recurrences."""

FORWARD: Mapping[str, Sequence[AnyDeviation]] = {**FAMILIES, **RECURRENCES}

BACKWARD: Mapping[str, Sequence[AnyDeviation]] = {**BACKWARD_FAMILIES, **RECURRENCES_BACK}

ALL: Mapping[str, Sequence[AnyDeviation]] = {**FAMILIES, **BACKWARD_FAMILIES, **RECURRENCES, **RECURRENCES_BACK}
"""All families, those of networks first."""
