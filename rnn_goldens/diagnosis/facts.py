"""What can be seen in wrong outputs, or gradients, of a golden where no name fits."""

from collections.abc import Iterator, Mapping

import numpy as np

from rnn_goldens.diagnosis.fact_list import FACTS, Fact, Value
from rnn_goldens.diagnosis.gradient_facts import GRADIENT_FACTS
from rnn_goldens.diagnosis.seen import Seen, seen
from rnn_goldens.golden.expected import GRADIENTS
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.judging.given import Given


@np.errstate(all="ignore")
def facts(given: Given) -> dict[str, Value]:
    """Which facts are so of what was given, and which are not; what cannot be seen in this golden is left out."""
    if given.of == GRADIENTS:
        gradients = seen(given)
        return _seen_in(gradients, GRADIENT_FACTS) if gradients.wrong_ones else {}
    found: dict[str, Value] = dict.fromkeys(_not_comparable(given), True)
    shaped = [n for n, values in given.numbers.items() if values.shape == given.expected.values[n].shape]
    if shaped == list(given.golden.layout.outputs):
        found |= _seen_in(seen(given), FACTS)
    elif "out" in shaped:
        found |= _seen_in(seen(given, ["out"]), {code: fact for code, fact in FACTS.items() if fact.of_out})
    return found | dict.fromkeys(_less_precise(given), True)


def _seen_in(seen: Seen, facts: Mapping[str, Fact]) -> dict[str, Value]:
    visible = (code for code, fact in facts.items() if not (fact.of_likeness and seen.is_nearly_right))
    found = {code: facts[code].see(seen) for code in visible}
    return {code: value for code, value in found.items() if value is not None}


def _not_comparable(given: Given) -> Iterator[str]:
    """Which outputs should not be there, are missing, or have another shape: ``h_n_missing``, ``out_shape``."""
    yield from (f"{name}_unexpected" for name in given.problems if name not in given.golden.layout.outputs)
    for name, want in given.expected.values.items():
        if name not in given.numbers:
            yield f"{name}_missing"
        elif given.numbers[name].shape != want.shape:
            yield f"{name}_shape"


def _less_precise(given: Given) -> Iterator[str]:
    """Which outputs are of a lower precision than what is asked: ``out_less_precise``."""
    asked = PRECISIONS[given.golden.dtype].bits
    for name, output in given.arrays.items():
        if output.bits is not None and output.bits < asked:
            yield f"{name}_less_precise"
