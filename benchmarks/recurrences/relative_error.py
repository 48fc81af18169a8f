"""A criterion for whole arrays: a relative root mean square of the error below 0.005, as flash-linear-attention asks.

The inputs are drawn from the distributions of its tests of the four attention rules, with fewer steps and heads:
``tests/ops/test_{linear_attn,simple_gla,gla,delta,gdn,kda}.py`` and ``assert_close`` of ``fla/utils.py`` at bc3b101.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.cells.recurrence import RecurrenceCase, run
from rnn_goldens.golden.recurrence_config import recurrence_config
from rnn_goldens.golden.recurrences import BY_KEY

RATIO, ABSOLUTE, BASE = 0.005, 1e-6, 1e-8
"""Largest ratio; the largest error that always passes; what is added to the root mean square of the right array."""


def drawn(
    cell: str,
    time: int,
    *,
    scale: float | None = 1.0,
    divisor: float = 1.0,
    size: int = 32,
    uniform: bool = False,
    from_zero: bool = False,
    by_key: bool = False,
    kept: float = 0.0,
    batch: int = 2,
    offsets: tuple[int, ...] | None = None,
) -> RecurrenceCase:
    """Return the inputs of one test.

    Args:
        cell: the rule.
        time: time steps.
        scale: the factor of the outputs; the default if None.
        divisor: what log-decays are divided by.
        size: d_k and d_v.
        uniform: whether q, k and v are between 0 and 1; otherwise they are normal.
        from_zero: whether the initial state is zero.
        by_key: whether there is a decay for each key.
        kept: the share of steps without decay.
        batch: rows of the batch, and heads.
        offsets: of packed sequences.
    """
    rng = np.random.default_rng(3)
    options: dict[str, Any] = {} if scale is None else {"scale": scale}
    sizes = {"heads": batch, "query_heads": batch, "d_k": size, "d_v": size}
    config = recurrence_config(cell, {**sizes, **options, **({"decay": BY_KEY} if by_key else {})})
    draw = rng.random if uniform else rng.standard_normal
    inputs: dict[str, Array] = {}
    shapes = config.array_shapes(1, time, len(offsets) - 1) if offsets else config.array_shapes(batch, time)
    for name, shape in shapes.inputs.items():
        if name == "beta":
            inputs[name] = 1 / (1 + np.exp(-draw(shape)))
        elif name == "g":
            inputs[name] = -np.log1p(np.exp(-draw(shape))) / divisor * (rng.random(shape) >= kept)
        else:
            inputs[name] = draw(shape)
        if name in ("q", "k") and "beta" in config.inputs:
            inputs[name] /= np.linalg.norm(inputs[name], axis=-1, keepdims=True)
    (shape,) = shapes.initial.values()
    state = np.zeros(shape) if from_zero else draw(shape)
    return RecurrenceCase(cell, config, inputs, {}, {"S0": state}, None if offsets is None else np.array(offsets))


_PACKED: dict[str, Any] = {"time": 100, "offsets": (0, 15, 100)}

DRAWS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "linear_attention": (
        {"time": 63, "scale": None, "batch": 1},
        {"time": 100, "scale": None, "size": 30},
        {"time": 100, "scale": 0.1},
    ),
    "gated_linear_attention": (
        {"time": 63, "batch": 1},
        {"time": 100, "divisor": 0.1},
        {"time": 100, "divisor": 10, "scale": 0.1},
        _PACKED,
        {"time": 63, "scale": None, "uniform": True, "by_key": True, "batch": 1},
        {"time": 100, "scale": None, "divisor": 0.1, "uniform": True, "by_key": True},
    ),
    "delta_rule": ({"time": 63, "batch": 1}, {"time": 100, "scale": 0.1, "size": 30}, _PACKED),
    "gated_delta": (
        {"time": 63, "batch": 1},
        {"time": 100, "divisor": 0.1},
        {"time": 100, "divisor": 10},
        {"time": 75, "divisor": 0.01, "uniform": True, "from_zero": True},
        {"time": 100, "scale": 0.1, "kept": 0.5, "uniform": True, "from_zero": True},
        _PACKED,
        {"time": 64, "uniform": True, "by_key": True, "batch": 1},
        {"time": 100, "scale": 0.1, "by_key": True, "size": 30},
    ),
}
"""Arguments of ``drawn``, by rule."""


@dataclass(frozen=True, eq=False)
class Question:
    """Drawn inputs with the right outputs.

    Attributes:
        case: the inputs in float32.
        right: outputs computed in float64.
    """

    case: RecurrenceCase
    right: Mapping[str, Array]

    def ratio(self, outputs: Mapping[str, Array]) -> float:
        """Return the largest ratio of any output; infinite for NaN, 0 for an array with very small errors."""
        return max(_ratio(outputs[name], right) for name, right in self.right.items())

    def accepts(self, outputs: Mapping[str, Array]) -> bool:
        """Return whether outputs pass."""
        return self.ratio(outputs) < RATIO


@np.errstate(all="ignore")  # a wrong kernel may overflow
def _ratio(got: Array, right: Array) -> float:
    if got.shape != right.shape or not np.isfinite(got).all():
        return np.inf
    error = got.astype(np.float64) - right
    if np.abs(error).max() <= ABSOLUTE:
        return 0.0
    return float(np.sqrt(np.mean(error**2)) / (np.sqrt(np.mean(right**2)) + BASE))


@lru_cache(maxsize=1)
def questions() -> tuple[Question, ...]:
    """Return all drawn inputs."""
    cases = [drawn(cell, **of).astype(np.float32) for cell, draws in DRAWS.items() for of in draws]
    return tuple(Question(case, run(case.astype(np.float64))) for case in cases)
