"""A network, a cell unrolled over layers, directions, lengths and time: its inputs, its pass in NumPy, its graph.

Every method of ``Network`` is one named part of the computation, so that a deviation overrides one method. The
primitives of ``Arithmetic`` can be overridden as well.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnn_goldens.cells.adjoint import NodePrimitives
from rnn_goldens.cells.case_graph import Recorded
from rnn_goldens.cells.custom_cells import cell_of_file
from rnn_goldens.cells.graph import Graph, Node
from rnn_goldens.cells.notation import Term, Weight
from rnn_goldens.cells.numpy_primitives import Arithmetic, Array, State, Weights
from rnn_goldens.cells.recurrence import RecurrenceCase, recurrence_case
from rnn_goldens.cells.step_program import BUILT_IN_CELLS, Cell, Program, written
from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.data import InputsData
from rnn_goldens.golden.shapes import Block, Config
from rnn_goldens.golden.states import every_shape, stored_shapes
from rnn_goldens.golden.stored_arrays import Float64


@dataclass(frozen=True, eq=False)
class Case:
    """The inputs of a network as arrays of one precision.

    Attributes:
        cell: the equations of a time step.
        config: layers, directions, sizes.
        weights: with PyTorch's names and shapes.
        x: (batch, time, input), or (time, input).
        state: h0 (and c0), each (layers·directions, batch, hidden) or without the batch axis; zeros if not passed.
        lengths: (batch,) time steps of each sequence; None if all have the full length.
        state_given: whether the caller passed an initial state.
        batch_given: whether the caller passed arrays with a batch axis.
    """

    cell: Cell
    config: Config
    weights: Weights
    x: Array
    state: State
    lengths: NDArray[np.int64] | None = None
    state_given: bool = True
    batch_given: bool = True

    @property
    def batched(self) -> bool:
        """True if x has a batch axis."""
        return self.x.ndim == 3  # noqa: PLR2004 - (batch, time, input)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the arrays."""
        return self.x.dtype

    def scaled(self, by: float) -> "Case":
        """Return the case with weights times a number."""
        return replace(self, weights={name: array * by for name, array in self.weights.items()})

    def moved(self, by: Mapping[str, Array]) -> "Case":
        """Return the case with differences added to some of its arrays, by name."""

        def moved(name: str, array: Array) -> Array:
            return array + by[name] if name in by else array

        weights = {name: moved(name, array) for name, array in self.weights.items()}
        state = tuple(moved(f"{name}0", part) for name, part in zip(self.cell.states, self.state, strict=True))
        return replace(self, weights=weights, x=moved("x", self.x), state=state)

    def as_batch(self) -> "Case":
        """Return the case with a batch axis, of size 1 if there was none."""
        if self.batched:
            return self
        state = tuple(part[:, None] for part in self.state)
        return replace(self, x=self.x[None], state=state, lengths=None, batch_given=False)


def cell_of(golden: InputsData) -> Cell:
    """Return the cell of a golden. Raises WrongUse if it is a custom cell that is unavailable or has changed."""
    if golden.custom_layout is None:
        return BUILT_IN_CELLS[golden.cell]
    cell = cell_of_file(golden.cell)
    if cell.layout != golden.custom_layout:
        raise WrongUse(
            f"cell {golden.cell!r}: its equations use {cell.layout.in_words}, "
            f"but used {golden.layout.in_words} when {golden.id} was certified"
        )
    return cell


def case_of(golden: InputsData, dtype: DTypeLike) -> Case:
    """Return the inputs of a golden as arrays of a type. Raises the same errors as ``cell_of``."""
    cell = cell_of(golden)
    return Case(
        cell,
        golden.network,
        {name: array.astype(dtype) for name, array in golden.weights.items()},
        golden.x.astype(dtype),
        tuple(state.astype(dtype) for state in golden.states.values()),
        golden.lengths,
        golden.initial_state is not None,
    )


AnyCase = Case | RecurrenceCase
"""The inputs of a network or of a recurrence."""


def golden_case(golden: InputsData, dtype: DTypeLike) -> AnyCase:
    """Return the inputs of a golden of any kind as arrays of a type. Raises the same errors as ``cell_of``."""
    return case_of(golden, dtype) if golden.is_network else recurrence_case(golden, dtype)


