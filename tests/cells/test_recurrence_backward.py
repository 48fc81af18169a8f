"""The gradients of recurrences, compared with those of the scalar implementation."""

import numpy as np
from factories.backward_recurrences import CASES, random_case, random_cotangents
from factories.for_each import for_each
from independent.test_scalar_recurrences import scalar_gradients

from rnn_goldens.cells.recurrence_backward import gradients
from rnn_goldens.golden.recurrences import RECURRENCES

each_recurrence = for_each(list(RECURRENCES))


@for_each([(cell, packed) for cell in RECURRENCES for packed in (False, True)])
def test_gradients_equal_those_of_the_scalar_implementation(cell: str, packed: bool) -> None:
    case = random_case(cell, **CASES["packed" if packed else "grouped queries"])
    every = random_cotangents(case)
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
