"""What is wrong, said once at the end of a run: its account as evidence for the causes of what failed."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
import pytest

from rnn_goldens.cells import case_of
from rnn_goldens.corpus import Corpus
from rnn_goldens.deviations import together
from rnn_goldens.deviations.margins import ENOUGH, margin
from rnn_goldens.diagnosis.causes import Diagnosis, Evidence, diagnose
from rnn_goldens.diagnosis.suspects import TOGETHER, Cause, Failure, explained_by
from rnn_goldens.errors import RnnGoldensError
from rnn_goldens.plugin.settings import corpus
from rnn_goldens.plugin.tally import FAILED, Entry, Tally

_WRONG = (FAILED, "known-failure")

SECONDS = 5.0
"""What asking causes once more of what failed, and of what passed, may take at most, each."""

MOST_ASKED_AGAIN = 8
"""So many causes of a cell, those that explain most, are asked of every failure."""


def explain_all(config: pytest.Config, tally: Tally, failures: Iterable[Failure]) -> None:
    """Ask what explains some failures of all others: what was judged before a cause was known did not hear of it."""
    opened, until = corpus(config), time.monotonic() + SECONDS
    cells = {entry.id: entry.cell for entry in opened.entries}
    failed = {(entry["golden"], entry["dtype"]): entry for entry in tally.with_outcome(*_WRONG)}
    support: dict[str, Counter[Cause]] = {}
    for (golden, _), of_golden in failed.items():
        support.setdefault(cells.get(golden, ""), Counter()).update(_causes(of_golden))
    for failure in failures:
        entry, cell = failed.get((failure.golden, failure.dtype)), cells.get(failure.golden)
        if entry is None or cell is None or time.monotonic() > until:
            continue
        asked = [cause for cause, _ in support[cell].most_common(MOST_ASKED_AGAIN) if cause not in _causes(entry)]
        with suppress(RnnGoldensError):
            golden = opened.load(failure.golden, failure.dtype)
            found = explained_by(golden, failure.got, asked)
            if found:
                entry["explained_by"] = [*entry.get("explained_by", ()), *map(TOGETHER.join, found)]
                entry.pop("facts", None)


def diagnoses(config: pytest.Config, tally: Tally) -> list[Diagnosis]:
    """What explains the failures of a run; nothing of what failed for other reasons than wrong outputs."""
    opened = corpus(config)
    return diagnose(_evidence(opened, tally.entries), partial(_shows, opened, {}, time.monotonic() + SECONDS))


def sent(failures: Iterable[Failure]) -> list[list[Any]]:
    """Failures in a form that xdist carries."""
    return [
        [f.golden, f.dtype, [[name, list(values.shape), values.tobytes()] for name, values in f.got.items()]]
        for f in failures
    ]


def received(carried: Iterable[list[Any]]) -> Iterator[Failure]:
    """The way back."""
    for golden, dtype, outputs in carried:
        yield Failure(golden, dtype, {name: np.frombuffer(data).reshape(shape) for name, shape, data in outputs})


def _causes(entry: Entry) -> tuple[Cause, ...]:
    return tuple(tuple(cause.split(TOGETHER)) for cause in entry.get("explained_by", ()))


def _evidence(opened: Corpus, entries: Iterable[Entry]) -> Iterator[Evidence]:
    known = {entry.id: entry for entry in opened.entries}
    for entry in entries:
        wrong = entry["outcome"] in _WRONG and entry.get("judged_by") == "comparison"
        if entry["golden"] in known and (wrong or entry["outcome"] == "passed"):
            yield Evidence(
                golden=entry["golden"],
                dtype=entry["dtype"],
                cell=known[entry["golden"]].cell,
                features=known[entry["golden"]].features,
                passed=not wrong,
                explained_by=_causes(entry),
                facts=entry.get("facts", {}),
            )


def _shows(
    opened: Corpus, seen: dict[tuple[Cause, str, str], bool], until: float, cause: Cause, evidence: Evidence
) -> bool:
    """Whether a golden that passed would have failed."""
    key = cause, evidence.golden, evidence.dtype
    if key not in seen:
        if time.monotonic() > until:
            return False
        try:
            golden = opened.load(evidence.golden, evidence.dtype)
        except RnnGoldensError:
            return False
        with np.errstate(all="ignore"):
            outputs = together(cause)(case_of(golden, np.float64))
        seen[key] = margin(golden, outputs, evidence.dtype) >= ENOUGH
    return seen[key]
