"""Arrays of integer LSTMs that reach each tie of a rounding, each entry of the tables, and large biases."""

import math
from dataclasses import replace
from itertools import cycle

import numpy as np

from rnn_goldens.cells.integer_lstm import DEFINITIONS, Int64, IntegerLstm, Tflite
from rnn_goldens.generator.integer_scenario import IntegerScenario
from rnn_goldens.generator.scenarios.random_numbers import integers
from rnn_goldens.golden.integer_config import multipliers
from rnn_goldens.golden.recurrences import INTEGER_GATES

_ALL = np.arange(-(1 << 15), 1 << 15)
"""All 16-bit numbers."""

_STEP = 8
"""The difference of neighbouring inputs, between which each of eight units has an argument of its own."""

_32_BITS = (1 << 32) - 1

_LARGE_BIASES = {"int8": 3 << 14, "int16": 3 << 30}
"""Positive biases that need more than 16 or 32 bits, and whose low bits are a negative number, by type of inputs."""


def power_of_two(real: float) -> float:
    """Return the power of two next to a number."""
    return 2.0 ** round(math.log2(real))


def over_tables(scenario: IntegerScenario) -> IntegerScenario:
    """Return a scenario whose gates have arguments of all entries: negative ones in every other unit."""
    (rows, steps, _), units = np.shape(scenario.x), scenario.shape["hidden_size"]
    x, weights = np.zeros((rows, steps, len(INTEGER_GATES)), np.int64), {}
    first, unit = -_STEP * rows // 2, np.arange(units)
    for k, gate in enumerate(INTEGER_GATES):
        of_order = integers(f"{scenario.id} order {gate}", (rows,), 1 << 20)
        x[..., k] = first + _STEP * np.argsort(of_order)[:, None]
        sign = 1 if gate == "i" else 1 - 2 * (unit % 2)  # i is at least one half, so that c shows the tanh of g
        step = 86 if gate == "g" else 127  # entries are 85.3 apart in the tanh, 170.7 in sigmoids up to 2^15
        matrix = np.zeros((units, len(INTEGER_GATES)), np.int64)
        matrix[:, k] = sign * step
        between = np.abs(integers(f"{scenario.id} between {gate}", (units,), 40)).astype(np.int64)
        weights[f"W_{gate}"] = matrix
        weights[f"b_{gate}"] = sign * (step * (unit + scenario.shape["x_zero"] - first) + between)
    return replace(_of_exact_gates(scenario, weights), x=x)


def with_ties(scenario: IntegerScenario) -> IntegerScenario:
    """Return a scenario in which one product of each unit is one below a tie, one above a negative one, or a tie.

    It is i·g or the output of the first step, or f·c of the second. Gates have the same arguments at each step.
    """
    lstm, units = DEFINITIONS[scenario.cell](scenario.case()), scenario.shape["hidden_size"]
    arguments = np.zeros((len(INTEGER_GATES), units), np.int64)
    even = isinstance(lstm, Tflite)  # its tanhs are even, so that i·g and the output are never next to a tie
    wanted = [(product, kind) for product in "fio" for kind in range(2 if even and product != "f" else 0, 4)]
    for unit, (product, kind) in zip(range(units), cycle(wanted), strict=False):
        drawn = integers(f"{scenario.id} {unit}", (5,), 8000).astype(np.int64)
        arguments[:, unit] = _tie(lstm, drawn, product, kind)
    weights = {f"W_{gate}": np.zeros((units, 1), np.int64) for gate in INTEGER_GATES}
    return _of_exact_gates(
        scenario, weights | {f"b_{gate}": of for gate, of in zip(INTEGER_GATES, arguments, strict=True)}
    )


def with_large_biases(scenario: IntegerScenario) -> IntegerScenario:
    """Return a scenario in which one bias of each gate, in another unit each, is large."""
    biases = {f"b_{gate}": np.array(scenario.weights[f"b_{gate}"]) for gate in INTEGER_GATES}
    for unit, bias in enumerate(biases.values()):
        bias[unit] = _LARGE_BIASES[scenario.shape.width]
    return replace(scenario, weights={**scenario.weights, **biases})


def _of_exact_gates(scenario: IntegerScenario, weights: dict[str, Int64]) -> IntegerScenario:
    """Return a scenario with the weights of x, in which W (x - zero point) + b are the arguments of the gates."""
    config, units = dict(scenario.shape), scenario.shape["hidden_size"]
    config["W_scale"] = [2.0**-12 / config["x_scale"]] * len(INTEGER_GATES)
    config |= multipliers(scenario.cell, *(config[name] for name in ("x_scale", "h_scale", "W_scale", "R_scale")))
    of_h = {f"R_{gate}": np.zeros((units, units), np.int64) for gate in INTEGER_GATES}
    return replace(scenario, config=config, weights={**scenario.weights, **of_h, **weights})


def _tie(lstm: IntegerLstm, drawn: Int64, product: str, kind: int) -> list[int]:
    """Return arguments of the gates i, f, g and o, with which f·c, i·g or the output is of a kind."""
    i, f, g, o, choice = map(int, drawn)
    sigmoids, tanhs = lstm.sigmoid(_ALL), lstm.tanh(_ALL, -12)
    if product == "i":
        g, i = _tied(tanhs, sigmoids, 30 + lstm.config["cell_power"], kind, choice)
        return [i, f, g, o]
    c = lstm.added(lstm.sigmoid(np.array(i)), tanhs)
    if product == "f":
        g, f = _tied(c, sigmoids, 15, kind, choice)
    else:
        of_c = lstm.tanh(c, lstm.config["cell_power"])
        if kind == 1:
            of_c[c % 4 != 2] = 0  # noqa: PLR2004 - 3c / 4, in the argument of the table, is a tie
        g, o = _tied(of_c, sigmoids, 1 - lstm.config["h_shift"], kind, choice)
    return [i, f, g, o]


def _tied(factors: Int64, sigmoids: Int64, n: int, kind: int, choice: int) -> tuple[int, int]:
    """Return 16-bit numbers a and b, so that ``factors`` of a, times the sigmoid of b, is of a kind.

    Divided by 2^n it is one below a tie, one above a negative one, a tie, or a negative tie.
    """
    tie = 1 << n - 1
    wanted, sign = (tie - 1, tie - 1, tie, tie)[kind], (1, -1, 1, -1)[kind]
    a = np.flatnonzero(factors * sign > 0)
    t = factors[a] * sign
    lowest = t & -t
    a, t, lowest = (array[wanted % lowest == 0] for array in (a, t, lowest))
    period = 2 * tie // lowest
    other = wanted // lowest * _inverse(t // lowest) % period + np.arange(4)[:, None] * period
    values, first = np.unique(sigmoids, return_index=True)
    place = np.minimum(np.searchsorted(values, other), values.size - 1)
    found = np.argwhere(values[place] == other)
    row, column = found[choice % len(found)]
    return int(_ALL[a[column]]), int(_ALL[first[place[row, column]]])


def _inverse(odd: Int64) -> Int64:
    """Return the inverses of odd numbers modulo 2^32."""
    found = odd
    for _ in range(4):  # each step doubles the right bits, of which the first has three
        found = found * (2 - odd * found & _32_BITS) & _32_BITS
    return found
