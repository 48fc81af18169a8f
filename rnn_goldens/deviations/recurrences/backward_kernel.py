"""Backward passes of recurrences as people write them: a loop over time, from the last step to the first.

Each method is one part of the computation, so that a deviation overrides one method. Arrays are in lanes, (batch,
heads, rows, columns), and named as in ``rnn_goldens.golden.recurrences``. The values of a step are a mapping: inputs,
weights, states before it, intermediate values, and ``S_after`` for the state S after it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rnn_goldens.cells.arrays import Array
from rnn_goldens.cells.recurrence import RecurrenceCase, states_in_lanes, time_steps, weights_in_lanes
from rnn_goldens.cells.recurrence_backward import (
    by_sequence,
    completed,
    gradients_from_lanes,
    joined,
    last_states_back,
    outputs_back,
    summed_to,
)
from rnn_goldens.golden.recurrences import RecurrenceConfig, recurrence_config

Values = Mapping[str, Array]
"""Arrays by name, in lanes."""

Gradients = dict[str, Array]
"""Gradients by the name of the array."""


def transposed(a: Array) -> Array:
    """Return the transposed matrix of each lane."""
    return np.swapaxes(a, -1, -2)


class BackwardKernel:
    """The loop over packed sequences and time steps, the same for all recurrences; subclasses define the step."""

    def __init__(self, config: RecurrenceConfig) -> None:
        self.config = config
        self.d_start: dict[str, Array] = {}
        """Cotangents of the initial states of the sequence visited before; none for the first one visited."""

    def gradients(self, case: RecurrenceCase, cotangents: Values) -> Gradients:
        """Return the gradients of inputs, initial states and weights, each shaped like its array."""
        sequences = by_sequence(case, completed(case, cotangents))
        self.d_start = {}
        return self.joined(case, [self.of_sequence(*one) for one in reversed(sequences)][::-1])

    def joined(self, case: RecurrenceCase, found: Sequence[Gradients]) -> Gradients:
        """The gradients of all packed sequences together."""
        return joined(case, found)

    def of_sequence(self, case: RecurrenceCase, cotangents: Values) -> Gradients:
        """The gradients of one sequence, or of a batch of sequences with equal lengths."""
        kept = self.kept(case)
        d_outputs, d_states = self.d_outputs(case, cotangents), self.d_last(case, cotangents)
        d_inputs = [{name: np.zeros_like(x[name]) for name in case.inputs} for x in kept]
        shares: dict[str, list[Array]] = {name: [] for name in case.weights}
        for t in self.times_back(case):
            found = self.step_back(kept[t], d_outputs[t], d_states)
            d_inputs[t] = {name: found[name] for name in case.inputs}
            for name, parts in shares.items():
                parts.append(self.over_batch(found[name]))
            d_states = self.carry({name: found[name] for name in d_states}, d_states, t)
        self.d_start = self.to_start(d_states)
        weights = weights_in_lanes(case)
        d_weights = {name: self.over_time(parts) if parts else 0 * weights[name] for name, parts in shares.items()}
        return self.named(case, d_inputs, d_weights)

    def kept(self, case: RecurrenceCase) -> list[Values]:
        """The values of each step of the forward pass."""
        weights, states, found = weights_in_lanes(case), states_in_lanes(case), list[Values]()
        for step in time_steps(case):
            before = {**step, **weights, **states}
            found.append(before | self.step(before))
            states = {name: found[-1][f"{name}_after"] for name in states}
        return found

    def step(self, x: Values) -> dict[str, Array]:
        """The intermediate values of a step, and the states after it."""
        raise NotImplementedError

    def step_back(self, x: Values, d_outputs: Values, d_after: Values) -> dict[str, Array]:
        """The gradients of inputs, weights and states before a step; those of weights with a batch axis."""
        raise NotImplementedError

    def d_outputs(self, case: RecurrenceCase, cotangents: Values) -> Sequence[Values]:
        """The cotangents of the outputs of each step."""
        return outputs_back(case, cotangents)

    def d_last(self, case: RecurrenceCase, cotangents: Values) -> dict[str, Array]:
        """The cotangents of the last states."""
        return last_states_back(case, cotangents)

    def times_back(self, case: RecurrenceCase) -> Iterable[int]:
        """The order in which time steps are visited."""
        return reversed(range(case.time))

    def carry(self, d_before: dict[str, Array], d_after: Values, t: int) -> dict[str, Array]:  # noqa: ARG002 - for overrides
        """The cotangents of the states that step t passes to the step before it."""
        return d_before

    def to_start(self, d_states: dict[str, Array]) -> dict[str, Array]:
        """The cotangents of the initial states."""
        return d_states

    def over_batch(self, share: Array) -> Array:
        """The sum of a weight's gradient over the batch."""
        return np.asarray(share.sum(axis=0, keepdims=True))

    def over_time(self, shares: Sequence[Array]) -> Array:
        """The sum of a weight's gradient over the steps, in the order in which they are visited."""
        return np.asarray(np.sum(shares, axis=0))

    def named(self, case: RecurrenceCase, d_inputs: Sequence[Values], d_weights: Values) -> Gradients:
        """The gradients of a sequence by name, each shaped like its array."""
        return gradients_from_lanes(case, d_inputs, self.d_start, d_weights)


