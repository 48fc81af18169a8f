"""Slips in the biases of the network in torch."""

from benchmarks.slips.slip import Slip
from benchmarks.slips.torch_matrices import of_both, of_h, of_x
from benchmarks.slips.torch_places import BY, FROM_H, FROM_X, LOOP, STEP

FIRST_UNIT = "w.{0}.unflatten(0, (-1, h.shape[1]))[:, :1].expand(-1, h.shape[1]).flatten()"


def _first_only(bias: str) -> Slip:
    then = f"{STEP}{BY}w = w._replace({bias}=torch.zeros_like(w.{bias}))\n"
    return Slip(f"{bias}_on_first_step_only", ((STEP, then),))


def _without_at_first(deviation: str, *parts: str) -> Slip:
    zeros = ", ".join(f"{part}=torch.zeros_like(w.{part})" for part in parts)
    return Slip(deviation, ((LOOP, f"whole, w = w, w._replace({zeros})\n    {LOOP}{BY}w = whole\n"),))


def _if_state(deviation: str, condition: str, zeros: str, cells: tuple[str, ...] = ()) -> Slip:
    """The first step leaves something out if an initial state is given, or is not."""
    return Slip(
        deviation,
        (
            (LOOP, f"whole, w = w, {zeros} if {condition} else w\n    {LOOP}{BY}w = whole\n"),
            ("*, reverse: bool) ->", "*, reverse: bool, given: bool) ->"),
            ('reverse=suffix == "_reverse")', 'reverse=suffix == "_reverse", given=given)'),
            (
                'hidden = self.weights["weight_hh_l0"].shape[1]\n',
                'given, hidden = h0 is not None, self.weights["weight_hh_l0"].shape[1]\n',
            ),
        ),
        cells,
    )


def _late(deviation: str, bias: str, of_x: str, of_h: str, n: str) -> Slip:
    """A bias is added to what the activations return."""
    b = f"w.{bias}"
    return Slip(
        deviation,
        (
            (FROM_X, of_x),
            (FROM_H, of_h),
            ("return (tanh(from_x + from_h),)", f"return (tanh(from_x + from_h) + {b},)"),
            ("return (relu(from_x + from_h),)", f"return (relu(from_x + from_h) + {b},)"),
            (
                "c = sigmoid(f) * state[1] + sigmoid(i) * tanh(g)",
                f"b_i, b_f, b_g, b_o = {b}.chunk(4)\n{BY}"
                "c = (sigmoid(f) + b_f) * state[1] + (sigmoid(i) + b_i) * (tanh(g) + b_g)",
            ),
            ("return (sigmoid(o) * tanh(c), c)", "return ((sigmoid(o) + b_o) * tanh(c), c)"),
            ("r = sigmoid(x_r + h_r)", f"b_r, b_z, b_n = {b}.chunk(3)\n    r = sigmoid(x_r + h_r) + b_r"),
            ("z = sigmoid(x_z + h_z)", "z = sigmoid(x_z + h_z) + b_z"),
            ("n = tanh(x_n + r * h_n)", n),
        ),
    )


SLIPS = (
    of_x("b_ih_missing", "F.linear(x, w.w_ih)"),
    of_x("b_ih_doubled", "F.linear(x, w.w_ih, w.b_ih) + w.b_ih"),
    of_x("b_ih_negated", "F.linear(x, w.w_ih) - w.b_ih"),
    of_x("b_ih_of_first_unit", f"F.linear(x, w.w_ih, {FIRST_UNIT.format('b_ih')})"),
    of_h("b_hh_missing", "F.linear(h, w.w_hh)"),
    of_h("b_hh_doubled", "F.linear(h, w.w_hh, w.b_hh) + w.b_hh"),
    of_h("b_hh_negated", "F.linear(h, w.w_hh) - w.b_hh"),
    of_h("b_hh_of_first_unit", f"F.linear(h, w.w_hh, {FIRST_UNIT.format('b_hh')})"),
    of_h("b_hh_overwritten_by_b_ih", "F.linear(h, w.w_hh, w.b_ih)"),
    of_x("b_ih_overwritten_by_b_hh", "F.linear(x, w.w_ih, w.b_hh)"),
    of_both("biases_missing", "from_x = F.linear(x, w.w_ih)", "from_h = F.linear(h, w.w_hh)"),
    of_both(
        "gru_biases_swapped",
        "from_x = F.linear(x, w.w_ih, w.b_hh)",
        "from_h = F.linear(h, w.w_hh, w.b_ih)",
    ),
    of_both(
        "biases_interleaved",
        "b_ih, b_hh = torch.cat([w.b_ih, w.b_hh]).reshape(-1, 2).T\n    from_x = F.linear(x, w.w_ih, b_ih)",
        "from_h = F.linear(h, w.w_hh, b_hh)",
    ),
    _first_only("b_ih"),
    _first_only("b_hh"),
    _without_at_first("b_ih_missing_on_first_step", "b_ih"),
    _without_at_first("b_hh_missing_on_first_step", "b_hh"),
    _without_at_first("hh_skipped_at_first_step", "w_hh", "b_hh"),
    _if_state("b_hh_missing_without_h0", "not given", "w._replace(b_hh=torch.zeros_like(w.b_hh))"),
    _if_state("b_hh_missing_with_h0", "given", "w._replace(b_hh=torch.zeros_like(w.b_hh))"),
    _if_state(
        "gru_b_hn_missing_without_h0",
        "not given",
        "w._replace(b_hh=torch.cat([*w.b_hh.chunk(3)[:2], torch.zeros(len(w.b_hh) // 3)]))",
        ("gru",),
    ),
    _late("b_ih_after_activation", "b_ih", "from_x = F.linear(x, w.w_ih)", FROM_H, "n = tanh(x_n + r * h_n) + b_n"),
    _late("b_hh_after_activation", "b_hh", FROM_X, "from_h = F.linear(h, w.w_hh)", "n = tanh(x_n + r * h_n) + b_n"),
)
