"""Checks and diagnoses a wrong network, and classifies the diagnosis."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.diagnosis.networks import WrongNetwork, goldens, outputs
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
