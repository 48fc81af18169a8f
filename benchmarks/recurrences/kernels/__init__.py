"""Correct implementations of recurrences, as people write them, by name."""

from functools import partial

from benchmarks.recurrences.kernels import forms, onnx_operators
from benchmarks.recurrences.kernels.contracts import CONTRACTS
from benchmarks.recurrences.kernels.forms import ATTENTION, DIAGONAL, OTHER_STEPS, STEPS
from benchmarks.recurrences.kernels.kernel import Forms, Kernel
from benchmarks.recurrences.kernels.library import NUMPY, in_jax, in_torch

__all__ = ["CONTRACTS", "IMPLEMENTATIONS", "Forms", "Kernel", "cells_of", "numpy_chunks"]

SIZES = (1, 7, 16, 64)
"""Steps of a chunk."""


def numpy_chunks(size: int, *, direct: bool) -> Forms:
    """Return attention in chunks of a size."""
    return Forms(lambda: NUMPY, dict.fromkeys(ATTENTION, partial(forms.chunks, size=size, direct=direct)))


def _numpy_cumulated(size: int) -> Forms:
    return Forms(lambda: NUMPY, dict.fromkeys(DIAGONAL, partial(forms.cumulated, size=size)))


def _torch_chunks(size: int) -> Forms:
    attention, diagonal = partial(forms.chunks, size=size), partial(forms.cumulated, size=size)
    return Forms(in_torch, {**dict.fromkeys(ATTENTION, attention), **dict.fromkeys(DIAGONAL, diagonal)})


_TORCH_STEPS = {
    **STEPS,
    "selective_scan": forms.other_selective_scan,
    "min_gru": forms.complementary_min_gru,
    "causal_conv": forms.torch_causal_conv,
}
_SCANS = {**dict.fromkeys(ATTENTION, forms.attention), **dict.fromkeys(DIAGONAL, forms.associative)}

IMPLEMENTATIONS: dict[str, Kernel] = {
    "numpy_step": Forms(lambda: NUMPY, STEPS),
    "numpy_other_step": Forms(lambda: NUMPY, OTHER_STEPS),
    **{f"numpy_chunk_{size}": numpy_chunks(size, direct=False) for size in SIZES},
    **{f"numpy_chunk_{size}_direct": numpy_chunks(size, direct=True) for size in SIZES},
    "numpy_cumulated": _numpy_cumulated(0),
    "numpy_cumulated_16": _numpy_cumulated(16),
    "numpy_associative": Forms(lambda: NUMPY, dict.fromkeys(DIAGONAL, forms.associative)),
    "torch_step": Forms(in_torch, _TORCH_STEPS),
    "torch_native_step": Forms(in_torch, _TORCH_STEPS, native=True),
    **{f"torch_chunk_{size}": _torch_chunks(size) for size in (16, 64)},
    "jax_scan": Forms(in_jax, {**STEPS, **_SCANS}),
    "onnx_reference": onnx_operators.onnx_reference,
    "onnxruntime": onnx_operators.onnxruntime,
    "onnxruntime_kernel": onnx_operators.onnxruntime_kernel,
}


def cells_of(kernel: Kernel) -> tuple[str, ...]:
    """Return the recurrences that an implementation computes."""
    return tuple(kernel.by_cell) if isinstance(kernel, Forms) else onnx_operators.CELLS
