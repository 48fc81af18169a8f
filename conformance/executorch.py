"""ExecuTorch: a cell of ``torch.nn``, exported as a program, run by ExecuTorch's portable kernels and unrolled here.

A layer can be exported as well, as one program that contains every time step, with the same operators.
"""

from typing import Any

import torch
from executorch.exir import to_edge
from executorch.runtime import Runtime
from torch import Tensor, nn

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported
from rnn_goldens.implementations.network_construction import InstanceCache, require_cell
from rnn_goldens.implementations.torch import cells, given_tensors, unrolled


@torch.no_grad()
def run(golden: Inputs) -> tuple[Tensor, ...]:
    """Return out, h_n (and c_n). Raises Unsupported for cells that torch lacks, and for gradients."""
    if golden.has_cotangents:
        raise Unsupported("executorch computes outputs, and no gradients")
    require_cell(golden, "torch")
    return unrolled(golden, _exported(golden), given_tensors(golden))


class _Exported:
    """A cell that is exported when it is called, once for each batch size."""

    def __init__(self, cell: nn.RNNCellBase) -> None:
        self._cell, self._programs = cell, dict[int, _Program]()

    def __call__(self, x_t: Tensor, state: Any) -> Any:  # noqa: ANN401 - h, or h and c
        if len(x_t) not in self._programs:
            self._programs[len(x_t)] = _Program(self._cell, x_t, state)
        return self._programs[len(x_t)](x_t, state)


def _set_cells(exported: dict[str, _Exported], golden: Inputs) -> None:
    exported |= {suffix: _Exported(cell) for suffix, cell in cells(golden).items()}


class _Program:
    """A cell with its weights, as a program for fixed shapes. Stores all objects that its method needs."""

    def __init__(self, cell: nn.RNNCellBase, x_t: Tensor, state: Any) -> None:  # noqa: ANN401 - h, or h and c
        self._exported = to_edge(torch.export.export(cell.eval(), (x_t, state))).to_executorch()
        self._program = Runtime.get().load_program(self._exported.buffer)
        self._method = self._program.load_method("forward")

    def __call__(self, x_t: Tensor, state: Any) -> Any:  # noqa: ANN401
        given = [x_t, *state] if isinstance(state, tuple) else [x_t, state]
        found = [tensor.clone() for tensor in self._method.execute([tensor.contiguous() for tensor in given])]
        return tuple(found) if len(found) > 1 else found[0]


_exported: InstanceCache[dict[str, _Exported]] = InstanceCache(lambda _: {}, _set_cells)
