"""The backward passes that test the gradients' tolerance are correct, and each rounds differently."""

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
from factories.for_each import for_each

from benchmarks.correct_backward import BACKWARD
from benchmarks.false_alarms import in_numpy
from rnn_goldens.cells import Backward
from rnn_goldens.corpus import open_corpus
from rnn_goldens.generator.confirmation import LARGEST_CORRECT_ERROR

CORPUS = open_corpus()

IDS = ["gru/lengths-bidirectional-two-layers", "lstm/lengths-bidirectional-two-layers", "rnn-tanh/no-bias"]

SATURATED = ["lstm/saturated", "gru/saturated", "rnn-tanh/saturated"]


def gradients(network: Backward, golden_id: str, dtype: str) -> Mapping[str, Any]:
    return in_numpy(network)(CORPUS.load(golden_id, dtype, gradients=True).for_implementation())


def precisions(golden_id: str) -> tuple[str, ...]:
    stored = CORPUS.entry(golden_id).gradients
    assert stored
    return tuple(stored.precisions)


@for_each(list(product(BACKWARD, [*IDS, "lstm/unbatched", "exact-backward/bidirectional"])), every=4)
def test_each_backward_pass_equals_the_definition_in_float64(name: str, golden_id: str) -> None:
    actual, expected = (gradients(network, golden_id, "float64") for network in (BACKWARD[name], Backward()))
    assert list(actual) == list(expected)
    for array in expected:
        np.testing.assert_allclose(actual[array], expected[array], rtol=1e-12, atol=1e-13)


@for_each(BACKWARD, every=4)
def test_each_backward_pass_computes_in_the_type_of_its_input(name: str) -> None:
    actual = gradients(BACKWARD[name], "gru/lengths-no-state", "float16")
    assert {array.dtype for array in actual.values()} == {np.dtype(np.float16)}


@for_each(BACKWARD, every=4)
def test_each_backward_pass_rounds_differently_from_the_definition(name: str) -> None:
    """BLAS may use FMA, so the backward pass "FMA" is compared with the backward pass "first to last"."""
    other = BACKWARD["first to last"] if name == "FMA" else Backward()
    assert any(
        not np.array_equal(a, b)
        for golden_id in (*IDS, *SATURATED)
        for dtype in ("float32", "float16")
        if dtype in precisions(golden_id)
        for a, b in zip(
            *(gradients(network, golden_id, dtype).values() for network in (BACKWARD[name], other)), strict=True
        )
    )


@for_each(list(product(BACKWARD, SATURATED)), every=4)
def test_each_backward_pass_is_within_the_tolerance_where_gates_saturate(name: str, golden_id: str) -> None:
    for dtype in precisions(golden_id):
        verdict = CORPUS.load(golden_id, dtype, gradients=True).compare_gradients(
            gradients(BACKWARD[name], golden_id, dtype)
        )
        assert verdict.passed, verdict.message
        assert verdict.largest_error <= LARGEST_CORRECT_ERROR
