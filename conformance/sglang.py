"""sglang's kernels of the gated delta rule, in Triton's interpreter. Their signatures need no adapter.

``pip install --no-deps sglang`` is enough: only the kernels are imported, not the server around them.
"""

import sys
from contextlib import nullcontext
from functools import wraps
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import torch

from examples.integrations import triton_cpu
from rnn_goldens.errors import Unsupported

triton_cpu.prepare()  # before Triton is imported

found = find_spec("sglang")
if found is None or found.submodule_search_locations is None:
    raise ModuleNotFoundError("pip install --no-deps sglang", name="sglang")

for name in ("", ".kernels", ".kernels.ops", ".kernels.ops.attention"):
    package = ModuleType(f"sglang{name}")
    package.__path__ = [f"{next(iter(found.submodule_search_locations))}{name.replace('.', '/')}"]
    sys.modules[package.__name__] = package

versions = ModuleType("sglang.srt.utils.common")
versions.torch_release = tuple(map(int, torch.__version__.partition("+")[0].split(".")))  # type: ignore[attr-defined]
sys.modules[versions.__name__] = versions

torch.cpu.device = lambda _: nullcontext()  # type: ignore[attr-defined] # what sglang asks of a device

from sglang.kernels.ops.attention.fla import chunk  # noqa: E402 - it needs the modules above
from sglang.kernels.ops.attention.fla.fused_recurrent import (  # noqa: E402
    fused_recurrent_gated_delta_rule,
    fused_recurrent_gated_delta_rule_update,
)


@wraps(chunk.chunk_gated_delta_rule)
def chunk_gated_delta_rule(q: torch.Tensor, *others: Any, **named: Any) -> Any:  # noqa: ANN401
    """Refuse float32, which the kernel does not have."""
    if q.dtype == torch.float32:
        raise Unsupported("the kernels of sglang for chunks have half precisions only")
    return chunk.chunk_gated_delta_rule(q, *others, **named)


__all__ = ["chunk_gated_delta_rule", "fused_recurrent_gated_delta_rule", "fused_recurrent_gated_delta_rule_update"]
