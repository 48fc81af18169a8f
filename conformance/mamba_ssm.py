"""mamba_ssm's and causal_conv1d's functions in torch. Their signatures need no adapter, but both import CUDA modules.

These functions do not call them. Without nvcc: ``MAMBA_FORCE_BUILD=TRUE MAMBA_SKIP_CUDA_BUILD=TRUE
CAUSAL_CONV1D_FORCE_BUILD=TRUE CAUSAL_CONV1D_SKIP_CUDA_BUILD=TRUE pip install --no-build-isolation mamba-ssm``.
"""

import sys
from types import ModuleType

import torch
from torch import Tensor

for name in ("selective_scan_cuda", "causal_conv1d_cuda"):
    sys.modules.setdefault(name, ModuleType(name))

from causal_conv1d.causal_conv1d_interface import (  # noqa: E402 - it imports the modules above
    causal_conv1d_ref,
    causal_conv1d_update_ref,
)
from mamba_ssm.modules.ssd_minimal import ssd_minimal_discrete  # noqa: E402
from mamba_ssm.ops.selective_scan_interface import selective_scan_ref  # noqa: E402
from mamba_ssm.ops.triton.selective_state_update import selective_state_update_ref  # noqa: E402

__all__ = [
    "SelectiveStateUpdate",
    "causal_conv1d_ref",
    "causal_conv1d_update_ref",
    "mamba2",
    "mamba2_in_chunks",
    "selective_scan_ref",
    "selective_state_update_ref",
]


def mamba2(
    x: Tensor, dt: Tensor, B: Tensor, C: Tensor, A: Tensor, D: Tensor, dt_bias: Tensor, state: Tensor,
    z: Tensor | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Return y and the last state of Mamba-2: ``selective_state_update_ref``, which takes heads, step by step."""
    h, outputs = state.clone(), []
    B, C = (array if array.ndim == 4 else array[:, :, None] for array in (B, C))  # noqa: PLR2004 - without groups
    skip, bias = (array[:, None].expand(x.shape[2:]) for array in (D, dt_bias))
    for t in range(x.shape[1]):
        step = dt[:, t, :, None].expand(x[:, t].shape)
        gate = None if z is None else z[:, t]
        rate = A[:, None, None].expand(h.shape[1:])
        at = (x[:, t], step, rate, B[:, t], C[:, t], skip, gate, bias)
        outputs.append(selective_state_update_ref(h, *at, dt_softplus=True))
    return torch.stack(outputs, 1), h


def mamba2_in_chunks(
    x: Tensor, dt: Tensor, B: Tensor, C: Tensor, A: Tensor, D: Tensor, dt_bias: Tensor, state: Tensor
) -> tuple[Tensor, Tensor]:
    """Return y and the last state of Mamba-2: ``ssd_minimal_discrete`` in chunks of 64, filled up with zeros."""
    heads, missing = x.shape[2], -x.shape[1] % 64
    B, C = (array if array.ndim == 4 else array[:, :, None] for array in (B, C))  # noqa: PLR2004 - without groups
    B, C = (array.repeat_interleave(heads // array.shape[2], 2) for array in (B, C))
    dt = torch.nn.functional.softplus(dt + dt_bias)
    arrays = (x * dt[..., None], A * dt, B, C)
    filled = [torch.cat([a, a.new_zeros(a.shape[0], missing, *a.shape[2:])], 1) for a in arrays]
    y, last = ssd_minimal_discrete(*filled, block_len=64, initial_states=state[:, None])
    return y[:, : x.shape[1]] + D[:, None] * x, last


class SelectiveStateUpdate:
    """``selective_state_update_ref`` step by step on a state that it changes in place, kept from call to call."""

    def __init__(self) -> None:
        self.state: Tensor | None = None

    def reset_states(self) -> None:
        """Begin anew with the next call."""
        self.state = None

    def __call__(
        self, u: Tensor, dt: Tensor, B: Tensor, C: Tensor, A: Tensor, D: Tensor, dt_bias: Tensor, step_size: str,
        z: Tensor | None = None, state: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Return y and the last state of Mamba's scan."""
        if self.state is None:
            self.state = u.new_zeros(len(u), *A.shape) if state is None else state.clone()
        steps = zip(
            *(x.unbind(1) for x in (u, dt, B, C)), [None] * u.shape[1] if z is None else z.unbind(1), strict=True
        )
        arguments = {"D": D, "dt_bias": dt_bias, "dt_softplus": step_size == "softplus"}
        y = [selective_state_update_ref(self.state, *x[:2], A, *x[2:4], z=x[4], **arguments) for x in steps]
        return torch.stack(y, 1), self.state.clone()
