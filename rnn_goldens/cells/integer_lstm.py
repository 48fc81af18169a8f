"""The definitions of the integer LSTMs, on integers: what TensorFlow Lite Micro, CMSIS-NN and LiteRT compute.

Fixed-point numbers: gates before their activation are Q3.12, after it Q0.15; the cell state c is an integer times
2^cell_power. A multiplier m with a shift s scales by m · 2^(s - 31). Sums are exact in 64 bits; where a result is
stored in fewer, it saturates. ``docs/integer-lstms.md`` has the same on half a page.
"""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.cells.numpy_primitives import Array
from rnn_goldens.cells.recurrence import RecurrenceCase
from rnn_goldens.golden.integer_config import DOUBLE, SINGLE, IntegerConfig
from rnn_goldens.golden.recurrences import INTEGER_GATES

Int64 = NDArray[np.int64]

HALF = 1 << 30
"""The multiplier of one half."""

# Rounding.


def saturated(x: Int64, bits: int) -> Int64:
    """Return numbers limited to those of so many bits."""
    return np.clip(x, -(1 << bits - 1), (1 << bits - 1) - 1)


def half_up(x: Int64, n: int) -> Int64:
    """Return x / 2^n, rounded to nearest, ties towards positive infinity."""
    return x + (1 << n >> 1) >> n


def upper_half(m: int) -> int:
    """Return the upper 16 bits of a multiplier, rounded."""
    return min(m + (1 << 15) >> 16, 32767)


def half_away(x: Int64, n: int) -> Int64:
    """Return x / 2^n, rounded to nearest, ties away from zero."""
    return np.sign(x) * half_up(np.abs(x), n)


# Activations by a table of 256 sigmoids, interpolated: TensorFlow Lite Micro and CMSIS-NN.


def _entry(k: int) -> int:
    """Return sigmoid(k / 24) in Q0.16, raised by half of what a chord between two entries loses."""
    y = 1 / (1 + math.exp(-k / 24))
    return round(2**16 * (y + y * (1 - y) * (2 * y - 1) / (16 * 24**2)))


TABLE = np.array([*map(_entry, range(255)), 65535], np.int64)


def interpolated(a: Int64, n: int, table: Int64) -> Int64:
    """Return sigmoid(a / (24 · 2^n)) in Q0.(16 + n), for 0 <= a < 255 · 2^n."""
    k, part = a >> n, a & (1 << n) - 1
    found: Int64 = (table[k] << n) + part * (table[k + 1] - table[k])
    return found


def sigmoid_by_table(q: Int64, table: Int64 = TABLE) -> Int64:
    """Return the sigmoid of a Q3.12 number in Q0.15."""
    y = interpolated(np.abs(3 * q), 9, table) + 512 >> 10  # at most 3 · 2^15, entry 192
    return np.where(q >= 0, y, (1 << 15) - y)


def tanh_by_table(q: Int64, power: int, table: Int64 = TABLE, end: int = 65535 << 8) -> Int64:
    """Return the tanh of q · 2^power in Q0.15, as 2 · sigmoid(2x) - 1."""
    shift = power + 12
    x = 3 * q << shift if shift >= 0 else half_up(3 * q, -shift)
    a = np.abs(x)
    r = np.where(a < 255 << 8, interpolated(np.minimum(a, (255 << 8) - 1), 8, table), end)
    y: Int64 = np.sign(x) * (r - (1 << 23) + 128 >> 8)
    return y


# Activations by a series for the exponential and Newton's division, in 16 bits: LiteRT, by gemmlowp.


def _product(a: Int64, b: Int64 | int) -> Int64:
    return saturated(half_up(a * b, 15), 16)


def _constant(of_32_bits: int) -> int:
    return of_32_bits + (1 << 15) >> 16


_EXPONENTIALS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
"""e^-(2^k) in Q0.31, for k = -2 to 4."""


def _exponential(a: Int64, bits: int) -> Int64:
    """Return e^a in Q0.15, of a <= 0 with so many integer bits: a series to 1/4, times the rest bit by bit."""
    fraction = 15 - bits
    quarter = 1 << fraction - 2
    low = (a & quarter - 1) - quarter
    x = (low << bits) + (1 << 12)  # from -1/8 to 1/8, around e^-1/8
    x2 = _product(x, x)
    x3, x4 = _product(x2, x), _product(x2, x2)
    series = half_away(_product(half_away(x4, 2) + x3, _constant(715827883)) + x2, 1)
    middle = _constant(1895147668)
    y = saturated(middle + _product(x + series, middle), 16)
    for k, factor in zip(range(-2, 5), _EXPONENTIALS, strict=True):
        if bits > k:
            y = np.where(low - a >> fraction + k & 1, _product(y, _constant(factor)), y)
    if bits > 5:  # noqa: PLR2004 - e^-32 is zero in Q0.15
        y = np.where(a < -(1 << 20 - bits), 0, y)
    return np.where(a == 0, 32767, y)


