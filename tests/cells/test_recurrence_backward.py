"""The gradients of recurrences, compared with torch.autograd through equations written again, array by array."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from factories.backward_recurrences import CASES, random_case, random_cotangents
from torch import Tensor
from torch.nn.functional import logsigmoid, silu, softplus

from rnn_goldens.cells.recurrence import RecurrenceCase, run
from rnn_goldens.cells.recurrence_backward import gradients
from rnn_goldens.golden.recurrences import RECURRENCES, sequence_slices

Tensors = Mapping[str, Tensor]
Found = tuple[Tensor, dict[str, Tensor]]


# Equations: functions of inputs, weights and initial states by name, and of the configuration.


def attention(x: Tensors, config: Mapping[str, Any]) -> Found:
    heads = config["query_heads"] // config["heads"]
    state = x["S0"].repeat_interleave(heads, dim=1)
    k, v = (x[name].repeat_interleave(heads, dim=2) for name in ("k", "v"))
    scale = config.get("scale", config["d_k"] ** -0.5)
    outputs = []
    for t in range(k.shape[1]):
        if "g" in x:
            g = x["g"].repeat_interleave(heads, dim=2)[:, t]
            state = state * torch.exp(g if g.ndim == 3 else g[..., None])[..., None]
        written = v[:, t]
        if "beta" in x:
            beta = x["beta"].repeat_interleave(heads, dim=2)[:, t, :, None]
            written = beta * (written - torch.einsum("bhk,bhkv->bhv", k[:, t], state))
        state = state + k[:, t, :, :, None] * written[:, :, None]
        outputs.append(scale * torch.einsum("bhk,bhkv->bhv", x["q"][:, t], state))
    return torch.stack(outputs, 1), {"S_n": state[:, ::heads]}


def selective_scan(x: Tensors, _: Mapping[str, Any]) -> Found:
    h, outputs = x["h0"], []
    for t in range(x["u"].shape[1]):
        dt, u = softplus(x["dt"][:, t]), x["u"][:, t]
        h = torch.exp(dt[..., None] * x["A"]) * h + (dt * u)[..., None] * x["B"][:, t, None]
        outputs.append((h * x["C"][:, t, None]).sum(-1) + x["D"] * u)
    return torch.stack(outputs, 1), {"h_n": h}


def slstm(x: Tensors, _: Mapping[str, Any]) -> Found:
    """Without a stabilizer: c and n are what the stabilized cell keeps, times the exponential of m."""
    h, m, outputs = x["h0"], x["m0"], []
    c, n = x["c0"] * m.exp(), x["n0"] * m.exp()
    for t in range(x["x_i"].shape[1]):
        i, f, z, o = (x[f"x_{gate}"][:, t] + torch.einsum("hij,bhj->bhi", x[f"R_{gate}"], h) for gate in "ifzo")
        f = torch.exp(logsigmoid(f))
        c, n = f * c + i.exp() * z.tanh(), f * n + i.exp()
        h = o.sigmoid() * c / n
        outputs.append(h)
    return torch.stack(outputs, 1), {"h_n": h}


def rg_lru(x: Tensors, _: Mapping[str, Any]) -> Found:
    h, outputs = x["h0"], []
    for t in range(x["x"].shape[1]):
        a = torch.exp(-8 * softplus(x["Lambda"]) * x["r"][:, t].sigmoid())
        h = a * h + torch.sqrt(1 - a * a) * (x["i"][:, t].sigmoid() * x["x"][:, t])
        outputs.append(h)
    return torch.stack(outputs, 1), {"h_n": h}


def min_gru(x: Tensors, _: Mapping[str, Any]) -> Found:
    h, outputs = x["h0"], []
    for t in range(x["z"].shape[1]):
        h = h + x["z"][:, t].sigmoid() * (x["n"][:, t] - h)
        outputs.append(h)
    return torch.stack(outputs, 1), {"h_n": h}


def causal_conv(x: Tensors, config: Mapping[str, Any]) -> Found:
    padded = torch.cat([x["window0"], x["x"].mT], -1)
    y = torch.nn.functional.conv1d(padded, x["weight"][:, None], x["bias"], groups=len(x["weight"])).mT
    return (y if config.get("activation") == "none" else silu(y)), {"window_n": padded[..., -config["past"] :]}


FORMS: dict[str, Callable[[Tensors, Mapping[str, Any]], Found]] = {
    **{name: attention for name in RECURRENCES if "S" in RECURRENCES[name].states},
    "selective_scan": selective_scan,
    "slstm": slstm,
    "rg_lru": rg_lru,
    "min_gru": min_gru,
    "causal_conv": causal_conv,
}

each_case = pytest.mark.parametrize("name", CASES)
each_recurrence = pytest.mark.parametrize("cell", RECURRENCES)


def outputs_of(case: RecurrenceCase, x: Tensors, w: Tensors, s: Tensors) -> dict[str, Tensor]:
    every = [slice(None)]
    slices = every if case.offsets is None else sequence_slices(case.offsets)
    rows = every if case.offsets is None else [slice(k, k + 1) for k in range(len(slices))]
    found = []
    for steps, row in zip(slices, rows, strict=True):
        inputs = {name: array[:, steps] for name, array in x.items()}
        found.append(FORMS[case.cell]({**inputs, **w, **{n: array[row] for n, array in s.items()}}, case.config))
    (output,) = case.config.recurrence.outputs
    last = {name: torch.cat([states[name] for _, states in found]) for name in found[0][1]}
    return {output: torch.cat([out for out, _ in found], 1), **last}


def by_torch(case: RecurrenceCase, cotangents: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the outputs and the gradients."""
    parts = [
        {name: torch.tensor(array, requires_grad=True) for name, array in part.items()}
        for part in (case.inputs, case.weights, case.states)
    ]
    outputs = outputs_of(case, *parts)
    loss = sum((outputs[name.removeprefix("d_")] * torch.tensor(g)).sum() for name, g in cotangents.items())
    assert isinstance(loss, Tensor)
    loss.backward()  # type: ignore[no-untyped-call]
    tensors = {name: tensor for part in parts for name, tensor in part.items()}
    found = {name: torch.zeros_like(t) if t.grad is None else t.grad for name, t in tensors.items()}
    return {n: t.detach().numpy() for n, t in outputs.items()}, {n: t.numpy() for n, t in found.items()}


