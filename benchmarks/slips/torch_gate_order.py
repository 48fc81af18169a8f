"""Slips in the order in which the network in torch takes the gates: every wrong order."""

from itertools import permutations

from benchmarks.slips.slip import Slip

LSTM = "i, f, g, o = (from_x + from_h).chunk(4, dim=1)\n"
OF_X, OF_H = "x_r, x_z, x_n = from_x.chunk(3, dim=1)\n", "h_r, h_z, h_n = from_h.chunk(3, dim=1)\n"
END = "        "


def _lstm(order: str) -> Slip:
    return Slip(f"lstm_gates_{order}", ((LSTM, f"{', '.join(order)} = (from_x + from_h).chunk(4, dim=1)\n"),))


def _gru(order: str) -> Slip:
    of_x, of_h = (", ".join(f"{side}_{gate}" for gate in order) for side in "xh")
    edits = ((OF_X, f"{of_x} = from_x.chunk(3, dim=1)\n"), (OF_H, f"{of_h} = from_h.chunk(3, dim=1)\n"))
    return Slip(f"gru_gates_{order}", edits)


def _lstm_biases(order: str) -> Slip:
    biases = ", ".join(f"b_{gate}" for gate in order)
    added = (
        "i, f, g, o = (F.linear(x, w.w_ih) + F.linear(h, w.w_hh)).chunk(4, dim=1)\n"
        f"{END}{biases} = (w.b_ih + w.b_hh).chunk(4)\n"
        f"{END}i, f, g, o = i + b_i, f + b_f, g + b_g, o + b_o\n"
    )
    return Slip(f"lstm_bias_gates_{order}", ((LSTM, added),))


def _gru_biases(order: str) -> Slip:
    def of(side: str, product: str, bias: str) -> str:
        biases = ", ".join(f"b_{gate}" for gate in order)
        return (
            f"{side}_r, {side}_z, {side}_n = {product}.chunk(3, dim=1)\n    {biases} = {bias}.chunk(3)\n"
            f"    {side}_r, {side}_z, {side}_n = {side}_r + b_r, {side}_z + b_z, {side}_n + b_n\n"
        )

    edits = ((OF_X, of("x", "F.linear(x, w.w_ih)", "w.b_ih")), (OF_H, of("h", "F.linear(h, w.w_hh)", "w.b_hh")))
    return Slip(f"gru_bias_gates_{order}", edits)


def _wrong(right: str) -> list[str]:
    return ["".join(order) for order in permutations(right) if "".join(order) != right]


SLIPS = (
    *(make(order) for order in _wrong("ifgo") for make in (_lstm, _lstm_biases)),
    *(make(order) for order in _wrong("rzn") for make in (_gru, _gru_biases)),
    Slip(
        "gates_by_unit",
        (
            (LSTM, "i, f, g, o = (from_x + from_h).unflatten(1, (-1, 4)).unbind(2)\n"),
            (OF_X, "x_r, x_z, x_n = from_x.unflatten(1, (-1, 3)).unbind(2)\n"),
            (OF_H, "h_r, h_z, h_n = from_h.unflatten(1, (-1, 3)).unbind(2)\n"),
        ),
    ),
    Slip(
        "gates_of_w_hh_not_reordered",
        (
            (
                LSTM,
                "i, o, f, g = F.linear(x, w.w_ih).chunk(4, dim=1)\n"
                f"{END}i, f, g, o = (torch.cat([i, f, g, o], dim=1) + w.b_ih + from_h).chunk(4, dim=1)\n",
            ),
        ),
    ),
    Slip(
        "gru_w_ih_alone_reordered",
        (
            (
                OF_X,
                "x_z, x_r, x_n = F.linear(x, w.w_ih).chunk(3, dim=1)\n"
                "    x_r, x_z, x_n = (torch.cat([x_r, x_z, x_n], dim=1) + w.b_ih).chunk(3, dim=1)\n",
            ),
        ),
    ),
)
