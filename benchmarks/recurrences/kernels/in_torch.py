"""Recurrences in torch as implementations, and their gradients by autograd."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import torch

from benchmarks.recurrences.kernels.contracts import HALF, inside, rounded_once, rounding
from benchmarks.recurrences.kernels.frame import ATTENTION, DIAGONAL, Float64, Form, Library, arrays_of
from benchmarks.recurrences.kernels.torch_attention import chunks, step
from benchmarks.recurrences.kernels.torch_others import STEPS, cumulated
from rnn_goldens import Unsupported
from rnn_goldens.cells.recurrence import RecurrenceCase
from rnn_goldens.golden.recurrences import sequence_slices

DEFAULT_SIZE = 16
"""Steps of a chunk."""


def _stored(x: torch.Tensor, precision: str) -> torch.Tensor:
    return x.to(getattr(torch, precision)).to(x.dtype)


TORCH: Library[torch.Tensor] = Library(
    lambda array, dtype: torch.from_numpy(array.copy()).to(getattr(torch, dtype)),
    lambda tensor: np.asarray(tensor.detach().double().numpy()),
    _stored,
)

STEP_FORMS: dict[str, Form[torch.Tensor]] = {**dict.fromkeys(ATTENTION, step), **STEPS}


def chunk_forms(size: int) -> dict[str, Form[torch.Tensor]]:
    """Return the forms in chunks by cell."""
    return {
        **dict.fromkeys(ATTENTION, partial(chunks, size=size)),
        **dict.fromkeys(DIAGONAL, partial(cumulated, size=size)),
    }


def torch_gradients(
    case: RecurrenceCase,
    cotangents: Mapping[str, Float64],
    precision: str,
    form: str = "step",
    contract: str = "float32-inside",
    size: int = DEFAULT_SIZE,
) -> dict[str, Float64]:
    """Return the gradients of the sum of cotangents times outputs by each input, weight and initial state.

    Args:
        case: the case.
        cotangents: by the name of the output, ``d_o``; a missing one is zero.
        precision: what is computed in; a half precision computes in float32, and rounds by the contract.
        form: ``step``, ``chunk``, or ``native``: by steps, and a half precision in its own type.
        contract: which values a half precision rounds, in both passes.
        size: steps of a chunk.

    Raises:
        Unsupported: the form does not exist for the recurrence.
    """
    forms = chunk_forms(size) if form == "chunk" else STEP_FORMS
    if case.cell not in forms:
        raise Unsupported(f"{case.cell} has no form {form}")
    if form == "native" and precision not in HALF:
        raise Unsupported("computes in a half precision only")
    dtype = precision if form == "native" else inside(precision)
    roundings, found = rounding(precision, contract if form != "native" else "float32-inside", _stored), []
    for one, of in zip(case.sequences(), _of_sequences(case, cotangents), strict=True):
        x = {name: TORCH.array(array, dtype).requires_grad_() for name, array in arrays_of(one, precision).items()}
        outputs = forms[case.cell](one.config, x, roundings)
        pairs = [(outputs[name.removeprefix("d_")], TORCH.array(d, dtype)) for name, d in of.items()]
        torch.autograd.backward([output for output, _ in pairs], [d for _, d in pairs])
        found.append({name: TORCH.numpy(leaf.grad) for name, leaf in x.items() if leaf.grad is not None})
        found[-1] |= {name: TORCH.numpy(torch.zeros_like(leaf)) for name, leaf in x.items() if leaf.grad is None}
    return {name: rounded_once(_together(case, name, [one[name] for one in found]), precision) for name in found[0]}


def _of_sequences(case: RecurrenceCase, cotangents: Mapping[str, Float64]) -> list[dict[str, Float64]]:
    """Return the cotangents of each packed sequence."""
    given = {name: np.asarray(d, np.float64) for name, d in cotangents.items()}
    if case.offsets is None:
        return [given]
    over_time = [f"d_{name}" for name in case.config.recurrence.outputs]
    return [
        {name: d[:, steps] if name in over_time else d[k : k + 1] for name, d in given.items()}
        for k, steps in enumerate(sequence_slices(case.offsets))
    ]


def _together(case: RecurrenceCase, name: str, parts: list[Float64]) -> Float64:
    """Return the gradient of packed sequences from those of each."""
    if name in case.weights:
        return np.asarray(np.sum(parts, axis=0))
    return np.concatenate(parts, axis=1 if name in case.inputs else 0)
