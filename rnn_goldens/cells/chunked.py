"""Records the chunked form of linear attention as a graph: one more correct algorithm, with its own rounding errors.

Within a chunk, decays are exponentials of differences of running sums, and the delta rules solve a triangular system
(WY form). Values that kernels keep in float32, whatever the precision, are sums of logarithms, decays and states.
"""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from rnn_goldens.cells.graph import Graph, Node
from rnn_goldens.cells.notation import Term
from rnn_goldens.cells.recurrence import RecurrenceCase, scale_of
from rnn_goldens.cells.unrolled import Form, Nodes, Unrolled


def in_chunks(size: int) -> Form:
    """Return the chunked form of linear attention; the last chunk of a sequence may have fewer than ``size`` steps."""

    def form(graph: Graph, case: RecurrenceCase, steps: list[Nodes], _: Nodes, states: Nodes) -> Unrolled:
        (state,), outputs = states.values(), list[Nodes]()
        for start in range(0, len(steps), size):
            chunk = _Chunk(graph, case, steps[start : start + size], state)
            outputs.extend({"o": node} for node in chunk.outputs())
            state = chunk.state_after()
            graph.carried.add(state.place)
        return Unrolled(outputs, {"S": state})

    return form


class _Chunk:
    """The values of one chunk. Matrices have a column for each time step."""

    def __init__(self, graph: Graph, case: RecurrenceCase, steps: Sequence[dict[str, Node]], state: Node) -> None:
        self.graph, self.case, self.steps, self.state = graph, case, steps, state
        self.count = len(steps)
        self.k, v = self._columns("k"), self._columns("v")
        self.lower = np.tri(self.count, dtype=bool)
        self.gated, self.by_key = "g" in steps[0], steps[0].get("g", state).value.shape[-2] > 1
        if self.gated:
            self._add_decays()
        self.v = self._corrected(v.mT) if "beta" in steps[0] else v.mT

    def _columns(self, name: str) -> Node:
        return self._side_by_side([step[name] for step in self.steps])

    def _side_by_side(self, parts: Sequence[Node]) -> Node:
        return parts[0] if len(parts) == 1 else self.graph.compute("stacked", *(part.mT for part in parts)).mT

    def _column(self, a: Node, number: int) -> Node:
        return self._row(a.mT, number).mT

    def _row(self, a: Node, number: int) -> Node:
        return self.graph.compute("rows", a, detail=(number, number + 1))

    def _masked(self, a: Node, keep: object) -> Node:
        return self.graph.compute("masked", a, detail=(keep,))

    def _exp(self, a: Node) -> Node:
        return self.graph.compute("exp", a)

    def _add_decays(self) -> None:
        """Add running sums of log-decays, (1 or d_k, count), and the decays that follow from them."""
        with self.graph.in_float32():
            ones = self.graph.constant_matrix(np.triu(np.ones((self.count, self.count))))
            total = self.graph.compute("same", self._columns("g") @ ones)
            last = self._column(total, self.count - 1)
            self.from_start, self.to_end, self.left = self._exp(total), self._exp(last - total), self._exp(last)
            if self.by_key:
                self.between = [
                    self._exp(self._masked(self._column(total, i) - total, (np.arange(self.count) <= i)[None]))
                    for i in range(self.count)
                ]
            else:
                gaps = self._masked(total.mT - total, self.lower)
                self.decay = self._masked(self._exp(gaps), self.lower)

    def _against_keys(self, x: Node) -> Node:
        """Return, (count, count), the products of each x with each key, times the decay since that key."""
        if not self.gated:
            return x.mT @ self.k
        if not self.by_key:
            return (x.mT @ self.k) * self.decay
        rows = [
            self._row(x.mT, i) @ (self.k * self._masked(between, (np.arange(self.count) <= i)[None]))
            for i, between in enumerate(self.between)
        ]
        return rows[0] if len(rows) == 1 else self.graph.compute("stacked", *rows)

    def _corrected(self, v: Node) -> Node:
        """Return the values of the delta rules, (count, d_v): what each key adds to the state."""
        betas = [step["beta"] for step in self.steps]
        beta = betas[0] if len(betas) == 1 else self.graph.compute("stacked", *betas)
        a = self._masked(beta * self._against_keys(self.k), np.tri(self.count, k=-1, dtype=bool))
        inverse = self.graph.compute("solved", a, self.graph.constant_matrix(np.eye(self.count)))
        known = self.k * self.from_start if self.gated else self.k
        return inverse @ (beta * v) - (inverse @ (beta * known.mT)) @ self.state

    def outputs(self) -> list[Node]:
        """Return the output of each time step, (d_v, queries of a head)."""
        queries = self.steps[0]["q"].value.shape[-1]
        by_query = [self._of_query(j, queries) for j in range(queries)]
        return [self._side_by_side([self._row(o, i).mT for o in by_query]) for i in range(self.count)]

    def _of_query(self, number: int, queries: int) -> Node:
        parts = [step["q"] if queries == 1 else self._column(step["q"], number) for step in self.steps]
        q = self._side_by_side(parts)
        read = (q * self.from_start if self.gated else q).mT @ self.state
        return self._scaled(read + self._masked(self._against_keys(q), self.lower) @ self.v)

    def _scaled(self, o: Node) -> Node:
        scale = scale_of(self.case.config)
        if isinstance(scale, Fraction):
            return o if scale == 1 else o * scale
        assert isinstance(scale, Term)
        size = self.graph.node(scale.of[0].detail[0])
        return o * self.graph.compute("rsqrt", size)

    def state_after(self) -> Node:
        """Return the state after the chunk."""
        keys = self.k * self.to_end if self.gated else self.k
        before = self.left * self.state if self.gated else self.state
        return before + keys @ self.v
