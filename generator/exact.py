"""Route one: the answer in ball arithmetic, each element proven to be the exact result correctly rounded to float64.

A ball is a midpoint and a radius that is sure to hold the exact value (Arb, through python-flint). Precision doubles
until both ends of every ball round to the same float64. A relu network over dyadic numbers comes out with radius zero.
Shares no code with ``rnn_goldens.cells``.
"""

from dataclasses import dataclass
from itertools import chain

import numpy as np
from flint import arb, arb_mat, ctx
from numpy.typing import NDArray

from rnn_goldens.generator.scenario import Refused, Scenario
from rnn_goldens.golden.shapes import state_names

Balls = list[arb]
"""A matrix (units, batch), row by row."""

FIRST_BITS, LAST_BITS = 192, 192 * 2**8


class Undecided(Exception):
    """A ball too wide to tell what its value rounds to, or on which side of a relu's kink it lies."""


@dataclass(frozen=True, eq=False)
class Answer:
    """The certified answer.

    Attributes:
        out, h_n, c_n: as in a golden; each element is the exact result, correctly rounded.
        bits: the working precision that proved it.
    """

    out: NDArray[np.float64]
    h_n: NDArray[np.float64]
    c_n: NDArray[np.float64] | None
    bits: int

    @property
    def outputs(self) -> dict[str, NDArray[np.float64]]:
        """By name, those there are."""
        named = {"out": self.out, "h_n": self.h_n, "c_n": self.c_n}
        return {name: array for name, array in named.items() if array is not None}


def exact_answer(scenario: Scenario) -> Answer:
    """Evaluate a scenario.

    Raises:
        Refused: no working precision decides it: a ball whose ends round to two neighbouring float64, however narrow
            it gets, or a relu's tie that is not exactly zero in ball arithmetic. (A ball of radius zero half-way
            between two float64 is no such case: it rounds to even.)
    """
    bits = FIRST_BITS
    while bits <= LAST_BITS:
        try:
            with ctx.workprec(bits):
                return _Evaluation(scenario).answer(bits)
        except Undecided as undecided:
            reason = undecided
        bits *= 2
    raise Refused(f"{scenario.id}: not decided with {LAST_BITS} bits: {reason}")


