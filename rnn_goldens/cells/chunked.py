"""Recurrences in chunks: linear attention, and the selective scan by channel; on a graph or on arrays.

This correct algorithm has rounding errors of its own: within a chunk, decays are exponentials of differences of running
sums, and the delta rules solve a triangular system (WY form). It is written once, with operators and primitives:
certification records it in a graph, and a deviation runs it on arrays, with one method replaced.
"""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from rnn_goldens.cells.adjoint import NodePrimitives
from rnn_goldens.cells.graph import Graph, Node
from rnn_goldens.cells.notation import MATRIX, Term
from rnn_goldens.cells.numpy_primitives import Array
from rnn_goldens.cells.recurrence import RecurrenceCase, constants, equations_of, scale_of
from rnn_goldens.cells.recurrence_graph import Form, Nodes, Unrolled
from rnn_goldens.cells.step_program import Program, written
from rnn_goldens.golden.recurrence_config import RecurrenceConfig, recurrence_config
from rnn_goldens.golden.recurrences import BY_KEY

Value = Any
"""A matrix of each lane: a node, or an array (batch, heads, rows, columns). None for what a rule does not have."""


class Chunk(NamedTuple):
    """The inputs of neighbouring time steps and their decays: matrices with a column for each step.

    Attributes:
        start: the first time step.
        steps: the number of time steps.
        causal: (steps, steps), whether the step of a row may read that of a column: its own or an earlier one.
        k: the keys.
        v: the values.
        g: the log-decays, (1 or d_k, steps); None for a rule without decay, like the decays below.
        beta: (steps, 1); None for a rule without beta.
        queries: the queries of a head.
        from_start, to_end, left, between: what the methods with these names return.
    """

    start: int
    steps: int
    causal: Array
    k: Value
    v: Value
    g: Value
    beta: Value
    queries: Sequence[Value]
    from_start: Value = None
    to_end: Value = None
    left: Value = None
    between: Value = None


def _decayed(a: Value, decay: Value) -> Value:
    return a if decay is None else a * decay