def _reciprocal(a: Int64) -> Int64:
    """Return 2 / (1 + a) in Q2.13 by three steps of Newton's method."""
    total = a + 32767
    half = np.where(total >= 0, total + 1, total) // 2
    x = _constant(1515870810) + _product(half, _constant(-1010580540))
    for _ in range(3):
        x = x + saturated(_product(x, (1 << 13) - _product(half, x)) << 2, 16)
    return x


@lru_cache
def _sigmoids(bits: int = 3) -> Int64:
    """Return the sigmoids of all 16-bit numbers with so many integer bits, from the least number."""
    q = np.arange(-(1 << 15), 1 << 15)
    y = saturated(_reciprocal(_exponential(-np.abs(q), bits)) << 1, 16)
    return np.where(q == 0, 1 << 14, np.where(q > 0, y, 32767 - y))


@lru_cache
def _tanhs(bits: int) -> Int64:
    """Return the tanhs of all 16-bit numbers with so many integer bits, from the least number."""
    q = np.arange(-(1 << 15), 1 << 15)
    y = saturated(_reciprocal(_exponential(-np.abs(q), bits + 1)) - (1 << 13) << 2, 16)
    return np.sign(q) * y


def sigmoid_by_series(q: Int64) -> Int64:
    """Return the sigmoid of a Q3.12 number in Q0.15."""
    return _sigmoids()[q + (1 << 15)]


def tanh_by_series(q: Int64, power: int) -> Int64:
    """Return the tanh of q · 2^power in Q0.15."""
    return _tanhs(15 + power)[q + (1 << 15)]


# The layer.


