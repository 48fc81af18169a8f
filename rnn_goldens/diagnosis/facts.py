"""Observes facts about wrong outputs or gradients that no deviation explains."""

from collections.abc import Iterator, Mapping

import numpy as np

from rnn_goldens.comparison.actual import Actual
from rnn_goldens.diagnosis.gradient_facts import GRADIENT_FACTS
from rnn_goldens.diagnosis.observation import Fact, Observation, Of, Value, observe
from rnn_goldens.diagnosis.output_facts import OUTPUT_FACTS
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS
from rnn_goldens.golden.precision import PRECISIONS

FACTS_OF = {OUTPUTS: OUTPUT_FACTS, GRADIENTS: GRADIENT_FACTS}
"""Facts about outputs and about gradients, by name, the most informative first."""

FACTS: dict[str, Fact] = {**OUTPUT_FACTS, **GRADIENT_FACTS}
"""All facts by name."""


@np.errstate(all="ignore")
def facts(actual: Actual) -> dict[str, Value]:
    """Return the facts that can be observed in this golden, each with its number or with whether it holds.

    Facts about gradients, and most facts about outputs, describe networks only.
    """
    of_all = FACTS_OF[actual.of].items()
    known = {code: fact for code, fact in of_all if actual.golden.is_network or Of.RECURRENCE in fact.of}
    if actual.of == GRADIENTS:
        gradients = observe(actual)
        return _observed_facts(gradients, known) if gradients.wrong_names else {}
    found: dict[str, Value] = dict.fromkeys((code for code in _not_comparable(actual) if code in FACTS), True)
    shaped = [n for n, values in actual.numbers.items() if values.shape == actual.expected.values[n].shape]
    if shaped == list(actual.golden.layout.outputs):
        found |= _observed_facts(observe(actual), known)
    elif (main := actual.golden.layout.result) in shaped:
        of_out = {code: fact for code, fact in known.items() if Of.OUT in fact.of}
        found |= _observed_facts(observe(actual, [main]), of_out)
    return found | dict.fromkeys((code for code in _less_precise(actual) if code in FACTS), True)


def _observed_facts(seen: Observation, facts: Mapping[str, Fact]) -> dict[str, Value]:
    values = {
        code: fact.value(seen) for code, fact in facts.items() if not (Of.MATCH in fact.of and seen.is_nearly_right)
    }
    return {code: value for code, value in values.items() if value is not None}


def _not_comparable(actual: Actual) -> Iterator[str]:
    """Yield facts on unexpected and missing outputs and wrong shapes: ``h_n_missing``, ``out_shape``."""
    yield from (f"{name}_unexpected" for name in actual.problems if name not in actual.golden.layout.outputs)
    for name, want in actual.expected.values.items():
        if name not in actual.numbers:
            yield f"{name}_missing"
        elif actual.numbers[name].shape != want.shape:
            yield f"{name}_shape"


def _less_precise(actual: Actual) -> Iterator[str]:
    """Yield facts on outputs with a lower precision than declared: ``out_less_precise``."""
    declared = PRECISIONS[actual.golden.dtype].bits
    for name, output in actual.arrays.items():
        if output.bits is not None and output.bits < declared:
            yield f"{name}_less_precise"
