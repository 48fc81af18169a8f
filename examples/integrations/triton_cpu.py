"""Runs kernels written in Triton without a GPU, in Triton's interpreter: call ``prepare`` before the kernels are imported.

    import triton_cpu

    triton_cpu.prepare()

    from fla.ops.gated_delta_rule import chunk_gated_delta_rule

The interpreter computes as a GPU does in float32 and float16, except that products of float32 are not rounded to tf32.
Every kernel that gets an array in another floating-point type raises ``rnn_goldens.Unsupported``:

- bfloat16: the interpreter cuts off digits where a GPU rounds, and multiplies the bits of bfloat16 as integers;
- float64: the kernels of flash-linear-attention compute in float32.

No kernel is changed. The interpreter of Triton 3.6.0 and 3.9.0 is, where it cannot run what Triton compiles:

- ``Autotuner._bench`` returns a constant, because kernels cannot be timed: the first configuration is chosen;
- the variable of a loop over ``range`` is a tensor, as in a compiled kernel: it is a Python int, and in the chunk
  kernels of the delta rules ``i_t.to(tl.int64)`` is an error;
- a comparison of two numbers that meets a block stays a boolean: it becomes an integer, which 3.9.0 refuses as a mask
  (``(t < seq_len) & m_d``, in the gradients of the causal convolution);
- functions of ``triton.language`` that a module imports by name are interpreted, too (``exp = tl.exp``, in sglang);
- a tensor of one number is an index: 3.6.0 reads it in a way that NumPy 2.4 refuses.
"""

import ast
import os
import sys
import warnings
from contextlib import suppress
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from rnn_goldens import Unsupported

KNOWN = (("3.9.0", "0.6.0"), ("3.6.0", "0.5.2"))
"""Versions of triton and flash-linear-attention that were measured together, the newest first."""

ANY = "TRITON_CPU_ANY_VERSION"

BFLOAT16 = (
    "Triton's interpreter computes other numbers than a GPU in bfloat16: it cuts off digits where a GPU rounds, and "
    "multiplies bits as integers"
)
FLOAT64 = "the kernels of flash-linear-attention, vllm and sglang compute in float32"


@cache
def prepare() -> None:
    """Make Triton interpret kernels; RuntimeError for unknown versions, or if Triton was imported to compile them."""
    triton, fla = version("triton"), _version_of_fla()
    check_versions(triton, fla, any_version=ANY in os.environ)
    if "triton" in sys.modules and os.environ.get("TRITON_INTERPRET") != "1":
        raise RuntimeError("triton is already imported: call triton_cpu.prepare() before, or set TRITON_INTERPRET=1")
    os.environ["TRITON_INTERPRET"] = "1"
    warnings.filterwarnings("ignore", "Triton is not supported on current platform", UserWarning)  # what fla says
    from triton.language.core import is_builtin
    from triton.runtime import interpreter
    from triton.runtime.autotuner import Autotuner
    from triton.runtime.interpreter import ASTTransformer, GridExecutor, InterpreterBuilder

    if hasattr(ASTTransformer, "visit_For"):
        raise RuntimeError(f"the interpreter of triton {triton} changes loops itself: triton_cpu.py does not fit")
    launch, splat = GridExecutor.__call__, InterpreterBuilder.create_splat
    patch, patch_of_modules = interpreter._patch_lang_tensor, interpreter._patch_lang

    def checked_launch(self: Any, *arguments: Any, **by_name: Any) -> None:
        refuse(*arguments, *by_name.values())
        with np.errstate(all="ignore"):  # a GPU does not warn of an overflow in what is masked
            launch(self, *arguments, **by_name)

    def splat_of_same_type(self: Any, block: Any, one: Any) -> Any:
        handle = splat(self, block, one)
        handle.data = handle.data.astype(one.data.dtype)
        return handle

    def patch_with_index(tensor: Any, scope: Any) -> None:
        patch(tensor, scope)
        scope.set_attr(tensor, "__index__", lambda self: int(self.handle.data.squeeze()))

    def patch_names(kernel: Any) -> Any:
        for name, function in kernel.__globals__.items():
            if is_builtin(function):
                kernel.__globals__[name] = partial(function, _semantic=interpreter.interpreter_semantic)
        return patch_of_modules(kernel)

    interpreter._patch_lang_tensor = patch_with_index
    interpreter._patch_lang = patch_names
    GridExecutor.__call__, InterpreterBuilder.create_splat = checked_launch, splat_of_same_type
    ASTTransformer.visit_For = with_tensors
    Autotuner._bench = lambda *_, **__: [0.0, 0.0, 0.0]


def check_versions(triton: str, fla: str, *, any_version: bool = False) -> None:
    """Raise RuntimeError for versions that were not measured together; ``fla`` is "" if it is not installed."""
    if (triton, fla) in KNOWN or (not fla and triton in dict(KNOWN)) or any_version:
        return
    known = "; ".join(f"triton {one} with flash-linear-attention {other}" for one, other in KNOWN)
    raise RuntimeError(
        f"triton {triton} with flash-linear-attention {fla} was not tried in Triton's interpreter. Known are: {known}. "
        f"Set {ANY}=1 to try."
    )


def refuse(*arrays: Any) -> None:
    """Raise Unsupported if any argument is an array whose type would get wrong numbers."""
    for dtype in (str(getattr(one, "dtype", "")) for one in arrays):
        if dtype.endswith("bfloat16"):
            raise Unsupported(BFLOAT16)
        if dtype.endswith("float64"):
            raise Unsupported(FLOAT64)


def with_tensors(transformer: ast.NodeTransformer, node: ast.For) -> ast.For:
    """Return a loop of a kernel; over ``range`` or ``tl.range``, with a variable that is a tensor."""
    transformer.generic_visit(node)
    called = node.iter.func if isinstance(node.iter, ast.Call) else None
    if getattr(called, "id", getattr(called, "attr", "")) == "range":
        name = ast.unparse(node.target)
        node.body[:0] = ast.parse(f"{name} = interpreter_semantic.to_tensor({name}, False)").body
    return node


def _version_of_fla() -> str:
    for name in ("fla-core", "flash-linear-attention"):  # the second one is a checkout
        with suppress(PackageNotFoundError):
            return version(name)
    return ""
