"""Runs correct implementations on random goldens: none may fail.

Exits with 1 if an implementation fails. ``hypothesis_versions`` shows that ``fuzz`` finds wrong implementations.
"""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache

from hypothesis import HealthCheck, Phase, given, seed, settings

from benchmarks import page
from benchmarks.benchmark import PROCESSES, Measured
from benchmarks.false_alarms import find_implementation, implementations
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.comparison.verdict import compare
from rnn_goldens.errors import Unsupported
from rnn_goldens.fuzz.bounds import Sizes, bounds
from rnn_goldens.fuzz.strategy import drawn
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.implementations import outputs_of

EXAMPLES = 200
SEED = 1

COMPILING = ("flax", "keras-jax", "keras-torch")
"""Implementations that compile for each shape or need their own process."""


@dataclass
class RandomCheck:
    """The results of one correct implementation on random goldens.

    Attributes:
        implementation: its name.
        ran: the number of goldens that it ran.
        passed: the number of goldens that passed.
        refused: the number of goldens that it refused.
        known: the number of failures by a known defect of the library.
        failed: messages of the other failures.
        largest: the largest error of the passed goldens, as a fraction of the tolerance.
        seconds: duration of the run.
    """

    implementation: str
    ran: int
    passed: int = 0
    refused: int = 0
    known: int = 0
    failed: list[str] = field(default_factory=list)
    largest: float = 0.0
    seconds: float = 0.0


def measured(examples: int = EXAMPLES) -> Measured:
    """Return the section, and the failures."""
    results = check_correct(examples)
    failed = [f"{one.implementation}: {message}" for one in results for message in one.failed]
    return Measured(report(results, examples), failed)


def report(results: Sequence[RandomCheck], examples: int) -> str:
    """Return the section of the page."""
    groups: dict[str, list[RandomCheck]] = {}
    for one in results:
        groups.setdefault("NumPy" if one.implementation.startswith("numpy") else one.implementation, []).append(one)
    rows = [_row(group, members) for group, members in groups.items()]
    failed = "".join(f"- {one.implementation}: {message}\n" for one in results for message in one.failed)
    header = ("implementation", "run", "passed", "refused", "known wrong", "FAILED", "largest error")
    return (
        f"## Random goldens\n\n{len(results)} correct implementations ran {examples:,} goldens each that "
        f"[`fuzz`](../fuzzing.md) draws with seed {SEED}, a quarter in each of {', '.join(PRECISIONS)}. "
        "`python -m benchmarks hypothesis-versions` shows that `fuzz` "
        "finds five wrong networks and a crash, with the lowest and the newest supported Hypothesis.\n\n"
        f"{page.table(header, rows)}\n{failed}"
    )


def _row(group: str, members: Sequence[RandomCheck]) -> tuple[object, ...]:
    """Return the row of an implementation; all networks in NumPy share one."""
    counts = (sum(getattr(one, what) for one in members) for what in ("ran", "passed", "refused", "known"))
    name = f"{group}, {len(members)} networks" if len(members) > 1 else group
    return name, *counts, sum(len(one.failed) for one in members), f"{max(one.largest for one in members):.3f}"


def check_correct(examples: int) -> list[RandomCheck]:
    """Run each implementation on ``examples`` goldens, a quarter in each precision."""
    alone = [name for name in implementations() if name in COMPILING]
    together = [name for name in implementations() if name not in COMPILING]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=spawn, max_tasks_per_child=1) as pool:
        futures = [pool.submit(check_all, names, examples) for names in (together, *([name] for name in alone))]
        by_name = {one.implementation: one for future in futures for one in future.result()}
    return [by_name[name] for name in implementations()]


def check_all(names: Sequence[str], examples: int) -> list[RandomCheck]:
    """Run implementations on the same random goldens, in a fresh process: Keras has one backend in a process."""
    import torch

    torch.set_num_threads(1)
    return [_check(name, examples) for name in names]


def _is_ragged(golden: Golden) -> bool:
    return golden.lengths is not None and bool((golden.lengths < golden.x.shape[-2]).any())


def _is_half_gru_without_bias(golden: Golden) -> bool:
    is_half = golden.dtype in ("bfloat16", "float16")
    return is_half and golden.cell == "gru" and not golden.network.bias and golden.lengths is None


def _is_product_in_float64(golden: Golden) -> bool:
    return golden.dtype == "float64" and (golden.cell.startswith("rnn") or golden.lengths is not None)


KNOWN_WRONG: dict[str, Callable[[Golden], bool]] = {
    "onnx-reference": _is_ragged,
    "keras-jax": _is_half_gru_without_bias,
    "keras-torch": _is_product_in_float64,
}
"""Goldens that libraries are known to fail: ``docs/known-failures`` has the evidence."""


def _check(name: str, examples: int) -> RandomCheck:
    implementation, result = find_implementation(name), RandomCheck(name, 0)
    begin = time.perf_counter()
    for precision in PRECISIONS:
        for golden in stream(CELLS, precision, examples // len(PRECISIONS)):
            result.ran += 1
            try:
                verdict = compare(golden, *outputs_of(implementation(golden.for_implementation())))
            except Unsupported:
                result.refused += 1
                continue
            except Exception as error:
                failure = repr(error)
            else:
                failure = verdict.message.partition("\n")[0]
                if verdict.passed:
                    result.passed += 1
                    result.largest = max(result.largest, verdict.largest_error)
                    continue
            if name in KNOWN_WRONG and KNOWN_WRONG[name](golden):
                result.known += 1
            else:
                result.failed.append(f"{golden.id} in {precision}: {failure}")
    result.seconds = time.perf_counter() - begin
    return result


@cache
def stream(cells: tuple[str, ...], precision: str, examples: int) -> Sequence[Golden]:
    """Return the goldens that the seed generates; each process generates them once."""
    goldens: list[Golden] = []

    @seed(SEED)
    @settings(
        max_examples=examples,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(drawn(bounds(cells, Sizes(), (), (), precision)))
    def draw(golden: Golden) -> None:
        goldens.append(golden)

    draw()
    return goldens
