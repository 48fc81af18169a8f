"""Deviations of the backward pass of linear attention: queries, keys, values, beta and the state."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from rnn_goldens.cells.notation import Term
from rnn_goldens.cells.numpy_primitives import Array
from rnn_goldens.cells.recurrence import EQUATIONS, Arrays, RecurrenceCase, step_program
from rnn_goldens.cells.recurrence_backward import Gradients, RecurrenceBackward
from rnn_goldens.cells.recurrence_notation import Equations, outer
from rnn_goldens.cells.step_program import Program
from rnn_goldens.deviations.equation_edits import detached
from rnn_goldens.deviations.recurrences.edits import ATTENTION, DELTA, GATED_DELTA, WrongBackward, in_loop, in_results
from rnn_goldens.deviations.recurrences.equation_parts import Values, attention, of_first_row
from rnn_goldens.deviations.table_rows import table
from rnn_goldens.golden.recurrence_config import recurrence_config

# ruff: noqa: ARG005 - functions have the arguments of parts


def _by_query(x: Values) -> Term:
    """Return the output with its derivative by the queries only."""
    return x.scale * (detached(x.after).mT @ x.q)  # type: ignore[no-any-return]


def _by_state(x: Values) -> Term:
    """Return the output with its derivative by the state only."""
    return x.scale * (x.after.mT @ detached(x.q))  # type: ignore[no-any-return]


@cache
def _mean_over(queries: int) -> Equations:
    return attention(o=lambda x: _by_query(x) + Fraction(1, queries) * _by_state(x))


def _mean_over_queries(_: RecurrenceBackward, case: RecurrenceCase, names: tuple[str, ...]) -> Program:
    return step_program(case, _mean_over(case.config.queries), names)


class RepeatedHeads(RecurrenceBackward):
    """Repeats keys, values and states for each query head, and sums their gradients over the queries of a head."""

    def of_sequence(self, case: RecurrenceCase, cotangents: Arrays) -> Gradients:
        """The gradients of one sequence."""
        heads, copies = case.config["heads"], case.config.queries
        if copies == 1:
            return super().of_sequence(case, cotangents)
        axes = {name: 2 for name, of in case.config.inputs.items() if of.startswith("heads")} | {"S0": 1}
        repeated = replace(
            case,
            config=recurrence_config(case.cell, {**case.config, "heads": case.config["query_heads"]}),
            inputs={n: np.repeat(a, copies, axes[n]) if n in axes else a for n, a in case.inputs.items()},
            states={"S0": np.repeat(case.states["S0"], copies, axis=1)},
        )
        d_last = np.repeat(cotangents["d_S_n"] / copies, copies, axis=1)
        found = super().of_sequence(repeated, {**cotangents, "d_S_n": d_last})
        for name, axis in axes.items():
            shape = found[name].shape
            by_head = found[name].reshape(*shape[:axis], heads, copies, *shape[axis + 1 :])
            found[name] = self.over_copies(name, np.moveaxis(by_head, axis + 1, 0))
        return found

    def over_copies(self, name: str, copies: Array) -> Array:  # noqa: ARG002 - for overrides
        """The sum of the gradients of all copies of an array."""
        return np.asarray(copies.sum(axis=0))


def _over_heads(change: Callable[[Array], Array], *names: str) -> type[RecurrenceBackward]:
    """Return something else than the sum over the heads that share an input."""

    def over_heads(right: RecurrenceBackward, name: str, share: Array) -> Array:
        return change(share) if name in names else right.over_heads(name, share)

    return in_loop(over_heads=over_heads)


def _mean_over_heads(share: Array) -> Array:
    return np.asarray(share.mean(axis=1, keepdims=True))


QUERIES = table(make=WrongBackward, cells=ATTENTION)(
    d_q_without_scale=(
        "Computes the gradient of q without the scale.",
        attention(o=lambda x: _by_state(x) + detached(x.after).mT @ x.q),
    ),
    d_q_scaled_twice=(
        "Multiplies the gradient of q by the scale twice.",
        attention(o=lambda x: _by_state(x) + x.scale * _by_query(x)),
    ),
    d_q_by_state_before=(
        "Computes the gradient of q with the state before the step instead of after it.",
        attention(o=lambda x: _by_state(x) + x.scale * (detached(x.S).mT @ x.q)),
    ),
    state_cotangent_without_scale=(
        "Passes the cotangent of the output to the state without the scale.",
        attention(o=lambda x: _by_query(x) + x.after.mT @ detached(x.q)),
    ),
    state_cotangent_of_first_query=(
        "Passes only the cotangent of the first query head of each group to the state.",
        attention(o=lambda x: _by_query(x) + of_first_row(_by_state(x).mT).mT),
        {"needs": ("grouped_queries",)},
    ),
    state_cotangent_mean_over_queries=(
        "Uses the mean over the query heads of a group for the cotangent of the state instead of the sum.",
        in_loop(program=_mean_over_queries),
        {"needs": ("grouped_queries",)},
    ),
    gradients_of_first_copy=(
        "Repeats keys and values for each query head, and returns the gradients of the first copy, not their sum.",
        in_loop(RepeatedHeads, over_copies=lambda _, name, copies: copies[0]),
        {"needs": ("grouped_queries",)},
    ),
    gate_gradients_of_first_copy=(
        "Sums the gradients of keys and values over the query heads of a group, but not those of g and beta.",
        in_results(
            RepeatedHeads, over_copies=lambda found, name, copies: copies[0] if name in ("g", "beta") else found
        ),
        {"cells": ("gated_linear_attention", "delta_rule", "gated_delta"), "needs": ("grouped_queries",)},
    ),
    d_key_head_of_first_head=(
        "Returns the gradients of queries and keys by the first head of each key head, not the sum over its heads.",
        _over_heads(lambda share: share[:, :1], "q", "k"),
        {"needs": ("grouped_values",)},
    ),
    d_key_head_of_last_head=(
        "Returns the gradients of queries and keys by the last head of each key head, as heads that overwrite each "
        "other do.",
        _over_heads(lambda share: share[:, -1:], "q", "k"),
        {"needs": ("grouped_values",)},
    ),
    d_key_head_mean_over_heads=(
        "Returns the mean of the gradients of queries and keys over the heads of a key head, not their sum.",
        _over_heads(_mean_over_heads, "q", "k"),
        {"needs": ("grouped_values",)},
    ),
)


def _own_output_last(*, q: Term, k: Term, v: Term, **others: Any) -> Any:  # noqa: ANN401 - terms and the scale
    """Pass the output's cotangent to the state before the step, but not to the key and value of the step."""
    equations = EQUATIONS["linear_attention"]
    outputs, _ = equations(q=q, k=detached(k), v=detached(v), **others)
    return outputs, equations(q=q, k=k, v=v, **others)[1]


