"""mamba_ssm's kernels in Triton's interpreter, on any machine: they follow conventions and need no adapter.

Besides mamba_ssm, installed as conformance/mamba_ssm.py says, it needs triton and flash-linear-attention.
"""

import contextlib
import sys
from types import ModuleType

import torch

from examples.integrations import triton_cpu

triton_cpu.prepare()  # before Triton is imported

for name in ("selective_scan_cuda", "causal_conv1d_cuda"):
    sys.modules.setdefault(name, ModuleType(name))
setattr(torch.cuda, "device", contextlib.nullcontext)  # noqa: B010 - the kernel's device, of which a CPU has no index

from mamba_ssm.ops.triton.selective_state_update import selective_state_update  # noqa: E402
from mamba_ssm.ops.triton.ssd_combined import mamba_chunk_scan_combined  # noqa: E402

__all__ = ["mamba_chunk_scan_combined", "selective_state_update"]
