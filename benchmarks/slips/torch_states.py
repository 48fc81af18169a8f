"""Slips in how the network in torch carries states from step to step."""

from benchmarks.slips.slip import Slip
from benchmarks.slips.torch_places import BY, BY_CALL, CALL, FROM_H, FROM_X, LOOP, SIGNATURE, STEP

LSTM = ("lstm",)
FOR = LOOP.removesuffix(STEP)


def _from(deviation: str, state: str, cells: tuple[str, ...] = ()) -> Slip:
    """Each step starts from something else than the state."""
    return Slip(deviation, ((STEP, f"after = step(cell, w, x[:, t], {state})\n"),), cells)


def _from_start(deviation: str, state: str, cells: tuple[str, ...] = ()) -> Slip:
    step = f"after = step(cell, w, x[:, t], {state})\n"
    return Slip(deviation, ((LOOP, f"start = state\n    {FOR}{step}"),), cells)


SLIPS = (
    _from("h_alone_of_row_before", "(state[0].roll(1, dims=0), state[1])", LSTM),
    _from("c_alone_of_row_before", "(state[0], state[1].roll(1, dims=0))", LSTM),
    _from("c_alone_with_units_reversed", "(state[0], state[1].flip(1))", LSTM),
    _from("state_of_row_before", "tuple(part.roll(1, dims=0) for part in state)"),
    _from("state_of_first_row", "tuple(part[:1].expand_as(part) for part in state)"),
    _from("state_units_reversed", "tuple(part.flip(1) for part in state)"),
    _from(
        "dropout_on_state",
        "(state[0] * ((torch.arange(state[0].numel()) * 7 + 3) % 5 != 0).view_as(state[0]) / 0.8, *state[1:])",
    ),
    _from_start("state_never_fed_forward", "start"),
    _from_start("h_never_fed_forward", "(start[0], state[1])", LSTM),
    _from_start("c_never_fed_forward", "(state[0], start[1])", LSTM),
    Slip(
        "first_state_not_kept", ((STEP, f"{STEP}{BY}after = state if t == (time - 1 if reverse else 0) else after\n"),)
    ),
    Slip(
        "leaky_integration",
        ((STEP, f"{STEP}{BY}after = tuple((a + b) / 2 for a, b in zip(state, after, strict=True))\n"),),
    ),
    Slip(
        "state_updated_in_place",
        (
            (
                STEP,
                f"{STEP}{BY}half = (state[0].shape[1] + 1) // 2\n"
                f"{BY}h = torch.cat([after[0][:, :half], state[0][:, half:]], dim=1)\n"
                f"{BY}late = step(cell, w, x[:, t], (h, *state[1:]))\n"
                f"{BY}pairs = zip(after, late, strict=True)\n"
                f"{BY}after = tuple(torch.cat([a[:, :half], b[:, half:]], dim=1) for a, b in pairs)\n",
            ),
        ),
    ),
    Slip(
        "gates_not_cleared",
        (
            (SIGNATURE, "def step(cell: str, w: Weights, x: Tensor, state: State, sums: dict[str, Tensor]) -> State:"),
            (FROM_X, 'sums["x"] = F.linear(x, w.w_ih) + sums.get("x", 0)\n    from_x = sums["x"] + w.b_ih'),
            (FROM_H, 'sums["h"] = F.linear(h, w.w_hh) + sums.get("h", 0)\n    from_h = sums["h"] + w.b_hh'),
            (LOOP, f"sums: dict[str, Tensor] = {{}}\n    {FOR}after = step(cell, w, x[:, t], state, sums)\n"),
        ),
    ),
    Slip(
        "state_buffer_shared_by_layers",
        ((CALL, f"start = last[-len(self.suffixes)] if layer else start\n{BY_CALL}{CALL}"),),
    ),
    Slip(
        "state_leaks_across_rows",
        (
            (
                CALL,
                "ends, outs_of_rows = [tuple(part[:1] for part in start)], []\n"
                f"{BY_CALL}for row in range(len(x)):\n"
                f"{BY_CALL}    one = slice(row, row + 1)\n"
                f"{BY_CALL}    out, end = unroll(self.cell, w, x[one], ends[-1], lengths[one], reverse=bool(suffix))\n"
                f"{BY_CALL}    outs_of_rows.append(out)\n"
                f"{BY_CALL}    ends.append(end)\n"
                f"{BY_CALL}out = torch.cat(outs_of_rows)\n"
                f"{BY_CALL}end = tuple(torch.cat(parts) for parts in zip(*ends[1:], strict=True))\n",
            ),
        ),
    ),
)
