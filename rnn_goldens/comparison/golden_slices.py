"""Slices of a golden: some rows of its batch, or some time steps."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.comparison.array_conversion import Output
from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.embedding import Embedding
from rnn_goldens.golden.shapes import BATCH, SEQUENCE, TIME
from rnn_goldens.golden.stored_arrays import Float64
from rnn_goldens.golden.tolerance import with_arrays


def of_rows(golden: GoldenData, rows: NDArray[np.intp]) -> GoldenData:
    """Return the golden with only these rows of the batch."""
    stored = golden.stored

    def of(arrays: Mapping[str, Float64]) -> dict[str, Float64]:
        return {name: np.take(array, rows, _batch_axis(golden, name)) for name, array in arrays.items()}

    part = replace(
        stored,
        inputs=of(stored.inputs),
        states=of(stored.states),
        lengths=None if stored.lengths is None else stored.lengths[rows],
        expected=of(stored.expected),
    )
    tolerance = with_arrays(golden.tolerance, lambda _, name, array: np.take(array, rows, _batch_axis(golden, name)))
    embedding = golden.embedding and _of_rows(golden.embedding, rows)
    return replace(golden, stored=part, tolerance=tolerance, gradients=None, stored_states=None, embedding=embedding)


def _of_rows(embedding: Embedding, rows: NDArray[np.intp]) -> Embedding | None:
    """Return the embedding of some rows, in the larger sizes other than the batch; None if there are no others."""
    axes, sizes = dict(embedding.axes), dict(embedding.sizes)
    if BATCH in axes:
        rows = axes.pop(BATCH).source[rows]
        del sizes[BATCH]
    return replace(embedding, original=of_rows(embedding.original, rows), sizes=sizes, axes=axes) if sizes else None


def _batch_axis(golden: GoldenData, name: str) -> int:
    """Return the axis of the batch, which is the axis of sequences in the states of a recurrence."""
    axes = golden.axes(name)
    return axes.index(BATCH if BATCH in axes else SEQUENCE)


def joined(first: Output, second: Output, axis: int) -> Output:
    """Return one output from two parts of its time steps, in the less precise type of the two."""
    coarser = min(first, second, key=lambda output: math.inf if output.bits is None else output.bits)
    return Output(np.concatenate([first.values, second.values], axis=axis), coarser.dtype)


def middle_step(golden: GoldenData) -> int:
    """Return the step to split at, so that every sequence has steps in both parts; 0 if a sequence has one step."""
    shortest = golden.time if golden.lengths is None else int(golden.lengths.min())
    return shortest // 2


def longest(golden: GoldenData) -> int:
    """Return the number of time steps of the longest sequence."""
    return golden.time if golden.lengths is None else int(golden.lengths.max())


def of_steps(golden: GoldenData, begin: int, end: int, start: dict[str, Any]) -> GoldenData:
    """Return the golden with only these time steps, the initial state ``start`` if any, and unchanged last states."""
    stored, first = golden.stored, golden.layout.outputs[0]

    def in_time(name: str, array: Float64) -> Float64:
        axis = golden.axis(name, TIME)
        assert axis is not None
        part: Float64 = np.moveaxis(np.moveaxis(array, axis, 0)[begin:end], 0, axis)
        return part

    lengths = None if stored.lengths is None else np.clip(stored.lengths - begin, 0, end - begin)
    part = replace(
        stored,
        inputs={name: in_time(name, array) for name, array in stored.inputs.items()},
        lengths=lengths,
        states=start or stored.states,
        expected={**stored.expected, first: in_time(first, stored.expected[first])},
    )
    features = (*golden.features, "state") if start and "state" not in golden.features else golden.features
    return replace(golden, stored=part, features=features, gradients=None, stored_states=None)
