"""Right forms equal the definition, and every deviation of recurrences has an effect where it applies."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import numpy as np
import pytest
from deviations.checks import DEFECT, assert_described, assert_well_named, equivalent
from factories.backward_recurrences import random_case, without_state
from factories.for_each import for_each
from numpy.typing import NDArray

from rnn_goldens import UnknownName
from rnn_goldens.cells.chunked import in_chunks
from rnn_goldens.cells.recurrence import EQUATIONS, RecurrenceCase, packed, run
from rnn_goldens.cells.recurrence_graph import recorded_recurrence
from rnn_goldens.deviations import DEVIATIONS, Deviation, deviation
from rnn_goldens.deviations.backward import BACKWARD_DEVIATIONS
from rnn_goldens.deviations.low_precision import toward_zero
from rnn_goldens.deviations.needs import FEATURES
from rnn_goldens.deviations.recurrences import BACKWARD_RECURRENCE_DEVIATIONS, FAMILIES, RECURRENCE_DEVIATIONS
from rnn_goldens.deviations.recurrences.chunks import ChunkKernel, replaced
from rnn_goldens.deviations.recurrences.edits import ATTENTION
from rnn_goldens.golden.recurrences import BY_KEY, RECURRENCES

Arrays = Mapping[str, NDArray[Any]]

SIZES = {
    "heads": 2, "query_heads": 4, "d_k": 3, "d_v": 5, "d": 4, "n": 3, "p": 2, "channels": 3, "width": 4, "past": 3
}  # fmt: skip

CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "one step": {"time": 1, "batch": 3},
    "two steps": {"time": 2, "heads": 3, "query_heads": 3},
    "across chunks": {"time": 70},
    "across three chunks": {"time": 186, "batch": 1},
    "one sequence": {"batch": 1, "time": 5, "heads": 1, "query_heads": 2},
    "decay by key": {"decay": BY_KEY, "scale": 0.75, "activation": "none", "time": 70},
    "packed": {"offsets": [0, 3, 4, 9, 79], "width": 6, "past": 5},
    "packed, decay by key": {"offsets": [0, 20, 90], "decay": BY_KEY, "activation": "none"},
    "packed, one head": {"offsets": [0, 40, 45], "heads": 1, "query_heads": 2},
    "packed, the first across chunks": {"offsets": [0, 70, 75], "d_k": 4},
    "decays of one": {"factors": {"g": 0}, "time": 40},
    "decays of one, few steps": {"factors": {"g": 0}, "time": 5},
    "grouped values": {"heads": 6, "query_heads": 3, "key_heads": 3, "d": 6, "groups": 2, "time": 70},
    "one step, grouped values": {"heads": 6, "query_heads": 3, "key_heads": 3, "d": 6, "groups": 2, "time": 1},
    "options of models": {
        "beta_limit": 2.0,
        "lower_bound": -5.0,
        "gate": "silu",
        "step_size": "given",
        "dt_min": 0.5,
        "dt_max": 0.75,
        "time": 6,
        "batch": 3,
        "factors": {"a": 8},
    },
    "large gates": {"factors": {"a": 8192, "dt": 8192, "A_log": 32, "kappa": 1e-3}, "time": 4, "batch": 1},
    "large gates, other rates": {
        "factors": {"a": 8192, "dt": 8192, "A_log": -16, "kappa": 1e-3},
        "time": 4,
        "batch": 1,
    },
    "one beta": {"heads": 3, "query_heads": 3, "beta_heads": 1, "decay": BY_KEY, "time": 20},
    "no state": {"state": False},
    "packed, no state": {"offsets": [0, 2, 12], "state": False},
    "one sequence, no state": {"batch": 1, "state": False},
    "strong decay": {"factors": {"g": 40, "S0": 1e5}, "time": 1, "batch": 1, "heads": 1},
    "overflow in chunks of 64": {"factors": {"g": 100}, "time": 70},
    "overflow in chunks of 32": {"factors": {"g": 200}, "time": 70},
    **{f"biases times {by}": {"factors": {"dt_bias": by}, "time": 70} for by in (12, 25, -12, -25, -100, -200)},
    "overflow in one step": {"factors": {"g": 5000, "dt_bias": 5000, "dt": 5000}, "time": 1},
    "overflow": {
        "factors": {"g": 500, "dt_bias": 500, "dt": 500, "x_i": 2000, "x_f": 200, "q": 1e6},
        "d_k": 4,
        "d_v": 4,
    },
}
"""Arguments of ``case_of``, by what they show."""


def case_of(cell: str, *, state: bool = True, **arguments: Any) -> RecurrenceCase:
    case = random_case(cell, **{**SIZES, "time": 20, **arguments})
    return case if state else without_state(case)


@dataclass(frozen=True, eq=False)
class Example:
    """A case and its right outputs in one precision."""

    name: str
    case: RecurrenceCase

    @cached_property
    def right(self) -> Arrays:
        with np.errstate(all="ignore"):
            return run(self.case)

    def in_float32(self) -> "Example":
        return Example(self.name, self.case.astype(np.float32))


EXAMPLES = {
    cell: [Example(name, case_of(cell, **arguments)) for name, arguments in CASES.items()] for cell in RECURRENCES
}
IN_FLOAT32 = {cell: [one.in_float32() for one in of_cell] for cell, of_cell in EXAMPLES.items()}

each_cell = for_each(list(RECURRENCES), every=3)
each_deviation = for_each(RECURRENCE_DEVIATIONS, lambda wrong: wrong.name, every=3)
every_eighth_deviation = for_each(RECURRENCE_DEVIATIONS, lambda wrong: wrong.name, every=8)


@cache
def outputs_of(wrong: Deviation, one: Example) -> Arrays:
    return wrong.outputs(one.case)


def difference(found: Arrays, right: Arrays) -> float:
    """Return the largest difference, relative to the largest number of its output; infinite if a number is not."""
    differences = [np.abs(found[name] - array).max() / np.abs(array).max() for name, array in right.items()]
    return float(max(d if np.isfinite(d) else np.inf for d in differences))


def changes(wrong: Deviation, one: Example, by: float = 1e-6) -> bool:
    with np.errstate(all="ignore"):
        return difference(outputs_of(wrong, one), one.right) > by


@each_cell
def test_a_graph_step_by_step_equals_the_definition(cell: str) -> None:
    for examples, bound in ((EXAMPLES, 1e-12), (IN_FLOAT32, 1e-5)):
        for one in examples[cell]:
            with np.errstate(all="ignore"):
                recorded = recorded_recurrence(one.case)
            assert difference(recorded.arrays(recorded.graph.values), one.right) < bound, one.name


@for_each(ATTENTION)
def test_the_right_chunks_equal_the_definition(cell: str) -> None:
    for examples, bound in ((EXAMPLES, 1e-12), (IN_FLOAT32, 1e-5)):
        for one in examples[cell]:
            with np.errstate(all="ignore"):
                found = packed([ChunkKernel(part).run() for part in one.case.sequences()], one.case.config)
            assert list(found) == list(one.right)
            assert described(found) == described(one.right)
            assert difference(found, one.right) < bound, one.name


def test_other_equations_are_run_between_runs_of_the_right_ones() -> None:
    case, (right, wrong) = EXAMPLES["min_gru"][0].case, (EQUATIONS["min_gru"], lambda z, n, h: ((h,), (h + z * n,)))
    found = [run(case, equations=equations) for equations in (None, wrong, right, wrong)]
    assert np.array_equal(found[0]["out"], found[2]["out"])
    sums = case.states["h0"][:, None] + np.cumsum(case.inputs["z"] * case.inputs["n"], axis=1)
    for one in (found[1], found[3]):
        assert np.allclose(one["out"][:, 1:], sums[:, :-1], rtol=1e-12)
        assert np.array_equal(one["out"][:, 0], case.states["h0"])
        assert np.allclose(one["h_n"], sums[:, -1], rtol=1e-12)


@for_each([(cell, size) for cell in ATTENTION for size in (1, 7, 16)], every=5)
def test_right_arrays_and_graphs_in_chunks_of_any_size_equal_the_definition(cell: str, size: int) -> None:
    for one in EXAMPLES[cell]:
        found = packed([ChunkKernel(part, size).run() for part in one.case.sequences()], one.case.config)
        assert difference(found, one.right) < 1e-12, one.name
        recorded = recorded_recurrence(one.case, in_chunks(size))
        assert difference(recorded.arrays(recorded.graph.values), one.right) < 1e-12, f"graph, {one.name}"


@for_each(ATTENTION)
def test_right_chunks_keep_float16(cell: str) -> None:
    for one in EXAMPLES[cell]:
        with np.errstate(all="ignore"):
            found = ChunkKernel(one.case.sequences()[0].astype(np.float16)).run()
        assert {array.dtype for array in found.values()} == {np.dtype(np.float16)}, one.name


def described(arrays: Arrays) -> dict[str, Any]:
    return {name: (array.shape, array.dtype) for name, array in arrays.items()}


def test_there_are_at_least_89_deviations_in_the_order_of_their_families() -> None:
    assert len(RECURRENCE_DEVIATIONS) >= 89
    assert [d for family in FAMILIES.values() for d in family] == list(RECURRENCE_DEVIATIONS)


def test_names_are_unique_in_all_catalogues_and_well_formed() -> None:
    assert_well_named(DEVIATIONS, BACKWARD_DEVIATIONS, RECURRENCE_DEVIATIONS, BACKWARD_RECURRENCE_DEVIATIONS)
    assert all(deviation(d.name) is d for d in RECURRENCE_DEVIATIONS)


def test_what_does_not_exist_can_neither_be_found_nor_replaced() -> None:
    with pytest.raises(UnknownName, match="scale_left_out"):
        deviation("scale_left")
    with pytest.raises(AssertionError):
        replaced(decays=lambda right, g: right.decay(g))


@each_deviation
def test_each_deviation_is_described_completely(wrong: Deviation) -> None:
    assert_described(wrong, RECURRENCES, FEATURES)
    assert not wrong.fix.endswith(".")
    assert all(wrong.applies_to(cell) == (cell in wrong.cells) for cell in RECURRENCES)
    assert [defect for defect in wrong.stands_for if not re.fullmatch(DEFECT, defect)] == []
    assert deviation(wrong.name) is wrong


@each_deviation
def test_each_deviation_has_an_effect_in_each_of_its_cells_and_in_both_precisions(wrong: Deviation) -> None:
    for cell in wrong.cells:
        for examples, by in ((EXAMPLES, 1e-6), (IN_FLOAT32, 2e-5)):
            assert any(changes(wrong, one, by) for one in examples[cell] if wrong.has_needs(one.case)), cell


@every_eighth_deviation
def test_without_the_features_it_needs_a_deviation_has_no_effect_or_that_of_larger_chunks(wrong: Deviation) -> None:
    without = [one for cell in wrong.cells for one in EXAMPLES[cell] if not wrong.has_needs(one.case)]
    larger = deviation(wrong.name.partition("_in_chunks_of_")[0])
    for one in without:
        right = one.right if larger is wrong else outputs_of(larger, one)
        for name, found in outputs_of(wrong, one).items():
            np.testing.assert_allclose(found, right[name], 1e-12, 1e-12, err_msg=f"{one.name}, {one.case.cell}")


@every_eighth_deviation
def test_each_deviation_needs_every_feature_that_it_lists(wrong: Deviation) -> None:
    assert len(set(wrong.needs)) == len(wrong.needs)
    for needed in wrong.needs:
        others = replace(wrong, needs=tuple(name for name in wrong.needs if name != needed))
        examples = [one for cell in wrong.cells for one in EXAMPLES[cell] if others.has_needs(one.case)]
        assert any(not FEATURES[needed](one.case) for one in examples), f"{needed} follows from the other features"


@every_eighth_deviation
def test_each_deviation_keeps_shapes_and_types_and_is_deterministic(wrong: Deviation) -> None:
    for cell in wrong.cells:
        for one in (*EXAMPLES[cell][::6], IN_FLOAT32[cell][0]):
            assert described(outputs_of(wrong, one)) == described(one.right), one.name
        first, second = outputs_of(wrong, EXAMPLES[cell][0]), wrong.outputs(EXAMPLES[cell][0].case)
        assert all(np.array_equal(array, second[name], equal_nan=True) for name, array in first.items())


def rounded(wrong: Deviation, one: Example) -> str:
    found, largest = outputs_of(wrong, one), {name: np.abs(array).max() for name, array in one.right.items()}
    return repr([(np.round(array / largest[name], 8) + 0.0).tobytes() for name, array in found.items()])


@each_cell
def test_no_two_deviations_are_equivalent(cell: str) -> None:
    deviations = [wrong for wrong in RECURRENCE_DEVIATIONS if cell in wrong.cells]
    assert equivalent(deviations, EXAMPLES[cell], rounded) == []


@each_cell
def test_packed_sequences_that_are_shifted_early_are_those_with_smaller_offsets(cell: str) -> None:
    case = case_of(cell, offsets=[0, 3, 4, 9])
    found = deviation("packed_sequences_shifted_early").outputs(case)
    inputs = {name: array[:, :8] for name, array in case.inputs.items()}
    expected = run(replace(case, inputs=inputs, offsets=np.array([0, 2, 3, 8])))
    (output,) = case.config.recurrence.outputs
    assert not found[output][:, 8].any()
    for name, array in expected.items():
        np.testing.assert_allclose(found[name][:, :8] if name == output else found[name], array, rtol=1e-12)


def test_a_chunk_reads_the_state_of_a_later_sequence_if_states_are_indexed_by_sequence() -> None:
    case = case_of("linear_attention", offsets=[0, 40, 45])
    found = deviation("chunk_states_indexed_by_sequence_in_chunks_of_32").outputs(case)
    right, first, second = run(case), *case.sequences()
    later = {name: array[:, 32:] for name, array in first.inputs.items()}
    expected = run(replace(first, inputs=later, states=second.states))
    np.testing.assert_allclose(found["o"][:, 32:40], expected["o"], rtol=1e-10)
    np.testing.assert_allclose(found["o"][:, :32], right["o"][:, :32], rtol=1e-10)
    np.testing.assert_allclose(found["S_n"], right["S_n"], rtol=1e-10)


def test_rounding_toward_zero_leaves_out_the_lower_bits() -> None:
    values = np.random.default_rng(0).normal(scale=np.array([[1e-3], [1], [1e30]]), size=(3, 1000)).astype(np.float32)
    upper = (values.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
    assert np.array_equal(toward_zero("bfloat16")(values), upper)
    assert np.array_equal(toward_zero("bfloat16")(np.array([0, -0.0, np.inf, 1])), [0, 0, np.inf, 1])
