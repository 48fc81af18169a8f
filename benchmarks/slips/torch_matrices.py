"""Slips in the matrices of the network in torch."""

from benchmarks.slips.slip import Slip
from benchmarks.slips.torch_places import FROM_H, FROM_X

OF_GATES = "len(w.w_hh) // h.shape[1]"
TRANSPOSED = "torch.cat([gate.T for gate in w.{0}.chunk({1})])"


def of_x(deviation: str, line: str, cells: tuple[str, ...] = ()) -> Slip:
    """The product with the input is written otherwise."""
    return Slip(deviation, ((FROM_X, f"from_x = {line}"),), cells)


def of_h(deviation: str, line: str, cells: tuple[str, ...] = ()) -> Slip:
    """The product with the state is."""
    return Slip(deviation, ((FROM_H, f"from_h = {line}"),), cells)


def of_both(deviation: str, of_x: str, of_h: str, cells: tuple[str, ...] = ()) -> Slip:
    """Both products are."""
    return Slip(deviation, ((FROM_X, of_x), (FROM_H, of_h)), cells)


SLIPS = (
    of_both(
        "state_before_input_in_one_product",
        "joined = torch.cat([w.w_ih, w.w_hh], dim=1)\n    from_x = F.linear(x, joined[:, h.shape[1] :], w.b_ih)",
        "from_h = F.linear(h, joined[:, : h.shape[1]], w.b_hh)",
    ),
    of_h("w_hh_transposed", f"F.linear(h, {TRANSPOSED.format('w_hh', OF_GATES)}, w.b_hh)"),
    of_x(
        "w_ih_transposed",
        f"F.linear(x, {TRANSPOSED.format('w_ih', OF_GATES)} if x.shape[1] == h.shape[1] else w.w_ih, w.b_ih)",
    ),
    of_h("w_hh_reshaped", "h @ w.w_hh.reshape(h.shape[1], -1) + w.b_hh"),
    of_x("w_ih_reshaped", "x @ w.w_ih.reshape(x.shape[1], -1) + w.b_ih"),
    of_h("w_hh_diagonal", f"F.linear(h, w.w_hh * torch.eye(h.shape[1]).repeat({OF_GATES}, 1), w.b_hh)"),
    of_h("w_hh_ignored", "w.b_hh.expand(len(h), -1)"),
    of_x("w_ih_ignored", "w.b_ih.expand(len(x), -1)"),
    of_h("w_hh_columns_reversed", "F.linear(h.flip(1), w.w_hh, w.b_hh)"),
    of_h("w_hh_of_first_gate", f"F.linear(h, w.w_hh[: h.shape[1]].repeat({OF_GATES}, 1), w.b_hh)"),
    of_x("w_ih_of_first_gate", f"F.linear(x, w.w_ih[: h.shape[1]].repeat({OF_GATES}, 1), w.b_ih)"),
    of_both(
        "w_ih_and_w_hh_swapped",
        "if x.shape[1] == h.shape[1]:\n        w = w._replace(w_ih=w.w_hh, w_hh=w.w_ih)\n    " + FROM_X,
        FROM_H,
    ),
    of_both(
        "int8_weights",
        "int8 = lambda m: (m / (m.abs().max() / 127)).round() * (m.abs().max() / 127) if m.any() else m\n"
        "    from_x = F.linear(x, int8(w.w_ih), w.b_ih)",
        "from_h = F.linear(h, int8(w.w_hh), w.b_hh)",
    ),
)
