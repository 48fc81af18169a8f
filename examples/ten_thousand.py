"""Scenarios of ten thousand small goldens with random numbers; the environment variable COUNT sets another count.

rnn-goldens generate --scenarios examples/ten_thousand.py --into goldens
"""

import os

import numpy as np

from rnn_goldens import Config, Scenario
from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.shapes import weight_shapes

VERSION = "1.0.0"
CORPUS = "ten-thousand"

CELLS = ("rnn_tanh", "lstm", "gru")  # a random relu network may return only zeros and would be refused
SIZES = Config(input_size=3, hidden_size=4)


def random_scenario(number: int) -> Scenario:
    """Return a scenario with two sequences of five steps; every number is exact in all four precisions."""
    random = np.random.default_rng(number)
    cell = CELLS[number % len(CELLS)]
    shapes = weight_shapes(LAYOUTS[cell], SIZES)
    return Scenario(
        id=f"drawn/{cell.replace('_', '-')}-{number:06}",
        purpose="One of many small goldens with random weights and inputs.",
        cell=cell,
        config=SIZES,
        weights={name: random.integers(-64, 65, shape) / 64 for name, shape in shapes.items()},
        x=random.integers(-64, 65, (2, 5, SIZES.input_size)) / 64,
    )


SCENARIOS = [random_scenario(number) for number in range(int(os.environ.get("COUNT", "10000")))]
