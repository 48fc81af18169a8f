"""Prints what the Python package answers, one JSON object per line, for the tests to compare: `kind` says which.

Numbers are base64 of little-endian float64, so that tests compare bits. With larger sizes as its argument, it prints
only goldens that are embedded in them.
"""

import base64
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import count, cycle, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.cells import golden_case
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.command_line.export import in_larger_sizes, where_supported
from rnn_goldens.comparison.actual import actual_by_name
from rnn_goldens.comparison.verdict import Verdict, verdict_on
from rnn_goldens.corpus import Corpus, open_corpus, select
from rnn_goldens.corpus.index import Entry
from rnn_goldens.deviations import DEVIATIONS, Deviation
from rnn_goldens.deviations.recurrences import RECURRENCE_DEVIATIONS
from rnn_goldens.golden.embedding import larger_sizes
from rnn_goldens.golden.precision import NUMBER_TYPES, PRECISIONS

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
    {"cell": "lstm_int8_tflm"},
    {"ids": "lstm-16x8-*/*", "features": "state", "dtype": "float64"},
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

OF_NETWORKS, OF_RECURRENCES = 160, 40
"""The numbers of deviations that run, evenly from all."""

GOLDENS_OF_ONE = 3
"""The number of goldens on which a deviation runs, at most; it is wrong on each in the widest precision."""

STRIDE = 37
"""The distance in the corpus of the goldens that are tried one after the other."""

ONE_IN = 5
"""The share of goldens that are embedded."""

HALF_PRECISIONS = ("float16", "bfloat16")

Array = NDArray[Any]
Outputs = dict[str, Array]

rng = np.random.default_rng(1)


def main() -> None:
    """Print the answers."""
    corpus = open_corpus()
    if sys.argv[1:]:
        show_embedded(corpus, sys.argv[1].split(","))
        return
    for selection in SELECTIONS:
        show(kind="selection", selection=selection, ids=[golden.id for golden in select(**selection)])
    turns = count(step=PER_PRECISION)
    for entry in corpus.entries:
        for dtype in entry.precisions:
            show_golden(corpus.load(entry.id, dtype), next(turns))
    show_deviations(corpus)


def show_embedded(corpus: Corpus, sizes: Sequence[str]) -> None:
    """Print some of the goldens that fit, in larger sizes, as ``show_golden`` does."""
    goldens = (corpus.load(entry.id, dtype) for entry in corpus.entries[::ONE_IN] for dtype in entry.precisions)
    found, _ = where_supported(goldens, lambda golden: in_larger_sizes(golden, larger_sizes(sizes)), lambda one: one.id)
    for turn, golden in zip(count(step=PER_PRECISION), found, strict=False):
        show_golden(golden, turn)


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
    every = list(wrong_outputs(golden))
    for outputs in islice(cycle(every), turn % len(every), turn % len(every) + PER_PRECISION):
        show_verdict(golden, outputs, kind="verdict")


def show_deviations(corpus: Corpus) -> None:
    """Print the verdicts on outputs of deviations, in float64, float32 and a half precision."""
    turns = cycle(HALF_PRECISIONS)
    for one in (*evenly(DEVIATIONS, OF_NETWORKS), *evenly(RECURRENCE_DEVIATIONS, OF_RECURRENCES)):
        for entry, outputs in islice(wrong_results(one, corpus), GOLDENS_OF_ONE):
            for dtype in ("float64", "float32", next(turns)):
                if dtype in entry.precisions:
                    golden = corpus.load(entry.id, dtype)
                    show_verdict(golden, rounded(outputs, dtype), kind="deviation", deviation=one.name)


def wrong_results(one: Deviation, corpus: Corpus) -> Iterator[tuple[Entry, Outputs]]:
    """Yield goldens from all folders on which a deviation is wrong in the widest precision, with its outputs."""
    of_cells = [entry for entry in corpus.entries if entry.cell in one.cells]
    for entry in (of_cells[k] for start in range(STRIDE) for k in range(start, len(of_cells), STRIDE)):
        golden = corpus.load(entry.id, entry.precisions[0])
        outputs = outputs_of(one, golden)
        if outputs and not verdict_on(actual_by_name(golden, outputs)).passed:
            yield entry, outputs


def outputs_of(one: Deviation, golden: Golden) -> Outputs:
    """Return the wrong outputs of a deviation, in float64; none if the golden lacks a feature that it needs."""
    case = golden_case(golden, np.float64)
    found = one.outputs(case) if one.has_needs(case, golden.features) else {}
    return {name: found[name] for name in golden.stored.expected if name in found}


def rounded(outputs: Outputs, dtype: str) -> Outputs:
    """Return outputs rounded to a precision; half precisions are carried in float32."""
    carrier = np.float64 if dtype == "float64" else np.float32
    return {name: PRECISIONS[dtype].round(array.astype(np.float64)).astype(carrier) for name, array in outputs.items()}


def evenly(of: Sequence[Any], number: int) -> list[Any]:
    """Return a number of elements, evenly from all; all if there are fewer."""
    return [of[k * len(of) // number] for k in range(number)] if len(of) > number else list(of)


def wrong_outputs(golden: Golden) -> Iterator[Outputs]:
    """Yield outputs near the tolerance, of lower precision, not finite, of another type, or of another shape."""
    stored, expected = golden.stored.expected, golden.expected_of()
    declared, lower = NUMBER_TYPES[golden.dtype], PRECISIONS["bfloat16" if golden.dtype == "float32" else "float32"]

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


def show_verdict(golden: Golden, outputs: Outputs, **names: str) -> None:
    """Print outputs, and the verdict on them."""
    read_from_file = golden.copied(corpus=None)  # whose messages do not end with the command that shows the golden
    verdict = verdict_on(actual_by_name(read_from_file, outputs))
    show(**names, id=golden.id, dtype=golden.dtype, outputs=tensors(outputs), **answers(verdict))


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
