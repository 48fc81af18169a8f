"""A golden, what came, and what of it is wrong: what facts are seen in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.diagnosis.likeness import readable
from rnn_goldens.diagnosis.right import Array, Arrays
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.judging.outputs import NotNumbers, compared_outputs, read

if TYPE_CHECKING:
    from rnn_goldens.golden.data import GoldenData

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Seen:
    """A golden, the outputs that came, and which of their elements are wrong."""

    golden: "GoldenData"
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

    @property
    def is_nearly_right(self) -> bool:
        """Whether all numbers are near the right ones in their own places: then they resemble much else as well."""
        return all(self.near(values, self.want(name), name) for name, values in self.got.items())

    def want(self, name: str) -> Array:
        """The right output."""
        right: Array = getattr(self.golden.stored, name)
        return right

    def near(self, got: Array, want: Array, name: str = "out") -> bool:
        """Whether numbers are the same but for roundings: four times the largest tolerance of an output, and theirs."""
        precision = PRECISIONS[self.golden.dtype]
        allowed = self.golden.tolerance.allowed(name, self.want(name), precision).max(initial=0.0)
        rounding = 8 * precision.roundoff * np.abs(want).max(initial=0.0)
        return bool((np.abs(got - want) <= 4 * allowed + rounding).all())


def less_precise(golden: "GoldenData", out: object, h_n: object, c_n: object) -> list[str]:
    """Which outputs are of a lower precision than what is asked, in the words of facts: ``out_less_precise``."""
    asked = PRECISIONS[golden.dtype].bits
    found = []
    for name, value in compared_outputs(golden, out, h_n, c_n).items():
        try:
            bits = read(value).bits
        except NotNumbers:
            continue
        if bits is not None and bits < asked:
            found.append(f"{name}_less_precise")
    return found


def not_comparable(golden: "GoldenData", out: object, h_n: object, c_n: object) -> list[str]:
    """Which outputs are not there, or have another shape, in the words of facts: ``h_n_missing``, ``out_shape``."""
    got = readable(golden, out, h_n, c_n)
    found = []
    for name in golden.layout.outputs:
        if name not in got and name not in golden.not_compared:
            found.append(f"{name}_missing")
        elif name in got and got[name].shape != getattr(golden.stored, name).shape:
            found.append(f"{name}_shape")
    return found


def seen(golden: "GoldenData", out: object, h_n: object, c_n: object) -> Seen | None:
    """What came, if all outputs did, hold numbers and have the right shape."""
    return _of(golden.layout.outputs, golden, readable(golden, out, h_n, c_n))


def seen_of_out(golden: "GoldenData", out: object, h_n: object, c_n: object) -> Seen | None:
    """Out alone, if it holds numbers and has the right shape."""
    got = readable(golden, out, h_n, c_n)
    return _of(("out",), golden, {name: values for name, values in got.items() if name == "out"})


def _of(names: Sequence[str], golden: "GoldenData", got: Arrays) -> Seen | None:
    if any(name not in got or got[name].shape != getattr(golden.stored, name).shape for name in names):
        return None
    precision = PRECISIONS[golden.dtype]
    wrong = {}
    for name in names:
        want = getattr(golden.stored, name)
        wrong[name] = ~(np.abs(got[name] - want) <= golden.tolerance.allowed(name, want, precision))
    return Seen(golden, got, wrong)
