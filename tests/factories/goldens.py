"""Goldens of any shape for tests of comparisons."""

from collections.abc import Callable

import numpy as np

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.features import derived_features
from rnn_goldens.golden.shapes import Config
from rnn_goldens.golden.stored_arrays import GoldenArrays
from rnn_goldens.golden.tolerance import Exact

MakeGolden = Callable[..., Golden]
"""The type of the fixture ``make_golden``."""


def make_golden(
    cell: str = "rnn_relu",
    *,
    batch: tuple[int, ...] = (2,),
    time: int = 3,
    state: bool = False,
    lengths: list[int] | None = None,
    dtype: str = "float32",
    **config_arguments: int,
) -> Golden:
    """Return a golden of any configuration with consistent shapes; its values are small random integers."""
    config = Config(**{"input_size": 3, "hidden_size": 2, **config_arguments})  # type: ignore[arg-type]
    numbers = np.random.default_rng(0)

    def integers(shape: tuple[int, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return numbers.integers(-4, 5, shape).astype(np.float64)

    shapes = config.array_shapes(LAYOUTS[cell], (*batch, time, config.input_size))
    initial = {name: integers(shape) for name, shape in shapes.initial.items()} if state else {}
    return Golden(
        id="made/for-a-test",
        title="Made for a test",
        purpose="To be compared with.",
        documented_in="tests",
        cell=cell,
        config=config,
        features=derived_features(config, state=state, lengths=lengths is not None, unbatched=not batch, exact=True),
        tolerance=Exact(bits=8),
        precisions=("float64", "float32", "bfloat16", "float16"),
        provenance={},
        stored=GoldenArrays(
            weights={name: integers(shape) for name, shape in shapes.weights.items()},
            inputs={"x": integers(shapes.inputs["x"])},
            lengths=None if lengths is None else np.array(lengths),
            states=initial,
            expected={name: integers(shape) for name, shape in shapes.outputs.items()},
        ),
    ).in_precision(dtype)
