"""Checks and diagnoses wrong networks in float32, and counts how often the cause that a run names is right.

It is wrong if a diagnosis identifies a wrong cause or finds nothing.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from benchmarks import page
from benchmarks.benchmark import PROCESSES, Measured
from benchmarks.diagnosis.networks import SINGLE, WrongNetwork, changes_steps, goldens, networks, outputs
from rnn_goldens import Golden
from rnn_goldens.cells import Case, Network
from rnn_goldens.cells.cell import BUILT_IN_CELLS
from rnn_goldens.comparison.actual import Actual, actual_outputs
from rnn_goldens.comparison.verdict import verdict_on
from rnn_goldens.deviations import together
from rnn_goldens.diagnosis.candidate_search import CandidateSearch
from rnn_goldens.diagnosis.candidates import Cause
from rnn_goldens.diagnosis.causes import EXPLAINED, Diagnosis, Evidence
from rnn_goldens.diagnosis.facts import facts
from rnn_goldens.diagnosis.failure_patterns import failure_patterns
from rnn_goldens.diagnosis.run_diagnosis import diagnose_run, reexamine
from rnn_goldens.golden.built_in_cells import CELLS, LAYOUTS
from rnn_goldens.golden.shapes import Config, state_shapes, weight_shapes

IDENTIFIED, AMONG, PARTLY, HINT, SILENT, WRONG = "identified", "among others", "partly", "hint", "silent", "wrong cause"
OUTCOMES = (IDENTIFIED, AMONG, PARTLY, HINT, SILENT, WRONG)

DRAWN = 200
"""Number of random cases of each cell on which a network and its identified cause must agree."""

SAME = 0.01
"""Largest difference between equivalent wrong networks, as a fraction of their error: roundings may differ."""


@dataclass(frozen=True)
class Result:
    """The diagnosis of a wrong network.

    Attributes:
        network: the wrong network.
        outcome: one of ``OUTCOMES``; "" if every golden passed, or the deviations cannot be combined on a golden.
        causes: the identified causes.
        seconds: CPU time of the diagnosis.
    """

    network: WrongNetwork
    outcome: str = ""
    causes: str = ""
    seconds: float = 0.0


def result_of(network: WrongNetwork) -> Result:
    """Check and diagnose a network on every golden of its cell."""
    _, cell, names = network
    of_cell = [golden for golden in goldens().values() if golden.cell == cell]
    try:
        diagnosis, seconds = diagnosed(of_cell, lambda golden: actual_outputs(golden, *outputs(network, golden)))
    except (ValueError, LookupError):  # the two deviations cannot be combined on a golden
        return Result(network)
    if diagnosis is None:
        return Result(network)
    causes = ", ".join(" & ".join(candidate.cause) for candidate in diagnosis.candidates)
    return Result(network, outcome(names, cell, diagnosis), causes, seconds)


def diagnosed(some: Sequence[Golden], run: Callable[[Golden], Actual]) -> tuple[Diagnosis | None, float]:
    """Diagnose a run over goldens of one cell; return the diagnosis (None if all pass) and its CPU seconds."""
    evidence, search, seconds = list[Evidence](), CandidateSearch(), 0.0
    for golden in some:
        with np.errstate(all="ignore"):
            actual = run(golden)
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
    begin, by_id = time.process_time(), {golden.id: golden for golden in some}
    again = reexamine(evidence, search.failures, lambda golden_id, _: by_id[golden_id])
    (diagnosis,) = diagnose_run(again.evidence, lambda golden_id, _: by_id[golden_id], again.cut_short)
    return diagnosis, seconds + time.process_time() - begin


def outcome(names: Cause, cell: str, diagnosis: Diagnosis) -> str:
    """Classify a diagnosis by comparing its causes with the deviations of the network."""
    candidates = diagnosis.candidates
    if not candidates:
        return HINT if diagnosis.parts or any(failure_patterns([diagnosis]).sentences()) else SILENT
    named = [candidate.cause for candidate in candidates]
    equivalent = [cause for candidate in candidates for cause in candidate.equivalent]
    if diagnosis.certainty != EXPLAINED:
        return PARTLY
    if set().union(*named) == set(names) and not equivalent:
        return IDENTIFIED
    if any(set(cause) == set(names) for cause in (*named, *equivalent)) or all(_same(names, c, cell) for c in named):
        return AMONG
    partly = set().union(*named, *equivalent) & set(names) or (len(named) > 1 and all(s.explains for s in candidates))
    return PARTLY if partly else WRONG


def _same(names: Cause, others: Cause, cell: str) -> bool:
    """Return whether two wrong networks return the same outputs on random cases."""
    for case in _random_cases(cell):
        right = Network().run(case)
        for a, b, of in zip(together(names)(case), together(others)(case), right, strict=True):
            if a.shape != b.shape:
                return False
            wrong = np.abs(a - of).max() if a.shape == of.shape else np.abs(a).max()
            with np.errstate(invalid="ignore"):
                if not np.array_equal(a, b, equal_nan=True) and not np.abs(a - b).max() <= SAME * wrong:
                    return False
    return True


@cache
def _random_cases(cell: str) -> list[Case]:
    return [_case(cell, np.random.default_rng([CELLS.index(cell), number])) for number in range(DRAWN)]


def _case(cell: str, draw: np.random.Generator) -> Case:
    """Return a random configuration, weights and inputs; each kind of number has its own scale."""
    inputs, units, layers, steps, rows = map(int, draw.integers(1, 5, 5))
    both_ways, bias, unbatched, stateful, ragged = map(bool, draw.random(5) < (0.5, 0.7, 0.2, 0.6, 0.5))
    config = Config(inputs, units, min(layers, 3), bidirectional=both_ways, bias=bias)
    time, batch = steps + 2, () if unbatched else (rows,)

    def numbers(shape: tuple[int, ...], smallest: float, largest: float) -> NDArray[np.float64]:
        amplitude = 2.0 ** draw.uniform(smallest, largest)
        return draw.uniform(-amplitude, amplitude, shape)

    return Case(
        BUILT_IN_CELLS[cell],
        config,
        {name: numbers(shape, -3, 1.5) for name, shape in weight_shapes(LAYOUTS[cell], config).items()},
        numbers((*batch, time, inputs), -8, 4),
        tuple(numbers(s, -4, 2) * stateful for s in state_shapes(LAYOUTS[cell], config, batch).values()),
        draw.integers(1, time + 1, batch) if batch and ragged else None,
        state_given=stateful,
    )


def measured(first: int = 400) -> Measured:
    """Return the section, and the networks for which a diagnosis identifies a wrong cause or finds nothing."""
    todo = list(networks())
    random.Random(0).shuffle(todo)  # so that the first N are a random sample
    with ProcessPoolExecutor(PROCESSES) as pool:
        results = list(pool.map(result_of, todo[: first or None], chunksize=4))
    wrong = [f"{one.outcome}: {one.network}: {one.causes}" for one in results if one.outcome in (WRONG, SILENT)]
    return Measured(report(results, Counter(group for group, *_ in todo)), wrong)


IN_FULL, BRIEFLY = (WRONG, SILENT), (HINT, PARTLY, AMONG)

INTRODUCTION = f"""## Causes of wrong outputs

