"""Runs NumPy, torch and ONNX Runtime on all float16 and bfloat16 arguments of activations and on a float32 sample.

The check is that of ``rnn-goldens check WHAT --exhaustive``. Exits with 1 if an implementation is wrong.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from benchmarks import page
from benchmarks.benchmark import PROCESSES, Measured
from rnn_goldens.exhaustive.sweep import SweepResult, exhaustive_check
from rnn_goldens.implementations import outputs_of, resolve

IMPLEMENTATIONS = ("numpy", "torch", "onnxruntime")

INTRODUCTION = """## Every argument of an activation

NumPy, torch and ONNX Runtime computed each activation at every finite float16 and bfloat16 number and at a sample of
float32 ([`check --exhaustive`](../implementations.md#every-argument-of-an-activation)).

Each entry is the largest error as a fraction of the tolerance, and in brackets the largest error in units in the last
place (ulp) of the exact result. A sigmoid near zero may have an error of many ulp within its tolerance. The reset
gate of a GRU affects outputs only through a tanh. “refused”: the implementation does not support the precision."""


def measured() -> Measured:
    """Return the section, and what an implementation computes wrongly."""
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        results = dict(zip(IMPLEMENTATIONS, pool.map(check, IMPLEMENTATIONS), strict=True))
    wrong = [
        f"{name}: {one.activation.name} of {one.activation.cell} in {one.precision}"
        for name, sweep in results.items()
        for one in sweep
        if not one.is_right
    ]
    return Measured(report(results), wrong)


def check(name: str) -> list[SweepResult]:
    """Return the results of an implementation for each activation in each precision."""
    run = resolve(name)
    return list(exhaustive_check(lambda inputs: outputs_of(run(inputs))))


def report(results: Mapping[str, Sequence[SweepResult]]) -> str:
    """Return the section, with a row for each activation in each precision."""
    rows: dict[str, list[str]] = {}
    counts: dict[str, int] = {}
    for sweep in results.values():
        for one in sweep:
            what = f"{one.activation.cell}: {one.activation.name}, {one.precision}"
            rows.setdefault(what, []).append(_entry(one))
            if one.errors:
                counts[one.precision] = one.errors.visited
    table = page.table(("activation", *results), [(what, *entries) for what, entries in rows.items()])
    visited = ", ".join(f"{count:,} in {precision}" for precision, count in counts.items())
    return f"{INTRODUCTION}\n\nArguments of each activation: {visited}.\n\n{table}"


def _entry(one: SweepResult) -> str:
    errors = one.errors
    if errors is None:
        return "refused"
    wrong = f"{errors.wrong} WRONG, " if errors.wrong else ""
    return f"{wrong}{errors.fraction:.2f} ({errors.ulp:.3g})"
