"""Correct implementations of recurrences, as people write them, by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from benchmarks.recurrences.kernels import in_jax, numpy_attention, numpy_scans, numpy_steps, onnx_operators
from benchmarks.recurrences.kernels.contracts import CONTRACTS
from benchmarks.recurrences.kernels.frame import ATTENTION, DIAGONAL, NUMPY, A, Form, Kernel, Library, kernel
from benchmarks.recurrences.kernels.in_torch import STEP_FORMS, TORCH, chunk_forms, torch_gradients

__all__ = ["CONTRACTS", "IMPLEMENTATIONS", "Implementation", "torch_gradients"]

SIZES = (1, 7, 16, 64)
"""Steps of a chunk."""


@dataclass(frozen=True)
class Implementation:
    """A correct implementation.

    Attributes:
        name: its name.
        cells: the recurrences that it computes.
        function: returns outputs and last states of a case, in a precision and by a contract; raises Unsupported.
    """

    name: str
    cells: tuple[str, ...]
    function: Kernel


def _of_forms(name: str, forms: Mapping[str, Form[A]], library: Library[A], *, native: bool = False) -> Implementation:
    return Implementation(name, tuple(forms), kernel(forms, library, native=native))


def _numpy_chunks(size: int, *, direct: bool) -> Implementation:
    form = partial(numpy_attention.chunks, size=size, direct=direct)
    return _of_forms(f"numpy_chunk_{size}{'_direct' if direct else ''}", dict.fromkeys(ATTENTION, form), NUMPY)


def _numpy_cumulated(size: int | None) -> Implementation:
    form = partial(numpy_scans.cumulated, size=size)
    return _of_forms(f"numpy_cumulated{f'_{size}' if size else ''}", dict.fromkeys(DIAGONAL, form), NUMPY)


_ALL = (
    _of_forms("numpy_step", {**dict.fromkeys(ATTENTION, numpy_attention.step), **numpy_steps.STEPS}, NUMPY),
    _of_forms(
        "numpy_other_step", {**dict.fromkeys(ATTENTION, numpy_attention.other_step), **numpy_steps.OTHER_STEPS}, NUMPY
    ),
    *(_numpy_chunks(size, direct=direct) for size in SIZES for direct in (False, True)),
    *(_numpy_cumulated(size) for size in (None, 16)),
    _of_forms("numpy_associative", dict.fromkeys(DIAGONAL, numpy_scans.associative), NUMPY),
    _of_forms("torch_step", STEP_FORMS, TORCH),
    _of_forms("torch_native_step", STEP_FORMS, TORCH, native=True),
    *(_of_forms(f"torch_chunk_{size}", chunk_forms(size), TORCH) for size in (16, 64)),
    Implementation("jax_scan", tuple(in_jax.FORMS), in_jax.jax_scan),
    Implementation("onnx_reference", onnx_operators.CELLS, onnx_operators.onnx_reference),
    Implementation("onnxruntime", onnx_operators.CELLS, onnx_operators.onnxruntime),
    Implementation("onnxruntime_kernel", onnx_operators.CELLS, onnx_operators.onnxruntime_kernel),
)

IMPLEMENTATIONS: dict[str, Implementation] = {implementation.name: implementation for implementation in _ALL}