def _key_written_by(of_key: Callable[[Values], Term]) -> Equations:
    """Return equations with another derivative of the outer product by the key."""
    return attention(after=lambda x: x.decayed + outer(detached(x.k), x.written) + outer(x.k, detached(of_key(x))))


def _beta_by(of_beta: Callable[[Values], Term]) -> Equations:
    """Return equations with another derivative of what is written by beta."""
    return attention(written=lambda x: detached(x.beta) * (x.v - x.removed) + x.beta * detached(of_beta(x)))


KEYS_AND_VALUES = table(make=WrongBackward, cells=DELTA)(
    own_output_not_passed=(
        "Computes the gradients of k and v with the state's cotangent from later steps: their own output is left out.",
        _own_output_last,
        {"cells": ATTENTION},
    ),
    d_k_of_removed_missing=(
        "Leaves out the key that reads the removed part from the gradient of k.",
        attention(removed=lambda x: x.decayed.mT @ detached(x.k)),
    ),
    d_k_of_removed_added=(
        "Adds the key that reads the removed part to the gradient of k instead of subtracting it.",
        attention(removed=lambda x: x.decayed.mT @ detached(x.k) - detached(x.decayed).mT @ x.k),
    ),
    d_k_of_removed_by_undecayed_state=(
        "Uses the state before it decays for the key that reads the removed part.",
        attention(removed=lambda x: x.decayed.mT @ detached(x.k) + detached(x.S).mT @ x.k),
        {"cells": GATED_DELTA},
    ),
    d_k_of_removed_without_beta=(
        "Computes the part of the key that reads the removed part without beta.",
        attention(written=lambda x: x.beta * (x.v - x.decayed.mT @ detached(x.k)) - detached(x.decayed).mT @ x.k),
    ),
    d_k_of_written_missing=(
        "Leaves out the key of the outer product from the gradient of k.",
        attention(after=lambda x: x.decayed + outer(detached(x.k), x.written)),
    ),
    d_k_of_written_by_v=(
        "Uses v for the gradient of k in the outer product, although another value was written.",
        _key_written_by(lambda x: x.v),
    ),
    d_k_of_written_by_beta_v=(
        "Uses beta v for the gradient of k in the outer product, without the removed part.",
        _key_written_by(lambda x: x.beta * x.v),
    ),
    d_v_without_beta=(
        "Computes the gradient of v without beta.",
        attention(written=lambda x: x.beta * (detached(x.v) - x.removed) + x.v),
    ),
    d_v_with_beta_twice=(
        "Multiplies the gradient of v by beta twice.",
        attention(written=lambda x: x.beta * (detached(x.v) - x.removed) + detached(x.beta * x.beta) * x.v),
    ),
    d_beta_zero=(
        "Returns zero for the gradient of beta.",
        attention(written=lambda x: detached(x.beta) * (x.v - x.removed)),
    ),
    d_beta_of_first_head=(
        "Returns the gradient of one beta for all heads by the first head, not the sum over heads.",
        _over_heads(lambda share: share[:, :1], "beta"),
        {"needs": ("one_beta",)},
    ),
    d_beta_mean_over_heads=(
        "Returns the mean of the gradients of one beta over the heads, not their sum.",
        _over_heads(_mean_over_heads, "beta"),
        {"needs": ("one_beta",)},
    ),
    d_beta_doubled=("Doubles the gradient of beta.", _beta_by(lambda x: 2 * (x.v - x.removed))),
    d_beta_by_v_alone=(
        "Computes the gradient of beta with v instead of the difference of v and the removed part.",
        _beta_by(lambda x: x.v),
    ),
    d_beta_by_undecayed_state=(
        "Computes the gradient of beta with what the key reads of the state before it decays.",
        _beta_by(lambda x: x.v - x.S.mT @ x.k),
        {"cells": GATED_DELTA},
    ),
    d_beta_by_written=(
        "Computes the gradient of beta with what is written, which contains beta.",
        _beta_by(lambda x: x.beta * (x.v - x.removed)),
    ),
    key_of_removed_missing_without_decay=(
        "Without a decay, leaves out what the key that reads the state passes to the gradients of k and beta.",
        attention(written=lambda x: detached(x.beta) * (x.v - x.decayed.mT @ detached(x.k)) + x.beta * detached(x.v)),
        {"cells": ("delta_rule",), "stands_for": ("flash-linear-attention#862", "flash-linear-attention PR863")},
    ),
)


