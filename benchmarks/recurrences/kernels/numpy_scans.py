"""Diagonal recurrences h' = a h + b in NumPy, as scans: by running sums of log a, and by an associative operation."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.recurrences.kernels.contracts import Rounding
from benchmarks.recurrences.kernels.numpy_steps import sigmoid, softplus
from rnn_goldens.golden.recurrences import RecurrenceConfig

Array = NDArray[Any]
Arrays = Mapping[str, Array]


def _terms(x: Arrays) -> tuple[Array, Array]:
    """Return log a and b of all steps."""
    if "dt" in x:
        dt = softplus(x["dt"])
        return dt[..., None] * x["A"], (dt * x["u"])[..., None] * x["B"][:, :, None]
    if "Lambda" in x:
        log_a = -8 * softplus(x["Lambda"]) * sigmoid(x["r"])
        return log_a, np.sqrt(1 - np.exp(2 * log_a)) * (sigmoid(x["i"]) * x["x"])
    return -softplus(x["z"]), sigmoid(x["z"]) * x["n"]


def _read(x: Arrays, h: Array, last: Array, r: Rounding[Array]) -> dict[str, Array]:
    """Return the outputs from the states after all steps."""
    if "C" in x:
        return {"y": np.einsum("btdn,btn->btd", r.operand(h), x["C"]) + x["D"] * x["u"], "h_n": last}
    return {"out": h, "h_n": last}


def cumulated(_: RecurrenceConfig, x: Arrays, r: Rounding[Array], *, size: int | None = None) -> dict[str, Array]:
    """Compute all steps of a chunk at once: b of step j reaches step i times exp(sum_i - sum_j), of sums of log a.

    Without a size, all steps are one chunk.
    """
    (log_a, b), h, found = _terms(x), x["h0"], []
    for start in range(0, log_a.shape[1], size or log_a.shape[1]):
        steps = slice(start, start + (size or log_a.shape[1]))
        sums = np.cumsum(log_a[:, steps], axis=1)
        lower = np.tri(sums.shape[1], dtype=bool).reshape(sums.shape[1], -1, *(1,) * (sums.ndim - 2))
        between = np.where(lower, np.exp(np.where(lower, sums[:, :, None] - sums[:, None], 0)), 0).astype(sums.dtype)
        added = np.einsum("bij...,bj...->bi...", r.operand(between), r.operand(b[:, steps]))
        found.append(r.operand(np.exp(sums)) * r.operand(h)[:, None] + added)
        h = r.state(found[-1][:, -1])
    return _read(x, np.concatenate(found, axis=1), h, r)


def associative(_: RecurrenceConfig, x: Arrays, r: Rounding[Array]) -> dict[str, Array]:
    """Compute by recursive doubling: (a, b) after (a', b') is (a a', a b' + b)."""
    log_a, b = _terms(x)
    a, distance = np.exp(log_a), 1
    b = np.concatenate([(a[:, 0] * x["h0"] + b[:, 0])[:, None], b[:, 1:]], axis=1)
    while distance < a.shape[1]:
        new_b = a[:, distance:] * b[:, :-distance] + b[:, distance:]
        new_a = a[:, distance:] * a[:, :-distance]
        a, b = np.concatenate([a[:, :distance], new_a], axis=1), np.concatenate([b[:, :distance], new_b], axis=1)
        distance *= 2
    h = r.state(b)
    return _read(x, h, h[:, -1], r)
