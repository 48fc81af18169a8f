"""The sections of ``docs/equations.md`` that are made from the definition: equations, names and shapes."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from inspect import signature
from typing import Any

import numpy as np

from rnn_goldens.cells import BUILT_IN_CELLS, Case, Cell, Network, notation
from rnn_goldens.generator.deviation_page import table
from rnn_goldens.golden.built_in_cells import CELLS, DIALECTS, LAYOUTS
from rnn_goldens.golden.shapes import Config, state_shapes, weight_shapes

LETTERS = {
    "lstm": "i input gate, f forget gate, g candidate, o output gate",
    "gru": "r reset gate, z update gate, n candidate",
}

FUNCTIONS: tuple[Callable[..., Any], ...] = (notation.tanh, notation.relu, notation.sigmoid, notation.mix)
"""The functions in equations, besides sums and products."""

STEPS: dict[str, Callable[..., Any]] = {
    "time": Network.unroll,
    "lengths": Network.within,
    "`out`": Network.emit,
    "`h0`, `c0`": Network.start,
    "layers": Network.join,
    "`h_n`, `c_n`": Network.last_states,
}
"""The methods of the definition that make a network of a cell."""

SHOWN = Config(input_size=5, hidden_size=3, num_layers=2, bidirectional=True)
BATCH, TIME = 2, 7
"""Sizes for the tables of shapes. No two products of them are equal."""


def sections() -> dict[str, str]:
    """Return the sections of the page that are made from the definition, by name."""
    return {
        "steps": "".join(
            [
                *(f"**{name}.** {_as_printed(BUILT_IN_CELLS[name])}" for name in CELLS),
                *(f"- `{f.__name__}({', '.join(signature(f).parameters)})`: {_within_a_line(f)}\n" for f in FUNCTIONS),
            ]
        ),
        "blocks": "".join(_blocks()),
        "shapes": "".join([*_shapes(), *_states()]),
        "network": "".join(f"- {name}: {_within_a_line(step)}\n" for name, step in STEPS.items()),
        "example": "".join(_example()),
        "dialects": "".join(_dialects()),
    }


def equations(cell: Cell) -> list[str]:
    """Return a cell's equations line by line, as written in its definition."""
    (function,) = ast.parse(textwrap.dedent(inspect.getsource(cell.equations))).body
    assert isinstance(function, ast.FunctionDef)
    return [line for statement in function.body[1:] for line in _lines(statement, cell)]


def _lines(statement: ast.stmt, cell: Cell) -> Iterator[str]:
    """Yield a statement; instead of the return statement, a line for each state that is not assigned before."""
    if isinstance(statement, ast.Return) and not isinstance(statement.value, ast.Tuple):
        yield f"{', '.join(cell.states)} = {_written(statement.value or statement)}"
    elif isinstance(statement, ast.Return):
        assert isinstance(statement.value, ast.Tuple)
        for name, value in zip(cell.states, statement.value.elts, strict=True):
            if (text := _written(value)) != name:
                yield f"{name} = {text}"
    else:
        yield _written(statement)


def _written(node: ast.AST) -> str:
    """Return a piece of the source, without the ``w.`` before weights."""
    return ast.unparse(node).replace("w.", "")


def _dialects() -> Iterator[str]:
    for name, dialect in DIALECTS.items():
        cell, base = BUILT_IN_CELLS[name], BUILT_IN_CELLS[dialect.base]
        same = f"The equations of {dialect.base}.\n\n"
        yield f"**{name}** (`{dialect.option}`). {same if cell.equations is base.equations else _as_printed(cell)}"


def _as_printed(cell: Cell) -> str:
    """Return the docstring and the equations of a cell."""
    lines = "\n".join(equations(cell))
    return f"{inspect.getdoc(cell.equations)}\n\n```\n{lines}\n```\n\n"


def _within_a_line(documented: object) -> str:
    """Return a docstring that continues a line: its first letter becomes lowercase."""
    text = str(inspect.getdoc(documented))
    return f"{text[0].lower()}{text[1:]}"


def _blocks() -> Iterator[str]:
    for name in CELLS:
        letters = f" ({LETTERS[name]})" if name in LETTERS else ""
        yield f"- {name}: {', '.join(LAYOUTS[name].gates) if name in LETTERS else 'one block'}{letters}\n"


def _shapes() -> Iterator[str]:
    sizes = f"{SHOWN.input_size} inputs, {SHOWN.hidden_size} units,\n{SHOWN.num_layers} layers in both directions"
    yield "The names are PyTorch's, and the batch comes first. As an example "
    yield f"{sizes}, a batch of {BATCH}, and {TIME} time steps:\n\n"
    shapes = [weight_shapes(LAYOUTS[name], SHOWN) for name in CELLS]
    yield table(("weights", *CELLS), [(f"`{weight}`", *(of[weight] for of in shapes)) for weight in shapes[0]])
    x = (BATCH, TIME, SHOWN.input_size)
    outputs = [SHOWN.array_shapes(LAYOUTS["lstm"], shape).outputs for shape in (x, x[1:])]
    rows = [
        ("`x` (batch, time, input)", x, x[1:]),
        ("`out` (batch, time, directions·hidden)", *(of["out"] for of in outputs)),
        ("`h0`, `h_n`; `c0`, `c_n` of an LSTM (layers·directions, batch, hidden)", *(of["h_n"] for of in outputs)),
        ("`lengths` (batch)", (BATCH,), "none"),
    ]
    yield "\n"
    yield table(("array", "with a batch", "without"), rows)


def _states() -> Iterator[str]:
    """Yield the order of a state's first axis."""
    order = ", ".join(f"{index} `{suffix}`" for index, suffix in enumerate(SHOWN.suffixes))
    yield f"\nThe first axis of a state is ordered by layer, then direction: {order}. "
    yield "`out` is the last\nlayer's; "
    yield "its last axis has the units of the forward direction first, then those of the reverse.\n"


def _example() -> Iterator[str]:
    config = Config(input_size=1, hidden_size=1, bidirectional=True, bias=False)
    weights = {name: np.ones(shape) for name, shape in weight_shapes(LAYOUTS["rnn_relu"], config).items()}
    x, lengths = np.array([[[1.0], [2.0], [3.0]], [[4.0], [9.0], [9.0]]]), np.array([3, 1])
    state = tuple(map(np.zeros, state_shapes(LAYOUTS["rnn_relu"], config, (len(x),)).values()))
    out, h_n = Network().run(Case(BUILT_IN_CELLS["rnn_relu"], config, weights, x, state, lengths))
    arrays = {"x": x[..., 0], "lengths": lengths, "out, forward": out[..., 0], "out, reverse": out[..., 1]}
    yield "```\n"
    for name, array in (arrays | {"h_n, forward": h_n[0, :, 0], "h_n, reverse": h_n[1, :, 0]}).items():
        yield f"{name:<14}{array.astype(int).tolist()}\n"
    yield "```\n"
