"""The definition compared with torch, and recurrences with the scalar implementation."""

from typing import Any

import numpy as np
import pytest
from factories.backward_recurrences import CASES, random_case, random_cotangents
from factories.for_each import for_each
from factories.goldens import MakeGolden
from independent.test_scalar_recurrences import scalar_gradients, scalar_outputs

from rnn_goldens import Golden
from rnn_goldens.cells import gradients
from rnn_goldens.cells.recurrence import run
from rnn_goldens.deviations.recurrences.edits import ATTENTION, DELTA
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.recurrences import RECURRENCES
from rnn_goldens.implementations import numpy_cells
from rnn_goldens.implementations import torch as torch_layers

CONFIGS: dict[str, dict[str, Any]] = {
    "plain": {"bias": False},
    "biases and a state": {"state": True},
    "three layers": {"num_layers": 3, "state": True},
    "both directions": {"bidirectional": True, "state": True},
    "ragged": {"num_layers": 2, "bidirectional": True, "state": True, "lengths": [3, 1]},
    "unbatched": {"batch": (), "bidirectional": True},
}


def outputs_of_torch(golden: Golden) -> list[np.ndarray[Any, Any]]:
    out, last = torch_layers.run_layers(golden)
    return [tensor.numpy() for tensor in (out, *(last if isinstance(last, tuple) else (last,)))]


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("cell", CELLS)
def test_networks_of_every_shape_equal_those_of_torch(make_golden: MakeGolden, cell: str, config: str) -> None:
    golden = make_golden(cell, dtype="float64", **CONFIGS[config])
    outputs = numpy_cells.run(golden)
    assert len(outputs) == (3 if cell == "lstm" else 2)
    rtol = 0 if cell == "rnn_relu" else 1e-12
    for found, expected in zip(outputs, outputs_of_torch(golden), strict=True):
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("cell", CELLS)
def test_padding_does_not_affect_a_sequence(make_golden: MakeGolden, cell: str) -> None:
    golden = make_golden(cell, dtype="float64", bidirectional=True, lengths=[3, 2])
    before = numpy_cells.run(golden)
    x = golden.stored.x
    x.flags.writeable = True
    x[1, 2] = 1000
    again = numpy_cells.run(golden.in_precision("float64"))
    for first, second in zip(before, again, strict=True):
        np.testing.assert_array_equal(first, second)
    assert not again[0][1, 2].any()


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
@pytest.mark.parametrize("cell", CELLS)
def test_the_network_computes_in_the_precision_of_the_arrays(make_golden: MakeGolden, cell: str, dtype: str) -> None:
    assert {output.dtype.name for output in numpy_cells.run(make_golden(cell, dtype=dtype))} == {dtype}


each_recurrence = for_each(list(RECURRENCES))


@for_each(
    [
        *((cell, name) for cell in RECURRENCES for name in ("grouped queries", "decay by key", "packed", "one step")),
        *(
            (cell, name)
            for cell in (*ATTENTION, "selective_scan")
            for name in ("grouped values", "grouped values, packed")
        ),
        *((cell, "one beta") for cell in DELTA),
    ],
    every=10,
)
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