class Network(Arithmetic):
    """A recurrent network. ``run`` computes in the precision of the case's arrays."""

    # One layer in one direction.

    def unroll(self, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array) -> tuple[Array, State]:
        """Visit the time steps in order, and each sequence only within its length."""
        w = self.weights(case, suffix)
        out = np.zeros((*layer_input.shape[:2], state[0].shape[-1]), dtype=layer_input.dtype)
        for t in self.times(layer_input.shape[1], reverse=suffix.endswith("_reverse")):
            within = self.within(t, lengths)[:, None]
            new = self.step(case, suffix, w, layer_input, t, state)
            state = tuple(np.where(within, after, before) for after, before in zip(new, state, strict=True))
            out[:, t] = self.emit(state, within)
        return out, state

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:  # noqa: ARG002
        """The state after time step t."""
        program = self.cell(case).program(w)
        values = program.computed(self, [layer_input[:, t], *state], w)
        return tuple(values[k] for k in program.after)

    def cell(self, case: Case) -> Cell:
        """The cell of the network."""
        return case.cell

    def weights(self, case: Case, suffix: str) -> Weights:
        """The weights of one layer and direction (``l0``, ``l0_reverse``, ``l1``), by names without the suffix."""
        end = f"_{suffix}"
        return {name.removesuffix(end): array for name, array in case.weights.items() if name.endswith(end)}

    def times(self, time: int, *, reverse: bool) -> Iterable[int]:
        """The order in which time steps are visited."""
        return reversed(range(time)) if reverse else range(time)

    def within(self, t: int, lengths: Array) -> Array:
        """Mask of the sequences that have step t: the reverse direction starts at the end of each sequence."""
        return np.asarray(t < lengths)

    def emit(self, state: State, within: Array) -> Array:
        """The output of a step: h, and zero beyond the end of a sequence."""
        return np.where(within, state[0], np.zeros_like(state[0]))  # NumPy 1 cannot mix 0 and bfloat16

    # The network.

    def run(self, case: Case) -> tuple[Array, ...]:
        """Return out (batch, time, directions·hidden), h_n (layers·directions, batch, hidden), and c_n for an LSTM."""
        if not case.batched:
            out, *states = self.run(case.as_batch())
            return out[0], *(part[:, 0] for part in states)
        lengths = np.full(len(case.x), case.x.shape[1]) if case.lengths is None else case.lengths
        last: list[State] = []
        layer_input = case.x
        for layer in range(case.config.num_layers):
            outs = []
            for suffix in case.config.layers[layer]:
                out, state = self.unroll(case, suffix, layer_input, self.start(case, len(last)), lengths)
                outs.append(out)
                last.append(state)
            layer_input = self.join(outs, layer, case)
        return layer_input, *self.last_states(last)

    def start(self, case: Case, index: int) -> State:
        """The initial state of a layer and direction, by its index on the first axis of the states."""
        return tuple(part[index] for part in case.state)

    def join(self, outs: list[Array], layer: int, case: Case) -> Array:  # noqa: ARG002 - for overrides
        """The output of a layer, for the next layer or the caller: forward direction, then reverse."""
        return np.concatenate(outs, axis=-1)

    def last_states(self, last: list[State]) -> State:
        """h_n (and c_n): the last state of every layer and direction, layer by layer."""
        return tuple(np.stack(parts) for parts in zip(*last, strict=True))


EVERY = slice(None)


def _as_column(_: str, part: Float64) -> Float64:
    return part[..., None]


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
        graph, layout = Graph(), case.cell.layout
        shapes = case.config.shapes(layout, {"x": case.x}).every
        stored = stored_shapes(case.config, layout, every_shape(layout, shapes, self.time))
        self.states = Recorded(graph, stored, dict.fromkeys(stored, "units"), _as_column)
        self.found = Recorded(
            graph,
            shapes,
            {**dict.fromkeys(("x", "out", *states), "units"), **of_weights},
            _as_column,
            gradients_of=["x", *(layout.initial if case.state_given else ()), *case.weights],
            outputs={name: [] for name in layout.outputs},
            states=self.states,
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
        out, visited, is_reverse = dict[int, Node](), [state], suffix.endswith("_reverse")
        for t in range(self.time)[:: -1 if is_reverse else 1]:
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
            visited.append(state)
        for name, node, over_time in zip(case.cell.states, state, zip(*visited, strict=True), strict=True):
            self.found.add_output(f"{name}_n", part, node)
            if name in self.states.shapes:
                self._add_states(name, number, over_time, is_reverse=is_reverse)
        return [out[t] for t in range(self.time)]

    def _add_states(self, name: str, number: int, visited: Sequence[Node], *, is_reverse: bool) -> None:
        """Add a state after each of a direction's own steps: reverse, a shorter sequence has its first steps later."""
        if not is_reverse or self.case.lengths is None:
            for n, node in enumerate(visited):
                self.states.add_output(name, (n, number), node)
            return
        rows = np.arange(self.batch)
        for n, node in enumerate(visited):
            own = np.maximum(n - (self.time - self.lengths), 0)
            self.states.add_output(name, (own, number, rows), node)
        for n in range(self.time + 1):
            self.states.add_output(name, (np.maximum(n, self.lengths), number, rows), visited[-1])

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
