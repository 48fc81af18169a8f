"""Deviations of the backward pass of linear attention with a decay."""

from collections.abc import Sequence

import numpy as np

from rnn_goldens.cells.notation import Term, exp
from rnn_goldens.cells.numpy_primitives import Array
from rnn_goldens.cells.recurrence import Arrays, RecurrenceCase, step_program
from rnn_goldens.cells.recurrence_backward import Gradients, RecurrenceBackward, Step
from rnn_goldens.cells.recurrence_notation import outer
from rnn_goldens.cells.step_program import Program
from rnn_goldens.deviations.equation_edits import detached
from rnn_goldens.deviations.recurrences.edits import (
    GATED,
    GATED_DELTA,
    WrongBackward,
    for_each_chunk_size,
    in_loop,
    in_results,
)
from rnn_goldens.deviations.recurrences.equation_parts import Values, attention, of_first_row
from rnn_goldens.deviations.table_rows import table

# ruff: noqa: ARG005 - functions have the arguments of parts and methods


_KEY_THAT_READS = attention(removed=lambda x: x.decayed.mT @ x.k_read)
"""The equations with the key that reads the removed part as an argument of its own."""


class RunningSum(RecurrenceBackward):
    """Computes the gradient of g as a running sum of q d_q - k d_k, from the last step to the first.

    The gradient of the key that reads the removed part enters with the other sign.
    """

    running: Array | None = None

    def of_sequence(self, case: RecurrenceCase, cotangents: Arrays) -> Gradients:
        """The gradients of one sequence; its running sum starts at the last step."""
        self.running = None
        return super().of_sequence(case, cotangents)

    def arguments(self, case: RecurrenceCase) -> list[dict[str, Array]]:
        """The arguments of the equations at each time step, with the key twice."""
        return [{**inputs, "k_read": inputs["k"]} for inputs in super().arguments(case)]

    def program(self, case: RecurrenceCase, names: tuple[str, ...]) -> Program:
        """The program of a time step."""
        return step_program(case, _KEY_THAT_READS, names)

    def step_back(self, step: Step, d_outputs: Arrays, d_after: Arrays) -> Arrays:
        """The gradients of a step."""
        found = super().step_back(step, d_outputs, d_after)
        later = self.running = self.later(step, d_after)
        for part in self.parts(step, found):
            self.running = self.rounded(self.running + part.sum(axis=-1, keepdims=True))
        d_g = self.d_g(later, self.running)
        if step["g"].shape[-2] == 1:  # one decay for all keys
            d_g = d_g.sum(axis=-2, keepdims=True)
        return {**found, "k": found["k"] + found["k_read"], "g": d_g}

    def later(self, step: Step, d_after: Arrays) -> Array:
        """The running sum of the later steps, by key: at the last step, what the last state adds to it."""
        return self.from_last(step, d_after["S"]) if self.running is None else self.running

    def from_last(self, step: Step, d_last: Array) -> Array:
        """What the last state adds to the running sum, by key."""
        return np.asarray((d_last * step.after["S"]).sum(axis=-1, keepdims=True))

    def d_g(self, later: Array, running: Array) -> Array:  # noqa: ARG002 - for overrides
        """The gradient of g by key, from the running sum of the later steps, and that with the step itself."""
        return running

    def parts(self, step: Step, found: Arrays) -> tuple[Array, ...]:
        """What a step adds to the running sum: of the queries, the key that writes, and the key that reads."""
        return step["q"] * found["q"], -step["k"] * found["k"], step["k"] * found["k_read"]

    def rounded(self, running: Array) -> Array:
        """The running sum as it is stored."""
        return running


class _Restarted(RunningSum):
    """Starts the running sum from zero in each chunk except the last."""

    size: int

    def carry(self, d_before: Arrays, d_after: Arrays, t: int) -> Arrays:
        if t % self.size == 0 and self.running is not None:
            self.running = np.zeros_like(self.running)
        return super().carry(d_before, d_after, t)


class _NotRestarted(RunningSum):
    def of_sequence(self, case: RecurrenceCase, cotangents: Arrays) -> Gradients:
        return RecurrenceBackward.of_sequence(self, case, cotangents)


