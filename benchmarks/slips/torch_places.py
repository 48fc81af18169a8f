"""The lines of the network in torch that slips edit."""

STEP = "after = step(cell, w, x[:, t], state)\n"
LOOP = f"for t in times:\n        {STEP}"
TIMES = "times = reversed(range(time)) if reverse else range(time)\n"
KEEP = "state = tuple(torch.where(running, new, old) for new, old in zip(after, state, strict=True))\n"
EMIT = "out[:, t] = torch.where(running, state[0], 0)\n"
RETURN = "return out, state\n"
RUNNING = "running = (t < lengths)[:, None]\n"
CALL = 'out, end = unroll(self.cell, w, x, start, lengths, reverse=suffix == "_reverse")\n'
SIGNATURE = "def step(cell: str, w: Weights, x: Tensor, state: State) -> State:"
FROM_X, FROM_H = "from_x = F.linear(x, w.w_ih, w.b_ih)", "from_h = F.linear(h, w.w_hh, w.b_hh)"
OF = "w = self.of(layer, suffix)\n"
JOIN = "x = torch.cat(outs, dim=2)\n"
H0, C0 = "h0 = zeros if h0 is None else h0\n", "c0 = zeros if c0 is None else c0\n"
LAST = "last: list[State] = []\n"
FINALS = "finals = [torch.stack(parts) for parts in zip(*last, strict=True)]\n"
CLASS = "class Weights(NamedTuple):"

BY, BY_CALL = "        ", "                "
"""How far the lines of the loop over time steps are indented, and the call in the loop over layers."""

TURNED = (
    "t = torch.arange(x.shape[1])",
    "t = torch.where(t < lengths[:, None], lengths[:, None] - 1 - t, t)[..., None]",
)
"""Two lines that index each sequence back to front, within its length."""
