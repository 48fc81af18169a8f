"""Records the graph of a network: a cell over layers, directions, lengths and time."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from rnn_goldens.cells.adjoint import NodePrimitives
from rnn_goldens.cells.case_graph import Recorded
from rnn_goldens.cells.cell import Cell
from rnn_goldens.cells.graph import Graph, Node
from rnn_goldens.cells.network import Case
from rnn_goldens.cells.notation import Term, Weight
from rnn_goldens.cells.step_program import Program, written
from rnn_goldens.golden.shapes import Block
from rnn_goldens.golden.stored_arrays import Float64

EVERY = slice(None)


def blocks_of(cell: Cell, bias: bool) -> list[Block]:
    """Return the blocks of all weights of a cell."""
    present = cell.layout.present(bias=bias)
    return [block for block in cell.layout.blocks.values() if block.weight in present]


@lru_cache(maxsize=1024)
def step_of(cell: Cell, bias: bool) -> Program:
    """Return the program of a time step: of x, the blocks of weights and the states; its results are the new states."""
    x, *states = (Term("input") for _ in ("x", *cell.states))
    weights: dict[tuple[object, ...], Term] = {tuple(block): Term("input") for block in blocks_of(cell, bias)}
    products = dict[Term, Term]()

    def with_inputs(term: Term) -> Term:
        """Return a block of a bias as an input, and a product with a block of a matrix as one with an input."""
        if term.primitive == "vector":
            return weights[term.detail]
        if term.primitive not in ("product", "block"):
            return term
        whole, place = (term.of[0], term.detail) if term.primitive == "block" else (term, (0, 1))
        return products.setdefault(term, Term("matmul", (weights[*whole.detail, *place], *whole.of)))

    after = cell.equations(x, *states, Weight(cell.layout, frozenset(cell.layout.present(bias=bias))))
    return written([x, *weights.values(), *states], after, with_inputs)


def recorded(case: Case) -> Recorded:
    """Return the graph of the forward pass of a network whose arrays are float64."""
    return _Composition(case).recorded()


class _Composition:
    """Records layer by layer, direction by direction, step by step."""

    def __init__(self, case: Case) -> None:
        self.unbatched, self.case = not case.batched, case.as_batch()
        self.batch, self.time, _ = self.case.x.shape
        self.lengths = np.full(self.batch, self.time) if case.lengths is None else case.lengths
        self.blocks = blocks_of(case.cell, case.config.bias)
        self.program = step_of(case.cell, case.config.bias)
        of_weights = {name: "rows columns" if array.ndim > 1 else "rows" for name, array in case.weights.items()}
        states = (f"{name}{end}" for name in case.cell.states for end in ("0", "_n"))
        self.found = Recorded(
            Graph(),
            case.config.shapes(case.cell.layout, {"x": case.x}).every,
            {**dict.fromkeys(("x", "out", *states), "units"), **of_weights},
            lambda _, part: part[..., None],
            gradients_of=["x", *(case.cell.layout.initial if case.state_given else ()), *case.weights],
            outputs={name: [] for name in case.cell.layout.outputs},
        )

    @np.errstate(all="ignore")
    def recorded(self) -> Recorded:
        graph, config = self.found.graph, self.case.config
        below = [self._given("x", (EVERY, t), self.case.x[:, t]) for t in range(self.time)]
        outs: list[list[Node]] = []
        for suffixes in config.layers:
            outs = [self._direction(suffix, below) for suffix in suffixes]
            below = [graph.handed(NodePrimitives(graph).stacked(*sides)) for sides in zip(*outs, strict=True)]
        size = config.output_size
        for number, out in enumerate(outs):
            units = slice(number * size, (number + 1) * size)
            for t, node in enumerate(out):
                self.found.add_output("out", self._index(EVERY, t, units), node)
        return self.found

    def _direction(self, suffix: str, below: Sequence[Node]) -> list[Node]:
        """Record a direction of a layer; return its output at each time step."""
        graph, case = self.found.graph, self.case
        number, weights = case.config.suffixes.index(suffix), list(self._weights(suffix))
        part = (number,) if self.unbatched else (number, EVERY)
        state = [
            self._given(f"{name}0", part, array[number])
            for name, array in zip(case.cell.states, case.state, strict=True)
        ]
        out: dict[int, Node] = {}
        for t in range(self.time)[:: -1 if suffix.endswith("_reverse") else 1]:
            within = (t < self.lengths)[:, None, None, None]
            first = len(graph.values)
            own = [node if is_matrix else graph.handed(node) for node, is_matrix in weights]
            nodes = graph.step(self.program, [graph.handed(below[t]), *own, *state])
            after = [nodes[k] for k in self.program.after]
            if not within.all():
                graph.within |= dict.fromkeys(range(first, len(graph.values)), within)
            if within.all():
                state = [graph.handed(node) for node in after]
            else:  # a sequence that has ended keeps its state
                pairs = zip(after, state, strict=True)
                state = [graph.compute("choose", new, old, detail=(within,)) for new, old in pairs]
            out[t] = state[0] if within.all() else graph.compute("only", state[0], detail=(within,))
        for name, node in zip(case.cell.states, state, strict=True):
            self.found.add_output(f"{name}_n", part, node)
        return [out[t] for t in range(self.time)]

    def _weights(self, suffix: str) -> Iterator[tuple[Node, bool]]:
        """Add the weights of a direction of a layer, and yield each with whether it is a matrix."""
        for block in self.blocks:
            name = f"{block.weight}_{suffix}"
            array = self.case.weights[name]
            rows = block.rows(len(array))
            part = array[rows].reshape(rows.stop - rows.start, -1)
            node = self.found.given(name, (rows,), part[None, None])
            self.found.graph.weights.add(node.place)
            yield node, array.ndim > 1

    def _given(self, name: str, index: tuple[Any, ...], array: Float64) -> Node:
        return self.found.given(name, self._index(*index) if name == "x" else index, array[:, None, :, None])

    def _index(self, *index: Any) -> tuple[Any, ...]:  # noqa: ANN401 - a slice or a number
        """Return the index of a part of x or out; these arrays may lack the batch axis."""
        return index[1:] if self.unbatched else index
