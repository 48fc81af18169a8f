"""A golden asked again: what known ways of being wrong give there, beside what came."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, cached_property
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from rnn_goldens.diagnosis.budget import Budget, steps_of
from rnn_goldens.diagnosis.likeness import Arrays, explains, fits, is_nearer, is_right, share
from rnn_goldens.golden.expected import OUTPUTS
from rnn_goldens.golden.precision import PRECISIONS

if TYPE_CHECKING:
    from rnn_goldens.cells import Case
    from rnn_goldens.deviations import Deviation, Wrong
    from rnn_goldens.golden.data import GoldenData

Cause = tuple[str, ...]
"""The names of deviations that act together: one, or two."""

Parts = Mapping[str, tuple[Cause, ...]]
"""By the name of an output, or a gradient, the causes that give what came of it."""

TOGETHER = " & "
"""Between the names of two deviations."""

_NAMES = ("out", "h_n", "c_n")

MOST_SHARING = 16
"""So many deviations that explain a part of what came, those that explain most, are tried with each other."""


class Asked:
    """A golden, and the outputs that came."""

    of = OUTPUTS
    passes = 1
    """How often a network goes over the time steps of a golden."""

    def __init__(self, golden: "GoldenData", got: Arrays) -> None:
        self.golden, self.got = golden, got
        self.right = golden.expected(self.of)
        self._outputs: dict[Cause, Arrays] = {}
        self._single: dict[Cause, Arrays] = {}
        self._is_finite = all(np.isfinite(values).all() for values in got.values())

    def befalling(self) -> list[Cause]:
        """The deviations that can befall such a network, each alone; none where what came tells nothing of them."""
        return [(deviation.name,) for deviation in self._befalling]

    def candidates(self) -> Iterator[Iterable[Cause]]:
        """Which of them to ask: the next only if none of those before explains what came."""
        yield self.befalling()

    def catalogue(self) -> "Sequence[Deviation]":
        """All that may be wrong."""
        from rnn_goldens.cells import cell_of
        from rnn_goldens.deviations import DEVIATIONS, derived

        if self.golden.own_layout is None:
            return DEVIATIONS
        return *DEVIATIONS, *derived(cell_of(self.golden), bias=self.golden.config.bias)

    @cached_property
    def _befalling(self) -> "list[Deviation]":
        from rnn_goldens.cells import no_equations

        if self.tells_nothing() or no_equations(self.golden):
            return []
        features, is_widest = set(self.golden.features), self.golden.dtype == "float64"
        return [
            d
            for d in self.catalogue()
            if d.befalls(self.golden.cell)
            and set(d.needs) <= features
            and (is_widest or "float32" not in d.name)  # what is rounded to float32 is no less there
        ]

    def can_befall(self, cause: Cause) -> bool:
        """Whether all of it can befall such a network."""
        return set(cause) <= {deviation.name for deviation in self._befalling}

    def alone(self, name: str) -> "Asked":
        """The same golden, and one of the arrays, as if nothing else had come."""
        part = type(self)(self.golden, {name: self.got[name]})
        part._outputs, part._single = self._outputs, self._single
        return part

    def is_right(self) -> bool:
        """Whether what came is what is asked for."""
        return is_right(self.right, self.got)

    def explained_by(self, cause: Cause) -> bool:
        """Whether a network that is wrong so gives what came."""
        wrong = self._of(cause)
        if wrong is None:
            return False
        if explains(self.right, self.got, wrong):
            return True
        single = self._in_float32(cause) if not self._is_finite or self.rounds(cause) else None
        if single is not None and explains(self.right, self.got, single):
            return True  # what overflows, or lies halfway between two numbers, is told by arithmetic that does
        if not self._is_finite:
            return False
        return is_nearer(self.right, self.got, wrong) and explains(
            self.right, self.got, wrong, self._roundings(cause, wrong)
        )

    def fitted_by(self, cause: Cause) -> bool:
        """Whether it does, or what came is nearer to that than to what is right, and not further than roundings are."""
        wrong = self._of(cause)
        if wrong is None:
            return False
        if self.explained_by(cause) or fits(self.right, self.got, wrong):
            return True
        return self.rounds(cause) and is_nearer(self.right, self.got, wrong)

    @property
    def cost(self) -> int:
        """Time steps that comparing one cause takes."""
        return self.passes * steps_of(self.golden)

    def explaining(self, causes: Iterable[Cause], budget: Budget) -> Iterator[Cause]:
        """Those of some causes that give what came, each once, as far as the budget goes."""
        compared = set[frozenset[str]]()
        for cause in causes:
            if frozenset(cause) in compared:
                continue
            if not budget.take(self.cost):
                return
            compared.add(frozenset(cause))
            if self.explained_by(cause):
                yield cause

    def pairs(self, known: Iterable[Cause], *, wide: bool = False) -> Iterator[Cause]:
        """Two at once: those that explain a part each, what is known with any other, what was found in the wild.

        Args:
            known: what explained other failures.
            wide: whether to go on with what was found in the wild and any other.
        """
        befalling = self._befalling
        yield from combinations(self._sharing()[:MOST_SHARING], 2)
        for suspect in [cause[0] for cause in known if len(cause) == 1]:
            yield from ((suspect, other.name) for other in befalling if other.name != suspect)
        wild = sorted((d for d in befalling if d.stands_for), key=lambda d: -len(d.stands_for))
        yield from combinations([d.name for d in wild], 2)
        if wide:
            yield from ((one.name, other.name) for one in wild for other in befalling if other.name != one.name)

    def rounds(self, cause: Cause) -> bool:
        """Whether it rounds to a narrow type: where a number lies between two of those, others round the other way."""
        return set(cause) <= _narrow()

    def tells_nothing(self) -> bool:
        """Whether out is zero everywhere, and should not be: many slips leave that, and whoever never wrote to it."""
        out, want = self.got.get("out"), self.golden.stored.out
        return out is not None and out.size > 0 and not out.any() and bool(want.any())

    def _sharing(self) -> list[str]:
        """The deviations that explain a part of what is wrong, the one that explains most first."""
        alone = {
            cause[0]: share(self.right, self.got, wrong) for cause, wrong in self._outputs.items() if not cause[1:]
        }
        return sorted((name for name, part in alone.items() if part), key=lambda name: -alone[name])

    def _of(self, cause: Cause) -> Arrays | None:
        """What a network gives that is wrong so; None of two that can not be at once."""
        if cause not in self._outputs:
            try:
                self._outputs[cause] = self.given(cause, np.float64)
            except Exception:  # one has no room for what the other leaves: then both are not what came
                return None
        return self._outputs[cause]

    def _in_float32(self, cause: Cause) -> Arrays:
        if cause not in self._single:
            self._single[cause] = self.given(cause, np.float32)
        return self._single[cause]

    def given(self, cause: Cause, dtype: type, *, nudged: bool = False) -> Arrays:
        """What a network gives that is wrong so; of weights that are a rounding off, which flips roundings after it."""
        from rnn_goldens.cells import case_of, require_equations
        from rnn_goldens.deviations import together

        require_equations(self.golden)
        case = case_of(self.golden, dtype)
        if nudged:
            case = nudge(case, PRECISIONS[self.golden.dtype].roundoff)
        return {name: np.asarray(part, np.float64) for name, part in self._run(together(cause), case).items()}

    def _run(self, wrong: "Wrong", case: "Case") -> Arrays:
        return dict(zip(_NAMES, wrong(case), strict=False))

    @np.errstate(all="ignore")
    def _roundings(self, cause: Cause, wrong: Arrays) -> Arrays:
        """What rounding errors make of a wrong network's outputs: the largest at a time step stands for all there."""
        others = [self._in_float32(cause), self.given(cause, np.float64, nudged=True)]
        scale = PRECISIONS[self.golden.dtype].roundoff / PRECISIONS["float32"].roundoff
        found = {}
        for name, values in wrong.items():
            error = np.maximum(*(np.nan_to_num(np.abs(other[name] - values), posinf=0.0) for other in others))
            found[name] = np.broadcast_to(scale * error.max(axis=-1, keepdims=True, initial=0.0), values.shape)
        return found


def nudge(case: "Case", by: float) -> "Case":
    """The same case with weights that are so much off, as a part of them."""
    return replace(case, weights={name: array * (1 + by) for name, array in case.weights.items()})


@cache
def _narrow() -> frozenset[str]:
    from rnn_goldens.deviations import FAMILIES

    return frozenset(deviation.name for deviation in FAMILIES["numerics"])
