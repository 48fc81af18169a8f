"""A fact, and what it is observed in: a golden, actual arrays and masks of wrong elements."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Flag, auto
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.comparison.actual import Actual
from rnn_goldens.diagnosis.match import Array, Arrays
from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS, Expected
from rnn_goldens.golden.precision import NUMBER_TYPES

Mask = NDArray[np.bool_]

Value = bool | float
"""The value of a fact: whether it holds, or a number."""

NEAR = {OUTPUTS: 4, GRADIENTS: 2}
"""Largest rounding error of an array, in units of its largest tolerance."""

ENOUGH_STEPS = 3
"""Smallest number of steps in which a trend is observed: with fewer steps it may be a coincidence."""

SMALL_FACTOR = 1e-3
"""Smallest factor between arrays that is reported."""


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
    def is_finite(self) -> bool:
        """True if no array has NaN or infinity."""
        return all(np.isfinite(values).all() for values in self.got.values())

    @property
    def wrong_names(self) -> list[str]:
        """Names of the wrong arrays."""
        return [name for name, wrong in self.wrong.items() if wrong.any()]

    @property
    def out_is_wrong(self) -> bool:
        """True if any element of out is wrong."""
        return bool(self.wrong[self.main].any())

    @property
    def last_states_are_wrong(self) -> bool:
        """True if any element of h_n or c_n is wrong, or if they are unknown."""
        return [*self.wrong] == [self.main] or any(name != self.main for name in self.wrong_names)

    @property
    def are_shaped(self) -> bool:
        """True if all arrays have the right shape."""
        return all(array.shape == self.want(name).shape for name, array in self.got.items())

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

    def want(self, name: str) -> Array:
        """Return the expected array."""
        return self.expected.values[name]

    def near(self, got: Array, want: Array, name: str = "out") -> bool:
        """Return whether values are equal up to a multiple of the largest tolerance plus rounding of the values."""
        rounding = 8 * NUMBER_TYPES[self.expected.dtype].roundoff * np.abs(want).max(initial=0.0)
        allowed = NEAR[self.of] * self.expected.allowed(name).max(initial=0.0) + rounding
        return got.shape == want.shape and bool((np.abs(got - want) <= allowed).all())

    def factor(self, names: Iterable[str]) -> Value | None:
        """Return the factor between some arrays and the right ones; False if there is none, None if unobservable.

        Arrays that are near the right ones have none: their errors are too small to be distinguished from a factor.
        """
        pairs = {name: (self.got[name], self.want(name)) for name in names if self.want(name).any()}
        if not self.are_shaped or not pairs:
            return None
        square = sum(float(np.square(want).sum()) for _, want in pairs.values())
        k = sum(float((got * want).sum()) for got, want in pairs.values()) / square
        fits, is_right = (
            all(self.near(got, times * want, name) for name, (got, want) in pairs.items()) for times in (k, 1.0)
        )
        return k if np.isfinite(k) and abs(k) > SMALL_FACTOR and fits and not is_right else False


def as_fraction(error: Array, want: Array) -> float:
    """Return the largest error as a fraction of the largest expected value; infinite if it is not a number."""
    largest, of = np.abs(error).max(initial=0.0), np.abs(want).max(initial=0.0)
    fraction = float(largest / of) if of else float(largest > 0)
    return fraction if np.isfinite(fraction) else np.inf


def observe(actual: Actual, names: Iterable[str] | None = None) -> Observation:
    """Return the observation of the named arrays; of all numeric arrays if ``names`` is None."""
    got = {name: actual.numbers[name] for name in (actual.numbers if names is None else names)}
    wrong = {name: actual.expected.wrong(name, values) for name, values in got.items()}
    return Observation(actual.golden, actual.of, actual.expected, got, wrong)


class Of(Flag):
    """Properties of a fact.

    - GRADIENT: is about gradients. All others are about outputs.
    - OUT: can be observed in out alone.
    - RECURRENCE: can be observed in a recurrence, too. Its sentence names no array.
    - ANY: one failure is enough to report the fact, whatever other failures show.
    - MATCH: describes what outputs match, or where they are wrong. It is not observed if the outputs are nearly right.
    - EQUATIONS: blames the equations of a step. It is reported only if most goldens fail, as with a wrong equation.
    - MOST: the number is the maximum over all failures; else all failures must have the same number.
    """

    NOTHING = 0
    GRADIENT = auto()
    OUT = auto()
    RECURRENCE = auto()
    ANY = auto()
    MATCH = auto()
    EQUATIONS = auto()
    MOST = auto()


HALF, ONE, TWO = 0, 1, 2
"""Values of ``Fact.enough``: half of the failures; as few as one; two, which is not a coincidence."""


@dataclass(frozen=True)
class Fact:
    """A fact that can be observed in wrong outputs or gradients.

    Attributes:
        sentence: the text, with a hint on what to check, and with braces for the number.
        observe: returns whether the fact holds, or its number; None if the fact cannot be observed, as by default,
            for facts that are found outside an observation.
        enough: the number of failures that must show the fact (all, if there are fewer); ``HALF`` for half of them.
        needs: returns whether the fact can be observed.
        unless: more specific facts that replace this fact.
        words: returns the text for the number, if the number is a code.
    """

    sentence: str
    observe: Callable[[Observation], Value | np.bool_ | None] = lambda _: None
    of: Of = Of.NOTHING
    enough: int = HALF
    needs: Callable[[Observation], bool] = lambda _: True
    unless: tuple[str, ...] = ()
    words: Callable[[Value], str] | None = None

    def value(self, seen: Observation) -> Value | None:
        """Return whether the fact holds, or its number; None if the fact cannot be observed."""
        found = self.observe(seen) if self.needs(seen) else None
        return bool(found) if isinstance(found, np.bool_) else found

    def text(self, value: Value) -> str:
        """Return the sentence with the number, or its text, inserted."""
        return self.sentence.format(value if self.words is None else self.words(value))
