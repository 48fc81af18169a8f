"""Bugs of linear attention in the decay of the state and in the delta rule."""

from math import log

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.cells.matrix_primitives import MatrixArithmetic
from rnn_goldens.cells.notation import Operand, Term, exp, log_sigmoid, maximum, sigmoid
from rnn_goldens.cells.recurrence_equations import linear_attention as right
from rnn_goldens.cells.recurrence_notation import Terms, first_row, outer
from rnn_goldens.deviations.recurrences.edits import DELTA, GATED, declared, in_arrays, in_equations
from rnn_goldens.deviations.recurrences.equation_parts import attention
from rnn_goldens.deviations.table_rows import table


class _OfColumns(MatrixArithmetic):
    """Multiplies columns by the decays of rows."""

    def decayed_columns(self, decay: Array, S: Array) -> Array:
        """The columns of S times the decays, which are repeated if there are more columns."""
        columns = np.arange(S.shape[-1]) % decay.shape[-2]
        return np.asarray(decay[..., columns, :].swapaxes(-1, -2) * S)


def _after_update(q: Term, g: Term, scale: Operand, **x: Term) -> tuple[Terms, Terms]:
    _, (S,) = right(q=q, scale=scale, **x)
    S = exp(g) * S
    return (scale * (S.mT @ q),), (S,)


def _first_head(gate: Array) -> Array:
    return np.broadcast_to(gate[:, :, :1], gate.shape)


def time_inside_heads(array: Array) -> Array:
    """Return what is read of the memory of (batch, time, heads, …) as (batch, heads, time, …)."""
    rows, time, heads, *sizes = array.shape
    return array.reshape(rows, heads, time, *sizes).swapaxes(1, 2)


_OF_HEADS = {"needs": ("several_heads",)}

DECAY = table(make=in_equations, cells=GATED)(
    decay_of_first_key=(
        "Uses the decay of the first key for all rows of the state.",
        lambda g, **x: right(g=first_row(g), **x),
        {"needs": ("decay_by_key",)},
    ),
    decay_of_first_head=("Uses the decay of the first head for all heads.", in_arrays(g=_first_head), _OF_HEADS),
    decay_time_read_inside_heads=(
        "Reads the memory of g as (batch, heads, time).",
        in_arrays(g=time_inside_heads),
        {"needs": ("several_heads", "several_steps")},
    ),
    decay_of_columns=(
        "Multiplies the columns of the state by the decays of the keys, instead of the rows.",
        attention.wrong(decayed=lambda x: Term("decayed_columns", (exp(x.g), x.S))),
        _OfColumns(),
        {"needs": ("decay_by_key",)},
    ),
    decay_of_next_step=(
        "Uses the decay of the next step.",
        in_arrays(g=lambda g: np.concatenate([g[:, 1:], g[:, -1:]], axis=1)),
        {"needs": ("several_steps",)},
    ),
    decay_left_out=("Leaves out the decay.", attention.wrong(decayed=lambda x: x.S)),
    decay_applied_twice=("Applies the decay twice.", lambda g, **x: right(g=2 * g, **x)),
    decay_sign_flipped=(
        "Computes e^-g instead of e^g.",
        lambda g, **x: right(g=-g, **x),
        {"fix": "g is the logarithm of the decay, so it is not positive"},
    ),
    decay_to_base_2=(
        "Computes 2^g instead of e^g.",
        lambda g, **x: right(g=log(2) * g, **x),
        {"fix": declared('decay="log2"', "takes g log2 e")},
    ),
    decay_scaled_for_base_2=(
        "Multiplies g by log2 e, as for a power of 2, and then computes a power of e.",
        lambda g, **x: right(g=g / log(2), **x),
    ),
    decay_exponential_left_out=(
        "Multiplies the state by g instead of e^g.",
        attention.wrong(decayed=lambda x: x.g * x.S),
        {"fix": declared('decay="factor"', "takes e^g")},
    ),
    decay_linearized=(
        "Multiplies the state by 1 + g instead of e^g.",
        attention.wrong(decayed=lambda x: (1 + x.g) * x.S),
    ),
    decay_log_sigmoid_added=(
        "Applies a log-sigmoid to g, which is a logarithm already.",
        lambda g, **x: right(g=log_sigmoid(g), **x),
    ),
    decay_clamped=("Replaces log-decays below -5 by -5.", lambda g, **x: right(g=maximum(g, -5), **x)),
    decay_after_update=("Applies the decay after the update instead of before.", _after_update),
    past_state_not_decayed=(
        "Does not apply the decay of the first step to the initial state.",
        in_arrays(g=lambda g: np.concatenate([np.zeros_like(g[:, :1]), g[:, 1:]], axis=1)),
        {"needs": ("state",)},
    ),
    decay_not_seen_by_delta_rule=(
        "Subtracts from the value what the state holds for the key before the decay, instead of after it.",
        attention.wrong(removed=lambda x: x.S.mT @ x.k),
        {"cells": ("gated_delta",)},
    ),
)


DELTA_RULE = table(make=in_equations, cells=DELTA)(
    beta_of_first_head=("Uses the beta of the first head for all heads.", in_arrays(beta=_first_head), _OF_HEADS),
    beta_time_read_inside_heads=(
        "Reads the memory of beta as (batch, heads, time).",
        in_arrays(beta=time_inside_heads),
        {"needs": ("several_heads", "several_steps")},
    ),
    beta_sigmoid_added=(
        "Applies a sigmoid to beta, which is between 0 and 1 already.",
        lambda beta, **x: right(beta=sigmoid(beta), **x),
    ),
    beta_left_out=("Leaves out beta.", attention.wrong(written=lambda x: x.v - x.removed)),
    beta_doubled=(
        "Doubles beta.",
        lambda beta, **x: right(beta=2 * beta, **x),
        {"fix": "a layer that allows negative eigenvalues doubles beta before it calls the kernel"},
    ),
    beta_applied_twice=("Applies beta twice.", lambda beta, **x: right(beta=beta * beta, **x)),
    beta_not_on_value=(
        "Applies beta only to what the state holds: v - β S k.",
        attention.wrong(written=lambda x: x.v - x.beta * x.removed),
    ),
    beta_not_on_held_value=(
        "Applies beta only to the value: β v - S k.",
        attention.wrong(written=lambda x: x.beta * x.v - x.removed),
    ),
    held_value_not_subtracted=(
        "Adds β v to the state, without subtracting what it holds for the key.",
        attention.wrong(written=lambda x: x.beta * x.v),
    ),
    held_value_added=(
        "Adds what the state holds for the key to the value, instead of subtracting it.",
        attention.wrong(written=lambda x: x.beta * (x.v + x.removed)),
    ),
    held_value_of_query=(
        "Subtracts what the state holds for the first query of the group, instead of the key.",
        attention.wrong(removed=lambda x: x.decayed.mT @ first_row(x.q.mT).mT),
    ),
    delta_rule_of_keys=(
        "Subtracts from the key what the state holds for the value: k = β (k - S v).",
        attention.wrong(after=lambda x: x.decayed + outer(x.beta * (x.k - x.decayed @ x.v), x.v)),
        {"stands_for": ("flash-linear-attention#623",)},
    ),
)
