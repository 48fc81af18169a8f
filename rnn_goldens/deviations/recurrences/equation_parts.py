"""The equations of recurrences in named parts, for deviations that change one, or only its derivative.

A change is a function of the part and of all values before it, by name. It returns the wrong part, or a term with the
wrong derivative of the part, which keeps its right value.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace

from rnn_goldens.cells.notation import Term, exp, log_sigmoid, maximum, sigmoid, softplus, sqrt, tanh
from rnn_goldens.cells.recurrence_notation import Equations, kept, outer, stacked, without_first_row
from rnn_goldens.deviations.equation_edits import detached, instead

Terms = tuple[tuple[Term, ...], tuple[Term, ...]]


class Values(SimpleNamespace):
    """The arguments of equations and their parts so far, as attributes."""

    changes: Mapping[str, "Change"]
    in_derivatives: bool

    def combined(self, value: Term, other: Term) -> Term:
        """Return the other term; if only derivatives change, the value with the derivative of the other term."""
        return instead(value, other) if self.in_derivatives else other

    def part(self, name: str, value: Term) -> None:
        """Add a part, combined with what its change returns."""
        setattr(self, name, value)
        if name in self.changes:
            setattr(self, name, self.combined(value, self.changes[name](self)))


Change = Callable[[Values], Term]


def of_first_row(z: Term) -> Term:
    """Return z with the derivatives of its first row only."""
    return stacked(Term("rows", (z,), (0, 1)), detached(without_first_row(z)))


@dataclass(frozen=True)
class InParts:
    """Equations in named parts, which changes by part make wrong, or only their derivatives."""

    equations: Callable[[Values], Terms]
    parts: tuple[str, ...]

    def __call__(self, **changes: Change) -> Equations:
        """Return equations with right values and wrong derivatives."""
        return self._changed(changes, in_derivatives=True)

    def wrong(self, **changes: Change) -> Equations:
        """Return wrong equations."""
        return self._changed(changes, in_derivatives=False)

    def _changed(self, changes: Mapping[str, Change], *, in_derivatives: bool) -> Equations:
        equations = self.equations
        if unknown := [name for name in changes if name not in self.parts]:
            raise TypeError(f"{equations.__name__} has no part {unknown[0]!r}")
        return lambda **arguments: equations(Values(changes=changes, in_derivatives=in_derivatives, **arguments))


def in_parts(*parts: str) -> Callable[[Callable[[Values], Terms]], InParts]:
    """Return a decorator of equations of ``Values`` that have these parts."""
    return lambda equations: InParts(equations, parts)


@in_parts("decayed", "removed", "written", "after", "o")
def attention(x: Values) -> Terms:
    """All rules of linear attention."""
    x.decayed, x.written = x.S, x.v
    if hasattr(x, "g"):
        x.part("decayed", kept(exp(x.g)) * x.S)
    if hasattr(x, "beta"):
        x.part("removed", x.decayed.mT @ x.k)
        x.part("written", x.beta * (x.v - x.removed))
    x.part("after", x.decayed + outer(x.k, x.written))
    x.part("o", x.scale * (x.after.mT @ x.q))
    return (x.o,), (x.after,)


@in_parts("size", "log", "decay", "gated", "written", "decayed", "read", "skipped")
def selective_scan(x: Values) -> Terms:
    """The selective scan."""
    x.part("size", softplus(x.dt))
    x.part("log", x.size * x.A)
    x.part("decay", exp(x.log))
    x.part("gated", x.size * x.u)
    x.part("written", outer(x.gated, x.B))
    x.part("decayed", kept(x.decay) * x.h)
    x.after = x.decayed + x.written
    x.part("read", x.after @ x.C)
    x.part("skipped", x.D * x.u)
    return (x.read + x.skipped,), (x.after,)


@in_parts("factor", "gate", "log_a", "root", "input_gate", "gated", "written", "decay", "decayed")
def rg_lru(x: Values) -> Terms:
    """RG-LRU, with a value of 1 - a² that is accurate where a is near one."""
    x.part("factor", softplus(x.Lambda))
    x.part("gate", sigmoid(x.r))
    x.part("log_a", -8 * (x.factor * x.gate))
    x.square = x.combined(-tanh(x.log_a) * (1 + exp(2 * x.log_a)), 1 - exp(2 * x.log_a))
    x.part("root", sqrt(x.square))
    x.part("input_gate", sigmoid(x.i))
    x.part("gated", x.input_gate * x.x)
    x.part("written", x.root * x.gated)
    x.part("decay", exp(x.log_a))
    x.part("decayed", kept(x.decay) * x.h)
    h = x.decayed + x.written
    return (h,), (h,)


@in_parts("gate", "after")
def min_gru(x: Values) -> Terms:
    """MinGRU."""
    x.part("gate", sigmoid(x.z))
    x.part("after", kept(1 - x.gate) * x.h + x.gate * x.n)
    return (x.after,), (x.after,)


@in_parts("convolved", "biased", "activated", "window_after")
def causal_conv(x: Values) -> Terms:
    """The causal convolution."""
    x.inputs = stacked(x.window, x.x)
    x.part("convolved", x.weight.mT @ x.inputs)
    x.part("biased", x.convolved + x.bias)
    x.activated = x.biased
    if x.silu:
        x.part("activated", x.biased * sigmoid(x.biased))
    x.part("window_after", without_first_row(x.inputs))
    return (x.activated,), (x.window_after,)


@in_parts(
    "recurrent", "log_forget", "shifted", "subtracted", "carried", "forget_gate", "input_gate", "candidate", "c_after",
    "n_after", "quotient", "h_after",
)  # fmt: skip
def slstm(x: Values) -> Terms:
    """An sLSTM whose stabilizer is a constant: h does not depend on it, except on its initial value."""
    for gate in "ifzo":
        x.gate, x.R = gate, getattr(x, f"R_{gate}")
        x.part("recurrent", x.R @ x.h)
        setattr(x, gate, getattr(x, f"x_{gate}") + x.recurrent)
    x.part("log_forget", log_sigmoid(x.f))
    x.part("shifted", x.log_forget + x.m)
    x.largest = maximum(x.shifted, x.i)
    stabilizer = detached(x.largest) if x.in_derivatives else x.largest
    x.part("subtracted", stabilizer)
    x.part("carried", stabilizer)
    x.part("forget_gate", exp(x.shifted - x.subtracted))
    x.part("input_gate", exp(x.i - x.subtracted))
    x.part("candidate", tanh(x.z))
    x.part("c_after", x.forget_gate * x.c + x.input_gate * x.candidate)
    x.part("n_after", x.forget_gate * x.n + x.input_gate)
    x.part("quotient", x.c_after / x.n_after)
    x.part("h_after", sigmoid(x.o) * x.quotient)
    return (x.h_after,), (x.h_after, x.c_after, x.n_after, x.carried)


RIGHT = {"rg_lru": rg_lru(), "slstm": slstm()}
"""Equations to differentiate that are not the definition, but have the same gradients."""