Wrong networks were checked in float32 against every golden of their cell; the table says how often the run
identified the right cause. A random sample ran; `python -m benchmarks diagnosis --first 0` runs all.

- **deviations**: every known bug in every cell that it applies to.
- **slips in NumPy**: mistakes written by hand as edits of a few lines of [an independent
  network](../../benchmarks/diagnosis).
- **pairs**: two random bugs at once, neither of which hides the other.

**identified**: one cause explains the run, and it is right (for a pair: both). **among others**: the right cause is
listed with causes that cannot be distinguished. **partly**: one of a pair, or a cause that explains some failures.
**hint**: no cause, but facts that are true for every failure. **silent**: nothing. **wrong cause**: the outputs of the
identified cause differ from those of the network in one of {DRAWN} random cases."""


def report(results: Sequence[Result], of: Mapping[str, int]) -> str:
    """Return the section; ``of`` is the number of networks in each group."""
    failing = [one for one in results if one.outcome]
    groups = {group: [one for one in results if one.network[0] == group] for group in of}
    rows = [_row(group, f"{len(some):,} of {of[group]:,}", some) for group, some in groups.items() if some]
    inside = Counter(changes_steps(one.network[2][0]) for one in failing if one.network[0] == SINGLE)
    how_many = (
        "Networks that fail no golden in float32 are left out. "
        f"Deviations around torch's own layer: {inside[False]}; inside the cell: {inside[True]}."
    )
    table = page.table(
        ("", "run", "fail", *OUTCOMES, "slowest, s"), [*rows, _row("together", f"{len(results):,}", results)]
    )
    lists = {outcome: _listed(one for one in failing if one.outcome == outcome) for outcome in IN_FULL}
    parts = [f"### {outcome.capitalize()}\n\n{lines}" for outcome, lines in lists.items() if lines]
    brief = [_briefly(outcome, failing) for outcome in BRIEFLY]
    return "\n\n".join([INTRODUCTION, how_many, table, *parts, "\n".join(filter(None, brief))]) + "\n"


def _briefly(outcome: str, failing: Sequence[Result]) -> str:
    """Return a list of the single deviations with an outcome, each with its cells."""
    cells: dict[str, list[str]] = {}
    for one in failing:
        group, cell, names = one.network
        if one.outcome == outcome and group == SINGLE:
            cells.setdefault(names[0], []).append(cell)
    listed = ", ".join(f"`{name}` ({', '.join(sorted(where))})" for name, where in sorted(cells.items()))
    return f"- {outcome}: {listed}." if listed else ""


def _row(name: str, ran: str, results: Sequence[Result]) -> list[object]:
    count = Counter(one.outcome for one in results if one.outcome)
    slowest = max((one.seconds for one in results), default=0.0)
    return [name, ran, count.total(), *(count[outcome] for outcome in OUTCOMES), f"{slowest:.1f}"]


def _listed(results: Iterable[Result]) -> str:
    lines = []
    for one in results:
        group, cell, names = one.network
        lines.append(f"- {cell}, {group}, {' & '.join(names)}{f': {one.causes}' if one.causes else ''}"[:158])
    return "\n".join(sorted(lines))
