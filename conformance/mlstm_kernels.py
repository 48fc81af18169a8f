"""mlstm_kernels' mLSTM in torch, step by step and as one chunk: on any machine."""

from mlstm_kernels.torch.chunkwise.native.fwbw import mlstm_chunkwise__native_autograd
from mlstm_kernels.torch.recurrent.native_sequence import mlstm_recurrent_sequence__native_fw
from torch import Tensor

Outputs = tuple[Tensor, tuple[Tensor, Tensor, Tensor]]


def mlstm_recurrent(
    q: Tensor, k: Tensor, v: Tensor, i: Tensor, f: Tensor, C0: Tensor, n0: Tensor, m0: Tensor, eps: float
) -> Outputs:
    """Return h and the last states, step by step."""
    arrays = [array.transpose(1, 2) for array in (q, k, v, i, f)]
    states = {"c_initial": C0, "n_initial": n0, "m_initial": m0[..., None]}
    h, (C, n, m), *_ = mlstm_recurrent_sequence__native_fw(
        *arrays, **states, eps=eps, return_last_states=True, dtype_state=C0.dtype
    )
    return h.transpose(1, 2), (C, n, m[..., 0])


def mlstm_chunkwise(
    q: Tensor, k: Tensor, v: Tensor, i: Tensor, f: Tensor, C0: Tensor, n0: Tensor, m0: Tensor, eps: float
) -> Outputs:
    """Return h and the last states, in one chunk."""
    arrays = [array.transpose(1, 2) for array in (q, k, v, i, f)]
    states = {"c_initial": C0, "n_initial": n0, "m_initial": m0[..., None]}
    h, (C, n, m) = mlstm_chunkwise__native_autograd(
        *arrays, **states, eps=eps, return_last_states=True, chunk_size=q.shape[1]
    )
    return h.transpose(1, 2), (C, n, m[..., 0])
