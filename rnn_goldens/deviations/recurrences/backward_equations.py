"""The equations of recurrences, with parts whose derivatives can be changed.

A part is a function of its right value and of all values before it, by name. It returns a term with the same value.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from rnn_goldens.cells.matrix_notation import kept, outer, stacked, without_first_row
from rnn_goldens.cells.notation import Term, exp, log_sigmoid, maximum, sigmoid, softplus, sqrt, tanh
from rnn_goldens.cells.recurrence import Equations
from rnn_goldens.deviations.backward.alterations import detached, instead

Values = Any
"""Terms by name, as attributes: the arguments of the equations, and the parts before this one."""

Part = Callable[[Term, Values], Term]


def right(value: Term, _: Values) -> Term:
    """Return the right value with the right derivatives."""
    return value


def constant(value: Term, _: Values) -> Term:
    """Return the right value without a derivative."""
    return detached(value)


def of_first_row(z: Term) -> Term:
    """Return z with the derivatives of its first row only."""
    return stacked(Term("rows", (z,), (0, 1)), detached(without_first_row(z)))


def attention(
    *, decayed: Part = right, removed: Part = right, written: Part = right, after: Part = right, o: Part = right
) -> Equations:
    """Return the equations of all rules of linear attention."""

    def linear_attention(**arguments: Any) -> Any:  # noqa: ANN401 - terms
        x = SimpleNamespace(**arguments)
        x.decayed = decayed(kept(exp(x.g)) * x.S, x) if "g" in arguments else x.S
        x.written = x.v
        if "beta" in arguments:
            x.removed = removed(x.decayed.mT @ x.k, x)
            x.written = written(x.beta * (x.v - x.removed), x)
        x.after = after(x.decayed + outer(x.k, x.written), x)
        return (o(x.scale * (x.after.mT @ x.q), x),), (x.after,)

    return linear_attention


def selective_scan(
    *,
    size: Part = right,
    log: Part = right,
    decay: Part = right,
    gated: Part = right,
    written: Part = right,
    decayed: Part = right,
    read: Part = right,
    skipped: Part = right,
) -> Equations:
    """Return the equations of the selective scan."""

    def selective_scan(**arguments: Any) -> Any:  # noqa: ANN401 - terms
        x = SimpleNamespace(**arguments)
        x.size = size(softplus(x.dt), x)
        x.log = log(x.size * x.A, x)
        x.decay = decay(exp(x.log), x)
        x.gated = gated(x.size * x.u, x)
        x.written = written(outer(x.gated, x.B), x)
        x.after = decayed(kept(x.decay) * x.h, x) + x.written
        return (read(x.after @ x.C, x) + skipped(x.D * x.u, x),), (x.after,)

    return selective_scan


def rg_lru(
    *,
    factor: Part = right,
    gate: Part = right,
    root: Part = right,
    input_gate: Part = right,
    gated: Part = right,
    written: Part = right,
    decay: Part = right,
    decayed: Part = right,
) -> Equations:
    """Return the equations of RG-LRU, with a value of 1 - a² that is accurate where a is near one."""

    def rg_lru(**arguments: Any) -> Any:  # noqa: ANN401 - terms
        x = SimpleNamespace(**arguments)
        x.log_a = -8 * (factor(softplus(x.Lambda), x) * gate(sigmoid(x.r), x))
        x.square = instead(-tanh(x.log_a) * (1 + exp(2 * x.log_a)), 1 - exp(2 * x.log_a))
        x.root = root(sqrt(x.square), x)
        x.gate = input_gate(sigmoid(x.i), x)
        x.gated = gated(x.gate * x.x, x)
        x.written = written(x.root * x.gated, x)
        x.decay = decay(exp(x.log_a), x)
        after = decayed(kept(x.decay) * x.h, x) + x.written
        return (after,), (after,)

    return rg_lru


def min_gru(*, gate: Part = right, after: Part = right) -> Equations:
    """Return the equations of minGRU."""

    def min_gru(**arguments: Any) -> Any:  # noqa: ANN401 - terms
        x = SimpleNamespace(**arguments)
        x.gate = gate(sigmoid(x.z), x)
        h = after(kept(1 - x.gate) * x.h + x.gate * x.n, x)
        return (h,), (h,)

    return min_gru


def causal_conv(
    *, convolved: Part = right, biased: Part = right, activated: Part = right, window: Part = right
) -> Equations:
    """Return the equations of the causal convolution."""

    def causal_conv(**arguments: Any) -> Any:  # noqa: ANN401 - terms
        x = SimpleNamespace(**arguments)
        x.inputs = stacked(x.window, x.x)
        x.convolved = convolved(x.weight.mT @ x.inputs, x)
        x.y = biased(x.convolved + x.bias, x)
        y = activated(x.y * sigmoid(x.y), x) if x.silu else x.y
        return (y,), (window(without_first_row(x.inputs), x),)

    return causal_conv


def slstm(
    *,
    recurrent: Part = right,
    log_forget: Part = right,
    shifted: Part = right,
    subtracted: Part = constant,
    input_gate: Part = right,
    candidate: Part = right,
    c: Part = right,
    n: Part = right,
    quotient: Part = right,
    h: Part = right,
    stabilizer: Part = constant,
) -> Equations:
    """Return the equations of sLSTM. The stabilizer is a constant: h does not depend on it, except on its start."""

    def slstm(**arguments: Any) -> Any:  # noqa: ANN401 - terms
        x = SimpleNamespace(**arguments)
        for gate in "ifzo":
            x.gate, x.R = gate, arguments[f"R_{gate}"]
            setattr(x, gate, arguments[f"x_{gate}"] + recurrent(x.R @ x.h, x))
        x.log_forget = log_forget(log_sigmoid(x.f), x)
        x.shifted = shifted(x.log_forget + x.m, x)
        largest = maximum(x.shifted, x.i)
        x.subtracted = subtracted(largest, x)
        x.forget, x.input = exp(x.shifted - x.subtracted), input_gate(exp(x.i - x.subtracted), x)
        x.candidate = candidate(tanh(x.z), x)
        x.c_after = c(x.forget * x.c + x.input * x.candidate, x)
        x.n_after = n(x.forget * x.n + x.input, x)
        x.quotient = quotient(x.c_after / x.n_after, x)
        after = h(sigmoid(x.o) * x.quotient, x)
        return (after,), (after, x.c_after, x.n_after, stabilizer(largest, x))

    return slstm


RIGHT = {"rg_lru": rg_lru(), "slstm": slstm()}
"""Equations to differentiate that are not the definition, but have the same gradients."""
