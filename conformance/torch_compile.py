"""``torch.compile``, with Inductor on the CPU: the step of a cell is compiled, and unrolled as in ``torch-cells``.

Inductor needs a C++ compiler. Layers are not checked, because ``torch.compile`` does not compile an ``nn.LSTM``.
``fullgraph`` ensures that the complete step is compiled.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations.array_library import TORCH
from rnn_goldens.implementations.differentiation import gradients
from rnn_goldens.implementations.network_construction import require_cell
from rnn_goldens.implementations.torch import given_tensors, unrolled

STEPS: dict[str, Callable[..., Any]] = {
    "rnn_tanh": torch.rnn_tanh_cell,
    "rnn_relu": torch.rnn_relu_cell,
    "lstm": torch.lstm_cell,
    "gru": torch.gru_cell,
}

COMPILERS = (os.environ.get("CXX", "g++"), "g++", "clang++")
"""Compilers that Inductor looks for."""

HALF = ("bfloat16", "float16")

NOT_COMPILED = "https://github.com/pytorch/pytorch/issues/159245"
"""A variable is declared twice where Inductor sums a half precision over an axis in vectors: torch 2.13.0, AVX-512."""

RECOMPILATIONS = 4096
"""More than the variants of a step: by type, biases, gradients, and axes of size one."""


def run(golden: Inputs) -> tuple[Tensor, ...] | Mapping[str, Any]:
    """Return out, h_n (and c_n), or gradients.

    Raises Unsupported for cells that torch lacks, and if no C++ compiler is found.
    """
    if golden.has_cotangents:
        return _gradients(golden)
    with torch.no_grad():
        return _call(golden, {**given_tensors(golden), **_weights(golden)})


def _gradients(golden: Inputs) -> Mapping[str, Any]:
    """Return the gradients that ``torch.autograd`` computes, by name.

    Raises Unsupported as ``run`` does, and in half precisions, where Inductor often writes C++ that does not compile.
    """
    if golden.dtype in HALF:
        raise Unsupported(f"Inductor's C++ of a backward pass in {golden.dtype} often does not compile: {NOT_COMPILED}")
    leaves = {**given_tensors(golden), **_weights(golden)}
    return gradients(TORCH, golden, lambda tensors: _call(golden, tensors), leaves)


def _weights(golden: Inputs) -> dict[str, Tensor]:
    return {name: torch.tensor(array, dtype=getattr(torch, golden.dtype)) for name, array in golden.weights.items()}


def _call(golden: Inputs, given: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    require_cell(golden, "torch")
    if not any(map(shutil.which, COMPILERS)):
        raise Unsupported("torch.compile needs a C++ compiler: there is no g++ and no clang++ on the PATH")
    step = _compiled(golden.cell)
    cells = {
        suffix: partial(step, [given[name] for name in golden.weights if name.endswith(f"_{suffix}")])
        for suffix in golden.network.suffixes
    }
    return unrolled(golden, cells, given)


@cache
def _compiled(cell: str) -> Callable[..., Any]:
    """Return the compiled step of a cell, for arrays of any size, as a process has it that runs several networks."""
    limits = torch._dynamo.config
    limits.recompile_limit = limits.accumulated_recompile_limit = RECOMPILATIONS

    def step(weights: list[Tensor], x: Tensor, state: Any) -> Any:  # noqa: ANN401 - h, or h and c
        return STEPS[cell](x, state, *weights)

    return torch.compile(step, fullgraph=True, dynamic=True)
