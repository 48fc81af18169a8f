"""A golden of each cell: ``rnn-goldens generate --scenarios scenarios.py --into goldens``."""

import cells
import numpy as np

from rnn_goldens import Scenario
from rnn_goldens.cells import cell_named
from rnn_goldens.golden.shapes import Config, weight_shapes

VERSION = "1.0.0"

NAMES = (
    *("layer_norm_lstm", "zoneout_gru", "minimal_gated_unit", "independent_rnn", "projected_lstm", "leaky_rnn"),
    *("slstm", "rg_lru", "min_gru"),
)


def scenario(name: str) -> Scenario:
    """Return a scenario of a cell: two sequences of four steps."""
    numbers, layout = np.random.default_rng(len(name)), cell_named(f"cells:{name}").layout
    config = Config(input_size=3, hidden_size=4, proj_size=2 if name == "projected_lstm" else 0)
    return Scenario(
        id=f"cells/{name.replace('_', '-')}",
        purpose=(getattr(cells, name).__doc__ or "").splitlines()[0],
        cell=f"cells:{name}",
        config=config,
        weights={
            weight: numbers.standard_normal(shape).astype(np.float32) / 2
            for weight, shape in weight_shapes(layout, config).items()
        },
        x=numbers.standard_normal((2, 4, 3)).astype(np.float32),
        d_out=np.ones((2, 4, config.output_size)),
        gradient_purpose="Cotangents of one for each output.",
        precisions=["float64", "float32"],
    )


SCENARIOS = [scenario(name) for name in NAMES]
