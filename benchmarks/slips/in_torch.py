"""Slips in the network in torch."""

from benchmarks.slips import (
    torch_activations,
    torch_asked,
    torch_biases,
    torch_directions,
    torch_gate_order,
    torch_gates,
    torch_layers,
    torch_lengths,
    torch_matrices,
    torch_products,
    torch_states,
    torch_time,
)
from benchmarks.slips.slip import Slip

SLIPS: tuple[Slip, ...] = (
    *torch_gate_order.SLIPS,
    *torch_gates.SLIPS,
    *torch_matrices.SLIPS,
    *torch_biases.SLIPS,
    *torch_products.SLIPS,
    *torch_activations.SLIPS,
    *torch_states.SLIPS,
    *torch_time.SLIPS,
    *torch_lengths.SLIPS,
    *torch_directions.SLIPS,
    *torch_layers.SLIPS,
    *torch_asked.SLIPS,
)
