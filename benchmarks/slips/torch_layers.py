"""Slips in how the network in torch stacks its layers."""

from benchmarks.slips.slip import Slip
from benchmarks.slips.torch_directions import ALL, joined, taken
from benchmarks.slips.torch_places import BY, BY_CALL, CALL, FINALS, LAST, OF
from benchmarks.slips.torch_time import after_call

MASK = "((torch.arange({0}.numel()) * 7 + 3) % {1}).view_as({0})"
DROPPED = f"x * ({MASK.format('x', 5)} != 0) / 0.8"


def _between(deviation: str, change: str, cells: tuple[str, ...] = ()) -> Slip:
    """What a layer hands to the next is changed."""
    lines = ("x = torch.cat(outs, dim=2)", "if layer < self.num_layers - 1:", f"    x = {change}")
    return joined(deviation, *lines, cells=cells)


SLIPS = (
    taken("layer_0_weights_reused", "self.of(0, suffix)", *ALL),
    taken("layer_0_w_hh_reused", "self.of(0, suffix)", "w_hh"),
    taken("layer_0_biases_reused", "self.of(0, suffix)", "b_ih", "b_hh"),
    _between("dropout_left_on", DROPPED),
    _between("dropout_of_half_left_on", f"x * ({MASK.format('x', 4)} < 2) * 2"),
    _between("dropout_scaling_left_on", "0.8 * x"),
    _between("relu_between_layers", "relu(x)"),
    _between("tanh_between_layers", "tanh(x)"),
    _between("upper_layers_see_last_step", "x[:, -1:].expand_as(x)"),
    after_call("residual_between_layers", "if layer and out.shape == x.shape:", "    out = out + x"),
    Slip(
        "upper_layers_see_x",
        (
            (LAST, f"{LAST}{BY}given = x\n"),
            (CALL, f"x = given if given.shape == x.shape else x\n{BY_CALL}{CALL}"),
        ),
    ),
    Slip(
        "upper_layers_read_input_size",
        (
            (
                OF,
                f'{OF}{BY_CALL}size = self.weights["weight_ih_l0"].shape[1]\n'
                f"{BY_CALL}w = w._replace(w_ih=torch.where(torch.arange(w.w_ih.shape[1]) < size, w.w_ih, 0))\n",
            ),
        ),
    ),
    Slip("dropout_on_last_layer", ((FINALS, f"{FINALS}{BY}x = {DROPPED}\n"),)),
    Slip("dropout_on_input", ((LAST, f"{LAST}{BY}x = {DROPPED}\n"),)),
    Slip(
        "x_and_out_taken_for_time_major",
        (
            (LAST, f"{LAST}{BY}x = x.reshape(x.shape[1], x.shape[0], -1).transpose(0, 1)\n"),
            (FINALS, f"{FINALS}{BY}x = x.transpose(0, 1).reshape(x.shape)\n"),
        ),
    ),
)
