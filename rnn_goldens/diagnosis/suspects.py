"""Which known ways of being wrong explain outputs: each is asked the same golden. A run remembers what did before."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from rnn_goldens.diagnosis.likeness import Outputs, explains, readable

if TYPE_CHECKING:
    from rnn_goldens.cells import Case
    from rnn_goldens.deviations import Deviation
    from rnn_goldens.golden.data import GoldenData

Cause = tuple[str, ...]
"""The names of deviations that act together: one, or two."""

MOST_STEPS = 1000
"""With more, over all layers and directions, a golden is asked what is suspected and nothing else."""

STEPS_FOR_PAIRS = 12
"""Of a golden with more, pairs are not tried: simpler ones that fail tell as much."""

SECONDS = 5.0
"""Of the processor, which looking for what is not suspected yet may take at most."""

SECONDS_FOR_PAIRS = 3.0
"""What looking for pairs may take, of that."""

MOST_KEPT = 4_000_000
"""Numbers of failed outputs that are kept until the end of a run; of what fails after that less is known."""

TOGETHER = " & "
"""Between the names of two deviations."""


@dataclass(frozen=True, eq=False)
class Failure:
    """Outputs that were wrong.

    Attributes:
        golden: the id of what was asked.
        dtype: the precision.
        got: the outputs that hold numbers.
    """

    golden: str
    dtype: str
    got: Outputs


@dataclass(eq=False)
class Suspects:
    """What explained failures so far, by cell: asked first, and alone where one of them explains the next failure.

    Attributes:
        pairs: whether two deviations at once are tried where no single one explains outputs.
        seconds: what looking for others may take.
        failures: what was explained, or not, to be asked once more when all is known.
    """

    pairs: bool = True
    seconds: float = SECONDS
    failures: list[Failure] = field(default_factory=list)
    _kept: int = 0
    _known: dict[str, list[Cause]] = field(default_factory=dict)
    _spent: float = 0.0
    _spent_on_pairs: float = 0.0

    @np.errstate(all="ignore")
    def explain(self, golden: "GoldenData", out: object, h_n: object = None, c_n: object = None) -> list[Cause]:
        """The causes that give these outputs, and not the right ones, on a golden.

        Args:
            golden: what was asked.
            out: as for ``GoldenData.compare``, as are the others.
            h_n: likewise.
            c_n: likewise.

        Returns:
            Several, where they are alike here; none, if none is known or it takes too long to look.
        """
        got = readable(golden, out, h_n, c_n)
        if not got:
            return []
        self._keep(Failure(golden.id, golden.dtype, got))
        known = self._known.setdefault(golden.cell, [])
        asked = _Asked(golden, got)
        found = [cause for cause in known if asked.explained_by(cause)]
        if not found and self._spent < self.seconds and _steps(golden) <= MOST_STEPS:
            found = self._looked_for(asked, known)
            known += found
        return found

    def _keep(self, failure: Failure) -> None:
        size = sum(values.size for values in failure.got.values())
        if self._kept + size <= MOST_KEPT:
            self._kept += size
            self.failures.append(failure)

    def _looked_for(self, asked: "_Asked", known: list[Cause]) -> list[Cause]:
        begin = time.process_time()
        found: list[Cause] = [(d.name,) for d in asked.befalling() if asked.explained_by((d.name,))]
        if not found and self.pairs and _steps(asked.golden) <= STEPS_FOR_PAIRS:
            before = time.process_time()
            left = SECONDS_FOR_PAIRS - self._spent_on_pairs
            found = list(asked.explaining(_pairs(known, asked.befalling()), until=before + left))
            self._spent_on_pairs += time.process_time() - before
        self._spent += time.process_time() - begin
        return found


def explained_by(golden: "GoldenData", got: Outputs, causes: Iterable[Cause]) -> list[Cause]:
    """Those of some causes that give these outputs, and not the right ones, on a golden."""
    asked = _Asked(golden, got)
    return [cause for cause in causes if asked.explained_by(cause)]


class _Asked:
    """A golden, and what came."""

    def __init__(self, golden: "GoldenData", got: Outputs) -> None:
        self.golden, self.got = golden, got
        self._case: Case | None = None

    def befalling(self) -> "list[Deviation]":
        """The deviations that can befall such a network."""
        from rnn_goldens.deviations import DEVIATIONS

        features = set(self.golden.features)
        return [d for d in DEVIATIONS if self.golden.cell in d.cells and set(d.needs) <= features]

    def explained_by(self, cause: Cause) -> bool:
        """Whether a network that is wrong so gives these outputs."""
        from rnn_goldens.cells import case_of
        from rnn_goldens.deviations import together

        if self._case is None:
            self._case = case_of(self.golden, np.float64)
        try:
            outputs = together(cause)(self._case)
        except ValueError:  # two that can not be at once
            return False
        return explains(self.golden, self.got, dict(zip(("out", "h_n", "c_n"), outputs, strict=False)))

    def explaining(self, causes: Iterable[Cause], until: float) -> Iterator[Cause]:
        """Those of some causes that do, as far as one comes until then."""
        for cause in causes:
            if time.process_time() > until:
                return
            if self.explained_by(cause):
                yield cause


def _pairs(known: list[Cause], befalling: "list[Deviation]") -> Iterator[Cause]:
    """Two at once: what explained other failures with any other, then those that were found in the wild."""
    names = [d.name for d in befalling]
    for suspect in [cause[0] for cause in known if len(cause) == 1]:
        yield from ((suspect, other) for other in names if other != suspect)
    wild = sorted((d for d in befalling if d.stands_for), key=lambda d: -len(d.stands_for))
    yield from combinations([d.name for d in wild], 2)


def _steps(golden: "GoldenData") -> int:
    return int(golden.stored.x.shape[-2]) * golden.config.num_layers * golden.config.num_directions
