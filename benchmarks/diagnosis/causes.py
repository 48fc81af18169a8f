"""Checks and diagnoses wrong networks and backward passes in float32, and counts how often the named cause is right.

It is wrong if a diagnosis identifies a wrong cause, or finds nothing, or only facts on a known bug of backward passes.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np

from benchmarks import page
from benchmarks.benchmark import PROCESSES, Measured
from benchmarks.diagnosis.wrong import (
    BACKWARD,
    OF_GRADIENTS,
    OF_OUTPUTS,
    Wrong,
    combined,
    goldens,
    gradients,
    has_gradients,
    wrong_backward_passes,
    wrong_networks,
)
from rnn_goldens.cells import Array, Case, case_of
from rnn_goldens.comparison.verdict import verdict_on
from rnn_goldens.diagnosis import EXPLAINED, Cause, Diagnosis, Evidence
from rnn_goldens.diagnosis.facts import facts
from rnn_goldens.diagnosis.run_diagnosis import diagnose_run, reexamine
from rnn_goldens.diagnosis.search import CandidateSearch
from rnn_goldens.diagnosis.unexplained_failures import finding_on

IDENTIFIED, AMONG, PARTLY, HINT, SILENT, WRONG = "identified", "among others", "partly", "hint", "silent", "wrong cause"
OUTCOMES = (IDENTIFIED, AMONG, PARTLY, HINT, SILENT, WRONG)

SAME = 0.01
"""Largest difference between equivalent wrong networks, as a fraction of their error: roundings may differ."""


class Result(NamedTuple):
    """The diagnosis of a wrong network.

    Attributes:
        wrong: the wrong network, or backward pass.
        outcome: one of ``OUTCOMES``; "" if every golden passed, or the deviations cannot be combined on a golden.
        causes: the identified causes.
        seconds: CPU time of the diagnosis.
    """

    wrong: Wrong
    outcome: str = ""
    causes: str = ""
    seconds: float = 0.0

    @property
    def is_bad(self) -> bool:
        """Whether the diagnosis misleads, or finds less than it must."""
        return self.outcome in (WRONG, SILENT) or (self.outcome == HINT and self.wrong.group == BACKWARD)


def result_of(wrong: Wrong) -> Result:
    """Check and diagnose a wrong network on every golden of its cell."""
    try:
        diagnosis, seconds = _diagnosed(wrong)
    except (ValueError, LookupError):  # the two deviations cannot be combined on a golden
        return Result(wrong)
    if diagnosis is None:
        return Result(wrong)
    causes = ", ".join(" & ".join(candidate.cause) for candidate in diagnosis.candidates)
    return Result(wrong, outcome(wrong, diagnosis), causes, seconds)


def _diagnosed(wrong: Wrong) -> tuple[Diagnosis | None, float]:
    """Diagnose a run; return the diagnosis (None if all goldens pass) and its CPU seconds."""
    evidence, search, seconds = list[Evidence](), CandidateSearch(), 0.0
    by_id = {golden.id: golden for golden in goldens(wrong.cell, with_gradients=wrong.group in OF_GRADIENTS)}
    for golden in by_id.values():
        with np.errstate(all="ignore"):
            actual = wrong.actual(golden)
        passed, causes, observed = verdict_on(actual).passed, tuple[Cause, ...](), {}
        begin = time.process_time()
        if not passed:
            causes = tuple(search.explain(actual))
            observed = {} if causes else facts(actual)
        seconds += time.process_time() - begin
        evidence.append(
            Evidence(golden.id, golden.dtype, golden.cell, golden.features, passed, causes, observed, of=actual.of)
        )
    if all(one.passed for one in evidence):
        return None, 0.0
    begin = time.process_time()
    evidence, cut_short = reexamine(evidence, search.failures, lambda golden_id, _: by_id[golden_id])
    (diagnosis,) = diagnose_run(evidence, lambda golden_id, _: by_id[golden_id], cut_short)
    return diagnosis, seconds + time.process_time() - begin


def outcome(wrong: Wrong, diagnosis: Diagnosis) -> str:
    """Classify a diagnosis by comparing its causes with the deviations of the network."""
    candidates, names = diagnosis.candidates, set(wrong.names)
    if not candidates:
        return HINT if diagnosis.parts or any(finding_on([diagnosis]).sentences()) else SILENT
    named = [candidate.cause for candidate in candidates]
    equivalent = [cause for candidate in candidates for cause in candidate.equivalent]
    if diagnosis.certainty != EXPLAINED:
        return PARTLY
    if set().union(*named) == names and not equivalent:
        return IDENTIFIED
    if any(set(cause) == names for cause in (*named, *equivalent)) or all(_same(wrong, cause) for cause in named):
        return AMONG
    partly = set().union(*named, *equivalent) & names or (len(named) > 1 and all(s.explains for s in candidates))
    return PARTLY if partly else WRONG


def _same(wrong: Wrong, cause: Cause) -> bool:
    """Return whether a wrong network and a cause give the same outputs, or gradients, on random cases."""
    of_gradients = wrong.group in OF_GRADIENTS
    if of_gradients and not has_gradients(cause):
        return False
    for case, cotangents in _random_cases(wrong.cell, with_gradients=of_gradients):
        runs = [_run(names, case, cotangents) for names in (wrong.names, cause, ())]
        if not all(_is_close(*arrays) for arrays in zip(*runs, strict=True)):
            return False
    return True


def _run(names: Cause, case: Case, cotangents: Mapping[str, Array]) -> list[Array]:
    """Return the gradients of deviations if there are cotangents, else their outputs."""
    if cotangents:
        return [array for _, array in sorted(gradients(names, case, cotangents).items())]
    return list(combined(names)(case))


def _is_close(a: Array, b: Array, right: Array) -> bool:
    """Return whether two wrong arrays differ by much less than one of them differs from the right one."""
    if a.shape != b.shape:
        return False
    wrong = np.abs(a - right).max() if a.shape == right.shape else np.abs(a).max()
    with np.errstate(invalid="ignore"):
        return np.array_equal(a, b, equal_nan=True) or bool(np.abs(a - b).max() <= SAME * wrong)


@cache
def _random_cases(cell: str, *, with_gradients: bool) -> list[tuple[Case, Mapping[str, Array]]]:
    """Return cases with the shapes of the goldens of a cell and random numbers, with cotangents for gradients."""
    draw, some = np.random.default_rng(1), goldens(cell, with_gradients=with_gradients)
    cases = [_redrawn(case_of(golden, np.float64), draw) for golden in some]
    return [(case, golden.cotangents if with_gradients else {}) for case, golden in zip(cases, some, strict=True)]


def _redrawn(case: Case, draw: np.random.Generator) -> Case:
    """Return a case with random numbers in place of its own; each kind of number has its own scale."""

    def numbers(array: Array, smallest: float, largest: float) -> Array:
        amplitude = 2.0 ** draw.uniform(smallest, largest)
        return draw.uniform(-amplitude, amplitude, array.shape)

    weights = {name: numbers(array, -3, 1.5) for name, array in case.weights.items()}
    state = tuple(numbers(part, -4, 2) * case.state_given for part in case.state)
    return replace(case, weights=weights, x=numbers(case.x, -8, 4), state=state)


def measured(first: int = 600) -> Measured:
    """Return the section, and what is diagnosed badly; runs a random sample."""
    todo = [*wrong_networks(), *wrong_backward_passes()]
    random.Random(0).shuffle(todo)
    with ProcessPoolExecutor(PROCESSES) as pool:
        results = list(pool.map(result_of, todo[: first or None], chunksize=4))
    wrong = [f"{one.outcome}: {one.wrong}: {one.causes}" for one in results if one.is_bad]
    return Measured(report(results, Counter(one.group for one in todo)), wrong)


INTRODUCTION = """## Causes of wrong outputs