def overriding(kernel: type[BackwardKernel], /, **methods: Callable[..., Any]) -> type[BackwardKernel]:
    """Return a kernel in which functions replace methods.

    Args:
        kernel: the right kernel.
        methods: functions by the name of the method they replace. They take the right kernel and the method's
            arguments.
    """
    if unknown := [name for name in methods if not hasattr(kernel, name)]:
        raise TypeError(f"{kernel.__name__} has no method {unknown[0]!r}")
    wrong = type("Overriding", (kernel,), {"replaced": methods})
    for name, function in methods.items():
        setattr(wrong, name, _method(wrong, function))
    return wrong


def _method(owner: type[BackwardKernel], function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *arguments: function(super(owner, self), *arguments)


class AttentionBackward(BackwardKernel):
    """The four rules of linear attention. The queries of a head are columns of q."""

    @property
    def scale(self) -> float:
        """The factor of the outputs."""
        scale = self.config.option("scale")
        return float(self.config["d_k"] ** -0.5 if scale is None else scale)

    def step(self, x: Values) -> dict[str, Array]:
        """The decayed state, what the key reads of it, and what is written in its place."""
        decayed = np.exp(x["g"]) * x["S"] if "g" in x else x["S"]
        removed = transposed(decayed) @ x["k"]
        written = x["beta"] * (x["v"] - removed) if "beta" in x else x["v"]
        after = decayed + x["k"] @ transposed(written)
        return {"decayed": decayed, "removed": removed, "written": written, "S_after": after}

    def step_back(self, x: Values, d_outputs: Values, d_after: Values) -> dict[str, Array]:
        """The gradients of a step, in the opposite order of its computation."""
        d_o = d_outputs["o"]
        d_state = self.with_output(x, d_o, d_after["S"])
        found = {"q": self.d_q(x, d_o), "k": self.d_k_written(x, d_state)}
        d_written = self.d_written(x, d_state)
        found["v"] = self.d_v(x, d_written)
        if "beta" in x:
            found["beta"] = self.d_beta(x, d_written)
            found["k"] = found["k"] + self.d_k_removed(x, d_written)
            d_state = self.through_removed(x, d_written, d_state)
        if "g" in x:
            found["g"] = self.d_g(x, d_state)
            d_state = self.through_decay(x, d_state)
        return found | {"S": d_state}

    def with_output(self, x: Values, d_o: Array, d_state: Array) -> Array:
        """The cotangent of the state after the step, including what the output passes to it."""
        return d_state + self.from_output(x, d_o)

    def from_output(self, x: Values, d_o: Array) -> Array:
        """What the output passes to the state: a sum over the queries of a head."""
        return self.scale * (x["q"] @ transposed(d_o))

    def d_q(self, x: Values, d_o: Array) -> Array:
        """The gradient of the queries."""
        return self.scale * (x["S_after"] @ d_o)

    def d_k_written(self, x: Values, d_state: Array) -> Array:
        """The gradient of the key as a factor of the outer product."""
        return np.asarray(d_state @ x["written"])

    def d_written(self, x: Values, d_state: Array) -> Array:
        """The cotangent of what is written, the other factor of the outer product."""
        return np.asarray(transposed(d_state) @ x["k"])

    def d_v(self, x: Values, d_written: Array) -> Array:
        """The gradient of the value."""
        return self.times_beta(x, d_written)

    def times_beta(self, x: Values, d_written: Array) -> Array:
        """The cotangent of the difference of value and removed part."""
        return x["beta"] * d_written if "beta" in x else d_written

    def d_beta(self, x: Values, d_written: Array) -> Array:
        """The gradient of beta."""
        return np.asarray(transposed(d_written) @ (x["v"] - x["removed"]))

    def d_k_removed(self, x: Values, d_written: Array) -> Array:
        """The gradient of the key that reads the removed part."""
        return np.asarray(-(x["decayed"] @ self.times_beta(x, d_written)))

    def through_removed(self, x: Values, d_written: Array, d_state: Array) -> Array:
        """The cotangent of the decayed state, of which a part was removed."""
        return np.asarray(d_state - x["k"] @ transposed(self.times_beta(x, d_written)))

    def d_g(self, x: Values, d_state: Array) -> Array:
        """The gradient of the logarithm of the decay: by key it is a sum over values, by head also over keys."""
        return summed_to(d_state * x["decayed"], x["g"])

    def through_decay(self, x: Values, d_state: Array) -> Array:
        """The cotangent of the state before it decayed."""
        return np.exp(x["g"]) * d_state


class RunningSumBackward(AttentionBackward):
    """Computes the gradient of g as a running sum of q d_q - k d_k, from the last step to the first.

    The gradient of the key that reads the removed part enters with the other sign.
    """

    running: Array | None = None

    def of_sequence(self, case: RecurrenceCase, cotangents: Values) -> Gradients:
        """The gradients of one sequence."""
        self.running = None
        return super().of_sequence(case, cotangents)

    def step_back(self, x: Values, d_outputs: Values, d_after: Values) -> dict[str, Array]:
        """The gradients of a step; the running sum starts at the first step visited."""
        if self.running is None:
            self.running = self.from_last(x, d_after["S"])
        return super().step_back(x, d_outputs, d_after)

    def from_last(self, x: Values, d_last: Array) -> Array:
        """What the last state adds to the running sum, by key."""
        return np.asarray((d_last * x["S_after"]).sum(axis=-1, keepdims=True))

    def add(self, part: Array) -> None:
        """Add a part to the running sum, by key."""
        assert self.running is not None
        self.running = self.rounded(self.running + part.sum(axis=-1, keepdims=True))

    def rounded(self, running: Array) -> Array:
        """The running sum as it is stored."""
        return running

    def d_q(self, x: Values, d_o: Array) -> Array:
        """The gradient of the queries, which is added to the running sum."""
        found = super().d_q(x, d_o)
        self.add(x["q"] * found)
        return found

    def d_k_written(self, x: Values, d_state: Array) -> Array:
        """The gradient of the key in the outer product, which is subtracted from the running sum."""
        found = super().d_k_written(x, d_state)
        self.add(-x["k"] * found)
        return found

    def d_k_removed(self, x: Values, d_written: Array) -> Array:
        """The gradient of the key that reads the removed part, which is added to the running sum."""
        found = super().d_k_removed(x, d_written)
        self.add(x["k"] * found)
        return found

    def d_g(self, x: Values, d_state: Array) -> Array:  # noqa: ARG002 - the running sum contains it
        """The gradient of the logarithm of the decay."""
        assert self.running is not None
        return summed_to(self.running, x["g"])


class RepeatedHeadsBackward(AttentionBackward):
    """Repeats keys, values and states for each query head, and sums their gradients over the queries of a head."""

    def of_sequence(self, case: RecurrenceCase, cotangents: Values) -> Gradients:
        """The gradients of one sequence."""
        heads, copies = case.config["heads"], case.config["query_heads"] // case.config["heads"]
        axes = {name: 2 for name in case.inputs if name != "q"} | {"S0": 1}
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
