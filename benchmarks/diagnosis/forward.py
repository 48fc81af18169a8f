"""Counts how often the diagnosis of wrong networks finds the right cause, part of it, a hint, nothing or a wrong cause.

Each wrong network is checked against every golden of its cell in float32, and diagnosed like a run. Exits with 1 if a
diagnosis identifies a wrong cause or finds nothing.
"""

import random
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from benchmarks.benchmark import PROCESSES, Measured
from benchmarks.diagnosis.networks import networks
from benchmarks.diagnosis.outcomes import SILENT, WRONG, result_of
from benchmarks.diagnosis.report import report


def measured(first: int = 0) -> Measured:
    """Return the section, and the networks for which a diagnosis identifies a wrong cause or finds nothing."""
    todo = list(networks())
    random.Random(0).shuffle(todo)  # so that the first N are a random sample
    with ProcessPoolExecutor(PROCESSES) as pool:
        results = list(pool.map(result_of, todo[: first or None], chunksize=4))
    wrong = [f"{one.outcome}: {one.network}: {one.causes}" for one in results if one.outcome in (WRONG, SILENT)]
    return Measured(report(results, Counter(group for group, *_ in todo)), wrong)