@each_case
@each_recurrence
def test_gradients_equal_those_of_torch(cell: str, name: str) -> None:
    case = random_case(cell, **CASES[name])
    cotangents = random_cotangents(case)
    outputs, expected = by_torch(case, cotangents)
    for output, values in run(case).items():
        np.testing.assert_allclose(values, outputs[output], rtol=1e-10, atol=1e-10, err_msg=output)
    found = gradients(case, cotangents)
    assert list(found) == [*case.inputs, *case.states, *case.weights]
    for array, gradient in found.items():
        np.testing.assert_allclose(gradient, expected[array], rtol=1e-10, atol=1e-10, err_msg=array)


@pytest.mark.parametrize("packed", [False, True])
@each_recurrence
def test_a_missing_cotangent_is_zero(cell: str, packed: bool) -> None:
    case = random_case(cell, **CASES["packed" if packed else "plain"])
    for name, cotangent in random_cotangents(case).items():
        _, expected = by_torch(case, {name: cotangent})
        for array, gradient in gradients(case, {name: cotangent}).items():
            np.testing.assert_allclose(gradient, expected[array], rtol=1e-10, atol=1e-10, err_msg=array)
    assert not any(gradient.any() for gradient in gradients(case, {}).values())


@each_recurrence
def test_gradients_have_the_type_of_the_arrays(cell: str) -> None:
    case = random_case(cell, **CASES["decay by key"])
    cotangents = random_cotangents(case)
    expected = gradients(case, cotangents)
    for name, gradient in gradients(case.astype(np.float32), cotangents).items():
        assert gradient.dtype == np.float32, name
        np.testing.assert_allclose(gradient, expected[name], rtol=1e-3, atol=1e-4)


@each_recurrence
def test_gradients_are_deterministic_and_do_not_modify_their_arguments(cell: str) -> None:
    case = random_case(cell, **CASES["grouped queries"])
    cotangents = random_cotangents(case)
    for part in (case.inputs, case.weights, case.states, cotangents):
        for array in part.values():
            array.flags.writeable = False
    first, second = (gradients(case, cotangents) for _ in range(2))
    assert all(np.array_equal(first[name], second[name]) for name in first)
