"""The failures of a run, once all are in: what explains some is asked of all others, and of what passed."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from rnn_goldens.diagnosis.causes import Diagnosis, Evidence, diagnose
from rnn_goldens.diagnosis.suspects import Cause, Failure, explained_by

if TYPE_CHECKING:
    from rnn_goldens.golden.data import GoldenData

Load = Callable[[str, str], "GoldenData | None"]
"""A golden by its id, in a precision; None if it is not to be had any more."""

SECONDS = 5.0
"""What asking causes once more of what failed may take at most, and of what passed: then none counts as against it."""

MOST_ASKED_AGAIN = 8
"""So many causes of a cell, those that explain most, are asked of every failure."""


def asked_again(evidence: Sequence[Evidence], failures: Iterable[Failure], load: Load) -> list[Evidence]:
    """The evidence, and what else explains each failure: one judged before a cause was known did not hear of it.

    Args:
        evidence: what became of each golden.
        failures: the outputs of those that failed, as far as they are kept.
        load: where goldens come from.
    """
    until = time.process_time() + SECONDS
    outputs = {(failure.golden, failure.dtype): failure.got for failure in failures}
    support: dict[str, Counter[Cause]] = {}
    for one in evidence:
        support.setdefault(one.cell, Counter()).update(one.explained_by)
    found = []
    for one in evidence:
        got = outputs.get((one.golden, one.dtype))
        most = [cause for cause, _ in support[one.cell].most_common(MOST_ASKED_AGAIN)]
        others = [cause for cause in most if cause not in one.explained_by]
        if one.passed or got is None or not others or time.process_time() > until:
            found.append(one)
            continue
        golden = load(one.golden, one.dtype)
        more = explained_by(golden, got, others) if golden is not None else []
        found.append(replace(one, explained_by=(*one.explained_by, *more), facts={} if more else one.facts))
    return found


def diagnosed_run(evidence: Iterable[Evidence], load: Load) -> list[Diagnosis]:
    """What explains the failures of a run, cell by cell; nothing that what passed contradicts without saying so."""
    return diagnose(evidence, _Shows(load, time.process_time() + SECONDS))


@dataclass
class _Shows:
    """Whether a golden that passed would have failed; remembered, for several causes are held against the same."""

    load: Load
    until: float
    seen: dict[tuple[Cause, str, str], bool] = field(default_factory=dict)

    def __call__(self, cause: Cause, evidence: Evidence) -> bool:
        from rnn_goldens.cells import case_of
        from rnn_goldens.deviations import together
        from rnn_goldens.deviations.margins import ENOUGH, margin

        key = cause, evidence.golden, evidence.dtype
        if key not in self.seen:
            golden = self.load(evidence.golden, evidence.dtype) if time.process_time() < self.until else None
            if golden is None:
                return False
            with np.errstate(all="ignore"):
                outputs = together(cause)(case_of(golden, np.float64))
            self.seen[key] = margin(golden, outputs, evidence.dtype) >= ENOUGH
        return self.seen[key]
