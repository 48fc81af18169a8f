"""mamba_ssm's and causal_conv1d's functions in torch, by their own names: no adapter is needed, only their CUDA modules.

Both import modules that only nvcc builds, and that these functions do not call.
"""

import sys
from types import ModuleType

for name in ("selective_scan_cuda", "causal_conv1d_cuda"):
    sys.modules.setdefault(name, ModuleType(name))

from causal_conv1d.causal_conv1d_interface import causal_conv1d_ref
from mamba_ssm.ops.selective_scan_interface import selective_scan_ref

__all__ = ["causal_conv1d_ref", "selective_scan_ref"]
