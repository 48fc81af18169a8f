"""Which known ways of being wrong explain outputs, or gradients: each is asked the same golden.

A run remembers what did before.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from rnn_goldens.diagnosis.asked import Asked, Cause
from rnn_goldens.diagnosis.asked_gradients import asking
from rnn_goldens.diagnosis.budget import Budget, steps_of
from rnn_goldens.diagnosis.likeness import Arrays
from rnn_goldens.diagnosis.repeated import Repeats
from rnn_goldens.golden.expected import OUTPUTS
from rnn_goldens.judging.given import Given

MOST_STEPS = 1000
"""With more, over all layers and directions, a golden is asked what is suspected and nothing else."""

STEPS_FOR_PAIRS = 12
"""Of a golden with more, pairs are not tried: simpler ones that fail tell as much."""

STEPS = 40_000
"""Time steps of wrong networks that looking for what is not suspected yet may take, before a run ends."""

STEPS_OF_PAIRS = 9_000
"""What looking for pairs in the failures of one cell may take, of that."""

MOST_KEPT = 4_000_000
"""Numbers of failed outputs that are kept until the end of a run; of what fails after that less is known."""


@dataclass(frozen=True, eq=False)
class Failure:
    """Outputs, or gradients, that were wrong.

    Attributes:
        golden: the id of what was asked.
        dtype: the precision.
        got: those that hold numbers.
        test: which test asked it.
        of: ``outputs`` or ``gradients``.
        outputs_right: whether the outputs that gradients are of were compared, and are right.
    """

    golden: str
    dtype: str
    got: Arrays
    test: str = ""
    of: str = OUTPUTS
    outputs_right: bool = False


@dataclass
class Spent:
    """What the failures of a run have taken so far, whichever test they are of.

    Attributes:
        budget: what may still be compared before the run ends.
        kept: numbers.
    """

    budget: Budget = field(default_factory=lambda: Budget(STEPS))
    kept: int = 0


@dataclass(eq=False)
class Suspects:
    """What explained failures of a test so far, by cell: asked first, and alone where one explains the next failure.

    Attributes:
        test: the test, which is of one network.
        spent: what it shares with the other tests of the run.
        pairs: whether two deviations at once are tried where no single one explains outputs.
        failures: what was explained, or not, to be asked once more when all is known.
        repeats: asks an implementation some of them once more.
    """

    test: str = ""
    spent: Spent = field(default_factory=Spent)
    pairs: bool = True
    failures: list[Failure] = field(default_factory=list)
    repeats: Repeats = field(default_factory=Repeats)
    _known: dict[str, list[Cause]] = field(default_factory=dict)
    _tried: dict[str, set[frozenset[str]]] = field(default_factory=dict)
    _for_pairs: dict[str, Budget] = field(default_factory=dict)

    @np.errstate(all="ignore")
    def explain(self, given: Given, *, outputs_right: bool = False) -> list[Cause]:
        """The causes that give these outputs or gradients, and not the right ones.

        Args:
            given: what came. Causes of gradients are of the backward pass, or of the forward pass before it.
            outputs_right: whether the outputs of gradients are known to be right: then none is of the forward pass.

        Returns:
            Several, where they are alike here; none, if none is known or it takes too long to look.
        """
        golden, got = given.golden, given.numbers
        if not got:
            return []
        self._keep(Failure(golden.id, golden.dtype, got, self.test, given.of, outputs_right))
        known = self._known.setdefault(golden.cell, [])
        asked = asking(golden, got, given.of, outputs_right=outputs_right)
        found = [cause for cause in known if asked.explained_by(cause)]
        if not found and steps_of(golden) <= MOST_STEPS:
            found = self._looked_for(asked, known)
            known += found
        return found

    def _keep(self, failure: Failure) -> None:
        size = sum(values.size for values in failure.got.values())
        if self.spent.kept + size <= MOST_KEPT:
            self.spent.kept += size
            self.failures.append(failure)

    def _looked_for(self, asked: Asked, known: list[Cause]) -> list[Cause]:
        budget, found = self.spent.budget, list[Cause]()
        # What takes more than half of what is left lets others come first, and waits for the end of the run.
        if asked.cost * len(asked.befalling()) < budget.left / 2:
            for candidates in asked.candidates():
                found = found or list(asked.explaining(candidates, budget))
        if not found and self.pairs and steps_of(asked.golden) <= STEPS_FOR_PAIRS:
            cell = asked.golden.cell
            pairs = chain(filter(asked.can_befall, self._pairs_elsewhere(cell)), asked.pairs(known, wide=True))
            for_pairs = self._for_pairs.setdefault(cell, Budget(min(STEPS_OF_PAIRS, budget.left)))
            before = for_pairs.left
            found = list(asked.explaining(self._untried(cell, pairs), for_pairs))
            budget.left -= before - for_pairs.left
        return found

    def _untried(self, cell: str, pairs: Iterable[Cause]) -> Iterator[Cause]:
        """Those that were not asked of another failure of the cell: what did not explain that, does not explain all."""
        tried = self._tried.setdefault(cell, set())
        for pair in pairs:
            if frozenset(pair) not in tried:
                tried.add(frozenset(pair))
                yield pair

    def _pairs_elsewhere(self, cell: str) -> list[Cause]:
        """What explained failures of other cells: a slip outside of them is in all."""
        return [cause for other, causes in self._known.items() if other != cell for cause in causes if len(cause) > 1]
