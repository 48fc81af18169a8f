"""Deviations that are correct in another definition of a cell with the same name."""

import numpy as np

from rnn_goldens.cells.notation import Term, exp, mean, mix, rsqrt, tanh
from rnn_goldens.deviations.alteration import in_equations, in_new_state
from rnn_goldens.deviations.deviation import OTHER_DIALECT
from rnn_goldens.deviations.equation_edits import edited
from rnn_goldens.deviations.table_rows import table

# Gers & Schmidhuber (2000), with peephole weights of 1.
_PEEPHOLES_AT_ONE = edited(
    "lstm", z_i=lambda z_i, c: z_i + c, z_f=lambda z_f, c: z_f + c, z_o=lambda z_o, new_c: z_o + new_c
)


def _normalized(z: Term) -> Term:
    centred = z - mean(z)
    return centred * rsqrt(mean(centred * centred) + 1e-5)


# Ba et al. (2016), without gains and shifts.
_NORMALIZED_GATES = edited(
    "lstm",
    z_i=lambda z_i: _normalized(z_i),
    z_f=lambda z_f: _normalized(z_f),
    z_g=lambda z_g: _normalized(z_g),
    z_o=lambda z_o: _normalized(z_o),
)

# Zhou et al. (2016): the update gate is the reset gate too.
_MINIMAL_GATED_UNIT = edited(
    "gru",
    n=lambda w, x, h, z: tanh(w.W_in @ x + w.b_in + w.W_hn @ (z * h) + w.b_hn),
    new_h=lambda z, n, h: mix(z, n, h),
)


# Sak et al. (2014), with a projection to the first half of the units.
_PROJECTED = in_new_state(
    lambda after, _: (np.where(np.arange(after[0].shape[-1]) < after[0].shape[-1] / 2, after[0], 0), *after[1:])
)

# Jaeger et al. (2007): leaky integration.
_LEAK = in_new_state(lambda after, before: tuple((old + new) / 2 for old, new in zip(before, after, strict=True)))


DEVIATIONS = table(fix=OTHER_DIALECT)(
    lstm_peepholes_at_one=(
        "Has peepholes with weights of 1: adds c to the arguments of the gates i, f and o.",
        in_equations(lstm=_PEEPHOLES_AT_ONE),
    ),
    lstm_input_gate_by_exp=(
        "Computes the input gate with exp instead of a sigmoid, as an sLSTM does.",
        in_equations(lstm=edited("lstm", i=lambda z_i: exp(z_i))),
    ),
    lstm_gates_normalized=(
        "Normalizes the argument of each gate over the units, as an LSTM with layer normalization does.",
        in_equations(lstm=_NORMALIZED_GATES),
    ),
    lstm_state_projected=(
        "Projects the state to half of its units, as an LSTM with a projection does; the others are zero.",
        _PROJECTED,
        {"cells": ("lstm",)},
    ),
    gru_minimal_gated_unit=(
        "Uses gate z to reset, too, and swaps z and 1 - z: a minimal gated unit.",
        in_equations(gru=_MINIMAL_GATED_UNIT),
    ),
    leaky_integration=("Averages the state before a step and the state that the equations give.", _LEAK),
)
