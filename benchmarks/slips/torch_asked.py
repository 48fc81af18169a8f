"""Slips in what the network in torch makes of what it is asked, and of what it returns."""

from benchmarks.slips.slip import Slip
from benchmarks.slips.torch_places import BY, C0, FINALS, H0, LAST

BY_LAYER = "h0.unflatten(0, (self.num_layers, -1))"


def _h0(deviation: str, change: str) -> Slip:
    c = change.replace("h0", "c0")
    return Slip(deviation, ((H0, f"{H0}{BY}h0 = {change}\n"), (C0, f"{C0}{BY}c0 = {c}\n")))


def _finals(deviation: str, change: str) -> Slip:
    return Slip(deviation, ((FINALS, f"{FINALS}{BY}finals = [{change} for final in finals]\n"),))


ASKED = (
    Slip("h0_ignored", ((H0, "h0 = zeros\n"),)),
    Slip("c0_ignored", ((C0, "c0 = zeros\n"),)),
    Slip("h0_c0_ignored", ((H0, "h0 = zeros\n"), (C0, "c0 = zeros\n"))),
    Slip("h0_c0_swapped", ((C0, f"{C0}{BY}h0, c0 = c0, h0\n"),), ("lstm",)),
    Slip("h0_for_c0_too", ((C0, "c0 = h0\n"),)),
    _h0("h0_of_wrong_layer", f"{BY_LAYER}.flip(0).flatten(0, 1)"),
    _h0("h0_of_first_layer_for_all", f"{BY_LAYER}[:1].expand_as({BY_LAYER}).flatten(0, 1)"),
    _h0("h0_of_wrong_direction", f"{BY_LAYER}.flip(1).flatten(0, 1)"),
    _h0("h0_of_forward_for_reverse", f"{BY_LAYER}[:, :1].expand_as({BY_LAYER}).flatten(0, 1)"),
    _h0("h0_direction_major", "h0.unflatten(0, (-1, self.num_layers)).transpose(0, 1).flatten(0, 1)"),
    _h0("h0_of_wrong_row", "h0.roll(1, dims=1)"),
    _h0("h0_of_first_row_for_all", "h0[:, :1].expand_as(h0)"),
    _h0("h0_read_batch_first", "h0.reshape(h0.shape[1], h0.shape[0], -1).transpose(0, 1)"),
    _h0("h0_units_reversed", "h0.flip(2)"),
    Slip("x_reversed", ((LAST, f"{LAST}{BY}x = x.flip(1)\n"),)),
    Slip("inputs_reversed", ((LAST, f"{LAST}{BY}x = x.flip(2)\n"),)),
    Slip("lengths_ignored", ((LAST, f"{LAST}{BY}lengths = torch.full((len(x),), x.shape[1])\n"),)),
    Slip("out_reversed", ((FINALS, f"{FINALS}{BY}x = x.flip(1)\n"),)),
)

RETURNED = (
    _finals("h_n_direction_major", "final.unflatten(0, (self.num_layers, -1)).transpose(0, 1).flatten(0, 1)"),
    _finals("h_n_layers_reversed", "final.unflatten(0, (self.num_layers, -1)).flip(0).flatten(0, 1)"),
    _finals("h_n_directions_swapped", "final.unflatten(0, (self.num_layers, -1)).flip(1).flatten(0, 1)"),
    _finals("h_n_units_reversed", "final.flip(2)"),
    _finals("h_n_zero", "torch.zeros_like(final)"),
    _finals("h_n_reshaped_from_batch_first", "final.transpose(0, 1).reshape(final.shape)"),
    Slip("h_n_c_n_swapped", ((FINALS, f"{FINALS}{BY}finals = finals[::-1]\n"),), ("lstm",)),
    Slip("c_n_is_h_n", ((FINALS, f"{FINALS}{BY}finals[-1] = finals[0]\n"),)),
    Slip("c_n_after_tanh", ((FINALS, f"{FINALS}{BY}finals[-1] = tanh(finals[-1])\n"),)),
)

SLIPS = (*ASKED, *RETURNED)
