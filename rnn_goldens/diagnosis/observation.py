"""The data that facts are observed in: a golden, actual arrays and masks of wrong elements."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.comparison.actual import Actual
from rnn_goldens.diagnosis.match import Array, Arrays
from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS, Expected
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import TIME

Mask = NDArray[np.bool_]

NEAR = {OUTPUTS: 4, GRADIENTS: 2}
"""Largest rounding error of an array, in units of its largest tolerance."""


@dataclass(frozen=True, eq=False)
class Observation:
    """A golden, its actual outputs or gradients, and masks of wrong elements: all True if a shape is wrong."""

    golden: GoldenData
    of: str
    expected: Expected
    got: Arrays
    wrong: Mapping[str, Mask]

    @property
    def layers(self) -> int:
        """Number of layers."""
        return self.golden.network.num_layers

    @property
    def directions(self) -> int:
        """Number of directions."""
        return self.golden.network.num_directions

    @property
    def hidden(self) -> int:
        """Number of units of a layer in one direction."""
        return self.golden.network.hidden_size

    @property
    def steps(self) -> int:
        """Number of time steps."""
        return self.golden.time

    @property
    def main(self) -> str:
        """Name of the output at each time step: ``out`` of a network."""
        return self.golden.layout.outputs[0]

    @property
    def is_defined(self) -> bool:
        """True if the equations of the cell are available, so that single steps can be computed."""
        from rnn_goldens.cells import no_equations

        return not no_equations(self.golden)

    @property
    def is_one_chain(self) -> bool:
        """True if there is one layer and one direction, and all sequences start and end at the same time."""
        return self.golden.config.chains == 1 and self.golden.lengths is None and self.golden.offsets is None

    @property
    def out_is_wrong(self) -> bool:
        """True if any element of out is wrong."""
        return bool(self.wrong[self.main].any())

    @property
    def wrong_steps(self) -> Mask:
        """For each time step, whether any element of out is wrong."""
        axis = self.golden.axis(self.main, TIME)
        assert axis is not None
        return np.array([of_step.any() for of_step in np.moveaxis(self.wrong[self.main], axis, 0)])

    @property
    def last_states_are_wrong(self) -> bool:
        """True if any element of h_n or c_n is wrong, or if they are unknown."""
        states = [wrong for name, wrong in self.wrong.items() if name != self.main]
        return not states or any(bool(wrong.any()) for wrong in states)

    @cached_property
    def is_nearly_right(self) -> bool:
        """True if all values are near the right ones. Then other facts would hold by coincidence."""
        return all(self.near(values, self.want(name), name) for name, values in self.got.items())

    @cached_property
    def error(self) -> float:
        """The largest error, as a fraction of the largest expected value of its array; infinite for NaN."""
        if not self.are_shaped:
            return np.inf
        return max(as_fraction(got - self.want(name), self.want(name)) for name, got in self.got.items())

    @property
    def wrong_ones(self) -> list[str]:
        """Names of the wrong arrays."""
        return [name for name, wrong in self.wrong.items() if wrong.any()]

    @property
    def are_shaped(self) -> bool:
        """True if all arrays have the right shape."""
        return all(array.shape == self.want(name).shape for name, array in self.got.items())

    def want(self, name: str) -> Array:
        """Return the expected array."""
        return self.expected.values[name]

    def near(self, got: Array, want: Array, name: str = "out") -> bool:
        """Return whether values are equal up to a multiple of the largest tolerance plus rounding of the values."""
        rounding = 8 * PRECISIONS[self.expected.dtype].roundoff * np.abs(want).max(initial=0.0)
        allowed = NEAR[self.of] * self.expected.allowed(name).max(initial=0.0) + rounding
        return got.shape == want.shape and bool((np.abs(got - want) <= allowed).all())


def as_fraction(error: Array, want: Array) -> float:
    """Return the largest error as a fraction of the largest expected value; infinite if it is not a number."""
    largest, of = np.abs(error).max(initial=0.0), np.abs(want).max(initial=0.0)
    fraction = float(largest / of) if of else float(largest > 0)
    return fraction if np.isfinite(fraction) else np.inf


def observe(actual: Actual, names: Iterable[str] | None = None) -> Observation:
    """Return the observation of the named arrays; of all numeric arrays if ``names`` is None."""
    names = actual.numbers if names is None else names
    got = {name: actual.numbers[name] for name in names}
    wrong = {name: actual.expected.wrong(name, values) for name, values in got.items()}
    return Observation(actual.golden, actual.of, actual.expected, got, wrong)
