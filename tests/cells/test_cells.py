"""The definition compared with torch: equal on integers, where both are exact, and close elsewhere."""

from typing import Any

import numpy as np
import pytest
from factories.goldens import MakeGolden

from rnn_goldens import Golden
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.implementations import numpy_cells
from rnn_goldens.implementations.torch import layers as torch_layers

CONFIGS: dict[str, dict[str, Any]] = {
    "plain": {"bias": False},
    "biases and a state": {"state": True},
    "three layers": {"num_layers": 3, "state": True},
    "both directions": {"bidirectional": True, "state": True},
    "ragged": {"num_layers": 2, "bidirectional": True, "state": True, "lengths": [3, 1]},
    "unbatched": {"batch": (), "bidirectional": True},
}


def outputs_of_torch(golden: Golden) -> list[np.ndarray[Any, Any]]:
    out, last = torch_layers.run(golden)
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
