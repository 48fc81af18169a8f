"""Bugs of linear attention in the decay of the state and in the delta rule."""

from collections.abc import Callable
from functools import partial
from math import log
from typing import Any

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.deviations.recurrences.deviation import DELTA, GATED, RecurrenceDeviation
from rnn_goldens.deviations.recurrences.kernel import replaced, sigmoid, softplus
from rnn_goldens.deviations.recurrences.step_kernel import AttentionKernel, Step, StepKernel


def _of(
    cells: tuple[str, ...],
    name: str,
    sentence: str,
    needs: tuple[str, ...] = (),
    stands_for: tuple[str, ...] = (),
    fix: str = "",
    **methods: Callable[..., Any],
) -> RecurrenceDeviation:
    return RecurrenceDeviation(name, sentence, replaced(StepKernel, **methods), cells, needs, stands_for, fix)


# The decay.


def _in_logs(change: Callable[[Array], Array]) -> Callable[[AttentionKernel], Array]:
    """Return a method that changes the log-decays: (batch, heads, time, 1 or d_k)."""

    def log_decays(right: AttentionKernel) -> Array:
        g = right.log_decays()
        assert g is not None
        return change(g)

    return log_decays


def _next_step(g: Array) -> Array:
    return np.concatenate([g[:, :, 1:], g[:, :, -1:]], axis=2)


def _decayed_by_column(right: StepKernel, x: Step, S: Array) -> Array:
    assert x.g is not None
    decay = right.decay(x.g)
    if decay.shape[-2] == 1:
        return np.asarray(decay * S)
    columns = np.arange(right.d_v) % right.d_k
    return np.asarray(decay[..., columns, :].swapaxes(-1, -2) * S)


def _decayed_after_update(right: StepKernel, x: Step, S: Array) -> tuple[Array, Array]:
    S = right.decayed(x, right.updated(S, x.k, right.written(x, S)))
    return right.output(x, S), S


def _decay_unseen(right: StepKernel, x: Step, S: Array) -> tuple[Array, Array]:
    S = right.updated(right.decayed(x, S), x.k, right.written(x, S))
    return right.output(x, S), S


def _without_first_decay(g: Array) -> Array:
    return np.concatenate([np.zeros_like(g[:, :, :1]), g[:, :, 1:]], axis=2)


_of_decay = partial(_of, GATED)

DECAY = (
    _of_decay(
        "decay_of_first_key",
        "Uses the decay of the first key for all rows of the state.",
        ("decay_by_key",),
        log_decays=_in_logs(lambda g: g[..., :1]),
    ),
    _of_decay(
        "decay_of_first_head",
        "Uses the decay of the first head for all heads.",
        ("several_heads",),
        log_decays=_in_logs(lambda g: np.broadcast_to(g[:, :1], g.shape)),
    ),
    _of_decay(
        "decay_of_columns",
        "Multiplies the columns of the state by the decays of the keys, instead of the rows.",
        ("decay_by_key",),
        decayed=_decayed_by_column,
    ),
    _of_decay(
        "decay_of_next_step",
        "Uses the decay of the next step.",
        ("several_steps",),
        log_decays=_in_logs(_next_step),
    ),
    _of_decay("decay_left_out", "Leaves out the decay.", decayed=lambda _right, _x, S: S),
    _of_decay("decay_applied_twice", "Applies the decay twice.", decay=lambda right, g: right.decay(g + g)),
    _of_decay(
        "decay_sign_flipped",
        "Computes e^-g instead of e^g.",
        fix="g is the logarithm of the decay, so it is not positive",
        log_decays=_in_logs(np.negative),
    ),
    _of_decay(
        "decay_to_base_2",
        "Computes 2^g instead of e^g.",
        log_decays=_in_logs(lambda g: np.asarray(g * log(2))),
    ),
    _of_decay(
        "decay_scaled_for_base_2",
        "Multiplies g by log2 e, as for a power of 2, and then computes a power of e.",
        log_decays=_in_logs(lambda g: np.asarray(g / log(2))),
    ),
    _of_decay(
        "decay_exponential_left_out",
        "Multiplies the state by g instead of e^g.",
        decay=lambda _right, g: g[..., None],
    ),
    _of_decay(
        "decay_linearized",
        "Multiplies the state by 1 + g instead of e^g.",
        decay=lambda _right, g: np.asarray(1 + g)[..., None],
    ),
    _of_decay(
        "decay_log_sigmoid_added",
        "Applies a log-sigmoid to g, which is a logarithm already.",
        log_decays=_in_logs(lambda g: -softplus(-g)),
    ),
    _of_decay(
        "decay_clamped",
        "Replaces log-decays below -5 by -5.",
        log_decays=_in_logs(lambda g: np.maximum(g, -5)),
    ),
    _of_decay(
        "decay_after_update",
        "Applies the decay after the update instead of before.",
        step=_decayed_after_update,
    ),
    _of_decay(
        "past_state_not_decayed",
        "Does not apply the decay of the first step to the initial state.",
        ("state",),
        log_decays=_in_logs(_without_first_decay),
    ),
    _of(
        ("gated_delta",),
        "decay_not_seen_by_delta_rule",
        "Subtracts from the value what the state holds for the key before the decay, instead of after it.",
        step=_decay_unseen,
    ),
)

