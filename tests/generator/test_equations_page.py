"""The page of equations agrees with the definition, and its equations compute goldens as printed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import rnn_goldens
from rnn_goldens import Golden
from rnn_goldens.cells import BUILT_IN_CELLS
from rnn_goldens.generator.equations_page import equations, sections
from rnn_goldens.generator.readme_figures import with_sections
from rnn_goldens.golden.built_in_cells import CELLS, LAYOUTS

FUNCTIONS = {
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "mix": lambda z, a, b: z * a + (1 - z) * b,
}


def test_the_committed_page_is_up_to_date() -> None:
    committed = (Path(__file__).parents[2] / "docs/equations.md").read_text("utf-8")
    assert with_sections(committed, sections()) == committed, "update the page: make generate"


@pytest.mark.parametrize("cell", CELLS)
def test_the_equations_compute_a_golden_as_they_are_printed(cell: str) -> None:
    lines = "\n".join(equations(BUILT_IN_CELLS[cell]))
    assert f"```\n{lines}\n```" in sections()["steps"]
    features = ["state", "bias"]
    without = ["multilayer", "bidirectional", "lengths", "unbatched", "saturated", "long"]
    goldens = rnn_goldens.select(cell=cell, features=features, without=without)
    assert goldens
    for golden in goldens:
        rows = [follow(golden, row, lines) for row in range(len(golden.x))]
        out, *states = (np.stack(parts) for parts in zip(*rows, strict=True))
        golden.check(out, *(state[None] for state in states))


def follow(golden: Golden, row: int, lines: str) -> list[NDArray[Any]]:
    """Run one sequence through the equations, which are valid Python. Returns h of every step and the last states."""
    names = golden.layout.states
    known: dict[str, Any] = FUNCTIONS | {name: getattr(golden, f"{name}0")[0, row] for name in names}
    for name, array in golden.weights.items():
        kind, side = ("W" if name.startswith("weight") else "b"), name.split("_")[1][0]
        for gate, block in zip(
            LAYOUTS[golden.cell].gates, np.split(array, len(LAYOUTS[golden.cell].gates)), strict=True
        ):
            known[f"{kind}_{side}{gate}"] = block
    out = []
    for known["x"] in golden.x[row]:
        exec(lines, known)  # as copied from the page
        out.append(known["h"])
    return [np.stack(out), *(known[name] for name in names)]
