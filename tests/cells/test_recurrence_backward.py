"""Recurrences and their gradients, compared with those of the scalar implementation."""

import numpy as np
from factories.backward_recurrences import CASES, random_case, random_cotangents
from factories.for_each import for_each
from independent.test_scalar_recurrences import scalar_gradients, scalar_outputs

from rnn_goldens.cells.recurrence import run
from rnn_goldens.cells.recurrence_backward import gradients
from rnn_goldens.golden.recurrences import RECURRENCES

each_recurrence = for_each(list(RECURRENCES))


@for_each([(cell, name) for cell in RECURRENCES for name in ("grouped queries", "decay by key", "packed", "one step")])
def test_outputs_and_gradients_equal_those_of_the_scalar_implementation(cell: str, name: str) -> None:
    case = random_case(cell, **CASES[name])
    every, outputs = random_cotangents(case), scalar_outputs(case)
    assert outputs.keys() == run(case).keys()
    for output, values in run(case).items():
        np.testing.assert_allclose(values, outputs[output], rtol=1e-12, atol=1e-12, err_msg=output, strict=True)
    for cotangents in (every, *({name: array} for name, array in every.items()), {}):
        expected = scalar_gradients(case, cotangents)
        found = gradients(case, cotangents)
        assert list(found) == [*case.inputs, *case.states, *case.weights]
        for array, gradient in found.items():
            np.testing.assert_allclose(gradient, expected[array], rtol=1e-10, atol=1e-10, err_msg=array)


@each_recurrence
def test_gradients_have_the_type_of_the_arrays(cell: str) -> None:
    case = random_case(cell, **CASES["decay by key"])
    cotangents = random_cotangents(case)
    expected = gradients(case, cotangents)
    for name, gradient in gradients(case.astype(np.float32), cotangents).items():
        assert gradient.dtype == np.float32, name
        np.testing.assert_allclose(gradient, expected[name], rtol=1e-3, atol=1e-4)


@each_recurrence
def test_gradients_are_deterministic_and_do_not_modify_their_arguments(cell: str) -> None:
    case = random_case(cell, **CASES["grouped queries"])
    cotangents = random_cotangents(case)
    for array in cotangents.values():
        array.flags.writeable = False
    first, second = (gradients(case, cotangents) for _ in range(2))
    assert all(np.array_equal(first[name], second[name]) for name in first)