Wrong networks were checked in float32 against every golden of their cell; the table says how often the run
identified the right cause. A random sample ran; `python -m benchmarks diagnosis --first 0` runs all.

- **deviations**: every known bug in every cell that it applies to; torch's own layer runs if the bug is around it.
- **slips in NumPy**: mistakes written by hand as edits of a few lines of [an independent
  network](../../benchmarks/diagnosis).
- **pairs**: two random bugs at once, of which one may hide the other.

**identified**: one cause explains the run, and it is right (for a pair: both). **among others**: the right cause is
listed with causes that cannot be distinguished. **partly**: one of a pair, or a cause that explains some failures.
**hint**: no cause, but facts that are true for every failure. **silent**: nothing. **wrong cause**: the outputs of the
identified cause differ from those of the network for random numbers in the shapes of a golden.

A network that fails no golden in float32 has run, but did not fail; so has a pair of bugs that exclude each other."""

BACKWARD_INTRODUCTION = """## Causes of wrong gradients

Wrong backward passes were checked against every golden of their cell that has gradients; then bugs of the forward pass,
differentiated as by a framework, of which only gradients were checked. Another part of the same sample."""


def report(results: Sequence[Result], of: Mapping[str, int]) -> str:
    """Return the section; ``of`` is the number of wrong networks in each group."""
    parts = []
    for introduction, groups in ((INTRODUCTION, OF_OUTPUTS), (BACKWARD_INTRODUCTION, OF_GRADIENTS)):
        some = [one for one in results if one.wrong.group in groups]
        rows = [_row(group, of[group], [one for one in some if one.wrong.group == group]) for group in groups]
        table = page.table(("", "run", "fail", *OUTCOMES, "slowest, s"), rows)
        parts += [introduction, table, *_lists(some)]
    return "\n\n".join(parts)


def _row(group: str, of: int, results: Sequence[Result]) -> list[object]:
    count = Counter(one.outcome for one in results if one.outcome)
    slowest = max((one.seconds for one in results), default=0.0)
    ran = f"{len(results):,} of {of:,}"
    return [group, ran, count.total(), *(count[outcome] for outcome in OUTCOMES), f"{slowest:.1f}"]


def _lists(results: Sequence[Result]) -> Iterator[str]:
    """Yield the wrong networks that are not identified, by outcome, each with its cells."""
    for of in OUTCOMES[1:]:
        cells: dict[str, list[str]] = {}
        for one in results:
            if one.outcome == of:
                cells.setdefault(" & ".join(one.wrong.names), []).append(one.wrong.cell)
        listed = ", ".join(f"`{names}` ({', '.join(sorted(where))})" for names, where in sorted(cells.items()))
        if listed:
            yield f"{of.capitalize()}: {listed}."
