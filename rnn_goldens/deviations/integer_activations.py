"""Wrong activations of integer LSTMs."""

import numpy as np

from rnn_goldens.cells.integer_lstm import TABLE, Int64, half_up, saturated, tanh_by_table

FLAT_TABLE = np.array([round(2**16 / (1 + np.exp(-k / 24))) for k in range(255)] + [65535], np.int64)
"""The table without the correction for chords."""


def float_sigmoid(q: Int64) -> Int64:
    """Return the sigmoid of a Q3.12 number, rounded to Q0.15."""
    return np.minimum(np.rint(32768 / (1 + np.exp(-q / 4096))), 32767).astype(np.int64)


def float_tanh(q: Int64, power: int) -> Int64:
    """Return the tanh of q · 2^power, rounded to Q0.15."""
    found: Int64 = np.clip(np.rint(32768 * np.tanh(q * 2.0**power)), -32768, 32767).astype(np.int64)
    return found


def in_q12(q: Int64, power: int) -> Int64:
    """Return q · 2^power in Q3.12, in 16 bits."""
    shift = power + 12
    return saturated(q << shift if shift >= 0 else half_up(q, -shift), 16)


def nearest_entry(q: Int64, power: int = -12) -> Int64:
    """Return the sigmoid of q · 2^power by the nearest entry of the table, in Q0.15."""
    k = np.minimum(np.rint(24 * np.abs(q) * 2.0**power), 255).astype(np.int64)
    y = TABLE[k] >> 1
    return np.where(q >= 0, y, 32768 - y)


def at_rounded_entries(q: Int64, power: int = -12, *, is_tanh: bool) -> Int64:
    """Return the sigmoid or tanh of a table that is continued from the nearest entry, instead of the one before."""
    twice = 2 if is_tanh else 1
    u = twice * 24.0 * np.abs(q) * 2.0**power
    k = np.minimum(np.rint(u), 254).astype(np.int64)
    y = TABLE[k] + np.minimum(u - k, 1) * (TABLE[k + 1] - TABLE[k])
    y = np.floor((2 * y - 65536 if is_tanh else y) / 2 + 0.5).astype(np.int64)
    found: Int64 = np.sign(q) * y if is_tanh else np.where(q >= 0, y, 32768 - y)
    return found


def tanh_of_magnitude(q: Int64, power: int) -> Int64:
    """Return the tanh of the table, with |3q| rounded to the argument of an entry instead of 3q."""
    return np.sign(q) * tanh_by_table(np.abs(q), power)
