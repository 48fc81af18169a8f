"""What a run of a wrong network says, and whether it is right."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.diagnosis.networks import WrongNetwork, goldens, outputs
from rnn_goldens import Golden
from rnn_goldens.cells import Case, Network
from rnn_goldens.cells.cell import DEFINED
from rnn_goldens.deviations import together
from rnn_goldens.diagnosis.asked import Cause
from rnn_goldens.diagnosis.causes import EXPLAINED, Diagnosis, Evidence
from rnn_goldens.diagnosis.facts import facts
from rnn_goldens.diagnosis.in_common import in_common
from rnn_goldens.diagnosis.run import asked_again, diagnosed_run
from rnn_goldens.diagnosis.suspects import Suspects
from rnn_goldens.golden.shapes import CELLS, LAYOUTS, Config, state_shape, weight_shapes
from rnn_goldens.judging.given import Given, outputs_given
from rnn_goldens.judging.verdict import verdict_on

NAMED, AMONG, PARTLY, HINT, SILENT, WRONG = "named", "among others", "partly", "hint", "silent", "wrong name"
OUTCOMES = (NAMED, AMONG, PARTLY, HINT, SILENT, WRONG)

DRAWN = 200
"""So many cases of each cell, on which a network and the name that a run gives it have to agree."""

SAME = 0.01
"""Of what is wrong: so much two networks may differ that are wrong alike, as roundings may go the other way."""


@dataclass(frozen=True)
class Result:
    """What a run of a wrong network says.

    Attributes:
        network: the wrong one.
        outcome: one of ``OUTCOMES``; "" if every golden passed, or none could be run.
        said: the causes that were named.
        seconds: what the diagnosis took.
    """

    network: WrongNetwork
    outcome: str = ""
    said: str = ""
    seconds: float = 0.0


def result_of(network: WrongNetwork) -> Result:
    """What a run of it over every golden of its cell says."""
    _, cell, names = network
    of_cell = [golden for golden in goldens().values() if golden.cell == cell]
    try:
        diagnosis, seconds = diagnosed(of_cell, lambda golden: outputs_given(golden, *outputs(network, golden)))
    except (ValueError, LookupError):  # of two deviations, one has no room for what the other leaves
        return Result(network)
    if diagnosis is None:
        return Result(network)
    said = ", ".join(" & ".join(suspect.cause) for suspect in diagnosis.suspects)
    return Result(network, outcome(names, cell, diagnosis), said, seconds)


def diagnosed(some: Sequence[Golden], run: Callable[[Golden], Given]) -> tuple[Diagnosis | None, float]:
    """What is said of a run over some goldens of one cell, None if all pass; and the CPU seconds that took."""
    evidence, suspects, seconds = list[Evidence](), Suspects(), 0.0
    for golden in some:
        with np.errstate(all="ignore"):
            given = run(golden)
        passed, causes, seen = verdict_on(given).passed, tuple[Cause, ...](), {}
        begin = time.process_time()
        if not passed:
            causes = tuple(suspects.explain(given))
            seen = {} if causes else facts(given)
        seconds += time.process_time() - begin
        evidence.append(
            Evidence(golden.id, golden.dtype, golden.cell, golden.features, passed, causes, seen, of=given.of)
        )
    if all(one.passed for one in evidence):
        return None, 0.0
    begin, by_id = time.process_time(), {golden.id: golden for golden in some}
    again = asked_again(evidence, suspects.failures, lambda golden_id, _: by_id[golden_id])
    (diagnosis,) = diagnosed_run(again.evidence, lambda golden_id, _: by_id[golden_id], again.cut_short)
    return diagnosis, seconds + time.process_time() - begin


def outcome(names: Cause, cell: str, diagnosis: Diagnosis) -> str:
    """Whether what a run says of a network is what is wrong with it."""
    suspects = diagnosis.suspects
    if not suspects:
        return HINT if diagnosis.parts or any(in_common([diagnosis]).sentences()) else SILENT
    named = [suspect.cause for suspect in suspects]
    alike = [cause for suspect in suspects for cause in suspect.alike]
    if diagnosis.certainty != EXPLAINED:
        return PARTLY
    if set().union(*named) == set(names) and not alike:
        return NAMED
    if any(set(cause) == set(names) for cause in (*named, *alike)) or all(_same(names, c, cell) for c in named):
        return AMONG
    partly = set().union(*named, *alike) & set(names) or (len(named) > 1 and all(s.explains for s in suspects))
    return PARTLY if partly else WRONG


def _same(names: Cause, others: Cause, cell: str) -> bool:
    """Whether two networks are wrong in the same way, as far as drawn cases show."""
    for case in _drawn(cell):
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
def _drawn(cell: str) -> list[Case]:
    return [_case(cell, np.random.default_rng([CELLS.index(cell), number])) for number in range(DRAWN)]


def _case(cell: str, draw: np.random.Generator) -> Case:
    """A configuration, weights and inputs, each kind of number of its own size."""
    inputs, units, layers, steps, rows = map(int, draw.integers(1, 5, 5))
    both_ways, bias, unbatched, stateful, ragged = map(bool, draw.random(5) < (0.5, 0.7, 0.2, 0.6, 0.5))
    config = Config(inputs, units, min(layers, 3), bidirectional=both_ways, bias=bias)
    time, batch = steps + 2, () if unbatched else (rows,)

    def numbers(shape: tuple[int, ...], smallest: float, largest: float) -> NDArray[np.float64]:
        amplitude = 2.0 ** draw.uniform(smallest, largest)
        return draw.uniform(-amplitude, amplitude, shape)

    return Case(
        DEFINED[cell],
        config,
        {name: numbers(shape, -3, 1.5) for name, shape in weight_shapes(LAYOUTS[cell], config).items()},
        numbers((*batch, time, inputs), -8, 4),
        tuple(numbers(state_shape(config, batch), -4, 2) * stateful for _ in LAYOUTS[cell].states),
        draw.integers(1, time + 1, batch) if batch and ragged else None,
        state_given=stateful,
    )
