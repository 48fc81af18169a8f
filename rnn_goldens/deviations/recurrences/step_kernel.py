"""The four rules of linear attention step by step, as kernels write them."""

from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.cells.recurrence import RecurrenceCase
from rnn_goldens.deviations.recurrences.deviation import Outputs
from rnn_goldens.deviations.recurrences.kernel import Kernel


class AttentionKernel(Kernel):
    """Inputs by head, with time as the last but one axis, and outputs in the layout of a golden."""

    def __init__(self, case: RecurrenceCase) -> None:
        super().__init__(case)
        self.heads, self.d_k, self.d_v = (int(case.config[name]) for name in ("heads", "d_k", "d_v"))

    def queries(self) -> Array:
        """Return (batch, heads, group, time, d_k): each state head serves a group of neighbouring query heads."""
        q = self.case.inputs["q"]
        return q.reshape(*q.shape[:2], self.heads, -1, self.d_k).transpose(0, 2, 3, 1, 4)

    def keys(self) -> Array:
        """Return (batch, heads, time, d_k)."""
        return self.case.inputs["k"].swapaxes(1, 2)

    def values(self) -> Array:
        """Return (batch, heads, time, d_v)."""
        return self.case.inputs["v"].swapaxes(1, 2)

    def log_decays(self) -> Array | None:
        """Return (batch, heads, time, 1 or d_k), or None for a rule without decay."""
        if (g := self.case.inputs.get("g")) is None:
            return None
        return g.reshape(*g.shape[:3], -1).swapaxes(1, 2)

    def betas(self) -> Array | None:
        """Return (batch, heads, time, 1), or None for a rule without beta."""
        if (beta := self.case.inputs.get("beta")) is None:
            return None
        return beta[..., None].swapaxes(1, 2)

    def scale(self) -> Any:  # noqa: ANN401 - a scalar of any precision
        """Return the factor of the outputs."""
        option = self.case.config.option("scale")
        return self.number(1 / sqrt(self.d_k) if option is None else float(option))

    def initial_state(self) -> Array:
        """Return (batch, heads, d_k, d_v)."""
        return self.case.states["S0"]

    def last_state(self, S: Array) -> Array:
        """Return the last state in the layout of a golden."""
        return S

    def arranged(self, o: Array) -> Array:
        """Return outputs (batch, heads, group, time, d_v) as (batch, time, query_heads, d_v)."""
        return o.transpose(0, 3, 1, 2, 4).reshape(o.shape[0], o.shape[3], -1, o.shape[-1])


class Step(NamedTuple):
    """The inputs of a time step by head: q is (batch, heads, group, d_k), k (batch, heads, d_k) and so on."""

    q: Array
    k: Array
    v: Array
    g: Array | None
    beta: Array | None


class StepKernel(AttentionKernel):
    """Reads and updates the state at each time step."""

    def run(self) -> Outputs:
        """Return o and S_n."""
        S, outputs = self.initial_state(), []
        for x in self.steps():
            o, S = self.step(x, S)
            outputs.append(o)
        return {"o": self.arranged(np.stack(outputs, axis=3)), "S_n": self.last_state(S)}

    def steps(self) -> list[Step]:
        """Return the inputs of each time step."""
        q, k, v, g, beta = self.queries(), self.keys(), self.values(), self.log_decays(), self.betas()
        return [
            Step(
                q[..., t, :],
                k[..., t, :],
                v[..., t, :],
                None if g is None else g[..., t, :],
                None if beta is None else beta[..., t, :],
            )
            for t in range(self.case.time)
        ]

    def step(self, x: Step, S: Array) -> tuple[Array, Array]:
        """Return the output of a step and the state after it."""
        S = self.decayed(x, S)
        S = self.kept(self.updated(S, x.k, self.written(x, S)))
        return self.output(x, S), S

    def decayed(self, x: Step, S: Array) -> Array:
        """Return the state after its decay."""
        return S if x.g is None else np.asarray(self.decay(x.g) * S)

    def decay(self, g: Array) -> Array:
        """Return the factor of the state: (batch, heads, 1 or d_k, 1)."""
        return np.asarray(np.exp(g)[..., None])

    def written(self, x: Step, S: Array) -> Array:
        """Return the vector that the state stores for the key."""
        return x.v if x.beta is None else self.delta(x.v, self.seen(x, S), x.beta)

    def seen(self, x: Step, S: Array) -> Array:
        """Return what the state holds for the key."""
        return np.asarray((x.k[..., None, :] @ S)[..., 0, :])

    def delta(self, v: Array, seen: Array, beta: Array) -> Array:
        """Return the change of what the state holds for the key."""
        return np.asarray(beta * (v - seen))

    def updated(self, S: Array, k: Array, written: Array) -> Array:
        """Return the state with the outer product of the key and a vector added."""
        return np.asarray(S + k[..., :, None] * written[..., None, :])

    def output(self, x: Step, S: Array) -> Array:
        """Return (batch, heads, group, d_v)."""
        return np.asarray(self.scale() * self.read(x.q, S))

    def read(self, q: Array, S: Array) -> Array:
        """Return what the state holds for the queries."""
        return np.asarray(q @ S)
