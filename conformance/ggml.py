"""ggml's gated delta rule on the CPU, by its C functions: float32, square states, 1/√d_k inside, tiled key heads.

``GGML_LIB=FOLDER`` names the folder of libggml-base.so and libggml-cpu.so. To build them from the source in
llama-cpp-python's sdist: ``cmake -S vendor/llama.cpp/ggml -B build -DBUILD_SHARED_LIBS=ON && cmake --build build``.
"""

import ctypes
import os
from ctypes import POINTER, c_bool, c_float, c_int, c_int64, c_size_t, c_void_p
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import rnn_goldens
from rnn_goldens.errors import Unsupported

Array = NDArray[np.float32]

folder = Path(os.environ["GGML_LIB"])
base, cpu = (ctypes.CDLL(str(folder / f"libggml-{name}.so")) for name in ("base", "cpu"))


class InitParams(ctypes.Structure):
    """ggml_init_params: the size of a memory pool, its buffer, and whether tensors have no memory."""

    _fields_ = (("mem_size", c_size_t), ("mem_buffer", c_void_p), ("no_alloc", c_bool))


base.ggml_init.argtypes, base.ggml_init.restype = [InitParams], c_void_p
base.ggml_new_tensor_4d.argtypes = [c_void_p, c_int, *[c_int64] * 4]
base.ggml_gated_delta_net.argtypes = [*[c_void_p] * 7, c_int64]
base.ggml_new_graph.argtypes = [c_void_p]
for function in (base.ggml_new_tensor_4d, base.ggml_gated_delta_net, base.ggml_new_graph):
    function.restype = c_void_p
base.ggml_get_data_f32.argtypes, base.ggml_get_data_f32.restype = [c_void_p], POINTER(c_float)
base.ggml_build_forward_expand.argtypes, base.ggml_free.argtypes = [c_void_p, c_void_p], [c_void_p]
cpu.ggml_graph_compute_with_ctx.argtypes = [c_void_p, c_void_p, c_int]


def gated_delta_net(q: Array, k: Array, v: Array, g: Array, beta: Array, state: Array) -> tuple[Array, Array]:
    """Return what ggml_gated_delta_net computes: outputs and last states, from one flat result."""
    if q.dtype != np.float32:
        raise Unsupported("ggml_gated_delta_net computes in float32")
    if q.shape[-1] != v.shape[-1]:
        raise Unsupported("ggml_gated_delta_net has d_k = d_v: --embed d_k=32,d_v=32")
    arrays = [q, k, v, g.reshape(*v.shape[:3], -1), beta[..., None], state]
    context = base.ggml_init(InitParams(8 * sum(a.nbytes for a in arrays) + 2**24, None, False))
    tensors = [base.ggml_new_tensor_4d(context, 0, *reversed(a.shape)) for a in arrays]
    for tensor, array in zip(tensors, arrays, strict=True):
        _view(tensor, array.size)[:] = array.ravel()
    result, graph = base.ggml_gated_delta_net(context, *tensors, 1), base.ggml_new_graph(context)
    base.ggml_build_forward_expand(graph, result)
    cpu.ggml_graph_compute_with_ctx(context, graph, 1)
    flat = _view(result, v.size + state.size).copy()
    base.ggml_free(context)
    return flat[: v.size].reshape(v.shape), flat[v.size :].reshape(state.shape)


def _view(tensor: int, size: int) -> Array:
    return np.ctypeslib.as_array(base.ggml_get_data_f32(tensor), shape=(size,))


run = rnn_goldens.kernel(gated_delta_net, "ggml")
