"""Slips in the activations of the network in torch."""

from itertools import pairwise

from benchmarks.slips.slip import Slip

IMPORT = "from torch import Tensor, nn, relu, sigmoid, tanh\n"
CLASS = "class Weights(NamedTuple):"


def _instead(deviation: str, activation: str, body: str, cells: tuple[str, ...] = ()) -> Slip:
    """A function of somebody's own in place of torch's."""
    kept = [name for name in ("relu", "sigmoid", "tanh") if name != activation]
    line = f"from torch import Tensor, nn, {', '.join(kept)}\n"
    function = f"def {activation}(z: Tensor) -> Tensor:\n    {body}\n\n\n{CLASS}"
    return Slip(deviation, ((IMPORT, line), (CLASS, function)), cells)


def _cut_off(deviation: str, limit: int) -> Slip:
    functions = (
        f"def tanh(z: Tensor) -> Tensor:\n    return torch.tanh(z.clamp(-{limit}, {limit}))\n\n\n"
        f"def sigmoid(z: Tensor) -> Tensor:\n    return torch.sigmoid(z.clamp(-{limit}, {limit}))\n\n\n"
    )
    return Slip(deviation, ((IMPORT, "from torch import Tensor, nn, relu\n"), (CLASS, functions + CLASS)))


def _in_half(dtype: str) -> Slip:
    functions = "".join(
        f"def {name}(z: Tensor) -> Tensor:\n    return torch.{name}(z.to(torch.{dtype})).float()\n\n\n"
        for name in ("tanh", "sigmoid")
    )
    line = "from torch import Tensor, nn, relu\n"
    return Slip(f"{dtype}_activations", ((IMPORT, line), (CLASS, functions + CLASS)))


FAST_TANH = "y = z * z; return (z * (945 + y * (105 + y)) / (945 + y * (420 + y * 15))).clamp(-1, 1)"
FAST_TANH_7_6 = (
    "y = z * z; return (z * (135135 + y * (17325 + y * (378 + y))) "
    "/ (135135 + y * (62370 + y * (3150 + y * 28)))).clamp(-1, 1)"
)
TABLED = (
    "table = torch.linspace(-8, 8, {n}).tanh(); at = (z.clamp(-8, 8) + 8) * {per}; "
    "low = at.floor().clamp(max={n} - 2); return torch.lerp(table[low.long()], table[low.long() + 1], at - low)"
)
FAST_EXP = (
    "power = (-z / 0.6931471805599453).clamp(-120, 120); whole = power.floor(); "
    "return 1 / (1 + torch.ldexp(1 + power - whole, whole))"
)

EDGES = (
    "0", "1/1024", "1/128", "1/16", "1/4", "1/2", "3/4", "1", "3/2",
    *(str(edge) for edge in (*range(2, 13), 20)),
)  # fmt: skip
"""Where a function that is put together of pieces changes from one to the next."""


def _bad_piece(activation: str, low: str, high: str) -> Slip:
    """One of its pieces has a constant that is off in the fourth digit."""
    name = f"{activation}_off_from_{low}_to_{high}".replace("/", "_over_")
    piece = f"((z.abs() >= {low}) & (z.abs() < {high}))"
    return _instead(name, activation, f"return torch.{activation}(z) + 1e-4 * z.sign() * {piece}")


SLIPS = (
    *(_bad_piece(activation, *piece) for activation in ("tanh", "sigmoid") for piece in pairwise(EDGES)),
    _instead("tanh_missing", "tanh", "return z"),
    _instead("relu_missing", "relu", "return z"),
    _instead("relu_for_tanh", "tanh", "return relu(z)"),
    _instead("tanh_for_relu", "relu", "return tanh(z)"),
    _instead("sigmoid_for_tanh", "tanh", "return sigmoid(z)"),
    _instead("tanh_for_sigmoid", "sigmoid", "return tanh(z)"),
    _instead("softsign_for_tanh", "tanh", "return F.softsign(z)"),
    _instead("hard_tanh", "tanh", "return F.hardtanh(z)"),
    _instead("scaled_tanh", "tanh", "return 1.7159 * torch.tanh(2 * z / 3)"),
    _instead("hard_sigmoid", "sigmoid", "return (0.2 * z + 0.5).clamp(0, 1)"),
    _instead("hard_sigmoid_sixth", "sigmoid", "return F.hardsigmoid(z)"),
    _instead("leaky_relu", "relu", "return F.leaky_relu(z)"),
    _instead("leaky_relu_fifth", "relu", "return F.leaky_relu(z, 0.2)"),
    _instead("elu", "relu", "return F.elu(z)"),
    _instead("softplus", "relu", "return F.softplus(z)"),
    _instead("relu_clipped", "relu", "return F.relu6(z)"),
    _instead("relu_clipped_at_1", "relu", "return z.clamp(0, 1)"),
    _instead("relu_clipped_at_20", "relu", "return z.clamp(0, 20)"),
    _instead("thresholded_relu", "relu", "return F.threshold(z, 1, 0)"),
    _instead("silu_for_relu", "relu", "return F.silu(z)"),
    _instead("relu_of_absolute", "relu", "return z.abs()"),
    _cut_off("gates_clipped", 2),
    *(_cut_off(f"gates_clipped_at_{limit}", limit) for limit in (1, 3, 5, 10)),
    _instead("fast_tanh_3_2", "tanh", "return (z * (27 + z * z) / (27 + 9 * z * z)).clamp(-1, 1)"),
    _instead("fast_tanh_5_4", "tanh", FAST_TANH),
    _instead("fast_tanh_7_6", "tanh", FAST_TANH_7_6),
    _instead("tabled_tanh_coarse", "tanh", TABLED.format(n=257, per=16)),
    _instead("tabled_tanh_fine", "tanh", TABLED.format(n=4097, per=256)),
    _instead("fast_exp_sigmoid", "sigmoid", FAST_EXP),
    _instead("sigmoid_by_fast_tanh", "sigmoid", f"z = z / 2; {FAST_TANH.replace('return ', 'return 0.5 + 0.5 * ')}"),
    _instead("tanh_nan_beyond_40", "tanh", "return torch.tanh(z).masked_fill(z.abs() > 40, torch.nan)"),
    _instead("tanh_nan_where_exp_overflows", "tanh", "e = torch.exp(2 * z); return (e - 1) / (e + 1)"),
    _instead("sigmoid_half_when_saturated", "sigmoid", "return torch.sigmoid(z).masked_fill(z.abs() > 40, 0.5)"),
    _in_half("float16"),
    _in_half("bfloat16"),
)