class Chunked(ABC):
    """Linear attention that reads and updates the state once for each chunk.

    Attributes:
        config: sizes and options.
        time: the number of time steps.
        size: time steps of a chunk; the last one may be shorter.
        of: the primitives.
    """

    config: RecurrenceConfig
    time: int
    size = 64
    of: Any

    @abstractmethod
    def columns(self, name: str, start: int, stop: int, query: int = 0) -> Value:
        """Return an input at some time steps."""

    def matrix(self, of: Array) -> Value:
        """Return a matrix of zeros and ones that is part of the algorithm."""
        return of

    def chunks(self) -> Iterator[Chunk]:
        """Yield each chunk."""
        for start in range(0, self.time, self.size):
            yield self.chunk(start, min(start + self.size, self.time))

    def chunk(self, start: int, stop: int) -> Chunk:
        """Return a chunk of some time steps."""
        config = self.config
        of = {name: self.columns(name, start, stop) for name in config.inputs if name != "q"}
        beta = self.of.transpose(of["beta"]) if "beta" in of else None
        q = [self.columns("q", start, stop, number) for number in range(config.queries)]
        causal = np.tri(stop - start, dtype=bool)
        return self.with_decays(Chunk(start, stop - start, causal, of["k"], of["v"], of.get("g"), beta, q))

    def step(self, x: Chunk, S: Value) -> tuple[list[Value], Value]:
        """Return the outputs of a chunk for each query of a head, (steps, d_v), and the state after the chunk."""
        new = self.new_values(x, S)
        return [self.output(q, x, new, S) for q in x.queries], self.next_state(x, new, S)

    def every_step(self, x: Chunk, S: Value) -> tuple[list[Value], list[Value]]:
        """Return the outputs of a chunk, and the state after each step: that after a chunk that ends there."""
        shorter = [self.chunk(x.start, x.start + steps) for steps in range(1, x.steps)]
        before_end = [self.next_state(one, self.new_values(one, S), S) for one in shorter]
        outputs, S = self.step(x, S)
        return outputs, [*before_end, S]

    # Decays.

    def with_decays(self, x: Chunk) -> Chunk:
        """Return the chunk with its decays."""
        if x.g is None:
            return x
        sums = self.sums(x)
        end = self.end(x, sums)
        return x._replace(
            from_start=self.from_start(x, sums),
            to_end=self.to_end(x, sums, end),
            left=self.left(x, end),
            between=self.between(sums, x.causal),
        )

    def sums(self, x: Chunk) -> Value:
        """Return the sums of the log-decays from the start of the chunk to each step."""
        return self.of.same(x.g @ self.matrix(x.causal.T))

    def end(self, x: Chunk, sums: Value) -> Value:
        """Return the sums at the end of the chunk."""
        return self.column(sums, x.steps - 1)

    def from_start(self, _x: Chunk, sums: Value) -> Value:
        """Return the decays from the start of the chunk to each step."""
        return self.of.exp(sums)

    def to_end(self, _x: Chunk, sums: Value, end: Value) -> Value:
        """Return the decays from each step to the end of the chunk."""
        return self.of.exp(end - sums)

    def left(self, _x: Chunk, end: Value) -> Value:
        """Return the decay over the whole chunk, (1 or d_k, 1)."""
        return self.of.exp(end)

    def between(self, sums: Value, causal: Array) -> Value:
        """Return the decays to later steps, (steps, steps); if by key, (d_k, steps) for each later step."""
        config = self.config
        if config.get("decay") == BY_KEY and config["d_k"] > 1:
            return [self.decay(self.column(sums, i), sums, row[None]) for i, row in enumerate(causal)]
        return self.decay(self.of.transpose(sums), sums, causal)

    def decay(self, later: Value, earlier: Value, causal: Array) -> Value:
        """Return the decays from earlier to later steps, of which it takes the sums; zero where not causal."""
        gaps = self.of.masked(later - earlier, causal)  # the exponential of another gap could overflow
        return self.of.masked(self.of.exp(gaps), causal)

    def products(self, y: Value, k: Value, between: Value) -> Value:
        """Return the products of each y, a row, and the decayed keys, (steps, steps)."""
        y = self.of.transpose(y)
        if not isinstance(between, list):
            return _decayed(y @ k, between)
        return self.of.stacked(*(self.of.rows(y, i, i + 1) @ (k * decay) for i, decay in enumerate(between)))

    # The delta rule.

    def new_values(self, x: Chunk, S: Value) -> Value:
        """Return the vectors that the state stores for the keys, (steps, d_v)."""
        if x.beta is None:
            return self.of.transpose(x.v)
        u, w = self.coefficients(x)
        return u - w @ S

    def coefficients(self, x: Chunk) -> tuple[Value, Value]:
        """Return U and W: the new values are U - W S."""
        inverse = self.inverse(x, self.gram(x))
        u, w = (inverse @ (x.beta * self.of.transpose(of)) for of in (x.v, self.known(x)))
        return u, w

    def gram(self, x: Chunk) -> Value:
        """Return the products of keys with earlier keys, times beta."""
        return x.beta * self.products(x.k, x.k, x.between)

    def inverse(self, x: Chunk, gram: Value) -> Value:
        """Return the inverse of I + A, where A is strictly lower triangular."""
        earlier = np.tri(x.steps, k=-1, dtype=bool)
        return self.of.solved(self.of.masked(gram, earlier), self.matrix(np.eye(x.steps, dtype=bool)))

    def known(self, x: Chunk) -> Value:
        """Return the keys as they read the state before the chunk."""
        return _decayed(x.k, x.from_start)

    # Outputs and states.

    def output(self, q: Value, x: Chunk, new: Value, S: Value) -> Value:
        """Return the outputs of one query of a head, (steps, d_v)."""
        return self.scaled(self.of_state(q, x, S) + self.scores(q, x) @ new)

    def of_state(self, q: Value, x: Chunk, S: Value) -> Value:
        """Return what the state before the chunk holds for the queries."""
        return self.of.transpose(_decayed(q, x.from_start)) @ S

    def scores(self, q: Value, x: Chunk) -> Value:
        """Return the products of queries with the keys of their own and earlier steps."""
        return self.of.masked(self.products(q, x.k, x.between), x.causal)

    def scaled(self, o: Value) -> Value:
        """Return outputs times the scale."""
        scale = scale_of(self.config)
        if isinstance(scale, Fraction):
            return o if scale == 1 else self.of.scaled(o, scale)
        assert isinstance(scale, Term)
        return self.of.multiply(o, self.of.rsqrt(self.of.constant(*scale.of[0].detail)))

    def next_state(self, x: Chunk, new: Value, S: Value) -> Value:
        """Return the state after the chunk."""
        before = S if x.left is None else x.left * S
        return before + _decayed(x.k, x.to_end) @ new

    def column(self, a: Value, number: int) -> Value:
        """Return one column of a matrix."""
        return self.of.transpose(self.of.rows(self.of.transpose(a), number, number + 1))


