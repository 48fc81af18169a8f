"""Derives one element of one golden and its tolerance, in numbers; docs/numerics.md explains the output.

    python examples/derivation.py

Everything is computed from the stored weights and inputs and compared with the golden: the sums as fractions, the tanh
as a decimal, the tolerance in float64.
"""

from collections.abc import Mapping
from decimal import Decimal, getcontext
from fractions import Fraction
from itertools import combinations
from math import ceil, frexp, ldexp

import rnn_goldens
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.tolerance import HALF_SAFETY, Bound

GOLDEN, UNIT = "rnn-tanh/one-step", 0


def main() -> None:
    golden = rnn_goldens.load(GOLDEN, dtype="float64")
    assert isinstance(golden.tolerance, Bound)
    row = [Fraction(float(v)) for v in golden.weights["weight_ih_l0"][UNIT]]
    x = [Fraction(float(v)) for v in golden.x[0, 0]]
    b_ih, b_hh = (Fraction(float(golden.weights[name][UNIT])) for name in ("bias_ih_l0", "bias_hh_l0"))
    print(f"golden      {golden.id}, unit {UNIT}: h = tanh(W x + b_ih + b_hh), from h0 = 0")
    print(f"W           {[float(v) for v in row]}")
    print(f"x           {[float(v) for v in x]}")
    print(f"b_ih, b_hh  {float(b_ih)}, {float(b_hh)}")

    product = sum((w * v for w, v in zip(row, x, strict=True)), Fraction(0))
    z = product + b_ih + b_hh
    print(f"\nz           {z} = {float(z)!r}, exactly")
    getcontext().prec = 40
    power = (2 * Decimal(z.numerator) / Decimal(z.denominator)).exp()
    h = (power - 1) / (power + 1)
    stored = float(golden.stored.out[0, 0, UNIT])
    print(f"tanh(z)     {h}")
    off, half_a_unit = abs(Decimal(stored) - h), Decimal(ldexp(1, frexp(stored)[1] - 54))
    print(f"stored      {stored!r}, off by {off:.2e}: less than half a unit, {half_a_unit:.2e}")
    assert off < half_a_unit

    slope, value = 1 - float(h) ** 2, abs(float(h))
    terms = len(row) + golden.network.hidden_size + 2
    absolute = float(sum(abs(w * v) for w, v in zip(row, x, strict=True)) + abs(b_ih) + abs(b_hh))
    accumulation = slope * terms * absolute + 8 * max(value, 1)
    partial = worst_order({"W x": product, "b_ih": b_ih, "W h": Fraction(0), "b_hh": b_hh})
    stores = {"W x": product, "W h": Fraction(0), **partial}
    storage = slope * float(sum(map(abs, stores.values()))) + value
    print(f"\ntanh'(z)    {slope:.6f}")
    print(f"sums        {terms} terms (I + H + 2), absolute values add up to {absolute:.6f}")
    print("stores      both products, and the partial sums of z in the worst order")
    for what, result in stores.items():
        print(f"  {what:<24} {float(result):9.6f}")
    print(f"accumulation  tanh'(z) {terms} {absolute:.4f} + 8 max(|h|, 1) = {accumulation:.4f}")
    print(f"storage       tanh'(z) (the stores) + |h| = {storage:.4f}")
    for name, ours in (("accumulation", accumulation), ("storage", storage)):
        kept = float(getattr(golden.tolerance, name)["out"][0, 0, UNIT])
        assert kept == eight_bits_up(ours), (name, ours, kept)
        print(f"  stored {name:<13} {kept}: equal, rounded up to eight bits")
    print_tolerances(golden, stored)


def worst_order(terms: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """Return every partial sum, in the order of summation with the largest partial sums."""
    if len(terms) == 1:
        return {}
    names = list(terms)
    orders = []
    for size in range(1, len(names)):
        for left in combinations(names, size):
            right = [name for name in names if name not in left]
            orders.append({**worst_order({n: terms[n] for n in left}), **worst_order({n: terms[n] for n in right})})
    worst = max(orders, key=lambda order: sum(map(abs, order.values())))
    return {**worst, " + ".join(names): sum(terms.values(), Fraction(0))}


def eight_bits_up(value: float) -> float:
    mantissa, exponent = frexp(value)
    return ldexp(ceil(mantissa * 256), exponent - 8)


def print_tolerances(golden: rnn_goldens.Golden, stored: float) -> None:
    assert isinstance(golden.tolerance, Bound)
    print()
    kept = [float(getattr(golden.tolerance, name)["out"][0, 0, UNIT]) for name in ("accumulation", "storage")]
    for precision in PRECISIONS.values():
        half = precision.bits < PRECISIONS["float32"].bits
        u_acc = PRECISIONS["float32"].roundoff if half else precision.roundoff
        bound = (HALF_SAFETY if half else 1.0) * (kept[0] * u_acc + kept[1] * precision.roundoff)
        bound += precision.roundoff * abs(stored) + precision.smallest
        allowed = float(golden.tolerance.allowed("out", golden.stored.out, precision)[0, 0, UNIT])
        assert abs(bound - allowed) <= 1e-12 * allowed
        units = allowed / ldexp(1, frexp(stored)[1] - precision.bits)
        print(f"{precision.name:<9} tolerance {allowed:.3g}, {units:.1f} units in the last place")


if __name__ == "__main__":
    main()
