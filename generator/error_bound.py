"""The tolerance: a worst-case bound on the rounding errors of any correct implementation, carried through time.

To first order, the error of a state at step t is the sum over earlier steps s of what was locally lost at s, times
the *signed product* of the true Jacobians between: e_t = sum_s |J_t ... J_{s+1}| (d_s + |B_s| e^x_s). Norms in place of
the product would explode over time. d is linear in two roundoffs, of accumulation and of storage, so the bound is two
numbers an element. Derived in docs/numerics.md.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.cells import Array, Case, Network, State, Weights
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.tolerance import Bound, roundoff_sum

Float64 = NDArray[np.float64]

ACTIVATION_ULPS = 8
"""Roundoffs that a tanh or sigmoid may be off, relative to max(|y|, 1); real runtimes reach 5.5."""

ACCUMULATION, STORAGE = 0, 1

FLUSHED = 2.0**-13
"""Twice float16's smallest normal number: below it, an implementation without subnormals may store zero instead.

bfloat16, float32 and float64 flush only what is far smaller; the bound lets them lose as many of their roundoffs.
"""

NEGLIGIBLE = 2.0**-200
"""Products of Jacobians below this are left out: they move no digit of any bound."""


@dataclass(frozen=True, eq=False)
class Local:
    """One step's derivatives and local errors, for each sequence.

    Attributes:
        by_state: (batch, state, state), d state_t / d state_{t-1}.
        by_input: (batch, state, input), d state_t / d x_t.
        error: (2, batch, state), what the step itself may lose, in roundoffs of accumulation and of storage.
        flattest: the smallest derivative of any activation: small where one is saturated.
    """

    by_state: Float64
    by_input: Float64
    error: Float64
    flattest: float


@dataclass(frozen=True, eq=False)
class ErrorBound:
    """What is known of the errors of a case.

    Attributes:
        tolerance: the bound itself.
        flattest: the smallest derivative of any activation on the way: small where one is saturated.
        undecided: precisions in which a relu's argument may come out on the wrong side of zero, so that no first-order
            bound holds.
    """

    tolerance: Bound
    flattest: float
    undecided: frozenset[str]


def error_bound(case: Case) -> ErrorBound:
    """Bound the errors of any correct implementation of a case, whose arrays are float64."""
    tracking = _Tracking(case)
    tracking.run(case)
    names = ("out", "h_n", "c_n")[: 1 + len(case.state)]
    errors = [tracking.out, *tracking.states()]
    if case.x.ndim == 2:  # noqa: PLR2004 - (time, input): the network ran a batch of one
        errors = [errors[0][:, 0], *(e[:, :, 0] for e in errors[1:])]
    rounded = {name: _round_up(e) for name, e in zip(names, errors, strict=True)}
    tolerance = Bound(*({name: e[kind] for name, e in rounded.items()} for kind in (ACCUMULATION, STORAGE)))
    return ErrorBound(tolerance, tracking.flattest, frozenset(tracking.undecided))


class _Tracking(Network):
    """The network, with the errors of what it computes carried along."""

    def __init__(self, case: Case) -> None:
        self.out: Float64 = np.zeros(0)
        self.flattest = 1.0
        self.undecided: set[str] = set()
        self._last: list[Float64] = []
        self._directions: list[Float64] = []
        self._input_error: Float64 | None = None
        self._hidden = case.config.hidden_size

    def unroll(self, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array) -> tuple[Array, State]:
        batch, time, width = layer_input.shape
        x_error = np.zeros((2, batch, time, width)) if self._input_error is None else self._input_error
        w = self.weights(case, suffix)
        errors = np.zeros((2, batch, time, self._hidden))
        carried = _Carried(batch, len(state) * self._hidden)
        out = np.zeros((batch, time, self._hidden))
        for t in self.times(time, reverse=suffix.endswith("_reverse")):
            within = t < lengths
            local = LOCAL[case.cell](layer_input[:, t], state, w)
            new = getattr(self, case.cell)(layer_input[:, t], state, w)
            self.flattest = min(self.flattest, local.flattest)
            if case.cell == "rnn_relu":
                self._mind_the_kink(layer_input[:, t], state[0], w, carried.error, x_error[:, :, t], within)
            lost = local.error + np.einsum("bij,kbj->kbi", np.abs(local.by_input), x_error[:, :, t])
            carried.step(local.by_state, lost, within)
            state = tuple(np.where(within[:, None], a, b) for a, b in zip(new, state, strict=True))
            out[:, t] = np.where(within[:, None], state[0], 0)
            errors[:, :, t] = np.where(within[:, None], carried.error[..., : self._hidden], 0)
        self._last.append(carried.error)
        self._directions.append(errors)
        return out, state

    def _mind_the_kink(
        self, x_t: Array, h: Array, w: Weights, h_error: Float64, x_error: Float64, within: NDArray[np.bool_]
    ) -> None:
        z, error = _rnn_arguments(x_t, h, w)
        error = error + h_error @ np.abs(w["weight_hh"]).T + x_error @ np.abs(w["weight_ih"]).T
        for precision in PRECISIONS.values():
            wrong_side = np.abs(z) <= roundoff_sum(error[ACCUMULATION], error[STORAGE], precision)
            if (wrong_side & within[:, None]).any():
                self.undecided.add(precision.name)

    def join(self, outs: list[Array], layer: int, case: Case) -> Array:
        self._input_error = self.out = np.concatenate(self._directions, axis=-1)
        self._directions = []
        return super().join(outs, layer, case)

    def states(self) -> Iterator[Float64]:
        """Errors of h_n (and c_n), (2, layers·directions, batch, hidden)."""
        stacked = np.stack(self._last, axis=1)
        for start in range(0, stacked.shape[-1], self._hidden):
            yield stacked[..., start : start + self._hidden]


class _Carried:
    """Products of Jacobians from every earlier step to now, and the error they carry here."""

    def __init__(self, batch: int, size: int) -> None:
        self.products = np.zeros((0, batch, size, size))
        self.losses = np.zeros((0, 2, batch, size))
        self.error = np.zeros((2, batch, size))

    def step(self, by_state: Float64, lost: Float64, within: NDArray[np.bool_]) -> None:
        """Move on by one step; the state, and so its error, of a sequence that has ended stands still."""
        batch, size, _ = by_state.shape
        identity = np.broadcast_to(np.eye(size), (batch, size, size))
        here = within[:, None, None]
        moved = np.where(here, by_state, identity) @ self.products
        self.products = np.concatenate([moved, identity[None]])
        self.losses = np.concatenate([self.losses, np.where(within[:, None], lost, 0)[None]])
        counts = np.abs(self.products).max(axis=(1, 2, 3)) > NEGLIGIBLE
        self.products, self.losses = self.products[counts], self.losses[counts]
        self.error = np.einsum("sbij,skbj->kbi", np.abs(self.products), self.losses)


# What one step loses, cell by cell. Every result that some implementation stores is rounded once where it is stored.


def _sums(v: Array, w: Weights, which: str, terms: int) -> tuple[Float64, Float64]:
    """W v + b, and its error: accumulation of so many terms, and a store before the bias and after it."""
    matrix, bias = w[f"weight_{which}"], w.get(f"bias_{which}")
    product = v @ matrix.T
    absolute = np.abs(v) @ np.abs(matrix).T
    if bias is None:
        return product, _summed(terms * absolute) + _stored(product)
    return product + bias, _summed(terms * (absolute + np.abs(bias))) + _stored(product) + _stored(product + bias)


def _summed(error: Float64) -> Float64:
    """So many roundoffs of accumulation, and none of storage."""
    return np.stack([error, np.zeros_like(error)])


def _stored(value: Float64, *, times: int = 1) -> Float64:
    """The error of storing a value so many times: a roundoff of it, or all of it where float16 may flush it to zero."""
    lost = np.where(np.abs(value) < FLUSHED, np.abs(value) / PRECISIONS["float16"].roundoff, np.abs(value))
    return np.stack([np.zeros_like(lost), times * lost])


def _activation(y: Float64, slope: Float64, error: Float64) -> Float64:
    """The error of an activation's stored result, from its argument's error."""
    total: Float64 = slope * error + _summed(ACTIVATION_ULPS * np.maximum(np.abs(y), 1)) + _stored(y)
    return total


def _sigmoid_error(y: Float64, slope: Float64, error: Float64) -> Float64:
    """Like ``_activation``, for kernels that store in their own precision what they compute on the way.

    1 / (1 + e^-z) stores e^-z, which moves y by y (1 - y), and 1 + e^-z, which moves it by y. (1 + tanh(z/2)) / 2
    stores a tanh, which moves y by half of it. Each is one implementation, so the larger counts. In float16 e^-z
    overflows where y is below 2^-16; what is lost there, y itself, is less than what the tanh loses.
    """
    stores = np.maximum(y * (2 - y), np.abs(y - 0.5))
    total: Float64 = _activation(y, slope, error) + np.stack([np.zeros_like(y), stores])
    return total


def _sigmoid(z: Float64) -> tuple[Float64, Float64]:
    y = Network().sigmoid(z)
    return y, y * (1 - y)


def _tanh(z: Float64) -> tuple[Float64, Float64]:
    y = np.tanh(z)
    return y, 1 - y * y


def _rows(column: Float64, matrix: Float64) -> Float64:
    """diag(column) @ matrix, for each sequence."""
    return column[..., None] * matrix


def _rnn_arguments(x_t: Array, h: Array, w: Weights) -> tuple[Float64, Float64]:
    terms = x_t.shape[-1] + h.shape[-1] + 3
    (a, a_error), (b, b_error) = _sums(x_t, w, "ih", terms), _sums(h, w, "hh", terms)
    return a + b, a_error + b_error + _added_up(a, b, *_biases(w))


def _added_up(of_x: Float64, of_h: Float64, bias: Float64, b_hh: Float64) -> Float64:
    """The error of storing W x + b_ih + W h + b_hh, and the sums on other ways to it.

    Those are both products before the biases, both biases, and W x with both biases, to which W h is added last.
    """
    if not bias.any():
        return _stored(of_x + of_h)
    return _stored(of_x + of_h) + _stored(of_x + of_h - bias) + _stored(bias)[:, None] + _stored(of_x + b_hh)


def _biases(w: Weights) -> tuple[Float64, Float64]:
    """b_ih + b_hh, which some implementations store in place of the two, and b_hh; zeros if there are none."""
    if "bias_ih" not in w:
        return np.zeros(len(w["weight_hh"])), np.zeros(len(w["weight_hh"]))
    return w["bias_ih"] + w["bias_hh"], w["bias_hh"]


def _rnn_tanh(x_t: Array, state: State, w: Weights) -> Local:
    z, error = _rnn_arguments(x_t, state[0], w)
    y, slope = _tanh(z)
    by_state, by_input = _rows(slope, w["weight_hh"]), _rows(slope, w["weight_ih"])
    return Local(by_state, by_input, _activation(y, slope, error), float(slope.min()))


def _rnn_relu(x_t: Array, state: State, w: Weights) -> Local:
    z, error = _rnn_arguments(x_t, state[0], w)
    slope = (z > 0).astype(np.float64)
    return Local(_rows(slope, w["weight_hh"]), _rows(slope, w["weight_ih"]), slope * error, 1.0)


def _lstm(x_t: Array, state: State, w: Weights) -> Local:
    h, c = state
    z, error = _rnn_arguments(x_t, h, w)
    zs, errors = np.split(z, 4, axis=-1), np.split(error, 4, axis=-1)
    (i, i_), (f, f_), (g, g_), (o, o_) = _sigmoid(zs[0]), _sigmoid(zs[1]), _tanh(zs[2]), _sigmoid(zs[3])
    i_error, f_error, o_error = (
        _sigmoid_error(y, slope, e) for y, slope, e in ((i, i_, errors[0]), (f, f_, errors[1]), (o, o_, errors[3]))
    )
    g_error = _activation(g, g_, errors[2])
    cell = f * c + i * g
    cell_error = np.abs(c) * f_error + np.abs(g) * i_error + i * g_error
    cell_error = cell_error + _stored(f * c) + _stored(i * g) + _stored(cell)
    t, t_ = _tanh(cell)
    t_error = _activation(t, t_, cell_error)
    h_error = np.abs(t) * o_error + o * t_error + _stored(o * t)

    def derivatives(matrix: Array) -> tuple[Float64, Float64]:
        m_i, m_f, m_g, m_o = np.split(matrix, 4)
        by_cell = _rows(c * f_, m_f) + _rows(g * i_, m_i) + _rows(i * g_, m_g)
        return _rows(t * o_, m_o) + _rows(o * t_, by_cell), by_cell

    h_by_h, c_by_h = derivatives(w["weight_hh"])
    h_by_x, c_by_x = derivatives(w["weight_ih"])
    identity = np.eye(h.shape[-1])
    by_state = np.concatenate(
        [
            np.concatenate([h_by_h, _rows(o * t_ * f, identity)], axis=-1),
            np.concatenate([c_by_h, _rows(f, identity)], axis=-1),
        ],
        axis=-2,
    )
    flattest = min(float(slope.min()) for slope in (i_, f_, g_, o_, t_))
    by_input = np.concatenate([h_by_x, c_by_x], axis=-2)
    return Local(by_state, by_input, np.concatenate([h_error, cell_error], axis=-1), flattest)


def _gru(x_t: Array, state: State, w: Weights) -> Local:
    (h,) = state
    terms = x_t.shape[-1] + h.shape[-1] + 3
    (x, x_error), (u, u_error) = _sums(x_t, w, "ih", terms), _sums(h, w, "hh", terms)
    (x_r, x_z, x_n), (u_r, u_z, u_n) = np.split(x, 3, axis=-1), np.split(u, 3, axis=-1)
    x_errors, u_errors = np.split(x_error, 3, axis=-1), np.split(u_error, 3, axis=-1)
    (r, r_), (z, z_) = _sigmoid(x_r + u_r), _sigmoid(x_z + u_z)
    (b_r, b_z, _), (b_hr, b_hz, _) = (np.split(bias, 3) for bias in _biases(w))
    r_error = _sigmoid_error(r, r_, x_errors[0] + u_errors[0] + _added_up(x_r, u_r, b_r, b_hr))
    z_error = _sigmoid_error(z, z_, x_errors[1] + u_errors[1] + _added_up(x_z, u_z, b_z, b_hz))
    argument = x_n + r * u_n
    argument_error = x_errors[2] + np.abs(u_n) * r_error + r * u_errors[2] + _stored(r * u_n) + _stored(argument)
    n, n_ = _tanh(argument)
    n_error = _activation(n, n_, argument_error)
    # Both (1 - z) n + z h and n + z (h - n) are right: the stores of either are admitted.
    stores = _stored((1 - z) * n, times=2) + _stored(z * h) + _stored(z * (h - n), times=2)
    new_error = np.abs(h - n) * z_error + (1 - z) * n_error + stores + _stored((1 - z) * n + z * h)

    w_r, w_z, w_n = np.split(w["weight_ih"], 3)
    v_r, v_z, v_n = np.split(w["weight_hh"], 3)
    by_input = _rows((h - n) * z_, w_z) + _rows((1 - z) * n_, w_n + _rows(u_n * r_, w_r))
    by_state = _rows((h - n) * z_, v_z) + _rows((1 - z) * n_, _rows(r, v_n) + _rows(u_n * r_, v_r))
    by_state = by_state + _rows(z, np.eye(h.shape[-1]))
    return Local(by_state, by_input, new_error, min(float(slope.min()) for slope in (r_, z_, n_)))


LOCAL: dict[str, Callable[[Array, State, Weights], Local]] = {
    "rnn_tanh": _rnn_tanh,
    "rnn_relu": _rnn_relu,
    "lstm": _lstm,
    "gru": _gru,
}


def _round_up(error: Float64) -> Float64:
    """To eight significant bits, upwards: a bound needs no more, and files stay small."""
    mantissas, exponents = np.frexp(error)
    rounded: Float64 = np.ldexp(np.ceil(mantissas * 256), exponents - 8)
    return rounded