class _InGraph(Chunked):
    """The chunked form, as nodes of a graph. Sums of log-decays and decays are kept in at least float32."""

    def __init__(self, graph: Graph, config: RecurrenceConfig, steps: Sequence[Nodes], size: int) -> None:
        self.config, self.time, self.size, self.of = config, len(steps), size, NodePrimitives(graph)
        self._graph, self._steps = graph, steps

    def columns(self, name: str, start: int, stop: int, query: int = 0) -> Node:
        steps = [step[name] for step in self._steps[start:stop]]
        one = steps[0].value.shape[-1] == 1
        return self.side_by_side(steps if one else [self.column(step, query) for step in steps])

    def side_by_side(self, parts: Sequence[Node]) -> Node:
        return parts[0] if len(parts) == 1 else self._graph.compute("stacked", *(part.mT for part in parts)).mT

    def matrix(self, of: Array) -> Node:
        return self._graph.given(of[None, None])

    def with_decays(self, x: Chunk) -> Chunk:
        with self._graph.in_float32():
            return super().with_decays(x)


def in_chunks(size: int, *, states: bool = False) -> Form:
    """Return the chunked form of a recurrence; the last chunk of a sequence may have fewer than ``size`` steps.

    With ``states``, it also has the state after every step of a chunk, as if the sequence ended there.
    """

    def form(graph: Graph, case: RecurrenceCase, steps: list[Nodes], weights: Nodes, initial: Nodes) -> Unrolled:
        kept = _Size(size, every_state=states)
        if case.cell == "selective_scan":
            return _scan(graph, case.config, steps, {**weights, **initial}, kept)
        if "attention" in inspect.signature(equations_of(case.cell)).parameters:
            return _with_equations_around(graph, case, steps, weights, initial, kept)
        outputs, S = _attention(graph, case.config, steps, initial["S"], kept)
        return _unrolled([{"o": o} for o in outputs], [{"S": one} for one in S], kept)

    return form


class _Size(NamedTuple):
    """The time steps of a chunk, and whether the states after all of them are recorded, or only the last one."""

    steps: int
    every_state: bool


def _unrolled(outputs: list[Nodes], states: list[Nodes], size: _Size) -> Unrolled:
    return Unrolled(outputs, states[-1], states=states if size.every_state else None)


def _attention(
    graph: Graph, config: RecurrenceConfig, steps: Sequence[Nodes], S: Node, size: _Size
) -> tuple[list[Node], list[Node]]:
    """Return o at each time step, and the states after each step, or the last one alone."""
    chunked, outputs, states = _InGraph(graph, config, steps, size.steps), list[Node](), list[Node]()
    for x in chunked.chunks():
        if size.every_state:
            of_queries, found = chunked.every_step(x, S)
        else:
            of_queries, last = chunked.step(x, S)
            states, found = [], [last]
        states += found
        S = found[-1]
        graph.carried.update(state.place for state in found)
        for i in range(x.steps):
            outputs.append(chunked.side_by_side([chunked.of.rows(o, i, i + 1).mT for o in of_queries]))
    return outputs, states