class _Evaluation:
    """One evaluation at the working precision that is set."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self.config = scenario, scenario.config
        inputs = scenario.inputs()
        self.unbatched = inputs["x"].ndim == 2  # noqa: PLR2004 - (time, input)
        x = inputs["x"][None] if self.unbatched else inputs["x"]
        self.batch, self.time, _ = x.shape
        self.x = [_balls(x[:, t].T) for t in range(self.time)]
        self.lengths = inputs.get("lengths", np.full(self.batch, self.time))
        self.states = [inputs.get(f"{name}0") for name in state_names(scenario.cell)]
        weights = scenario.torch_weights()
        self.biases = {name: _balls(w) for name, w in weights.items() if w.ndim == 1}
        self.matrices = {
            name: arb_mat(len(w), w.shape[1], _balls(w)) for name, w in weights.items() if name not in self.biases
        }

    def answer(self, bits: int) -> Answer:
        """Run every layer and direction, then round."""
        last: list[list[Balls]] = []
        steps = self.x
        for layer in range(self.config.num_layers):
            directions = []
            for suffix in (f"l{layer}", f"l{layer}_reverse")[: self.config.num_directions]:
                outputs, state = self.direction(suffix, steps, self.start(len(last)))
                directions.append(outputs)
                last.append(state)
            steps = [list(chain(*side_by_side)) for side_by_side in zip(*directions, strict=True)]
        out = np.stack([_rounded(step).reshape(-1, self.batch).T for step in steps], axis=1)
        states = [np.stack([_rounded(s[i]).reshape(-1, self.batch).T for s in last]) for i in range(len(self.states))]
        if self.unbatched:
            out, states = out[0], [state[:, 0] for state in states]
        return Answer(out, states[0], states[1] if len(states) > 1 else None, bits)

    def start(self, index: int) -> list[Balls]:
        """The initial state of a layer and direction."""
        zero = [arb(0)] * (self.config.hidden_size * self.batch)
        return [
            zero if state is None else _balls(np.atleast_2d(state[index]).T)  # (batch, hidden) → (hidden, batch)
            for state in self.states
        ]

    def direction(self, suffix: str, steps: list[Balls], state: list[Balls]) -> tuple[list[Balls], list[Balls]]:
        """Unroll one layer in one direction; a sequence's state moves only within its own length."""
        outputs = [[arb(0)] * len(state[0])] * self.time
        for t in reversed(range(self.time)) if suffix.endswith("_reverse") else range(self.time):
            new = getattr(self, f"_{self.scenario.cell}")(suffix, steps[t], *state)
            moves = [t < int(length) for length in self.lengths] * self.config.hidden_size
            state = [
                [n if move else o for n, o, move in zip(after, before, moves, strict=True)]
                for after, before in zip(new, state, strict=True)
            ]
            outputs[t] = [h if move else arb(0) for h, move in zip(state[0], moves, strict=True)]
        return outputs, state

    def _gates(self, which: str, suffix: str, v: Balls) -> Balls:
        """W v + b."""
        matrix = self.matrices[f"weight_{which}_{suffix}"]
        product: Balls = (matrix * arb_mat(matrix.ncols(), self.batch, v)).entries()
        if self.config.bias:
            bias = self.biases[f"bias_{which}_{suffix}"]
            product = [p + bias[i // self.batch] for i, p in enumerate(product)]
        return product

    def _sums(self, suffix: str, x_t: Balls, h: Balls) -> Balls:
        return [a + b for a, b in zip(self._gates("ih", suffix, x_t), self._gates("hh", suffix, h), strict=True)]

    def _rnn_tanh(self, suffix: str, x_t: Balls, h: Balls) -> list[Balls]:
        return [[z.tanh() for z in self._sums(suffix, x_t, h)]]

    def _rnn_relu(self, suffix: str, x_t: Balls, h: Balls) -> list[Balls]:
        return [[_relu(z) for z in self._sums(suffix, x_t, h)]]

    def _lstm(self, suffix: str, x_t: Balls, h: Balls, c: Balls) -> list[Balls]:
        i, f, g, o = _blocks(self._sums(suffix, x_t, h), 4)
        cell = [_sigmoid(f[k]) * c[k] + _sigmoid(i[k]) * g[k].tanh() for k in range(len(c))]
        return [[_sigmoid(o[k]) * cell[k].tanh() for k in range(len(c))], cell]

    def _gru(self, suffix: str, x_t: Balls, h: Balls) -> list[Balls]:
        x_r, x_z, x_n = _blocks(self._gates("ih", suffix, x_t), 3)
        h_r, h_z, h_n = _blocks(self._gates("hh", suffix, h), 3)
        new = []
        for k, old in enumerate(h):
            z = _sigmoid(x_z[k] + h_z[k])
            n = (x_n[k] + _sigmoid(x_r[k] + h_r[k]) * h_n[k]).tanh()
            new.append(n + z * (old - n))
        return [new]


def _sigmoid(z: arb) -> arb:
    return 1 / (1 + (-z).exp())


def _relu(z: arb) -> arb:
    if z >= 0:
        return z
    if z <= 0:
        return arb(0)
    raise Undecided(f"a relu's argument {z} may lie on either side of zero")


def _blocks(z: Balls, count: int) -> list[Balls]:
    size = len(z) // count
    return [z[k * size : (k + 1) * size] for k in range(count)]


def _balls(array: NDArray[np.float64]) -> Balls:
    return [arb(value) for value in array.ravel().tolist()]


def _rounded(balls: Balls) -> NDArray[np.float64]:
    return np.array([_round(ball) for ball in balls])


def _round(ball: arb) -> float:
    if ball.is_exact():
        return float(ball)
    low, high = float(ball.lower()), float(ball.upper())
    if low != high:
        raise Undecided(f"{ball} may round to {low!r} or {high!r}")
    return low
