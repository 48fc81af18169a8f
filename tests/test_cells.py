"""The definition against torch, in integers: both are exact, so both have to be equal."""

from typing import Any

import numpy as np
import pytest
from making import MakeGolden

from rnn_goldens import Golden, cells
from rnn_goldens.implementations import numpy_cells, torch_layers

CONFIGS: dict[str, dict[str, Any]] = {
    "plain": {"bias": False},
    "biases and a state": {"state": True},
    "three layers": {"num_layers": 3, "state": True},
    "both directions": {"bidirectional": True, "state": True},
    "ragged": {"num_layers": 2, "bidirectional": True, "state": True, "lengths": [3, 1]},
    "unbatched": {"batch": (), "bidirectional": True},
}


@pytest.fixture(params=CONFIGS)
def relu_golden(request: pytest.FixtureRequest, make_golden: MakeGolden) -> Golden:
    return make_golden("rnn_relu", dtype="float64", **CONFIGS[request.param])


def test_relu_networks_of_every_shape_are_those_of_torch(relu_golden: Golden) -> None:
    for ours, theirs in zip(numpy_cells.run(relu_golden), torch_layers.run(relu_golden), strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_array_equal(ours, theirs.numpy())


def test_tanh_is_tanh_where_relu_is_relu(make_golden: MakeGolden) -> None:
    golden = make_golden("rnn_tanh", dtype="float64", bidirectional=True, state=True)
    for ours, theirs in zip(numpy_cells.run(golden), torch_layers.run(golden), strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-14, atol=1e-15)
    assert set(cells.STEPS) == {"rnn_tanh", "rnn_relu"}


def test_a_sequence_is_not_affected_by_what_stands_beyond_its_end(make_golden: MakeGolden) -> None:
    golden = make_golden("rnn_relu", dtype="float64", bidirectional=True, lengths=[3, 2])
    before = numpy_cells.run(golden)
    x = golden.stored.x
    x.flags.writeable = True
    x[1, 2] = 1000
    again = numpy_cells.run(golden.in_precision("float64"))
    for first, second in zip(before, again, strict=True):
        np.testing.assert_array_equal(first, second)
    assert not again[0][1, 2].any()


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
def test_the_network_computes_in_the_precision_it_is_given(make_golden: MakeGolden, dtype: str) -> None:
    out, _ = numpy_cells.run(make_golden("rnn_tanh", dtype=dtype))
    assert out.dtype.name == dtype
