"""The integer LSTMs in plain Python integers, written from docs/integer-lstms.md: one element at a time."""

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from math import exp, floor
from typing import Any

Row = list[int]
Scale = tuple[int, int]


def limited(x: int, bits: int) -> int:
    half = 1 << bits - 1
    return max(-half, min(half - 1, x))


def up(x: Fraction) -> int:
    """Round to nearest, ties towards positive infinity."""
    return floor(x + Fraction(1, 2))


def away(x: Fraction) -> int:
    """Round to nearest, ties away from zero."""
    return up(x) if x >= 0 else -up(-x)


def twice(x: int, scale: Scale) -> int:
    m, s = scale
    return away(Fraction(up(Fraction(x * 2 ** max(s, 0) * m, 2**31)), 2 ** max(-s, 0)))


def once(x: int, scale: Scale) -> int:
    m, s = scale
    return up(Fraction(x * m) / Fraction(2) ** (31 - s))


def short(x: int, scale: Scale) -> int:
    m, s = scale
    return up(Fraction(x * min(up(Fraction(m, 2**16)), 2**15 - 1)) / Fraction(2) ** (15 - s))


# Activations by table.


def entry(k: int) -> int:
    if k == 255:
        return 65535
    y = 1 / (1 + exp(-k / 24))
    return round(65536 * (y + y * (1 - y) * (2 * y - 1) / 9216))


TABLE = [entry(k) for k in range(256)]


def between(x: Fraction) -> Fraction:
    """The sigmoid of x / 24 for x >= 0, in units of 2^-16."""
    k = floor(x)
    return Fraction(65535) if k >= 255 else TABLE[k] + (x - k) * (TABLE[k + 1] - TABLE[k])


def sigmoid_of_table(q: int, _power: int) -> int:
    y = up(between(Fraction(3 * abs(q), 512)) / 2)
    return y if q >= 0 else 32768 - y


def tanh_of_table(q: int, power: int) -> int:
    x = up(Fraction(3 * q) * Fraction(2) ** (power + 12))
    y = up(between(Fraction(abs(x), 256)) - 32768)
    return y if x >= 0 else -y


# Activations by series.

FACTORS = {-2: 25520, -1: 19875, 0: 12055, 1: 4435, 2: 600, 3: 11, 4: 0}


def times(a: int, b: int) -> int:
    return limited(up(Fraction(a * b, 2**15)), 16)


def exponential(a: int, n: int) -> int:
    """e^a in Q0.15; a <= 0 has n integer bits."""
    one = 2 ** (15 - n)
    if a == 0 or (n > 5 and a < -32 * one):
        return 2**15 - 1 if a == 0 else 0
    rest = a % (one // 4) - one // 4
    x = rest * 2**n + 2**12
    x2 = times(x, x)
    x3, x4 = times(x2, x), times(x2, x2)
    inner = Fraction(times(away(Fraction(x4, 4)) + x3, 10923) + x2, 2)
    y = limited(28918 + times(28918, x + away(inner)), 16)
    for k, factor in FACTORS.items():
        if k < n and floor((rest - a) / (one * Fraction(2) ** k)) % 2:
            y = times(y, factor)
    return y


def two_over_one_plus(e: int) -> int:
    h = (e + 2**15) // 2
    x = 23130 + times(h, -15420)
    for _ in range(3):
        x += limited(4 * times(x, 2**13 - times(h, x)), 16)
    return x


def sigmoid_of_series(q: int, _power: int) -> int:
    if q <= 0:
        return 2**14 if q == 0 else 2**15 - 1 - sigmoid_of_series(-q, _power)
    return limited(2 * two_over_one_plus(exponential(-q, 3)), 16)


def tanh_of_series(q: int, power: int) -> int:
    if q <= 0:
        return -tanh_of_series(-q, power) if q else 0
    return limited(4 * (two_over_one_plus(exponential(-q, 16 + power)) - 2**13), 16)


# The layer.


def outputs(cell: str, config: Mapping[str, Any], arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Return out, h_n and c_n as nested lists."""
    rows = [_row(cell, config, arrays, *row) for row in zip(arrays["x"], arrays["h0"], arrays["c0"], strict=True)]
    return {name: [row[k] for row in rows] for k, name in enumerate(("out", "h_n", "c_n"))}


def _row(
    cell: str, config: Mapping[str, Any], w: Mapping[str, Any], steps: Iterable[Row], h: Row, c: Row
) -> tuple[list[Row], Row, Row]:
    wide, engine = "16x8" in cell, cell.rpartition("_")[2]
    scaled = once if config.get("rounding") == "single" else twice
    of_sums: Callable[[int, Scale], int] = short if wide else scaled
    by_series = engine == "tflite"
    sigmoid, tanh = (sigmoid_of_series, tanh_of_series) if by_series else (sigmoid_of_table, tanh_of_table)

    def over(x: int, n: int) -> int:
        return limited(away(Fraction(x, 2**n)) if by_series else scaled(x, (2**30, 1 - n)), 16)

    def gate(k: int, x: Row, h: Row, unit: int) -> int:
        name = "ifgo"[k]
        of_x = sum(a * (b - config["x_zero"]) for a, b in zip(w[f"W_{name}"][unit], x, strict=True))
        of_h = sum(a * (b - config["h_zero"]) for a, b in zip(w[f"R_{name}"][unit], h, strict=True))
        first = of_sums(of_x + w[f"b_{name}"][unit], (config["W_multiplier"][k], config["W_shift"][k]))
        second = of_sums(of_h, (config["R_multiplier"][k], config["R_shift"][k]))
        return limited(limited(first, 16) + (limited(second, 16) if engine == "tflm" else second), 16)

    out = []
    for x in steps:
        new_c, new_h = [], []
        for unit, before in enumerate(c):
            i, f, g, o = (gate(k, x, h, unit) for k in range(4))
            kept = over(sigmoid(f, -12) * before, 15)
            after = limited(kept + over(sigmoid(i, -12) * tanh(g, -12), 30 + config["cell_power"]), 16)
            if clip := config["cell_clip"]:
                after = max(-clip, min(clip, after))
            product = sigmoid(o, -12) * tanh(after, config["cell_power"])
            result = scaled(product, (config["h_multiplier"], config["h_shift"])) + config["h_zero"]
            new_c.append(after)
            new_h.append(limited(result, 16 if wide else 8))
        h, c = new_h, new_c
        out.append(h)
    return out, h, c
