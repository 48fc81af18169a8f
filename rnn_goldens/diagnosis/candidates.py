"""Runs candidate deviations on a golden, within a budget, and compares them with the actual outputs or gradients."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from rnn_goldens.comparison.actual import Actual
from rnn_goldens.diagnosis import Cause
from rnn_goldens.diagnosis.match import Arrays, DirectionalDerivatives, explains, fits, is_nearer, off_by, share
from rnn_goldens.golden.built_in_cells import CELLS, DIALECTS
from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS
from rnn_goldens.golden.larger_golden import gathered, original
from rnn_goldens.golden.precision import NUMBER_TYPES
from rnn_goldens.golden.recurrences import RECURRENCES
from rnn_goldens.golden.shapes import is_custom_cell

if TYPE_CHECKING:
    from rnn_goldens.deviations import Deviation

MAX_SHARING = 16
"""Largest number of deviations that are tried in pairs because they explain the largest parts of the outputs."""

OVER_CALLS = "gradients_accumulated"
"""The deviation whose first call is right. Wrong gradients of a first call have another cause."""


@dataclass(eq=False)
class Budget:
    """The number of time steps that deviations may still compute: a result does not depend on the machine's speed.

    A step takes about 0.1 ms. The budget is spent if a comparison was skipped because too few steps were left.
    """

    left: int
    is_spent: bool = False

    def take(self, steps: int) -> bool:
        """Take time steps from the budget; return False, and take none, if too few are left."""
        if steps > self.left:
            self.is_spent = True
            return False
        self.left -= steps
        return True


def steps_of(golden: GoldenData) -> int:
    """Return how many time steps are computed for a golden, over all layers and directions."""
    return golden.time * golden.config.chains


class Candidates:
    """A golden, its actual outputs or gradients, and the deviations that may explain them.

    Wrong gradients may come from a deviation of the backward pass, which returns gradients, or of the forward pass,
    whose gradients autograd computes: finite differences tell whether the actual gradients are those.
    """

    def __init__(
        self, golden: GoldenData, got: Arrays, of: str = OUTPUTS, *, outputs_right: bool = False, whole: bool = False
    ) -> None:
        """Store the golden before it was embedded, and its own elements; all elements if ``whole``.

        Most causes are tried on the former: what was added has no effect there. Those that depend on sizes are tried on
        all elements. If the outputs are known to be right, no deviation of the forward pass is a cause of wrong
        gradients.
        """
        self._whole: Candidates | None = None
        if golden.embedding is not None and not whole:
            self._whole = Candidates(golden, got, of, outputs_right=outputs_right, whole=True)
            golden, got = original(golden), gathered(golden, got)
        self.golden, self.got, self.of, self.outputs_right = golden, got, of, outputs_right
        self.expected = golden.expected_of(of)
        self._runs: dict[tuple[Cause, type], Arrays] = {}
        self._is_finite = all(np.isfinite(values).all() for values in got.values())

    @property
    def cost(self) -> int:
        """Time steps needed to run one cause."""
        return (1 if self.of == OUTPUTS else 2) * steps_of(self.golden)

    # The candidates.

    def applicable(self) -> list[Cause]:
        """Return the single deviations of the same pass that apply to the golden; [] if the values say nothing."""
        return [(deviation.name,) for deviation in self._applicable]

    def groups(self) -> Iterator[Iterable[Cause]]:
        """Yield groups of candidates. A group is tried only if no candidate of earlier groups explains the values."""
        yield self.applicable()
        if self.of == GRADIENTS and not self.outputs_right and not self.is_uninformative():
            yield Candidates(self.golden, {}).applicable()

    def catalogue(self) -> "list[Deviation]":
        """Return all deviations of outputs, or of gradients that a first call shows, whether they apply or not.

        The equations of a cell without a catalogue of its own have further ones, which are derived from them.
        """
        from rnn_goldens.cells import cell_of
        from rnn_goldens.deviations import derived
        from rnn_goldens.deviations.families import members
        from rnn_goldens.deviations.integer_lstms import DEVIATIONS
        from rnn_goldens.deviations.recurrences.derived import derived as of_recurrence

        if self.golden.is_integer:
            return [*DEVIATIONS]
        is_network = self.golden.is_network
        known = [d for d in members(self.of) if d.name != OVER_CALLS and d.is_of_networks == is_network]
        if not is_network and is_custom_cell(self.golden.cell):
            return [*known, *of_recurrence(self.golden.recurrence, self.of)]
        if self.golden.cell in (*CELLS, *RECURRENCES) or (self.of == GRADIENTS and self.golden.cell in DIALECTS):
            return known
        return [*known, *derived(cell_of(self.golden), bias=self.golden.network.bias, of=self.of)]

    @cached_property
    def _applicable(self) -> "list[Deviation]":
        from rnn_goldens.deviations.families import OF_SIZES

        if self.is_uninformative():
            return []
        if self._whole is None:
            return self._that_apply()
        own, of_sizes = self._that_apply(), self._whole._that_apply()
        return [d for d in own if d.name not in OF_SIZES] + [d for d in of_sizes if d.name in OF_SIZES]

    def _that_apply(self) -> "list[Deviation]":
        """Return the deviations of the same pass that apply to the golden."""
        from rnn_goldens.cells import golden_case, no_equations
        from rnn_goldens.deviations.needs import features_of

        if no_equations(self.golden):
            return []
        features = features_of(golden_case(self.golden, np.float64), self.golden.features)
        is_widest = self.golden.dtype == "float64"
        return [
            d
            for d in self.catalogue()
            if d.applies_to(self.golden.cell)
            and features.issuperset(d.needs)
            and (is_widest or "float32" not in d.name)  # in lower precisions it has no effect
        ]

    def _tried_on(self, cause: Cause) -> "Candidates":
        """Return the candidates whose elements a cause is compared with: all of them if it depends on sizes."""
        from rnn_goldens.deviations.families import OF_SIZES

        return self if self._whole is None or OF_SIZES.isdisjoint(cause) else self._whole

    def can_apply(self, cause: Cause) -> bool:
        """Return whether all deviations of a cause apply to the golden."""
        return set(cause) <= {deviation.name for deviation in self._applicable}

    def pairs(self, known: Iterable[Cause], *, wide: bool = False) -> Iterator[Cause]:
        """Yield two deviations that explain parts of the values, a known cause and any other, or two real-world bugs.

        If ``wide``, also pairs of a real-world bug and any other deviation.
        """
        applicable = [d for d in self._applicable if d.is_of_networks]
        if not applicable:
            return
        yield from combinations(self._sharing()[:MAX_SHARING], 2)
        bugs = [d.name for d in sorted(applicable, key=lambda d: -len(d.stands_for)) if d.stands_for]
        names = [d.name for d in applicable]
        single = [cause[0] for cause in known if not cause[1:]]
        yield from ((one, other) for one in single for other in names if other != one)
        yield from combinations(bugs, 2)
        if wide:
            yield from ((one, other) for one in bugs for other in names if other != one)

    def _sharing(self) -> list[str]:
        """Return the deviations that explain part of the wrong elements, best first."""
        runs = ((cause, wrong) for (cause, dtype), wrong in self._runs.items() if dtype is np.float64 and not cause[1:])
        shares = {cause[0]: share(self.expected, self.got, wrong) for cause, wrong in runs}
        return sorted((name for name, part in shares.items() if part), key=lambda name: -shares[name])

    def only(self, name: str) -> "Candidates":
        """Return the candidates for one of the actual arrays."""
        of_all = self._whole or self
        part = Candidates(of_all.golden, {name: of_all.got[name]}, self.of, outputs_right=self.outputs_right)
        part._runs = self._runs
        if part._whole is not None and self._whole is not None:
            part._whole._runs = self._whole._runs
        return part

    # What the actual values say about a cause.

    def is_right(self) -> bool:
        """Return whether the actual values are right."""
        return off_by(self.expected, self.got) <= 1

    def is_uninformative(self) -> bool:
        """Return whether the output of every step, or every gradient, is zero and should not be: many bugs do that."""
        if self.of == GRADIENTS:
            return not any(array.any() for array in self.got.values()) and not self.is_right()
        result = self.golden.layout.result
        out, want = self.got.get(result), self.golden.stored.expected[result]
        return out is not None and out.size > 0 and not out.any() and bool(want.any())

    def explained_by(self, cause: Cause) -> bool:
        """Return whether a network with these deviations gives the actual outputs or gradients."""
        if (there := self._tried_on(cause)) is not self:
            return there.explained_by(cause)
        if self._is_differentiated(cause):
            return not self.outputs_right and not self._rounds(cause) and self._derivatives.are_those_of(cause)
        if (wrong := self._ran(cause)) is None:
            return False
        if explains(self.expected, self.got, wrong):
            return True
        if not self._is_finite or self._rounds(cause):  # overflow and the rounding of ties depend on the arithmetic
            float32 = self._ran(cause, np.float32)
            if float32 is not None and explains(self.expected, self.got, float32):
                return True
        return (
            self._is_finite
            and is_nearer(self.expected, self.got, wrong)
            and explains(self.expected, self.got, wrong, self._roundings(cause, wrong))
        )

    def fitted_by(self, cause: Cause) -> bool:
        """Return whether a cause explains the values, or matches them better than the right values do."""
        if self.explained_by(cause):
            return True
        if (there := self._tried_on(cause)) is not self:
            return there.fitted_by(cause)
        if self._is_differentiated(cause) or (wrong := self._ran(cause)) is None:
            return False
        is_match = fits(self.expected, self.got, wrong)
        return is_match or (self._rounds(cause) and is_nearer(self.expected, self.got, wrong))

    def explaining(self, causes: Iterable[Cause], budget: Budget) -> Iterator[Cause]:
        """Yield the causes that explain the values, without duplicates, until the budget is spent."""
        compared = set[frozenset[str]]()
        for cause in causes:
            if frozenset(cause) in compared:
                continue
            if not budget.take(self.cost):
                return
            compared.add(frozenset(cause))
            if self.explained_by(cause):
                yield cause

    def first_explaining(self, groups: Iterable[tuple[Iterable[Cause], Budget]]) -> list[Cause]:
        """Return the causes of the first group, each with its budget, of which any explains the values."""
        return next(filter(None, (list(self.explaining(group, budget)) for group, budget in groups)), [])

    def would_fail(self, cause: Cause, dtype: type, enough: float) -> bool:
        """Return whether results with these deviations are off by at least ``enough`` tolerances."""
        if (there := self._tried_on(cause)) is not self:
            return there.would_fail(cause, dtype, enough)
        if self._is_differentiated(cause):
            return self._derivatives.would_fail(cause)
        if not self.can_apply(cause):
            return False
        found = self.run(cause, dtype)
        return off_by(self.expected, {name: found[name] for name in self.got}) >= enough

    # Runs with deviations.

    @np.errstate(all="ignore")  # wrong equations may overflow
    def run(self, cause: Cause, dtype: type, *, perturbed: bool = False) -> Arrays:
        """Run a case with these deviations; with weights or inputs off by one rounding error if ``perturbed``."""
        from rnn_goldens.cells import golden_case, require_equations
        from rnn_goldens.deviations import together

        require_equations(self.golden)
        case, wrong = golden_case(self.golden, dtype), together(cause)
        if perturbed:
            case = case.scaled(1 + NUMBER_TYPES[self.golden.dtype].roundoff)
        if self.of == OUTPUTS:
            found = wrong.outputs_by_name(case)
        else:
            found = wrong.gradients(case, {name: of.astype(case.dtype) for name, of in self.golden.cotangents.items()})
        return {name: np.asarray(part, np.float64) for name, part in found.items() if name in self.expected.values}

    def _ran(self, cause: Cause, dtype: type = np.float64) -> Arrays | None:
        """Return the outputs of a network with these deviations; None if two of them exclude each other."""
        if (cause, dtype) not in self._runs:
            try:
                self._runs[cause, dtype] = self.run(cause, dtype)
            except Exception:  # the deviations exclude each other
                return None
        return self._runs[cause, dtype]

    @np.errstate(all="ignore")
    def _roundings(self, cause: Cause, wrong: Arrays) -> Arrays:
        """Estimate the rounding errors of a wrong network's outputs: the largest one of each time step."""
        others = [self._ran(cause, np.float32) or wrong, self.run(cause, np.float64, perturbed=True)]
        scale = NUMBER_TYPES[self.golden.dtype].roundoff / NUMBER_TYPES["float32"].roundoff
        found = {}
        for name, values in wrong.items():
            error = np.maximum(*(np.nan_to_num(np.abs(other[name] - values), posinf=0.0) for other in others))
            found[name] = np.broadcast_to(scale * error.max(axis=-1, keepdims=True, initial=0.0), values.shape)
        return found

    def _rounds(self, cause: Cause) -> bool:
        """Return whether a cause rounds to a narrow type. Near a tie, implementations round in different directions."""
        from rnn_goldens.deviations.families import ROUND

        return ROUND.issuperset(cause)

    def _is_differentiated(self, cause: Cause) -> bool:
        """Return whether the values are gradients and all deviations of a cause are in the forward pass."""
        return self.of == GRADIENTS and is_of_outputs(cause)

    @cached_property
    def _derivatives(self) -> DirectionalDerivatives:
        return DirectionalDerivatives(self.golden, self.got, self.expected)


def is_of_outputs(cause: Cause) -> bool:
    """Return whether all deviations of a cause are in the forward pass."""
    from rnn_goldens.deviations import deviation

    return not any(deviation(name).is_backward for name in cause)


@np.errstate(all="ignore")
def accumulated(actual: Actual) -> list[Cause]:
    """Return the cause of gradients that are wrong only in a second call: accumulation over calls, or no cause."""
    cause = (OVER_CALLS,)
    found = actual.numbers and Candidates(actual.golden, actual.numbers, GRADIENTS).explained_by(cause)
    return [cause] if found else []
