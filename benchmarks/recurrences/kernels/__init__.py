"""Correct implementations of recurrences, as people write them, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.recurrences.kernels import forms, libraries, others
from benchmarks.recurrences.kernels.contracts import ALL_STORED, CONTRACTS, HALF, INSIDE, TF32
from benchmarks.recurrences.kernels.forms import ATTENTION, DIAGONAL
from rnn_goldens import Golden, Unsupported
from rnn_goldens.cells.recurrence import run
from rnn_goldens.comparison.actual import Actual, actual_gradients, actual_outputs
from rnn_goldens.comparison.returned import outputs_of
from rnn_goldens.deviations.recurrences.chunks import ChunkKernel
from rnn_goldens.golden.recurrences import RECURRENCES
from rnn_goldens.golden.rounding_profile import CHUNKS, STEP
from rnn_goldens.implementations.resolution import Implementation, adapt, adapt_backward

__all__ = ["CONTRACTS", "IMPLEMENTATIONS", "Kernel"]

Numbers = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Kernel:
    """A correct implementation.

    Attributes:
        cells: the recurrences that it computes.
        function: returns the function of a golden's inputs, or of its arrays, that computes a cell in a precision by a
            contract.
        contracts: the contracts that it rounds by in a half precision, and tf32 in float32.
        algorithm: the algorithm that it computes by.
        half_alone: whether it runs in half precisions only.
    """

    cells: tuple[str, ...]
    function: Callable[[str, str, str], Callable[..., Any]]
    contracts: tuple[str, ...] = CONTRACTS
    algorithm: str = STEP
    half_alone: bool = False

    def outputs(self, golden: Golden, contract: str) -> Numbers:
        """Return the outputs and last states. Raises Unsupported for what the implementation does not compute."""
        found = adapt(self._function(golden, contract))(golden.for_implementation())
        return _numbers(actual_outputs(golden, *outputs_of(found, golden)))

    def gradients(self, golden: Golden, contract: str) -> Numbers:
        """Return the gradients by automatic differentiation, by name."""
        function = adapt_backward(self._function(golden, contract))
        return _numbers(actual_gradients(golden, function(golden.for_implementation())))

    def _function(self, golden: Golden, contract: str) -> Callable[..., Any]:
        has_contracts = golden.dtype in HALF or contract == TF32
        if golden.cell not in self.cells or (contract not in self.contracts if has_contracts else self.half_alone):
            raise Unsupported(f"does not compute {golden.cell} in {golden.dtype} by {contract}")
        return self.function(golden.cell, golden.dtype, contract)


def _numbers(actual: Actual) -> Numbers:
    assert not actual.problems
    return actual.numbers


def _of(cells: tuple[str, ...], function: Implementation, *contracts: str, algorithm: str = STEP) -> Kernel:
    """Return a function of a golden's inputs as an implementation."""
    return Kernel(cells, lambda *_: function, contracts, algorithm)


def _up_to(size: int) -> str:
    """Return the strictest algorithm that allows chunks of a size."""
    return next(name for name, largest in CHUNKS.items() if size <= largest)


def _numpy_chunks(size: int) -> Kernel:
    kernel = type(f"ChunkKernel{size}", (ChunkKernel,), {"size": size})
    return _of(ATTENTION, others.in_numpy(lambda case: kernel(case).run()), INSIDE, algorithm=_up_to(size))


def _torch_chunks(size: int) -> Kernel:
    attention = partial(forms.chunks, size=size)
    diagonal = partial(forms.diagonal, over_time=partial(forms.cumulated, size=size))
    by_cell = {**dict.fromkeys(ATTENTION, attention), **dict.fromkeys(DIAGONAL, diagonal)}
    return Kernel(tuple(by_cell), partial(libraries.torch_function, by_cell), (*CONTRACTS, TF32), _up_to(size))


_STEPS: dict[str, forms.Form] = {**dict.fromkeys(ATTENTION, forms.attention), "slstm": forms.slstm}
_TORCH_STEPS: dict[str, forms.Form] = {
    **_STEPS,
    **dict.fromkeys(DIAGONAL, partial(forms.diagonal, over_time=forms.stepwise)),
    "causal_conv": forms.torch_causal_conv,
}
_JAX_SCANS: dict[str, forms.Form] = {
    **_STEPS,
    **dict.fromkeys(DIAGONAL, partial(forms.diagonal, over_time=libraries.jax_associative)),
    "causal_conv": forms.causal_conv,
}
_CELLS = tuple(RECURRENCES)

IMPLEMENTATIONS: dict[str, Kernel] = {
    "numpy_step": _of(_CELLS, others.in_numpy(run), INSIDE),
    **{f"numpy_chunk_{size}": _numpy_chunks(size) for size in (1, 7, 16, 64)},
    "torch_step": Kernel(_CELLS, partial(libraries.torch_function, _TORCH_STEPS), (*CONTRACTS, TF32)),
    "torch_native_step": Kernel(
        _CELLS, partial(libraries.torch_function, _TORCH_STEPS, native=True), (ALL_STORED,), half_alone=True
    ),
    **{f"torch_chunk_{size}": _torch_chunks(size) for size in sorted((*CHUNKS.values(), 24, 48, 100))},
    "jax_scan": Kernel(_CELLS, partial(libraries.jax_function, _JAX_SCANS)),
    "onnx_reference": _of(ATTENTION, others.built_in("onnx-reference"), INSIDE),
    "onnx_reference_conv": _of(("causal_conv",), others.built_in("onnx-reference"), ALL_STORED),
    "onnxruntime": _of(others.IN_ONNX, others.built_in("onnxruntime"), INSIDE),
    "onnxruntime_kernel": _of(others.IN_ONNX, others.onnxruntime_kernel, INSIDE),
}
"""Chunks of 1, 7, 24, 48 and 100 steps are between the sizes whose bounds a contract has. ONNX's reference of the
convolution rounds products, sums and SiLU. ONNX Runtime computes the function that defines an operator of ONNX; the
kernel is that of its own operator of the same name."""
