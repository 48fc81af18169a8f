"""Slips in how the network in torch adds up its products, and in what precision."""

from benchmarks.slips.slip import Slip
from benchmarks.slips.torch_places import CLASS, FROM_H, FROM_X, STEP

TF32 = "(lambda f, e: torch.ldexp(torch.ldexp(f, torch.tensor(11)).round(), e - 11))(*torch.frexp({0}))"
NARROW = {"float16": "({0}).half().float()", "bfloat16": "({0}).bfloat16().float()", "tf32": TF32}


def _product(deviation: str, body: str) -> Slip:
    """A product of somebody's own."""
    function = f"def linear(v: Tensor, m: Tensor, b: Tensor) -> Tensor:\n    {body}\n\n\n{CLASS}"
    return Slip(
        deviation,
        (
            (CLASS, function),
            (FROM_X, "from_x = linear(x, w.w_ih, w.b_ih)"),
            (FROM_H, "from_h = linear(h, w.w_hh, w.b_hh)"),
        ),
    )


def _summed(rounded: str) -> str:
    return (
        "total = v.new_zeros(len(v), len(m))\n    for k in range(v.shape[1]):\n"
        f"        total = {rounded.format('total + ' + rounded.format('v[:, k, None] * m[:, k]'))}\n"
        "    return total + b"
    )


SLIPS = (
    *(
        _product(
            f"product_tail_of_{width}_dropped",
            f"n = v.shape[1] - v.shape[1] % {width} if v.shape[1] > {width} else v.shape[1]\n"
            "    return F.linear(v[:, :n], m[:, :n], b)",
        )
        for width in (2, 4, 8, 16, 32)
    ),
    _product("product_beyond_64_dropped", "return F.linear(v[:, :64], m[:, :64], b)"),
    *(
        _product(f"{name}_products", f"return F.linear({rounded.format('v')}, {rounded.format('m')}, b)")
        for name, rounded in NARROW.items()
    ),
    *(_product(f"{name}_accumulation", _summed(rounded)) for name, rounded in NARROW.items()),
    *(
        Slip(
            f"{name}_state",
            ((STEP, f"after = tuple(part.{to}().float() for part in step(cell, w, x[:, t], state))\n"),),
        )
        for name, to in (("float16", "half"), ("bfloat16", "bfloat16"))
    ),
    Slip(
        "float16_arithmetic",
        (
            ("w = self.of(layer, suffix)\n", "w = Weights(*(part.half() for part in self.of(layer, suffix)))\n"),
            ("zeros = x.new_zeros(", "x = x.half()\n        zeros = x.new_zeros("),
            ("h0 = zeros if h0 is None else h0\n", "h0 = zeros if h0 is None else h0.half()\n"),
            ("c0 = zeros if c0 is None else c0\n", "c0 = zeros if c0 is None else c0.half()\n"),
            (FROM_X, "from_x = F.linear(x.float(), w.w_ih.float()).half() + w.b_ih"),
            (FROM_H, "from_h = F.linear(h.float(), w.w_hh.float()).half() + w.b_hh"),
            (
                "return (x[0], *(final[:, 0] for final in finals))",
                "return (x[0].float(), *(final[:, 0].float() for final in finals))",
            ),
            ("return (x, *finals)", "return (x.float(), *(final.float() for final in finals))"),
        ),
    ),
)
