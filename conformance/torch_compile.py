"""``torch.compile``, with Inductor on the CPU: the step of a cell is compiled, and unrolled as ``torch-cells`` are.

Inductor needs a C++ compiler. A layer is not asked: ``torch.compile`` leaves an ``nn.LSTM`` as it is, and so it is
``torch`` again. ``fullgraph`` sees to it that no part of a step is left so.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from rnn_goldens.checkable.golden import Question
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations.arguments import require_ours
from rnn_goldens.implementations.kept import Kept
from rnn_goldens.implementations.torch.cells import unrolled
from rnn_goldens.implementations.torch.gradients import Gradients
from rnn_goldens.implementations.torch.gradients import gradients as of_outputs
from rnn_goldens.implementations.torch.layers import Given

STEPS: dict[str, Callable[..., Any]] = {
    "rnn_tanh": torch.rnn_tanh_cell,
    "rnn_relu": torch.rnn_relu_cell,
    "lstm": torch.lstm_cell,
    "gru": torch.gru_cell,
}

COMPILERS = (os.environ.get("CXX", "g++"), "g++", "clang++")
"""Those that Inductor looks for."""

Weights = Mapping[str, Tensor]


def run(golden: Question) -> tuple[Tensor, ...] | Gradients:
    """Return out, h_n (and c_n), or gradients. Raises Unsupported for a cell of someone's own."""
    if golden.asks_gradients:
        return _gradients(golden)
    with torch.no_grad():
        return _call(golden, Given.of(golden), _weights(golden))


def _gradients(golden: Question) -> Gradients:
    """Return the gradients by name, for a question's cotangents, by ``torch.autograd``. Refuses what ``run`` does."""
    given, weights = Given.of(golden), _weights(golden)
    for weight in weights.values():
        weight.requires_grad_()
    return of_outputs(golden, _call(golden, given, weights), {**given.leaves, **weights})


def _weights(golden: Question) -> dict[str, Tensor]:
    return {name: torch.tensor(array, dtype=getattr(torch, golden.dtype)) for name, array in golden.weights.items()}


def _call(golden: Question, given: Given, weights: Weights) -> tuple[Tensor, ...]:
    step = _step(golden)
    cells = {
        suffix: partial(step, [weight for name, weight in weights.items() if name.endswith(f"_{suffix}")])
        for suffix in golden.config.suffixes
    }
    return unrolled(golden, cells, given.x, given.states)


def _compiled(golden: Question) -> Callable[..., Any]:
    """The compiled step of a golden's cell; what was compiled for others is let go, as torch keeps eight."""
    require_ours(golden, "torch")
    if not any(map(shutil.which, COMPILERS)):
        raise Unsupported("torch.compile needs a C++ compiler: there is no g++ and no clang++ on the PATH")
    cell = STEPS[golden.cell]
    torch.compiler.reset()

    def step(weights: list[Tensor], x: Tensor, state: Any) -> Any:  # noqa: ANN401 - h, or h and c
        return cell(x, state, *weights)

    return torch.compile(step, fullgraph=True)


_step = Kept(_compiled, lambda _step, _golden: None)
