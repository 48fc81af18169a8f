"""Prints what the Python package answers, one JSON object per line, for the tests to compare: `kind` says which.

Numbers are base64 of little-endian float64, so that tests compare bits.
"""

import base64
import json
from collections.abc import Callable, Iterator
from itertools import count, cycle, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.comparison.actual import actual_by_name
from rnn_goldens.comparison.verdict import Verdict, verdict_on
from rnn_goldens.corpus import open_corpus, select
from rnn_goldens.golden.precision import PRECISIONS

SELECTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"cell": "lstm"},
    {"cell": ["gru", "lstm"], "without": ["lengths", "bidirectional"], "dtype": "float64"},
    {"cell": "gated_delta", "without": "packed", "dtype": "bfloat16"},
    {"cell": "linear_before_reset=0"},
    {"cell": "use_peepholes=true"},
    {"cell": "clip=1.0"},
    {"features": "core", "dtype": "float16"},
    {"features": ["exact", "multilayer"]},
    {"ids": "gru-*/*"},
    {"ids": "*/plain"},
    {"ids": ["lstm*/plain", "rnn-elu/?*"]},
    {"ids": "lstm/[ab]*"},
    {"ids": "lstm/[!a-s]*"},
    {"ids": "*"},
)

SHARE = 0.15
"""The share of elements that are changed."""

PER_PRECISION = 2
"""The number of wrong outputs for a golden in one precision. Goldens and precisions take turns."""

Array = NDArray[Any]
Outputs = dict[str, Array]

rng = np.random.default_rng(1)


def main() -> None:
    """Print the answers."""
    corpus = open_corpus()
    for selection in SELECTIONS:
        show(kind="selection", selection=selection, ids=[golden.id for golden in select(**selection)])
    turns = count(step=PER_PRECISION)
    for entry in corpus.entries:
        for dtype in entry.precisions:
            show_golden(corpus.load(entry.id, dtype), next(turns))


def show_golden(golden: Golden, turn: int) -> None:
    """Print the arrays of a golden in a precision, and the verdicts on wrong outputs."""
    expected = golden.expected_of()
    arrays = {
        "inputs": golden.inputs,
        "states": golden.states,
        "weights": golden.weights,
        "expected": golden.expected,
        "tolerance": {name: expected.allowed(name) for name in expected.values},
    }
    encoded = {kind: {name: bits(array) for name, array in found.items()} for kind, found in arrays.items()}
    show(kind="golden", id=golden.id, dtype=golden.dtype, **encoded)
    read_from_file = golden.copied(corpus=None)  # whose messages do not end with the command that shows the golden
    every = list(wrong_outputs(golden))
    for outputs in islice(cycle(every), turn % len(every), turn % len(every) + PER_PRECISION):
        verdict = verdict_on(actual_by_name(read_from_file, outputs))
        show(kind="verdict", id=golden.id, dtype=golden.dtype, outputs=tensors(outputs), **answers(verdict))


def wrong_outputs(golden: Golden) -> Iterator[Outputs]:
    """Yield outputs near the tolerance, of lower precision, not finite, of another type, or of another shape."""
    stored, expected = golden.stored.expected, golden.expected_of()
    declared, lower = PRECISIONS[golden.dtype], PRECISIONS["bfloat16" if golden.dtype == "float32" else "float32"]

    def changed(change: Callable[[str, Array], Array]) -> Outputs:
        return {name: np.ascontiguousarray(change(name, array)) for name, array in stored.items()}

    def near_the_tolerance(name: str, array: Array) -> Array:
        return array + rng.choice([0, 0.5, -0.999, 1.001, -3, 1e6], array.shape) * expected.allowed(name)

    def here_and_there(array: Array, values: list[float]) -> Array:
        return np.where(rng.random(array.shape) < SHARE, rng.choice(values, array.shape), array)

    yield changed(near_the_tolerance)
    yield changed(lambda _, array: here_and_there(array, [0.5, -0.0, 1e-5, 1e16, 123456.789, 1e-40]))
    yield changed(lambda _, array: lower.round(array).astype(np.float64) + 0)
    yield changed(lambda _, array: here_and_there(array, [np.nan, np.inf, -np.inf]))
    yield changed(lambda _, array: declared.round(array).astype(np.float32) * np.float32(1.25))
    yield changed(lambda _, array: array.swapaxes(0, 1))
    yield changed(lambda name, array: array[..., None] if name.endswith("_n") else array * 2)


def answers(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as JSON."""
    fields = ("problem", "dtype", "size", "wrong", "nan", "infinite", "computed_in")
    return {
        "passed": verdict.passed,
        "largest_error": bits(np.asarray(verdict.largest_error)),
        "message": verdict.message,
        "differences": {
            name: {
                **{field: getattr(found, field) for field in fields},
                "first": found.first and found.first.index,
                "largest": found.largest and found.largest.index,
                "time_steps": found.time_steps,
                "largest_error": bits(np.asarray(found.largest_error)),
            }
            for name, found in verdict.differences.items()
        },
    }


def tensors(outputs: Outputs) -> dict[str, Any]:
    """Return outputs as JSON, with the types of their arrays."""
    return {
        name: {"shape": array.shape, "dtype": array.dtype.name, "data": bits(array)} for name, array in outputs.items()
    }


def bits(array: NDArray[Any]) -> str:
    """Return the numbers of an array as base64."""
    return base64.b64encode(array.astype("<f8").tobytes()).decode()


def show(**answer: object) -> None:
    """Print one line."""
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
