"""The way back through a network: from cotangents of its outputs to gradients of all that went in.

Every method of ``Backward`` is one named step of that way, so that a deviation of the backward pass overrides one. A
cotangent of a sequence is a list by time step, (batch, units) each; gradients are those of
Σ d_out·out + Σ d_h_n·h_n + Σ d_c_n·c_n.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rnn_goldens.cells.arrays import Array, State, Weights
from rnn_goldens.cells.case import Case
from rnn_goldens.cells.network import Network
from rnn_goldens.cells.program import Program
from rnn_goldens.cells.reverse import reverse
from rnn_goldens.cells.transposed import Transposed

Cotangents = Mapping[str, Array]
"""``d_out`` shaped as out, ``d_h_n`` and ``d_c_n`` shaped as the last states; one that is not there is zero."""

Factors = tuple[Array, Array | None]
"""What a step adds to a weight's gradient: of a matrix g and v of g vᵀ, of a vector g alone."""

Block = tuple[str, int, int]
"""A weight's name without the suffix, which block of its rows is meant, and of how many."""


@dataclass(frozen=True, eq=False)
class OneWay:
    """The way back through one layer in one direction.

    Attributes:
        inputs: cotangents of the layer's input, by time step.
        start: cotangents of the initial state.
        weights: gradients, by the weights' names without the suffix.
    """

    inputs: list[Array]
    start: State
    weights: Weights


