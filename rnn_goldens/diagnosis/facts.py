"""Observes facts about wrong outputs or gradients that no deviation explains."""

from collections.abc import Iterator, Mapping

import numpy as np

from rnn_goldens.comparison.actual import Actual
from rnn_goldens.diagnosis.fact_list import FACTS, FACTS_OF, Fact, Value
from rnn_goldens.diagnosis.observation import Observation, observe
from rnn_goldens.golden.expected import GRADIENTS
from rnn_goldens.golden.precision import PRECISIONS


@np.errstate(all="ignore")
def facts(actual: Actual) -> dict[str, Value]:
    """Return the facts that can be observed in this golden, each with its number or with whether it holds.

    Facts about gradients, and most facts about outputs, describe networks only.
    """
    of_all = FACTS_OF[actual.of].items()
    known = {code: fact for code, fact in of_all if actual.golden.is_network or fact.of_recurrences}

    if actual.of == GRADIENTS:
        gradients = observe(actual)
        return _observed_facts(gradients, known) if gradients.wrong_ones else {}
    found: dict[str, Value] = dict.fromkeys((code for code in _not_comparable(actual) if code in FACTS), True)
    shaped = [n for n, values in actual.numbers.items() if values.shape == actual.expected.values[n].shape]
    if shaped == list(actual.golden.layout.outputs):
        found |= _observed_facts(observe(actual), known)
    elif (main := actual.golden.layout.result) in shaped:
        of_out = {code: fact for code, fact in known.items() if fact.of_out}
        found |= _observed_facts(observe(actual, [main]), of_out)
    return found | dict.fromkeys((code for code in _less_precise(actual) if code in FACTS), True)


def _observed_facts(observed: Observation, facts: Mapping[str, Fact]) -> dict[str, Value]:
    observable = (code for code, fact in facts.items() if not (fact.of_match and observed.is_nearly_right))
    found = {code: facts[code].observe(observed) for code in observable}
    return {code: value for code, value in found.items() if value is not None}


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