RUNNING_SUM = table(make=WrongBackward, cells=GATED)(
    d_g_without_last_state=(
        "Starts the running sum of the gradient of g at zero, without the cotangent of the last state.",
        in_results(RunningSum, from_last=lambda found, *_: 0 * found),
    ),
    d_g_running_sum_exclusive=(
        "Leaves out a step's own part from the running sum of the gradient of g, which is then one step late.",
        in_loop(RunningSum, d_g=lambda _, later, running: later),
    ),
    d_g_not_summed_over_later_steps=(
        "Returns each step's part q d_q - k d_k as the gradient of g instead of their running sum.",
        in_loop(RunningSum, later=lambda _, step, d_after: np.zeros_like(step["k"])),
    ),
    **for_each_chunk_size(
        "d_g_running_sum_within_chunks",
        "Starts the running sum of the gradient of g at zero in each chunk of {} steps.",
        lambda size: type("RestartedEveryChunk", (_Restarted,), {"size": size}),
    ),
    d_g_running_sum_across_borders=(
        "Continues the running sum of the gradient of g from a packed sequence to the sequence before it.",
        _NotRestarted,
        {"needs": ("packed",)},
    ),
    d_g_from_queries_alone=(
        "Computes the gradient of g with q d_q only, without subtracting k d_k.",
        in_results(RunningSum, parts=lambda parts, *_: parts[::2]),
    ),
    d_g_without_removed_part=(
        "Leaves out the key that reads the removed part from the running sum of the gradient of g.",
        in_results(RunningSum, parts=lambda parts, *_: parts[:2]),
        {"cells": GATED_DELTA},
    ),
    d_g_with_whole_d_k=(
        "Subtracts k times the whole gradient of k in the gradient of g, as if both parts had the same sign.",
        in_results(RunningSum, parts=lambda parts, *_: (*parts[:2], -parts[2])),
        {"cells": GATED_DELTA},
    ),
)


_UNDECAYED = attention(decayed=lambda x: exp(x.g) * detached(x.S) + x.S)
"""The equations in which the state gets the cotangent of the decayed state."""


def _after(decayed: Term, x: Values) -> Term:
    """Return the state after the step."""
    is_delta = hasattr(x, "beta")
    return decayed + outer(x.k, x.beta * (x.v - decayed.mT @ x.k) if is_delta else x.v)


_DECAYED_LATER = attention(decayed=lambda x: exp(x.g) * detached(x.S) + exp(detached(x.g_later)) * x.S)


class _DecayOfLaterStep(RecurrenceBackward):
    def arguments(self, case: RecurrenceCase) -> Sequence[Arrays]:
        steps = super().arguments(case)
        return [{**x, "g_later": later["g"]} for x, later in zip(steps, [*steps[1:], steps[-1]], strict=True)]

    def program(self, case: RecurrenceCase, names: tuple[str, ...]) -> Program:
        return step_program(case, _DECAYED_LATER, names)


STATE = table(make=WrongBackward, cells=GATED)(
    d_g_zero=("Returns zero for the gradient of g.", attention(decayed=lambda x: exp(detached(x.g)) * x.S)),
    d_g_of_decay_itself=(
        "Returns the gradient of the decay e^g as the gradient of g.",
        attention(decayed=lambda x: exp(detached(x.g)) * x.S + x.g * detached(x.S)),
    ),
    d_g_by_state_after=(
        "Computes the gradient of g with the state after the step instead of the decayed state.",
        attention(decayed=lambda x: exp(detached(x.g)) * x.S + x.g * detached(_after(x.decayed, x))),
    ),
    d_g_of_first_value=(
        "Computes the gradient of g from the first column of the state only, without a sum over the values.",
        attention(decayed=lambda x: exp(detached(x.g)) * x.S + of_first_row((exp(x.g) * detached(x.S)).mT).mT),
    ),
    d_g_by_key_summed_over_keys=(
        "Sums the gradient of a decay by key over the keys, as if it were one number for each head.",
        in_results(
            step_back=lambda found, *_: (
                found | {"g": np.broadcast_to(found["g"].sum(axis=-2, keepdims=True), found["g"].shape)}
            )
        ),
        {"needs": ("decay_by_key",)},
    ),
    d_g_by_removed_state=(
        "Computes the gradient of g with the state's cotangent from which no removed part was subtracted.",
        attention(removed=lambda x: (exp(detached(x.g)) * x.S).mT @ x.k),
        {"cells": GATED_DELTA},
    ),
    state_cotangent_not_decayed=("Passes the state's cotangent to the step before without the decay.", _UNDECAYED),
    state_cotangent_decayed_twice=(
        "Multiplies the state's cotangent by the decay twice.",
        attention(decayed=lambda x: exp(x.g) * detached(x.S) + detached(exp(x.g) * exp(x.g)) * x.S),
    ),
    state_cotangent_decayed_one_step_late=(
        "Multiplies the state's cotangent by the decay of the step after it.",
        _DecayOfLaterStep,
        {"needs": ("several_steps",)},
    ),
    initial_state_gradient_undecayed=(
        "Returns the gradient of the initial state without the decay of the first step.",
        in_loop(kept=lambda right, case: [RecurrenceBackward(_UNDECAYED).kept(case)[0], *right.kept(case)[1:]]),
        {"needs": ("state",)},
    ),
)