class IntegerLstm:
    """The LSTM of CMSIS-NN, the shortest definition; its subclasses are the others."""

    def __init__(self, case: RecurrenceCase) -> None:
        """Store the configuration, the weights as integers, and the number of bits of inputs and outputs."""
        assert isinstance(case.config, IntegerConfig)
        self.config = case.config
        self.weights = {name: array.astype(np.int64) for name, array in case.weights.items()}
        self.bits = 16 if case.config.width == "int16" else 8

    def run(self, x: Int64, h: Int64, c: Int64) -> tuple[Int64, Int64, Int64]:
        """Return the outputs (batch, time, hidden), and the last h and c."""
        out = []
        for t in range(x.shape[1]):
            h, c = self.step(x[:, t], h, c)
            out.append(h)
        return np.stack(out, 1), h, c

    def step(self, x: Int64, h: Int64, c: Int64) -> tuple[Int64, Int64]:
        """Return h and c after one time step."""
        i, f, g, o = (self.activated(gate, self.gate(gate, x, h)) for gate in INTEGER_GATES)
        c = self.clipped(self.cell_sum(self.kept(f, c), self.added(i, g)))
        return self.hidden(o, self.tanh(c, self.config["cell_power"])), c

    def gate(self, gate: str, x: Int64, h: Int64) -> Int64:
        """Return a gate before its activation."""
        return saturated(self.of_input(gate, x) + self.of_state(gate, h), 16)

    def activated(self, gate: str, q: Int64) -> Int64:
        """Return a gate after its activation."""
        return self.tanh(q, -12) if gate == "g" else self.sigmoid(q)

    def of_input(self, gate: str, x: Int64) -> Int64:
        """Return W (x - zero point) + b, scaled to Q3.12."""
        return saturated(self.scaled_sum(self.input_sum(gate, x), *self.scale("W", gate)), 16)

    def input_sum(self, gate: str, x: Int64) -> Int64:
        """Return W (x - zero point) + b."""
        total: Int64 = (x - self.config["x_zero"]) @ self.weights[f"W_{gate}"].T + self.weights[f"b_{gate}"]
        return total

    def of_state(self, gate: str, h: Int64) -> Int64:
        """Return R (h - zero point), scaled to Q3.12."""
        total = (h - self.config["h_zero"]) @ self.weights[f"R_{gate}"].T
        return self.scaled_sum(total, *self.scale("R", gate))

    def kept(self, f: Int64, c: Int64) -> Int64:
        """Return what is kept of c."""
        return saturated(self.shifted(f * c, 15), 16)

    def added(self, i: Int64, g: Int64) -> Int64:
        """Return what is added to c."""
        return saturated(self.shifted(i * g, 30 + self.config["cell_power"]), 16)

    def cell_sum(self, kept: Int64, added: Int64) -> Int64:
        """Return c before the clip."""
        return saturated(kept + added, 16)

    def clipped(self, c: Int64) -> Int64:
        """Return c within the clip, if there is one."""
        clip = self.config["cell_clip"]
        return np.clip(c, -clip, clip) if clip else c

    def hidden(self, o: Int64, tanh_c: Int64) -> Int64:
        """Return the output."""
        return saturated(self.scaled_output(o, tanh_c), self.bits)

    def scaled_output(self, o: Int64, tanh_c: Int64) -> Int64:
        """Return the output before it saturates."""
        scaled = self.scaled(o * tanh_c, self.config["h_multiplier"], self.config["h_shift"])
        found: Int64 = scaled + self.config["h_zero"]
        return found

    def sigmoid(self, q: Int64) -> Int64:
        """Return the sigmoid of a Q3.12 number in Q0.15."""
        return sigmoid_by_table(q)

    def tanh(self, q: Int64, power: int) -> Int64:
        """Return the tanh of q · 2^power in Q0.15."""
        return tanh_by_table(q, power)

    def scale(self, matrix: str, gate: str) -> tuple[int, int]:
        """Return the multiplier and the shift of a matrix."""
        k = INTEGER_GATES.index(gate)
        return self.config[f"{matrix}_multiplier"][k], self.config[f"{matrix}_shift"][k]

    def scaled_sum(self, x: Int64, m: int, s: int) -> Int64:
        """Return x · m · 2^(s - 31) of a sum of products; a sum of 64 bits has a multiplier of 16 bits."""
        if self.bits == 8:  # noqa: PLR2004
            return self.scaled(x, m, s)
        return half_up(x * upper_half(m), 15 - s)

    def scaled(self, x: Int64, m: int, s: int) -> Int64:
        """Return x · m · 2^(s - 31), rounded twice, to 31 bits and after the shift, or once."""
        if self.config.get("rounding", DOUBLE) == SINGLE:
            return half_up(x * m, 31 - s)
        return half_away(half_up((x << max(s, 0)) * m, 31), max(-s, 0))

    def shifted(self, x: Int64, n: int) -> Int64:
        """Return x / 2^n, with the rounding of a multiplier."""
        return self.scaled(x, HALF, 1 - n)


class Tflm(IntegerLstm):
    """The LSTM of TensorFlow Lite Micro: both products of a gate saturate before they are added."""

    def of_state(self, gate: str, h: Int64) -> Int64:
        """Return R (h - zero point), scaled to Q3.12."""
        return saturated(super().of_state(gate, h), 16)


class Tflite(IntegerLstm):
    """The LSTM of LiteRT: activations by series, and one rounding in the products of the cell state."""

    def sigmoid(self, q: Int64) -> Int64:
        """Return the sigmoid of a Q3.12 number in Q0.15."""
        return sigmoid_by_series(q)

    def tanh(self, q: Int64, power: int) -> Int64:
        """Return the tanh of q · 2^power in Q0.15."""
        return tanh_by_series(q, power)

    def shifted(self, x: Int64, n: int) -> Int64:
        """Return x / 2^n, rounded once, ties away from zero."""
        return half_away(x, n)


DEFINITIONS: Mapping[str, type[IntegerLstm]] = {
    "lstm_int8_tflm": Tflm,
    "lstm_int8_cmsis": IntegerLstm,
    "lstm_int8_tflite": Tflite,
    "lstm_16x8_tflm": Tflm,
    "lstm_16x8_cmsis": IntegerLstm,
}
"""The definition of each integer LSTM."""


def run(case: RecurrenceCase, definition: type[IntegerLstm] | None = None) -> dict[str, Array]:
    """Return the outputs of a case by name, in float64; by another definition than that of its cell if given."""
    lstm = (definition or DEFINITIONS[case.cell])(case)
    found: Sequence[Int64] = lstm.run(*(array.astype(np.int64) for array in (case.inputs["x"], *_states(case))))
    return {name: array.astype(np.float64) for name, array in zip(("out", "h_n", "c_n"), found, strict=True)}


def _states(case: RecurrenceCase) -> tuple[Array, Array]:
    return case.states["h0"], case.states["c0"]
