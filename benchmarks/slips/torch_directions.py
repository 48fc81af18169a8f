"""Slips in how the network in torch runs and joins its directions."""

from benchmarks.slips.slip import Slip
from benchmarks.slips.torch_places import BY, BY_CALL, CALL, JOIN, OF, TURNED
from benchmarks.slips.torch_time import after_call

END = 'end = f"l{layer}{suffix}"\n'
W_HH = 'self.weights[f"weight_hh_{end}"]'
W_IH = 'self.weights[f"weight_ih_{end}"]'
BIASES = 'b_ih, b_hh = self.weights.get(f"bias_ih_{end}", none), self.weights.get(f"bias_hh_{end}", none)\n'
ALL = ("w_ih", "w_hh", "b_ih", "b_hh")


def joined(deviation: str, *lines: str, cells: tuple[str, ...] = ()) -> Slip:
    """What a layer's directions give is joined otherwise."""
    return Slip(deviation, ((JOIN, f"\n{BY}    ".join(lines) + "\n"),), cells)


def taken(deviation: str, other: str, *parts: str) -> Slip:
    """Some weights of another layer or direction, where the shapes allow it."""
    lines = [f"other = {other}"]
    for part in parts:
        lines.append(f"if other.{part}.shape == w.{part}.shape:\n{BY_CALL}    w = w._replace({part}=other.{part})")  # noqa: PERF401
    return Slip(deviation, ((OF, OF + "".join(f"{BY_CALL}{line}\n" for line in lines)),))


SLIPS = (
    after_call(
        "reverse_not_flipped_back",
        "if suffix:",
        *(f"    {t}" for t in TURNED),
        "    out = out.gather(1, t.expand_as(out))",
    ),
    Slip(
        "reverse_flips_output_only",
        (
            (
                CALL,
                f"seen = x\n{BY_CALL}if suffix:\n{BY_CALL}    {TURNED[0]}\n{BY_CALL}    {TURNED[1]}\n"
                f"{BY_CALL}    seen = x.gather(1, t.expand_as(x))\n{BY_CALL}{CALL.replace(' x,', ' seen,')}",
            ),
        ),
    ),
    Slip(
        "reverse_flips_batch",
        (
            (
                CALL,
                f"turned = [x.flip(0), start, lengths.flip(0)] if suffix else [x, start, lengths]\n"
                f"{BY_CALL}out, end = unroll(self.cell, w, *turned, reverse=False)\n"
                f"{BY_CALL}out = out.flip(0) if suffix else out\n",
            ),
        ),
    ),
    Slip("reverse_uses_forward_weights", ((END, 'end = f"l{layer}"\n'),)),
    Slip("reverse_uses_forward_w_hh", ((W_HH, 'self.weights[f"weight_hh_l{layer}"]'),)),
    Slip("reverse_uses_forward_w_ih", ((W_IH, 'self.weights[f"weight_ih_l{layer}"]'),)),
    Slip("reverse_uses_forward_biases", ((BIASES, f'end = f"l{{layer}}"\n{BY}{BIASES}'),)),
    Slip(
        "directions_weights_swapped", ((OF, "w = self.of(layer, self.suffixes[-1 - self.suffixes.index(suffix)])\n"),)
    ),
    taken(
        "weights_direction_major",
        "self.of(*[(k, s) for s in self.suffixes for k in range(self.num_layers)][len(last)])",
        *ALL,
    ),
    Slip("reverse_starts_from_forward_end", ((CALL, f"start = end if suffix else start\n{BY_CALL}{CALL}"),)),
    after_call(
        "reverse_missing",
        "if suffix:",
        "    out, end = torch.zeros_like(out), tuple(torch.zeros_like(part) for part in end)",
    ),
    joined("directions_joined_in_wrong_order", "x = torch.cat(outs[::-1], dim=2)"),
    joined("directions_interleaved", "x = torch.stack(outs, dim=-1).flatten(2)"),
    joined("directions_stacked_and_reshaped", "x = torch.stack(outs).reshape(*outs[0].shape[:2], -1)"),
    joined(
        "directions_added", "x = torch.cat(outs, dim=2) if layer < self.num_layers - 1 else torch.stack(outs).sum(0)"
    ),
    joined(
        "reverse_hidden_from_upper_layers",
        "if layer < self.num_layers - 1:",
        "    outs[1:] = [torch.zeros_like(out) for out in outs[1:]]",
        "x = torch.cat(outs, dim=2)",
    ),
)