def _with_equations_around(
    graph: Graph, case: RecurrenceCase, steps: Sequence[Nodes], weights: Nodes, states: Nodes, size: _Size
) -> Unrolled:
    """Add a recurrence of a model: what its equations give to the attention, the attention in chunks, and the rest."""
    before, after, taken, scale = around_attention(case)
    given = [[*step.values(), *weights.values(), *states.values()] for step in steps]
    found = [dict(zip(taken, _computed(graph, before, of_step), strict=True)) for of_step in given]
    start = found[0].pop("S")
    for one in found[1:]:
        one.pop("S")
    d_k, d_v = start.value.shape[-2:]
    by_key = "g" in found[0] and found[0]["g"].value.shape[-2] > 1
    config = attention_config(found[0], by_key=by_key, heads=1, d_k=d_k, d_v=d_v, scale=scale)
    o, S = _attention(graph, config, found, start, size)
    outputs, over_time = list[Nodes](), list[Nodes]()
    for o_t, of_step, S_t in zip(o, given, S if size.every_state else [S[-1]] * len(o), strict=True):
        *results, state = _computed(graph, after, [*of_step, o_t, S_t])
        outputs.append(dict(zip(case.config.outputs, results, strict=True)))
        over_time.append(dict(zip(states, [state], strict=True)))
    return _unrolled(outputs, over_time, size)


def attention_config(
    given: Collection[str], *, by_key: bool, heads: int, d_k: int, d_v: int, scale: Fraction | None
) -> RecurrenceConfig:
    """Return the configuration of the attention that gets such arguments, with a decay by key or by head."""
    rule = ("gated_delta" if "beta" in given else "gated_linear_attention") if "g" in given else "linear_attention"
    options = {**({"decay": BY_KEY} if by_key else {}), **({"scale": float(scale)} if scale is not None else {})}
    return recurrence_config(rule, {"query_heads": heads, "heads": heads, "d_k": d_k, "d_v": d_v, **options})


def _computed(graph: Graph, program: Program, given: Sequence[Node]) -> list[Node]:
    """Return the results of a program; a weight as a value of its own, which is not a factor of a product."""
    nodes = graph.step(program, given)
    found = [nodes[place] for place in program.after]
    return [graph.compute("same", node) if node.place in graph.weights else node for node in found]


def around_attention(case: RecurrenceCase) -> tuple[Program, Program, list[str], Fraction | None]:
    """Return the programs before and after an attention, the names of what it gets, and its scale if not 1 / √d_k."""
    config, equations = case.config, equations_of(case.cell)
    names = (*config.inputs, *config.recurrence.weights, *config.recurrence.states)
    terms = {name: Term("input", units=MATRIX) for name in names}
    o, S = Term("input", units=MATRIX), Term("input", units=MATRIX)
    got: dict[str, Any] = {}

    def attention(**arguments: Term) -> tuple[tuple[Term], tuple[Term]]:
        got.update(arguments)
        return (o,), (S,)

    outputs, states = equations(**terms, **constants(config), attention=attention)
    scale = got.pop("scale")
    before = written(list(terms.values()), list(got.values()))
    after = written([*terms.values(), o, S], (*outputs, *states))
    return before, after, list(got), None if isinstance(scale, Term) else Fraction(scale)


def _scan(graph: Graph, config: RecurrenceConfig, steps: Sequence[Nodes], given: Nodes, size: _Size) -> Unrolled:
    """Add a selective scan: each channel is gated linear attention with a decay for each of n, and values of one row.

    Dao & Gu (2024), section 6, where all n have the same decay.
    """
    of = NodePrimitives(graph)
    attention = recurrence_config(
        "gated_linear_attention",
        {"query_heads": 1, "heads": 1, "d_k": config["n"], "d_v": 1, "decay": BY_KEY, "scale": 1.0},
    )
    dt = [of.softplus(step["dt"]) for step in steps]
    v = [of_one * step["u"] for of_one, step in zip(dt, steps, strict=True)]

    def channel(d: int) -> tuple[list[Node], list[Node]]:
        A, dt_d, v_d, h = ([of.rows(node, d, d + 1) for node in nodes] for nodes in ([given["A"]], dt, v, [given["h"]]))
        x = [{"q": step["C"], "k": step["B"], "v": v_d[t], "g": A[0].mT * dt_d[t]} for t, step in enumerate(steps)]
        return _attention(graph, attention, x, h[0].mT, size)

    channels = [channel(d) for d in range(given["A"].value.shape[-2])]  # one, if channels are lanes of the graph
    outputs = [{"y": of.stacked(*(o[t] for o, _ in channels)) + given["D"] * step["u"]} for t, step in enumerate(steps)]
    states = [{"h": of.stacked(*(S.mT for S in of_step))} for of_step in zip(*(S for _, S in channels), strict=True)]
    return _unrolled(outputs, states, size)
