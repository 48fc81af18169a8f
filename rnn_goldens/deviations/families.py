"""The catalogue of all deviations by family: of networks and of recurrences, of outputs and of gradients."""

from collections.abc import Iterator, Mapping, Sequence

from rnn_goldens.deviations import FAMILIES
from rnn_goldens.deviations.backward import BACKWARD_FAMILIES
from rnn_goldens.deviations.backward.gates import ROUNDING
from rnn_goldens.deviations.calls import FAMILIES as OF_CALLS
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.deviations.integer_lstms import FAMILIES as OF_INTEGERS
from rnn_goldens.deviations.recurrences import BACKWARD_FAMILIES as OF_RECURRENCES_BACK
from rnn_goldens.deviations.recurrences import FAMILIES as OF_RECURRENCES
from rnn_goldens.golden.expected import OUTPUTS

Families = Mapping[str, Sequence[Deviation]]

RECURRENCES: Families = {f"recurrences: {name}": members for name, members in OF_RECURRENCES.items()}
"""Families of the forward pass of recurrences."""

RECURRENCES_BACK: Families = {f"gradients of recurrences: {n}": members for n, members in OF_RECURRENCES_BACK.items()}
"""Families of the backward pass of recurrences."""

FORWARD: Families = {**FAMILIES, **RECURRENCES}

BACKWARD: Families = {**BACKWARD_FAMILIES, **RECURRENCES_BACK}

ALL: Families = {**FAMILIES, **BACKWARD_FAMILIES, **RECURRENCES, **RECURRENCES_BACK}
"""All families of wrong outputs and wrong gradients of a single call, those of networks first."""

CALLS: Families = {f"calls: {name}": members for name, members in OF_CALLS.items()}
"""Families of what is kept between calls: single calls are right."""

INTEGERS: Families = {f"integer LSTMs: {name}": members for name, members in OF_INTEGERS.items()}
"""Families of integer LSTMs."""

EVERY: Families = {**ALL, **CALLS, **INTEGERS}


ROUND = frozenset(
    deviation.name
    for family in (FAMILIES["numerics"], ROUNDING, OF_RECURRENCES["numerics"], OF_RECURRENCES_BACK["numerics"])
    for deviation in family
)
"""Names of the deviations that round to narrow types."""


OF_SIZES = frozenset(
    deviation.name
    for name, family in ALL.items()
    for deviation in family
    if name in ("sizes", "sizes back") or ("recurrences" in name and "scale" in deviation.name)
)
"""Names of the deviations that depend on the sizes of a golden, or on a scale that follows from them."""


BY_NAME: Mapping[str, Deviation] = {deviation.name: deviation for family in EVERY.values() for deviation in family}
"""All deviations by name."""


def members(of: str | None = None) -> Iterator[Deviation]:
    """Yield the deviations: all of them, or only those ``of`` outputs or gradients of a single call."""
    families = EVERY if of is None else FORWARD if of == OUTPUTS else BACKWARD
    for family in families.values():
        yield from family


def family_of(deviation: Deviation) -> str:
    """Return the name of the family that has a deviation; "your own" for one that is derived from a custom cell."""
    return next((name for name, family in EVERY.items() if deviation in family), "your own")
