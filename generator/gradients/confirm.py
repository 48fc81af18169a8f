"""Correct implementations of the backward pass, to hold certified gradients against."""

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens import cells
from rnn_goldens.cells import DEFINED, case_of
from rnn_goldens.checkable.golden import Golden
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.gradients import COTANGENTS, Gradients
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.implementations.numpy_cells import arithmetic

Named = Mapping[str, NDArray[np.float64]]


def confirmations(golden: Golden, cotangents: Named) -> Iterator[tuple[str, Named]]:
    """What each implementation that is here gives in the golden's precision, by array."""
    if golden.cell in DEFINED and find_spec("torch"):
        yield "torch's autograd", by_torch(golden, cotangents)
    try:
        yield "numpy", by_numpy(golden, cotangents)
    except Unsupported:  # bfloat16, without ml_dtypes
        return


def by_numpy(golden: Golden, cotangents: Named) -> Named:
    """The definition's way back."""
    dtype = arithmetic(golden.dtype)
    low = {name: array.astype(dtype) for name, array in cotangents.items()}
    found = cells.gradients(case_of(golden, dtype), low)
    return {name: array.astype(np.float64) for name, array in found.items()}


def by_torch(golden: Golden, cotangents: Named) -> Named:
    """``torch.autograd`` through the layer, with a packed sequence where there are lengths."""
    import torch

    from rnn_goldens.implementations.torch import layers

    dtype = getattr(torch, golden.dtype)
    network = layers.layer(golden.cell, golden.config)
    layers.set_weights(network, golden)
    names = ("x", *(f"{state}0" for state in golden.layout.states if golden.initial_state is not None))
    inputs = {name: torch.tensor(getattr(golden, name), dtype=dtype, requires_grad=True) for name in names}
    outputs = _outputs(golden, network, inputs)
    total = sum(
        (torch.tensor(array, dtype=dtype) * outputs[COTANGENTS[name]]).sum() for name, array in cotangents.items()
    )
    total.backward()
    asked = {**inputs, **dict(network.named_parameters())}
    return {
        name: np.zeros(tensor.shape) if tensor.grad is None else tensor.grad.double().numpy()
        for name, tensor in asked.items()
    }


def _outputs(golden: Golden, network: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - tensors
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    x, *states = inputs.values()
    state = None if not states else tuple(states) if len(states) > 1 else states[0]
    if golden.lengths is None:
        out, last = network(x, state)
    else:
        packed = pack_padded_sequence(x, torch.tensor(golden.lengths), batch_first=True, enforce_sorted=False)
        out, last = network(packed, state)
        out, _ = pad_packed_sequence(out, batch_first=True, total_length=x.shape[1])
    named = last if isinstance(last, tuple) else (last,)
    return {"out": out, **{f"{name}_n": part for name, part in zip(golden.layout.states, named, strict=True)}}


def fraction_used(gradients: Gradients, found: Named, precision: str) -> tuple[str, float]:
    """The largest error in fractions of the tolerance, and the array it is in; infinite where none is allowed."""
    worst = "", 0.0
    for name, right in gradients.expected.items():
        error = np.abs(found[name] - right)
        allowed = gradients.tolerance.allowed(name, right, PRECISIONS[precision])
        with np.errstate(divide="ignore", invalid="ignore"):
            fraction = float(np.where(error == 0, 0.0, error / allowed).max(initial=0))
        if not fraction <= worst[1]:
            worst = name, fraction
    return worst