def _scaled(found: Arrays, case: RecurrenceCase, _: Arrays) -> Arrays:
    scale = case.config.option("scale")
    return {"S": float(case.config["d_k"] ** -0.5 if scale is None else scale) * found["S"]}


def _as_transposed(state: Array) -> Array:
    """Return the matrices of (d_k, d_v) that a buffer has if it is read or written as (d_v, d_k)."""
    *lanes, d_k, d_v = state.shape
    return state.reshape(*lanes, d_v, d_k).swapaxes(-1, -2)


OF_DELTA_RULE = table(make=WrongBackward, cells=DELTA)(
    removed_part_not_passed_to_state=(
        "Does not subtract the removed part from the state's cotangent.",
        attention(removed=lambda x: detached(x.decayed).mT @ x.k),
    ),
    removed_part_added_to_state=(
        "Adds the removed part to the state's cotangent instead of subtracting it.",
        attention(removed=lambda x: detached(x.decayed).mT @ x.k - x.decayed.mT @ detached(x.k)),
    ),
    removed_part_without_beta=(
        "Subtracts the removed part from the state's cotangent without beta.",
        attention(written=lambda x: x.beta * (x.v - detached(x.decayed).mT @ x.k) - x.decayed.mT @ detached(x.k)),
    ),
    removed_part_detached=(
        "Treats the removed part as a constant: neither k nor the state gets a gradient through it.",
        attention(removed=lambda x: detached(x.removed)),
    ),
    removed_part_subtracted_after_decay=(
        "Subtracts the removed part from the state's cotangent after the decay instead of before it.",
        attention(removed=lambda x: detached(x.decayed).mT @ x.k + x.S.mT @ detached(x.k)),
        {"cells": GATED_DELTA},
    ),
)

STATE = (
    *OF_DELTA_RULE,
    *table(make=WrongBackward, cells=ATTENTION)(
        last_state_cotangent_scaled=(
            "Multiplies the cotangent of the last state by the scale.",
            in_results(d_last=_scaled),
        ),
        last_state_cotangent_read_transposed=(
            "Reads the cotangent of the last state as (d_v, d_k).",
            in_results(d_last=lambda found, *_: {"S": _as_transposed(found["S"])}),
        ),
        initial_state_gradient_written_transposed=(
            "Writes the gradient of the initial state as (d_v, d_k).",
            in_loop(to_start=lambda _, d_states, d_last: {"S": _as_transposed(d_states["S"])}),
            {"needs": ("state",)},
        ),
    ),
)
