"""A golden, what came, and what of it is wrong: what facts are seen in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.diagnosis.likeness import Array, Arrays
from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS, Expected
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.judging.given import Given

Mask = NDArray[np.bool_]

NEAR = {OUTPUTS: 4, GRADIENTS: 2}
"""So many times the largest tolerance of an array are its numbers off by roundings alone."""


@dataclass(frozen=True, eq=False)
class Seen:
    """A golden, the outputs or gradients that came, and which of their elements are wrong: all, where the shape is."""

    golden: GoldenData
    of: str
    expected: Expected
    got: Arrays
    wrong: Mapping[str, Mask]

    @property
    def layers(self) -> int:
        """How many."""
        return self.golden.config.num_layers

    @property
    def directions(self) -> int:
        """How many."""
        return self.golden.config.num_directions

    @property
    def hidden(self) -> int:
        """Units of a layer in one direction."""
        return self.golden.config.hidden_size

    @property
    def steps(self) -> int:
        """Time steps."""
        return int(self.want("out").shape[-2])

    @property
    def is_defined(self) -> bool:
        """Whether the cell's equations are to be had, so that steps can be asked alone."""
        from rnn_goldens.cells import no_equations

        return not no_equations(self.golden)

    @property
    def is_one_chain(self) -> bool:
        """Whether one layer in one direction goes through the same steps of every row."""
        return self.layers == 1 and self.directions == 1 and self.golden.lengths is None

    @property
    def out_is_wrong(self) -> bool:
        """Whether any element of out is."""
        return bool(self.wrong["out"].any())

    @property
    def last_states_are_wrong(self) -> bool:
        """Whether any element of h_n or c_n is; where they are not known, they are taken to be."""
        states = [wrong for name, wrong in self.wrong.items() if name != "out"]
        return not states or any(bool(wrong.any()) for wrong in states)

    @cached_property
    def is_nearly_right(self) -> bool:
        """Whether all numbers are near the right ones in their own places: then they resemble much else as well."""
        return all(self.near(values, self.want(name), name) for name, values in self.got.items())

    @property
    def wrong_ones(self) -> list[str]:
        """The names of the arrays that are wrong."""
        return [name for name, wrong in self.wrong.items() if wrong.any()]

    @property
    def are_shaped(self) -> bool:
        """Whether all have the right shape."""
        return all(array.shape == self.want(name).shape for name, array in self.got.items())

    def want(self, name: str) -> Array:
        """The right array."""
        return self.expected.values[name]

    def near(self, got: Array, want: Array, name: str = "out") -> bool:
        """Whether numbers are the same but for roundings: some times the array's largest tolerance, and theirs."""
        rounding = 8 * PRECISIONS[self.expected.dtype].roundoff * np.abs(want).max(initial=0.0)
        allowed = NEAR[self.of] * self.expected.allowed(name).max(initial=0.0) + rounding
        return got.shape == want.shape and bool((np.abs(got - want) <= allowed).all())


def seen(given: Given, names: Iterable[str] | None = None) -> Seen:
    """What came, of some arrays or all that hold numbers, and what of it is wrong."""
    names = given.numbers if names is None else names
    got = {name: given.numbers[name] for name in names}
    wrong = {name: given.expected.wrong(name, values) for name, values in got.items()}
    return Seen(given.golden, given.of, given.expected, got, wrong)
