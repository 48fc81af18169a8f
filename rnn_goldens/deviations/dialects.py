"""Dialects: equations that are correct in another definition of a cell with the same name."""

import numpy as np

from rnn_goldens.cells import Array, Case, Network, State, Weights
from rnn_goldens.cells.notation import Term, Weight, exp, mean, mix, rsqrt, sigmoid, tanh
from rnn_goldens.deviations.alteration import in_equations, in_steps
from rnn_goldens.deviations.correct_equations import affine, gates
from rnn_goldens.deviations.deviation import OTHER_DIALECT, Deviation

LSTM, GRU = ("lstm",), ("gru",)


def _peepholes_at_one(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, ...]:
    """Gers & Schmidhuber (2000), with peephole weights of 1."""
    i, f = (sigmoid(affine(x, h, w, gate) + c) for gate in "if")
    (g,) = gates(x, h, w, "g")
    c = f * c + i * g
    return sigmoid(affine(x, h, w, "o") + c) * tanh(c), c


def _exponential_input_gate(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, ...]:
    """Beck et al. (2024), without the normalizer."""
    f, g, o = gates(x, h, w, *"fgo")
    c = f * c + exp(affine(x, h, w, "i")) * g
    return o * tanh(c), c


def _normalized(z: Term) -> Term:
    centred = z - mean(z)
    return centred * rsqrt(mean(centred * centred) + 1e-5)


def _normalized_gates(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, ...]:
    """Ba et al. (2016), without gains and shifts."""
    i, f, o = (sigmoid(_normalized(affine(x, h, w, gate))) for gate in "ifo")
    c = f * c + i * tanh(_normalized(affine(x, h, w, "g")))
    return o * tanh(c), c


def _minimal_gated_unit(x: Term, h: Term, w: Weight) -> tuple[Term, ...]:
    """Zhou et al. (2016): the update gate is the reset gate too."""
    (f,) = gates(x, h, w, "z")
    n = tanh(w.W_in @ x + w.b_in + w.W_hn @ (f * h) + w.b_hn)
    return (mix(f, n, h),)


def _projected(right: Network, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
    """Sak et al. (2014), with a projection to the first half of the units."""
    h, *c = right.step(case, suffix, w, layer_input, t, state)
    units = np.arange(h.shape[-1])
    return np.where(units < len(units) / 2, h, 0), *c


def _leaky(right: Network, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
    """Jaeger et al. (2007): leaky integration."""
    after = right.step(case, suffix, w, layer_input, t, state)
    return tuple((before + new) / 2 for before, new in zip(state, after, strict=True))


DEVIATIONS = (
    Deviation(
        "lstm_peepholes_at_one",
        "Has peepholes with weights of 1: adds c to the arguments of the gates i, f and o.",
        in_equations(lstm=_peepholes_at_one),
        LSTM,
        fix=OTHER_DIALECT,
    ),
    Deviation(
        "lstm_input_gate_by_exp",
        "Computes the input gate with exp instead of a sigmoid, as an sLSTM does.",
        in_equations(lstm=_exponential_input_gate),
        LSTM,
        fix=OTHER_DIALECT,
    ),
    Deviation(
        "lstm_gates_normalized",
        "Normalizes the argument of each gate over the units, as an LSTM with layer normalization does.",
        in_equations(lstm=_normalized_gates),
        LSTM,
        fix=OTHER_DIALECT,
    ),
    Deviation(
        "lstm_state_projected",
        "Projects the state to half of its units, as an LSTM with a projection does; the others are zero.",
        in_steps(step=_projected),
        LSTM,
        fix=OTHER_DIALECT,
    ),
    Deviation(
        "gru_minimal_gated_unit",
        "Uses gate z to reset, too, and swaps z and 1 - z: a minimal gated unit.",
        in_equations(gru=_minimal_gated_unit),
        GRU,
        fix=OTHER_DIALECT,
    ),
    Deviation(
        "leaky_integration",
        "Averages the state before a step and the state that the equations give.",
        in_steps(step=_leaky),
        fix=OTHER_DIALECT,
    ),
)