class Backward(Transposed, Network):
    """A network that also goes back; ``gradients`` computes them in the precision of the case's arrays."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, int], list[Array]] = {}
        """By layer and direction, and time step: every value of the step."""

    # One layer in one direction.

    def step(self, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
        """Keep the values of the step."""
        program = self.program(case, w)
        values = self.kept[suffix, t] = self.computed(program, [layer_input[:, t], *state], w)
        return tuple(values[k] for k in program.after)

    def program(self, case: Case, w: Weights) -> Program:
        """What a step computes."""
        return self.cell(case).at_once.program(w)

    def computed(self, program: Program, inputs: Sequence[Array], w: Weights) -> list[Array]:
        """Every value of a program."""
        return program.computed(self, inputs, w)

    def back(self, case: Case, suffix: str, d_outs: Sequence[Array], d_last: State, lengths: Array) -> OneWay:
        """Visit the times in the opposite order; a sequence takes part only within its own length."""
        w, d_state = self.weights(case, suffix), d_last
        inputs, factors = list(d_outs), defaultdict[Block, list[Factors]](list)
        for t in self.times_back(len(d_outs), reverse=suffix.endswith("_reverse")):
            within = self.within_back(t, lengths)
            d_state = self.enter(d_state, self.only(within, d_outs[t]), t)
            d_after = tuple(self.only(within, part) for part in d_state)
            inputs[t], d_before = self.step_back(case, suffix, w, t, d_after, factors)
            d_state = self.carry(d_before, d_state, within, t)
        gradients = {name: self.gathered(name, w[name], factors) for name in w}
        return OneWay(inputs, self.to_start(d_state), gradients)

    def times_back(self, time: int, *, reverse: bool) -> Iterable[int]:
        """The order in which time steps are visited."""
        return reversed(list(self.times(time, reverse=reverse)))

    def within_back(self, t: int, lengths: Array) -> Array:
        """Which sequences have a step t: what stands beyond their ends has no cotangent."""
        return self.within(t, lengths)

    def enter(self, d_state: State, d_out: Array, t: int) -> State:  # noqa: ARG002 - for those who do it otherwise
        """The cotangent of out at a step joins that of h after the step."""
        return self.sum(d_state[0], d_out), *d_state[1:]

    def step_back(
        self, case: Case, suffix: str, w: Weights, t: int, d_after: State, factors: dict[Block, list[Factors]]
    ) -> tuple[Array, State]:
        """Cotangents of x and the state before a step, from those of the state after it; adds to ``factors``."""
        values, found = self.kept[suffix, t], reverse(self.program(case, w))
        by = self.computed(found.program, [*values, *d_after], w)
        for share in found.shares:
            block, v = (share.weight, share.index, share.blocks), None if share.v is None else by[share.v]
            factors[block].append(self.share(suffix, t, share.weight, by[share.g], v))
        d_x, *d_before = (
            self.nothing(values[k]) if place is None else by[place] for k, place in enumerate(found.before)
        )
        return d_x, tuple(d_before)

    def share(self, suffix: str, t: int, weight: str, g: Array, v: Array | None) -> Factors:  # noqa: ARG002 - likewise
        """What a step adds to a weight's gradient."""
        return g, v

    def carry(self, d_before: State, d_after: State, within: Array, t: int) -> State:  # noqa: ARG002 - likewise
        """What a step hands to the one before it; beyond its end a sequence's state stands still."""
        if within.all():
            return d_before
        return tuple(self.sum(g, self.only(~within, kept)) for g, kept in zip(d_before, d_after, strict=True))

    def to_start(self, d_state: State) -> State:
        """The cotangent of the initial state."""
        return d_state

    def gathered(self, name: str, weight: Array, factors: Mapping[Block, list[Factors]]) -> Array:
        """The gradient of a weight, from what the steps add to it."""
        gradient = self.nothing(weight)
        for (of, index, blocks), steps in factors.items():
            if of == name:
                rows = slice(index * len(weight) // blocks, (index + 1) * len(weight) // blocks)
                gradient[rows] = gradient[rows] + self.summed_over_steps(steps)
        return gradient

    def summed_over_steps(self, steps: Sequence[Factors]) -> Array:
        """The sum over all steps and sequences."""
        gs, vs = [g for g, _ in steps], [v for _, v in steps if v is not None]
        return self.outer(gs, vs) if vs else self.added_up(gs)

    # The network.

    def gradients(self, case: Case, cotangents: Cotangents) -> dict[str, Array]:
        """By the name of the array: x, the initial states if they were given, every weight; each shaped as it is."""
        if case.batched:
            return self.of_batch(case, cotangents)
        axes = {"d_out": 0, "d_h_n": 1, "d_c_n": 1}
        batch = {name: np.expand_dims(array, axes[name]) for name, array in cotangents.items()}
        found, axes = self.of_batch(case.as_batch(), batch), {"x": 0, "h0": 1, "c0": 1}
        return {name: array.squeeze(axes[name]) if name in axes else array for name, array in found.items()}

    def of_batch(self, case: Case, cotangents: Cotangents) -> dict[str, Array]:
        """The same, with the batch axis."""
        self.run(case)
        time, directions = case.x.shape[1], case.config.num_directions
        lengths = np.full(len(case.x), time) if case.lengths is None else case.lengths
        d_outs = self.from_out(case, cotangents)
        starts: dict[int, State] = {}
        weights: dict[str, Array] = {}
        for layer in reversed(range(case.config.num_layers)):
            ways = []
            for direction, suffix in enumerate(case.config.layers[layer]):
                index = layer * directions + direction
                d_last = self.from_last(case, cotangents, index)
                way = self.back(case, suffix, self.side(d_outs, direction, directions), d_last, lengths)
                weights |= {f"{name}_{suffix}": array for name, array in way.weights.items()}
                starts[index] = way.start
                ways.append(way.inputs)
            d_outs = self.hand_down(ways, layer)
        return self.named(case, d_outs, [starts[index] for index in sorted(starts)], weights)

    def from_out(self, case: Case, cotangents: Cotangents) -> list[Array]:
        """The cotangent of out, by time step."""
        if "d_out" in cotangents:
            return [cotangents["d_out"][:, t] for t in range(case.x.shape[1])]
        units = case.config.num_directions * case.config.hidden_size
        return [np.zeros((len(case.x), units), case.x.dtype)] * case.x.shape[1]

    def from_last(self, case: Case, cotangents: Cotangents, index: int) -> State:
        """Cotangents of the last state of a layer and direction."""
        nothing = np.zeros((len(case.x), case.config.hidden_size), case.x.dtype)
        named = (f"d_{state}_n" for state in case.cell.states)
        return tuple(cotangents[name][index] if name in cotangents else nothing for name in named)

    def side(self, d_outs: Sequence[Array], direction: int, directions: int) -> list[Array]:
        """What of the cotangents of a layer's output belongs to one direction: forward, then reverse."""
        return [self.block(d_out, direction, directions) for d_out in d_outs]

    def hand_down(self, ways: Sequence[Sequence[Array]], layer: int) -> list[Array]:  # noqa: ARG002 - likewise
        """Cotangents of a layer's input, which are those of the output below: the sum over the directions."""
        return [self.sum(*directions) for directions in zip(*ways, strict=True)]

    def named(
        self, case: Case, d_inputs: Sequence[Array], d_start: Sequence[State], weights: Weights
    ) -> dict[str, Array]:
        """All gradients, by the names of the arrays, in the order of a golden."""
        found = {"x": np.stack(d_inputs, axis=1)}
        if case.state_given:
            stacked = (np.stack(parts) for parts in zip(*d_start, strict=True))
            found |= {f"{state}0": array for state, array in zip(case.cell.states, stacked, strict=True)}
        return found | {name: weights[name] for name in case.weights}


def gradients(case: Case, cotangents: Cotangents) -> dict[str, Array]:
    """Gradients of Σ d_out·out + Σ d_h_n·h_n + Σ d_c_n·c_n, in the precision of the case's arrays.

    Args:
        case: what the network is asked.
        cotangents: those of ``d_out``, ``d_h_n`` and ``d_c_n`` that are not zero, shaped as the outputs.

    Returns:
        By the name of the array, shaped as it: x; h0, and c0 of an LSTM, if the state was given; every weight and bias.
    """
    return Backward().gradients(case, cotangents)
