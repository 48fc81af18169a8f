"""Slips in how the network in torch heeds lengths."""

from benchmarks.slips.slip import Slip
from benchmarks.slips.torch_places import BY_CALL, CALL, EMIT, KEEP, RETURN, RUNNING, STEP, TIMES, TURNED
from benchmarks.slips.torch_time import after_call

LSTM = ("lstm",)
FULL = "torch.full_like(lengths, x.shape[1])"
PADDED = f"unroll(self.cell, w, x, start, {FULL}, reverse=False)"
MOVED = "x.gather(1, ((torch.arange(time) - time + lengths[:, None]) % time)[..., None].expand_as(x))"

SLIPS = (
    Slip("outputs_not_zeroed", ((EMIT, "out[:, t] = state[0]\n"),)),
    after_call("outputs_computed_in_padding", "if not suffix:", f"    out = {PADDED}[0]"),
    after_call("state_runs_through_padding", "if not suffix:", f"    end = {PADDED}[1]"),
    after_call("c_runs_through_padding", "if not suffix:", f"    end = (end[0], {PADDED}[1][1])", cells=LSTM),
    Slip("state_zeroed_in_padding", ((KEEP, "state = tuple(part * running for part in after)\n"),)),
    Slip(
        "reverse_starts_in_padding",
        ((KEEP, KEEP.replace("running", "running | reverse")),),
    ),
    Slip(
        "reverse_starts_in_zeroed_padding",
        (
            (KEEP, KEEP.replace("running", "running | reverse")),
            (STEP, "after = step(cell, w, x[:, t] * (t < lengths)[:, None], state)\n"),
        ),
    ),
    Slip(
        "reverse_flips_padding",
        (
            (TIMES, "x, times = x.flip(1) if reverse else x, range(time)\n"),
            (RETURN, "return out.flip(1) if reverse else out, state\n"),
        ),
    ),
    Slip(
        "reverse_not_realigned",
        (
            (
                CALL,
                f"{CALL}{BY_CALL}if suffix:\n{BY_CALL}    {TURNED[0]}\n{BY_CALL}    {TURNED[1]}\n"
                f"{BY_CALL}    out = out.gather(1, t.expand_as(out)).flip(1)\n",
            ),
        ),
    ),
    Slip("padding_in_front", ((RUNNING, "running = (t >= time - lengths)[:, None]\n"),)),
    Slip(
        "h0_lands_on_padding",
        (
            (TIMES, f"x = x * (torch.arange(time)[:, None] < lengths[:, None, None])\n    x = {MOVED}\n    {TIMES}"),
            (RUNNING, "running = torch.ones(len(x), 1, dtype=torch.bool)\n"),
            (
                RETURN,
                "at = (torch.arange(time) + time - lengths[:, None]) % time\n"
                "    out = out.gather(1, at[..., None].expand_as(out))\n"
                "    return out * (torch.arange(time)[:, None] < lengths[:, None, None]), state\n",
            ),
        ),
    ),
    Slip(
        "lengths_ignored_by_upper_layers",
        ((CALL, CALL.replace("lengths", f"{FULL} if layer else lengths")),),
    ),
)
