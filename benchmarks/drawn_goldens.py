"""Correct implementations on goldens that the strategy draws: none may fail.

    python -m benchmarks.drawn_goldens    # from the checkout, some minutes; --write renews docs/results/fuzzing.md

Exits with 1 if one fails. What ``fuzz`` finds is in ``hypothesis_versions``.
"""

import argparse
import multiprocessing
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache

from hypothesis import HealthCheck, Phase, given, seed, settings

from benchmarks import page
from benchmarks.false_alarms import find_implementation, implementations
from rnn_goldens.checkable.golden import Golden
from rnn_goldens.errors import Unsupported
from rnn_goldens.fuzzing.bounds import Sizes, bounds
from rnn_goldens.fuzzing.strategy import drawn
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import CELLS
from rnn_goldens.implementations import outputs_of
from rnn_goldens.judging.verdict import compare

PAGE = "fuzzing.md"
EXAMPLES = 200
SEED = 1

COMPILING = ("flax", "keras-jax", "keras-torch")
"""They take long for each shape, or have a process of their own."""


@dataclass
class Asked:
    """What became of one correct implementation.

    Attributes:
        implementation: its name.
        asked: how many goldens.
        passed: how many it got right.
        refused: how many it cannot do.
        known: how many it failed of those that it is known to be wrong at.
        failed: the others it failed, and how.
        largest: the largest error among the passed ones, as a fraction of what is allowed.
        seconds: of the run.
    """

    implementation: str
    asked: int
    passed: int = 0
    refused: int = 0
    known: int = 0
    failed: list[str] = field(default_factory=list)
    largest: float = 0.0
    seconds: float = 0.0


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write docs/results/{PAGE}")
    parser.add_argument("--examples", type=int, default=EXAMPLES, help="goldens for each implementation")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    found = asked_correct(arguments.examples, arguments.processes)
    text = report(found, arguments.examples)
    print(text)
    if arguments.write:
        page.write(PAGE, text)
    if any(one.failed for one in found):
        sys.exit(1)


def report(found: Sequence[Asked], examples: int) -> str:
    """The page."""
    rows = [
        (one.implementation, one.asked, one.passed, one.refused, one.known, len(one.failed), f"{one.largest:.3f}")
        for one in found
    ]
    failed = "".join(f"- {one.implementation}: {said}\n" for one in found for said in one.failed)
    header = ("implementation", "run", "passed", "refused", "known wrong", "FAILED", "largest error")
    return (
        "# Correct implementations on drawn goldens\n\n"
        f"No correct implementation should fail a golden that `fuzz` draws. Each ran {examples:,} of all cells, drawn "
        f"with seed {SEED}, a quarter in each of {', '.join(PRECISIONS)}. “Known wrong” are defects of a library with "
        "evidence in [known-failures](../known-failures). “Largest error” is a fraction of the tolerance. Written by "
        "`python -m benchmarks.drawn_goldens --write`. `python -m benchmarks.hypothesis_versions` shows that `fuzz` "
        "finds five wrong networks and a crash, with the lowest and the newest Hypothesis.\n\n"
        f"{page.versions('numpy', 'torch', 'hypothesis')}\n\n{page.table(header, rows)}\n{failed}"
    )


def asked_correct(examples: int, processes: int) -> list[Asked]:
    """Each implementation, asked so many goldens, a quarter in each precision."""
    alone = [name for name in implementations() if name in COMPILING]
    together = [name for name in implementations() if name not in COMPILING]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=spawn, max_tasks_per_child=1) as pool:
        futures = [pool.submit(ask_all, names, examples) for names in (together, *([name] for name in alone))]
        found = {one.implementation: one for future in futures for one in future.result()}
    return [found[name] for name in implementations()]


def ask_all(names: Sequence[str], examples: int) -> list[Asked]:
    """Ask some implementations the same, which is drawn once. In a fresh process: Keras has one backend a process."""
    import torch

    torch.set_num_threads(1)
    return [_asked(name, examples) for name in names]


def _is_ragged(golden: Golden) -> bool:
    return golden.lengths is not None and bool((golden.lengths < golden.x.shape[-2]).any())


def _is_half_gru_without_bias(golden: Golden) -> bool:
    is_half = golden.dtype in ("bfloat16", "float16")
    return is_half and golden.cell == "gru" and not golden.config.bias and golden.lengths is None


def _is_product_in_float64(golden: Golden) -> bool:
    return golden.dtype == "float64" and (golden.cell.startswith("rnn") or golden.lengths is not None)


KNOWN_WRONG: dict[str, Callable[[Golden], bool]] = {
    "onnx-reference": _is_ragged,
    "keras-jax": _is_half_gru_without_bias,
    "keras-torch": _is_product_in_float64,
}
"""Where libraries are known to be wrong: ``docs/known-failures`` has the evidence."""


def _asked(name: str, examples: int) -> Asked:
    implementation, found = find_implementation(name), Asked(name, 0)
    begin = time.perf_counter()
    for precision in PRECISIONS:
        for golden in stream(CELLS, precision, examples // len(PRECISIONS)):
            found.asked += 1
            try:
                verdict = compare(golden, *outputs_of(implementation(golden.question())))
            except Unsupported:
                found.refused += 1
                continue
            except Exception as error:
                failure = repr(error)
            else:
                failure = verdict.message.partition("\n")[0]
                if verdict.passed:
                    found.passed += 1
                    found.largest = max(found.largest, verdict.largest_error)
                    continue
            if name in KNOWN_WRONG and KNOWN_WRONG[name](golden):
                found.known += 1
            else:
                found.failed.append(f"{golden.id} in {precision}: {failure}")
    found.seconds = time.perf_counter() - begin
    return found


@cache
def stream(cells: tuple[str, ...], precision: str, examples: int) -> Sequence[Golden]:
    """The goldens that the seed gives, drawn once a process."""
    found: list[Golden] = []

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
        found.append(golden)

    draw()
    return found


if __name__ == "__main__":
    main()
