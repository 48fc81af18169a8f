"""Backward passes of recurrences: the right ones equal the definition, and every deviation has an effect."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import numpy as np
import pytest
from deviations.checks import assert_described, equivalent
from factories.backward_recurrences import CASES, random_case, random_cotangents, without_state
from factories.for_each import for_each
from numpy.typing import NDArray

from rnn_goldens import UnknownName
from rnn_goldens.cells import gradients
from rnn_goldens.cells.matrix_primitives import NUMPY
from rnn_goldens.cells.recurrence import RecurrenceCase, step_program
from rnn_goldens.cells.recurrence_backward import RecurrenceBackward
from rnn_goldens.cells.recurrence_notation import Equations
from rnn_goldens.deviations import Deviation, deviation
from rnn_goldens.deviations.needs import FEATURES
from rnn_goldens.deviations.recurrences import BACKWARD_FAMILIES, BACKWARD_RECURRENCE_DEVIATIONS
from rnn_goldens.deviations.recurrences.backward_attention import RepeatedHeads
from rnn_goldens.deviations.recurrences.backward_decays import RunningSum
from rnn_goldens.deviations.recurrences.edits import ATTENTION, GATED, WrongBackward, in_loop
from rnn_goldens.deviations.recurrences.equation_parts import (
    RIGHT,
    attention,
    causal_conv,
    min_gru,
    rg_lru,
    selective_scan,
    slstm,
)
from rnn_goldens.golden.recurrences import RECURRENCES

Gradients = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Example:
    """A case, cotangents and the right gradients."""

    name: str
    case: RecurrenceCase
    cotangents: Gradients

    @cached_property
    def right(self) -> Gradients:
        return self.reported(RecurrenceBackward(RIGHT.get(self.case.cell)).gradients(self.case, self.cotangents))

    def reported(self, found: Gradients) -> Gradients:
        """Leave out gradients of initial states that the caller did not pass."""
        left_out = () if self.case.state_given else tuple(self.case.states)
        return {name: array for name, array in found.items() if name not in left_out}

    def has(self, needs: tuple[str, ...]) -> bool:
        return all(FEATURES[name](self.case) for name in needs)


def example(name: str, case: RecurrenceCase) -> Example:
    return Example(name, case, random_cotangents(case))


def examples(cell: str) -> list[Example]:
    found = [example(name, random_case(cell, **arguments)) for name, arguments in CASES.items()]
    found += [
        example(f"{name}, no state", without_state(random_case(cell, **CASES[name]))) for name in ("plain", "long")
    ]
    if cell == "rg_lru":
        case = random_case(cell, **CASES["plain"])
        found.append(example("decay near one", replace(case, weights={"Lambda": np.full(case.config["d"], -19.0)})))
    return found


EXAMPLES = {cell: examples(cell) for cell in RECURRENCES}

each_cell = for_each(list(RECURRENCES), every=3)
each_deviation = for_each(BACKWARD_RECURRENCE_DEVIATIONS, lambda wrong: wrong.name, every=3)
every_eighth_deviation = for_each(BACKWARD_RECURRENCE_DEVIATIONS, lambda wrong: wrong.name, every=8)


@cache
def gradients_of(wrong: Deviation, example: Example) -> Gradients:
    return example.reported(wrong.gradients(example.case, example.cotangents))


def changes(wrong: Deviation, example: Example) -> bool:
    found = gradients_of(wrong, example)
    return any(not np.allclose(found[n], right, rtol=1e-9, atol=1e-9) for n, right in example.right.items())


PARTS: Mapping[str, Callable[[], Equations]] = {
    **dict.fromkeys(ATTENTION, attention),
    "selective_scan": selective_scan,
    "rg_lru": rg_lru,
    "min_gru": min_gru,
    "causal_conv": causal_conv,
    "slstm": slstm,
}


def right_loops(cell: str) -> list[RecurrenceBackward]:
    loops = [RecurrenceBackward(PARTS[cell]())] if cell in PARTS else []
    if cell in ATTENTION:
        loops.append(RepeatedHeads())
    if cell in GATED:
        loops.append(RunningSum())
    return loops


@each_cell
def test_right_loops_and_equations_equal_the_definition(cell: str) -> None:
    for one in EXAMPLES[cell][: len(CASES)]:
        expected = gradients(one.case, one.cotangents)
        for loop in right_loops(cell):
            found = loop.gradients(one.case, one.cotangents)
            assert list(found) == list(expected)
            for name, array in found.items():
                context = f"{type(loop).__name__}, {one.name}, {name}"
                np.testing.assert_allclose(array, expected[name], rtol=1e-10, atol=1e-10, err_msg=context)


def test_there_are_at_least_30_deviations_in_the_order_of_their_families() -> None:
    assert len(BACKWARD_RECURRENCE_DEVIATIONS) >= 30
    assert [d for family in BACKWARD_FAMILIES.values() for d in family] == list(BACKWARD_RECURRENCE_DEVIATIONS)


@each_deviation
def test_each_deviation_is_described_completely(wrong: Deviation) -> None:
    assert_described(wrong, RECURRENCES, FEATURES)
    assert all(wrong.applies_to(cell) == (cell in wrong.cells) for cell in RECURRENCES)
    assert deviation(wrong.name) is wrong


@each_deviation
def test_each_deviation_has_an_effect_in_each_of_its_cells(wrong: Deviation) -> None:
    for cell in wrong.cells:
        assert any(changes(wrong, one) for one in EXAMPLES[cell] if one.has(wrong.needs)), cell


@every_eighth_deviation
def test_each_deviation_has_no_effect_without_the_features_it_needs(wrong: Deviation) -> None:
    assert len(set(wrong.needs)) == len(wrong.needs)
    without = [one for cell in wrong.cells for one in EXAMPLES[cell] if not one.has(wrong.needs)]
    assert [f"{one.name}, {one.case.cell}" for one in without if changes(wrong, one)] == []


@every_eighth_deviation
def test_each_deviation_keeps_shapes_and_types_and_is_deterministic(wrong: Deviation) -> None:
    for cell in wrong.cells:
        for one in EXAMPLES[cell][:4]:
            found = gradients_of(wrong, one)
            assert {name: (a.shape, a.dtype) for name, a in found.items()} == {
                name: (a.shape, a.dtype) for name, a in one.right.items()
            }
        first, again = EXAMPLES[cell][0], wrong.gradients(EXAMPLES[cell][0].case, EXAMPLES[cell][0].cotangents)
        assert all(np.array_equal(a, again[n], equal_nan=True) for n, a in gradients_of(wrong, first).items())


@every_eighth_deviation
def test_each_deviation_computes_in_the_type_of_the_arrays(wrong: Deviation) -> None:
    for cell in wrong.cells:
        one = EXAMPLES[cell][1]
        found = wrong.gradients(one.case.astype(np.float32), one.cotangents)
        assert {array.dtype for array in found.values()} == {np.dtype(np.float32)}, cell


@each_deviation
def test_wrong_equations_have_the_right_values(wrong: Deviation) -> None:
    for cell in wrong.cells:
        assert isinstance(wrong.wrong, WrongBackward)
        case, loop = EXAMPLES[cell][0].case, wrong.wrong.loop(cell)
        for step, arguments in zip(RecurrenceBackward().kept(case), loop.arguments(case), strict=True):
            before = {**arguments, **{name: array for name, array in step.before.items() if name not in arguments}}
            program, own = loop.program(case, tuple(before)), step_program(case)
            found = program.computed(NUMPY, list(before.values()), {})
            expected = own.computed(NUMPY, list(step.before.values()), {})
            for k, place in enumerate(own.after):
                np.testing.assert_allclose(found[program.after[k]], expected[place], rtol=1e-12, atol=1e-14)


def test_what_does_not_exist_can_neither_be_found_nor_replaced() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'd_g_zero'"):
        deviation("d_g_zeros")
    with pytest.raises(TypeError, match="RunningSum has no method 'd_z'"):
        in_loop(RunningSum, d_z=lambda right, x: right.d_z(x))
    with pytest.raises(TypeError, match="attention has no part 'gate'"):
        attention(gate=lambda x: x.gate)


def rounded(wrong: Deviation, one: Example) -> str:
    return repr([(np.round(array, 9) + 0.0).tobytes() for array in gradients_of(wrong, one).values()])


@each_cell
def test_no_two_deviations_are_equivalent(cell: str) -> None:
    deviations = [wrong for wrong in BACKWARD_RECURRENCE_DEVIATIONS if cell in wrong.cells]
    assert equivalent(deviations, EXAMPLES[cell], rounded) == []


@pytest.mark.parametrize("in_autograd", [False, True])
def test_an_slstm_with_a_constant_normalizer_is_that_of_torch(*, in_autograd: bool) -> None:
    torch = pytest.importorskip("torch", reason="autograd of torch is compared")
    (one,) = (one for one in EXAMPLES["slstm"] if one.name == "plain")
    case = one.case
    arrays = {**case.inputs, **case.weights, **case.states}
    given = {name: torch.tensor(array, requires_grad=True) for name, array in arrays.items()}
    h, c, n, m = (given[name] for name in ("h0", "c0", "n0", "m0"))
    outputs = []
    for t in range(case.time):
        i, f, z, o = (given[f"x_{g}"][:, t] + torch.einsum("hij,bhj->bhi", given[f"R_{g}"], h) for g in "ifzo")
        f = torch.nn.functional.logsigmoid(f)
        new = torch.maximum(f + m, i)
        m, f = (new, f + m) if in_autograd else (new.detach(), f + m)
        c, n = torch.exp(f - m) * c + torch.exp(i - m) * torch.tanh(z), torch.exp(f - m) * n + torch.exp(i - m)
        h = torch.sigmoid(o) * c / n.detach()
        outputs.append(h)
    results = {"d_out": torch.stack(outputs, 1), "d_h_n": h}
    sum((torch.tensor(array) * results[name]).sum() for name, array in one.cotangents.items()).backward()
    name = "slstm_normalizer_constant" + "_in_autograd" * in_autograd
    found = deviation(name).gradients(case, one.cotangents)
    for name, array in found.items():
        expected = torch.zeros_like(given[name]) if given[name].grad is None else given[name].grad
        np.testing.assert_allclose(array, expected, rtol=1e-10, atol=1e-12, err_msg=name)
