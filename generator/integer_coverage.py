"""Refuses a corpus whose integer goldens do not detect each bug of integer LSTMs, in each definition that it is of."""

from collections.abc import Iterable, Mapping

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.deviations.integer_lstms import DEVIATIONS, detected_by
from rnn_goldens.generator.scenario_fields import Refused


def require_integers_detected(goldens: Iterable[Golden]) -> None:
    """Raise Refused if no golden detects a bug in a definition that it is a bug of."""
    detected: Mapping[tuple[str, str], list[str]] = {(one.name, cell): [] for one in DEVIATIONS for cell in one.cells}
    for golden in goldens:
        for name in detected_by(golden):
            detected[name, golden.cell].append(golden.id)
    if missed := [f"\n  {name}, {cell}" for (name, cell), by in detected.items() if not by]:
        raise Refused(f"no golden detects:{''.join(missed)}")
