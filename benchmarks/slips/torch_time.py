"""Slips in which time steps the network in torch visits, and in which of them it takes the last states."""

from benchmarks.slips.slip import Slip
from benchmarks.slips.torch_places import BY, BY_CALL, CALL, EMIT, KEEP, LOOP, RETURN, STEP, TIMES

FOR = LOOP.removesuffix(STEP)
ROWS = "torch.arange(len(x))"


def _times(deviation: str, line: str) -> Slip:
    return Slip(deviation, ((TIMES, f"times = {line}\n"),))


def after_call(deviation: str, *lines: str, cells: tuple[str, ...] = ()) -> Slip:
    """Something is done to what a layer in one direction gives."""
    return Slip(deviation, ((CALL, CALL + "".join(f"{BY_CALL}{line}\n" for line in lines)),), cells)


LAST_STATES = (
    after_call("h_n_of_reverse_from_wrong_end", "if suffix:", f"    end = (out[{ROWS}, lengths - 1], *end[1:])"),
    after_call("h_n_of_forward_from_wrong_end", "if not suffix:", "    end = (out[:, 0], *end[1:])"),
    after_call("h_n_from_padded_end", "if not suffix:", "    end = (out[:, -1], *end[1:])"),
    after_call(
        "h_n_one_step_early",
        "if not suffix:",
        f"    end = (torch.cat([start[0][:, None], out], dim=1)[{ROWS}, lengths - 1], *end[1:])",
    ),
    Slip(
        "h_n_one_step_early_in_both_directions",
        (
            (KEEP, f"before = torch.where(running, state[0], before)\n{BY}{KEEP}"),
            (LOOP, f"before = state[0]\n    {LOOP}"),
            (RETURN, "return out, (before, *state[1:])\n"),
        ),
    ),
)

TIME = (
    _times("last_step_skipped", "reversed(range(time - 1)) if reverse else range(time - 1)"),
    _times("last_step_skipped_in_reverse", "range(time - 1, 0, -1) if reverse else range(time)"),
    _times("first_step_skipped", "range(time - 1, 0, -1) if reverse else range(1, time)"),
    _times("every_other_step_skipped", "reversed(range(0, time, 2)) if reverse else range(0, time, 2)"),
    _times("reverse_not_reversed", "range(time)"),
    Slip(
        "out_of_step_before",
        (
            (LOOP, f"{FOR}before = state[0]\n{BY}{STEP}"),
            (EMIT, "out[:, t] = torch.where(running, state[0] if reverse else before, 0)\n"),
        ),
    ),
    Slip(
        "out_is_last_step_everywhere",
        (
            (
                RETURN,
                "within = torch.arange(time)[:, None] < lengths[:, None, None]\n"
                "    return torch.where(within, state[0][:, None], 0), state\n",
            ),
        ),
    ),
)

SLIPS = (*LAST_STATES, *TIME)