# The delta rule.


def _delta_of_keys(right: StepKernel, x: Step, S: Array) -> tuple[Array, Array]:
    S = right.decayed(x, S)
    k = right.delta(x.k, (S @ x.v[..., None])[..., 0], _beta(x))
    S = right.updated(S, k, x.v)
    return right.output(x, S), S


def _beta(x: Step) -> Array:
    assert x.beta is not None
    return x.beta


def _in_betas(change: Callable[[Array], Array]) -> Callable[[AttentionKernel], Array]:
    def betas(right: AttentionKernel) -> Array:
        beta = right.betas()
        assert beta is not None
        return change(beta)

    return betas


_of_delta = partial(_of, DELTA)

DELTA_RULE = (
    _of_delta(
        "beta_of_first_head",
        "Uses the beta of the first head for all heads.",
        ("several_heads",),
        betas=_in_betas(lambda beta: np.broadcast_to(beta[:, :1], beta.shape)),
    ),
    _of_delta(
        "beta_sigmoid_added", "Applies a sigmoid to beta, which is between 0 and 1 already.", betas=_in_betas(sigmoid)
    ),
    _of_delta("beta_left_out", "Leaves out beta.", betas=_in_betas(np.ones_like)),
    _of_delta(
        "beta_doubled",
        "Doubles beta.",
        fix="a layer that allows negative eigenvalues doubles beta before it calls the kernel",
        betas=_in_betas(lambda beta: np.asarray(2 * beta)),
    ),
    _of_delta("beta_applied_twice", "Applies beta twice.", betas=_in_betas(np.square)),
    _of_delta(
        "beta_not_on_value",
        "Applies beta only to what the state holds: v - β S k.",
        delta=lambda _right, v, seen, beta: np.asarray(v - beta * seen),
    ),
    _of_delta(
        "beta_not_on_held_value",
        "Applies beta only to the value: β v - S k.",
        delta=lambda _right, v, seen, beta: np.asarray(beta * v - seen),
    ),
    _of_delta(
        "held_value_not_subtracted",
        "Adds β v to the state, without subtracting what it holds for the key.",
        delta=lambda _right, v, _seen, beta: np.asarray(beta * v),
    ),
    _of_delta(
        "held_value_added",
        "Adds what the state holds for the key to the value, instead of subtracting it.",
        delta=lambda _right, v, seen, beta: np.asarray(beta * (v + seen)),
    ),
    _of_delta(
        "held_value_of_query",
        "Subtracts what the state holds for the first query of the group, instead of the key.",
        seen=lambda right, x, S: right.seen(x._replace(k=x.q[:, :, 0]), S),
    ),
    _of_delta(
        "delta_rule_of_keys",
        "Subtracts from the key what the state holds for the value: k = β (k - S v).",
        stands_for=("flash-linear-attention#623",),
        step=_delta_of_keys,
    ),
)
