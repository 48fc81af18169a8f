"""vllm's kernels of the gated delta rule, in Triton's interpreter. Their signatures need no adapter.

``pip install --no-deps vllm`` is enough, or vllm's source in the path: only the kernels are imported.
"""

import sys
from contextlib import nullcontext
from functools import wraps
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace
from typing import Any

from examples.integrations import triton_cpu
from rnn_goldens.errors import Unsupported

triton_cpu.prepare()  # before Triton is imported

import torch  # noqa: E402
import triton  # noqa: E402
import triton.language as tl  # noqa: E402
from triton.language.extra import libdevice  # noqa: E402

found = find_spec("vllm")
if found is None or found.submodule_search_locations is None:
    raise ModuleNotFoundError("pip install --no-deps vllm", name="vllm")

OPS = "vllm.third_party.flash_linear_attention.ops"


def no() -> bool:
    """Return False: there is no GPU."""
    return False


platform = SimpleNamespace(is_rocm=no, is_cuda=no, is_cuda_alike=no, is_xpu=no, is_cpu=lambda: True)
modules = {
    **dict.fromkeys(("vllm", "vllm.third_party", "vllm.third_party.flash_linear_attention", OPS, "vllm.utils")),
    "vllm.triton_utils": {"triton": triton, "tl": tl, "tldevice": libdevice},
    "vllm.platforms": {"current_platform": platform},
    "vllm.utils.gpu_sync_debug": {"gpu_sync_allowed": nullcontext},
    "vllm.utils.torch_utils": {"async_tensor_h2d": torch.tensor},
}
for name, content in modules.items():
    module = ModuleType(name)
    module.__path__ = [f"{next(iter(found.submodule_search_locations))}{name.removeprefix('vllm').replace('.', '/')}"]
    vars(module).update(content or {})
    sys.modules[name] = module

from vllm.third_party.flash_linear_attention.ops import chunk  # noqa: E402
from vllm.third_party.flash_linear_attention.ops.fused_recurrent import fused_recurrent_gated_delta_rule  # noqa: E402


@wraps(chunk.chunk_gated_delta_rule)
def chunk_gated_delta_rule(q: torch.Tensor, *others: Any, **named: Any) -> Any:  # noqa: ANN401
    """Refuse float32, which the kernel does not have."""
    if q.dtype == torch.float32:
        raise Unsupported("the kernels of vllm for chunks have half precisions only")
    return chunk.chunk_gated_delta_rule(q, *others, **named)


__all__ = ["chunk_gated_delta_rule", "fused_recurrent_gated_delta_rule"]
