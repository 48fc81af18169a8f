"""Arithmetic of lower precision than declared, approximations, and overflow of recurrences."""

from collections.abc import Callable
from typing import Any

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.cells.recurrence import RecurrenceCase
from rnn_goldens.deviations.recurrences.chunks import of_chunks
from rnn_goldens.deviations.recurrences.deviation import (
    ATTENTION,
    CELLS,
    DELTA,
    GATED,
    Outputs,
    RecurrenceDeviation,
)
from rnn_goldens.deviations.recurrences.kernel import replaced
from rnn_goldens.deviations.recurrences.scan_kernels import KERNELS
from rnn_goldens.deviations.recurrences.step_kernel import StepKernel
from rnn_goldens.golden.precision import PRECISIONS

HALF = ("bfloat16", "float16")

WITH_EXPONENTIAL = (*GATED, "selective_scan", "rg_lru")
"""The recurrences whose state decays by an exponential."""


def rounded(name: str, values: Array) -> Array:
    """Return values rounded to a precision, in an array of the same type."""
    return PRECISIONS[name].round(values.astype(np.float64)).astype(values.dtype)


def in_steps(
    cells: tuple[str, ...],
    name: str,
    sentence: str,
    stands_for: tuple[str, ...] = (),
    **methods: Callable[..., Any],
) -> RecurrenceDeviation:
    """Return the deviation with replaced methods of the kernel that runs each cell step by step."""
    kernels = {kernel: replaced(kernel, **methods) for kernel in {KERNELS[cell] for cell in cells}}

    def wrong(case: RecurrenceCase) -> Outputs:
        return kernels[KERNELS[case.cell]](case)

    return RecurrenceDeviation(name, sentence, wrong, cells, (), stands_for)


def result_in(name: str, method: str) -> dict[str, Any]:
    """Return the replacement that rounds what a method returns."""
    return {method: lambda right, *args: rounded(name, getattr(right, method)(*args))}


def _state_kept_in(name: str, *stands_for: str) -> RecurrenceDeviation:
    cells = tuple(cell for cell in CELLS if cell != "causal_conv")
    return in_steps(
        cells,
        f"state_kept_in_{name}",
        f"Keeps the state in {name} between steps.",
        stands_for,
        **result_in(name, "kept"),
    )


def _summed_in(name: str) -> RecurrenceDeviation:
    def read(_right: StepKernel, q: Array, S: Array) -> Array:
        total = np.zeros((*q.shape[:-1], S.shape[-1]), q.dtype)
        for row in range(q.shape[-1]):
            total = rounded(name, total + rounded(name, q[..., row, None] * S[..., None, row, :]))
        return total

    return in_steps(
        ATTENTION,
        f"output_summed_in_{name}",
        f"Rounds each term and each sum of the product of query and state to {name}.",
        read=read,
    )


# The decay.


def _approximated(right: Any, *args: Any) -> Array:  # noqa: ANN401 - any kernel and its arguments
    decay: Array = right.decay(*args)
    fraction, _ = np.frexp(decay)
    return np.asarray(decay * (1 + decay.dtype.type(2**-9) * np.sin(2 * np.pi * fraction).astype(decay.dtype)))


def _flushed(right: Any, *args: Any) -> Array:  # noqa: ANN401 - any kernel and its arguments
    decay: Array = right.decay(*args)
    return np.where(decay < decay.dtype.type(2.0 ** PRECISIONS["float16"].min_exponent), 0, decay)


DEVIATIONS = (
    _state_kept_in("bfloat16"),
    _state_kept_in("float16", "TensorRT-Model-Connect PR725", "llm-scaler#559"),
    *(_summed_in(name) for name in HALF),
    in_steps(
        ATTENTION,
        "output_in_float16",
        "Returns the outputs in float16, where large ones overflow.",
        ("vllm#54308",),
        **result_in("float16", "output"),
    ),
    in_steps(
        GATED,
        "decayed_state_in_float16",
        "Rounds the decayed state to float16.",
        ("cudnn-frontend#916",),
        **result_in("float16", "decayed"),
    ),
    *(
        in_steps(
            (*WITH_EXPONENTIAL, "min_gru"),
            f"decay_in_{name}",
            f"Rounds the factor of the state to {name}.",
            **result_in(name, "decay"),
        )
        for name in HALF
    ),
    in_steps(
        WITH_EXPONENTIAL,
        "decay_approximated",
        "Computes the factor of the state by an approximation with relative errors up to 2^-9.",
        decay=_approximated,
    ),
    in_steps(
        GATED,
        "small_decay_flushed_to_zero",
        "Takes zero for factors of the state below 2^-14, the smallest normal number of float16.",
        decay=_flushed,
    ),
    in_steps(
        DELTA,
        "beta_in_bfloat16",
        "Rounds beta to bfloat16.",
        ("vllm PR53877", "sglang PR40362", "LightLLM PR1579"),
        **result_in("bfloat16", "betas"),
    ),
    in_steps(
        DELTA,
        "held_value_in_bfloat16",
        "Rounds what the state holds for the key to bfloat16.",
        **result_in("bfloat16", "seen"),
    ),
    *(
        of_chunks(
            GATED,
            f"decay_sums_in_{name}",
            f"Rounds the sums of the log-decays of a chunk to {name}.",
            **result_in(name, "sums"),
        )
        for name in HALF
    ),
    of_chunks(
        DELTA,
        "inverse_in_bfloat16",
        "Rounds the inverse of I + A to bfloat16.",
        **result_in("bfloat16", "inverse"),
    ),
    of_chunks(
        GATED,
        "decays_between_steps_factored",
        "Computes the decay between two steps as e^G_i e^-G_j, which overflows if the decay over a chunk is strong.",
        stands_for=("executorch PR21417",),
        decay=lambda _right, later, earlier, causal: np.exp(later) * np.exp(-earlier) * causal,
    ),
    of_chunks(
        GATED,
        "exponential_before_mask",
        "Multiplies decays to later steps by zero, after an exponential that overflows if the decay is strong.",
        decay=lambda _right, later, earlier, causal: np.exp(later - earlier) * causal,
    ),
)
