"""The rules of the accuracy pages, written here once more in float64, give the stored coefficients of goldens."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rnn_goldens import Golden, load
from rnn_goldens.golden.tolerance import Bound

Array = NDArray[np.float64]
Rule = tuple[Any, Any]
"""Alpha and beta of a number: its errors of accumulation and of storage, in roundoffs."""


def st(v: Array) -> Array:
    return np.where(abs(v) < 2.0**-13, 2.0**11 * abs(v), abs(v))


def worst_partial_sums(summands: Sequence[Array]) -> Array:
    """P of the pages; a single summand has no partial sum."""
    if len(summands) == 1:
        return np.zeros_like(summands[0])
    places = range(len(summands))
    splits = [
        worst_partial_sums([summands[k] for k in left])
        + worst_partial_sums([summands[k] for k in places if k not in left])
        for size in range(1, len(summands))
        for left in combinations(places, size)
    ]
    total: Array = st(np.sum(summands, axis=0)) + np.max(splits, axis=0)
    return total


@dataclass(frozen=True)
class Weights:
    """The weights of the only layer and direction of a golden, by gate."""

    named: Mapping[str, Array]
    gates: str

    def of(self, name: str, gate: str) -> Array:
        return np.split(self.named[f"{name}_l0"], len(self.gates))[self.gates.index(gate)]

    def biases(self, gate: str, *names: str) -> list[Array]:
        return [self.of(name, gate) for name in names or ("bias_ih", "bias_hh") if f"{name}_l0" in self.named]

    def peephole(self, gate: str, c: Array) -> list[Array]:
        return [self.named[f"p_{gate}_l0"] * c] if f"p_{gate}_l0" in self.named else []


def summed(products: Sequence[tuple[Array, Array]], others: Sequence[Array]) -> tuple[Array, Rule]:
    """Return a sum of matrix products and other summands, and its rule."""
    values = [matrix @ vector for matrix, vector in products]
    sizes = [abs(matrix) @ abs(vector) for matrix, vector in products]
    counts = [vector.size for _, vector in products]
    n = sum(counts) + len(others)
    if max(counts) == 1:
        alpha = np.sum(sizes, axis=0)
    else:
        times = [n + (count == 1) for count in counts]
        alpha = sum(k * size for k, size in zip(times, sizes, strict=True)) + n * sum(map(abs, others))
    beta = np.sum([st(value) for value in values], axis=0) + worst_partial_sums([*values, *others])
    return np.sum([*values, *others], axis=0), (alpha, beta)


def of_sigmoid(y: Array) -> Rule:
    return 8, st(y) + np.maximum(y * (2 - y), abs(y - 0.5))


def of_mix(z: Array, a: Array, b: Array) -> Rule:
    """The rule of y = z a + (1 - z) b together with its products."""
    return 0, st(z * a + (1 - z) * b) + np.maximum(2 * st((1 - z) * b) + st(z * a), 2 * st(z * (a - b)))


class Tally:
    """The sums over all numbers v of |dY/dv| alpha(v) and |dY/dv| beta(v)."""

    accumulation = storage = 0.0

    def add(self, rule: Rule, derivative: Array) -> None:
        self.accumulation += float((abs(derivative) * rule[0]).sum())
        self.storage += float((abs(derivative) * rule[1]).sum())


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


class RnnStep:
    def __init__(self, _: str, w: Weights, x: Array, states: Sequence[Array]) -> None:
        self.recurrent, (h,) = w.of("weight_hh", "h"), states
        self.z, self.rule = summed([(w.of("weight_ih", "h"), x), (self.recurrent, h)], w.biases("h"))
        self.states = (np.tanh(self.z),)

    def back(self, derivatives: Sequence[Array], tally: Tally) -> list[Array]:
        (d_h,), (h,) = derivatives, self.states
        tally.add((8, st(h)), d_h)
        d_z = d_h * (1 - h**2)
        tally.add(self.rule, d_z)
        return [self.recurrent.T @ d_z]


class LstmStep:
    def __init__(self, cell: str, w: Weights, x: Array, states: Sequence[Array]) -> None:
        self.w, (h, self.c) = w, states
        self.forgets_input = cell == "lstm_input_forget"
        self.clip = 1.0 if cell == "lstm_clip" else math.inf
        self.z: dict[str, Array] = {}
        self.rules: dict[str, Rule] = {}
        for gate in "ifg":
            self._argument(gate, x, h, self.c)
        self.i, self.g = sigmoid(self._clipped("i")), np.tanh(self._clipped("g"))
        self.f = 1 - self.i if self.forgets_input else sigmoid(self._clipped("f"))
        c = self.f * self.c + self.i * self.g
        self._argument("o", x, h, c)
        self.o, self.tanh = sigmoid(self._clipped("o")), np.tanh(np.clip(c, -self.clip, self.clip))
        self.states = (self.o * self.tanh, c)

    def _argument(self, gate: str, x: Array, h: Array, c: Array) -> None:
        products = [(self.w.of("weight_ih", gate), x), (self.w.of("weight_hh", gate), h)]
        others = [*self.w.biases(gate), *self.w.peephole(gate, c)]
        self.z[gate], self.rules[gate] = summed(products, others)

    def _clipped(self, gate: str) -> Array:
        return np.clip(self.z[gate], -self.clip, self.clip)

    def back(self, derivatives: Sequence[Array], tally: Tally) -> list[Array]:
        (d_h, d_c), (h, c) = derivatives, self.states
        tally.add((0, st(h)), d_h)
        tally.add((8, st(self.tanh)), d_h * self.o)
        d_z = {"o": self._through("o", self.o, d_h * self.tanh, tally)}
        d_c = d_c + d_h * self.o * (1 - self.tanh**2) * (abs(c) <= self.clip)
        d_c = d_c + self._through_peephole("o", c, d_z["o"], tally)
        if self.forgets_input:
            tally.add(of_mix(self.i, self.g, self.c), d_c)
            d_z["i"] = self._through("i", self.i, d_c * (self.g - self.c), tally)
        else:
            tally.add((0, st(c) + st(self.f * self.c) + st(self.i * self.g)), d_c)
            d_z["i"] = self._through("i", self.i, d_c * self.g, tally)
            d_z["f"] = self._through("f", self.f, d_c * self.c, tally)
        d_g = d_c * self.i
        tally.add((8, st(self.g)), d_g)
        d_z["g"] = d_g * (1 - self.g**2) * (abs(self.z["g"]) <= self.clip)
        tally.add(self.rules["g"], d_z["g"])
        before = [self._through_peephole(gate, self.c, d_z[gate], tally) for gate in "if" if gate in d_z]
        d_h_before = [self.w.of("weight_hh", gate).T @ d for gate, d in d_z.items()]
        return [np.sum(d_h_before, axis=0), d_c * self.f + np.sum(before, axis=0)]

    def _through(self, gate: str, y: Array, derivative: Array, tally: Tally) -> Array:
        """Return the derivative by the argument of a sigmoid."""
        tally.add(of_sigmoid(y), derivative)
        d_z: Array = derivative * y * (1 - y) * (abs(self.z[gate]) <= self.clip)
        tally.add(self.rules[gate], d_z)
        return d_z

    def _through_peephole(self, gate: str, c: Array, d_z: Array, tally: Tally) -> Array:
        """Return the derivative by the cell state that a gate sees."""
        for product in self.w.peephole(gate, c):
            tally.add((0, st(product)), d_z)
            return self.w.named[f"p_{gate}_l0"] * d_z
        return np.zeros_like(c)


class GruStep:
    def __init__(self, cell: str, w: Weights, x: Array, states: Sequence[Array]) -> None:
        self.w, (self.h,) = w, states
        self.after = cell == "gru"
        self.rules: dict[str, Rule] = {}
        for gate in "rz":
            products = [(w.of("weight_ih", gate), x), (w.of("weight_hh", gate), self.h)]
            z, self.rules[gate] = summed(products, w.biases(gate))
            setattr(self, gate, sigmoid(z))
        self.r: Array
        self.z: Array
        of_input, recurrent = (w.of("weight_ih", "n"), x), w.of("weight_hh", "n")
        if self.after:
            self.s, self.rules["s"] = summed([(recurrent, self.h)], w.biases("n", "bias_hh"))
            z, self.rules["n"] = summed([of_input], [*w.biases("n", "bias_ih"), self.r * self.s])
        else:
            z, self.rules["n"] = summed([of_input, (recurrent, self.r * self.h)], w.biases("n"))
        self.n = np.tanh(z)
        self.states = (self.z * self.h + (1 - self.z) * self.n,)

    def back(self, derivatives: Sequence[Array], tally: Tally) -> list[Array]:
        (d_h,), recurrent = derivatives, self.w.of("weight_hh", "n")
        tally.add(of_mix(self.z, self.h, self.n), d_h)
        d_n = d_h * (1 - self.z)
        tally.add((8, st(self.n)), d_n)
        d_a = d_n * (1 - self.n**2)
        tally.add(self.rules["n"], d_a)
        if self.after:
            tally.add((0, st(self.r * self.s)), d_a)
            tally.add(self.rules["s"], d_a * self.r)
            d_r, through_n = d_a * self.s, recurrent.T @ (d_a * self.r)
        else:
            d_product = recurrent.T @ d_a
            tally.add((0, st(self.r * self.h)), d_product)
            d_r, through_n = d_product * self.h, d_product * self.r
        before = d_h * self.z + through_n
        for gate, y, derivative in (("r", self.r, d_r), ("z", self.z, d_h * (self.h - self.n))):
            tally.add(of_sigmoid(y), derivative)
            d_gate = derivative * y * (1 - y)
            tally.add(self.rules[gate], d_gate)
            before = before + self.w.of("weight_hh", gate).T @ d_gate
        return [before]


STEPS = {"rnn": RnnStep, "lstm": LstmStep, "gru": GruStep}


def coefficients(golden: Golden, row: int) -> list[tuple[tuple[int, int, int], float, float]]:
    """Return the place, accumulation and storage of each element of out in a batch row, by the pages' rules."""
    w = Weights({name: a.astype(np.float64) for name, a in golden.weights.items()}, golden.layout.gates)
    states = [array[0, row].astype(np.float64) for array in golden.states.values()]
    steps: list[Any] = []
    for x in golden.x[row].astype(np.float64):
        steps.append(STEPS[golden.cell.partition("_")[0]](golden.cell, w, x, states))
        states = steps[-1].states
    found = []
    for t, unit in np.ndindex(golden.out.shape[1:]):
        tally, derivatives = Tally(), [np.zeros_like(state) for state in states]
        derivatives[0][unit] = 1
        for step in reversed(steps[: t + 1]):
            derivatives = step.back(derivatives, tally)
        found.append(((row, t, unit), tally.accumulation, tally.storage))
    return found


