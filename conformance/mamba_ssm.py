"""mamba_ssm's and causal_conv1d's functions in torch. Their signatures need no adapter, but both import CUDA modules.

These functions do not call them. Without nvcc: ``MAMBA_FORCE_BUILD=TRUE MAMBA_SKIP_CUDA_BUILD=TRUE
CAUSAL_CONV1D_FORCE_BUILD=TRUE CAUSAL_CONV1D_SKIP_CUDA_BUILD=TRUE pip install --no-build-isolation mamba-ssm``.
"""

import sys
from types import ModuleType

for name in ("selective_scan_cuda", "causal_conv1d_cuda"):
    sys.modules.setdefault(name, ModuleType(name))

from causal_conv1d.causal_conv1d_interface import (  # noqa: E402 - it imports the modules above
    causal_conv1d_ref,
    causal_conv1d_update_ref,
)
from mamba_ssm.ops.selective_scan_interface import selective_scan_ref  # noqa: E402
from mamba_ssm.ops.triton.selective_state_update import selective_state_update_ref  # noqa: E402

__all__ = ["causal_conv1d_ref", "causal_conv1d_update_ref", "selective_scan_ref", "selective_state_update_ref"]