def eight_bits_up(value: float) -> float:
    mantissa, exponent = math.frexp(value)
    return math.ldexp(math.ceil(mantissa * 256), exponent - 8)


GOLDENS = [
    "rnn-tanh/one-step", "rnn-tanh/one-input", "rnn-tanh/one-unit", "rnn-tanh/no-bias-with-state", "rnn-tanh/sweeping",
    "lstm/one-step", "lstm/with-state", "lstm/one-unit", "lstm-peephole/with-state", "lstm-input-forget/plain",
    "lstm-clip/with-state", "gru/one-step", "gru/with-state", "gru/no-bias-with-state", "gru/one-unit",
    "gru-reset-before/with-state",
]  # fmt: skip


@pytest.mark.sampled(every=4)
@pytest.mark.parametrize("golden_id", GOLDENS)
def test_the_rules_give_the_stored_coefficients(golden_id: str) -> None:
    golden = load(golden_id, dtype="float32")
    assert isinstance(golden.tolerance, Bound)
    for row in range(min(len(golden.x), 60)):
        for place, accumulation, storage in coefficients(golden, row):
            assert eight_bits_up(accumulation) == golden.tolerance.accumulation["out"][place], place
            assert eight_bits_up(storage) == golden.tolerance.storage["out"][place], place
