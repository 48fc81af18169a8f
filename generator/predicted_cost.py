"""Predicts how long certifying takes, from the shapes of a scenario's arrays: recording its graph would take too long.

Most of the time goes into bounding rounding errors: each element of a result is swept back over all elements of a
graph. Both numbers follow from the sizes, so the seconds are a sum of amounts of work, each with its own seconds as
measured on one core. ``python -m benchmarks certification-estimate`` compares predictions with measurements, and fits
the constants. The estimate is said before certifying starts, and decides whether starting processes saves time.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from math import prod

import numpy as np

from rnn_goldens.generator.pool import WORTH_A_POOL, cores
from rnn_goldens.generator.scenario_base import DeclaredInputs
from rnn_goldens.golden.integer_config import IntegerConfig
from rnn_goldens.golden.recurrence_config import RecurrenceConfig
from rnn_goldens.golden.recurrences import LANE_AXES
from rnn_goldens.golden.rounding_profile import CHUNKS
from rnn_goldens.golden.shapes import Config, is_custom_cell
from rnn_goldens.plurals import counted

Work = Mapping[str, float]

SECONDS: Mapping[str, Work] = {
    Config.__name__: {
        "golden": 0.0055,
        "backward": 0.0081,
        "steps": 8.7e-5,
        "products": 7.4e-8,
        "outputs": 3.4e-9,
        "nodes of outputs": 1.0e-10,
        "gradients": 1.0e-11,
        "nodes of gradients": 1.1e-6,
    },
    RecurrenceConfig.__name__: {
        "golden": 0.0045,
        "backward": 0.012,
        "steps": 2.4e-4,
        "outputs": 1.0e-10,
        "gradients": 8.5e-11,
        "mixed": 4.9e-11,
        "chunks of outputs": 1.3e-10,
        "chunks of gradients": 2.6e-11,
        "solved for outputs": 1.9e-10,
        "solved for gradients": 1.6e-9,
        "scans of outputs": 4.9e-12,
        "scans of gradients": 8.0e-10,
    },
}
"""Seconds of one of each amount, by the kind of configuration."""

OF_INTEGERS = 0.01
"""Seconds of a golden of integers: nothing is bounded."""

BOTH_PASSES = 3
"""The elements of both passes, in those of the forward pass."""

GATES_OF_CUSTOM = 4

Say = Callable[[str], None]
"""Shows one sentence to the person who waits."""

WORTH_SAYING = 10.0
"""The least number of seconds that is said."""

WORTH_PROCESSES = 30.0
"""The least number of seconds that processes must save if there are few goldens: they do not show parts of a golden."""

_MINUTE, _HOUR = 60, 3600
_LONG = 90
"""Up to so many seconds, and minutes, the smaller unit is said."""


def predicted_seconds(scenario: DeclaredInputs) -> float:
    """Return the predicted CPU seconds of certifying and confirming a scenario; docs/results/cost.md has the ratios."""
    if isinstance(scenario.shape, IntegerConfig):
        return OF_INTEGERS
    seconds = SECONDS[kind_of(scenario)]
    return sum(seconds[name] * amount for name, amount in work_of(scenario).items())


def kind_of(scenario: DeclaredInputs) -> str:
    """Return the kind of configuration, by which ``SECONDS`` are listed."""
    return type(scenario.shape).__name__


def work_of(scenario: DeclaredInputs) -> Work:
    """Return the amounts of work of certifying a scenario."""
    if isinstance(config := scenario.shape, RecurrenceConfig):
        return _of_recurrence(scenario, config)
    return _of_network(scenario, config)


def _of_network(scenario: DeclaredInputs, config: Config) -> Work:
    stored, layout = scenario.stored, scenario.layout
    back, x = bool(stored.cotangents), stored.x.shape
    batch, (time, inputs), units = prod(x[:-2]), x[-2:], config.hidden_size
    gates = GATES_OF_CUSTOM if is_custom_cell(scenario.cell) else max(len(layout.gates), 1)
    weights = sum(weight.size for weight in stored.weights.values())
    nodes = time * config.chains * gates
    elements = batch * nodes * units
    results = time * config.num_directions * units + config.chains * units * len(layout.states)
    is_bounded = not _is_exact(scenario)
    gradients = (results + weights + time * inputs) * back
    return {
        "golden": 1,
        "backward": back,
        "steps": nodes * _passes(back=back),
        "products": batch * time * weights * _passes(back=back),
        "outputs": results * (elements + weights) * is_bounded,
        "nodes of outputs": results * nodes * is_bounded,
        "gradients": gradients * (BOTH_PASSES * elements + 2 * weights) * is_bounded,
        "nodes of gradients": gradients * nodes * is_bounded,
    }


def _is_exact(scenario: DeclaredInputs) -> bool:
    """Return whether a network looks exact, so that nothing is bounded: a relu of integers."""
    return scenario.cell == "rnn_relu" and all((array == np.rint(array)).all() for array in scenario.arrays.values())


def _passes(*, back: bool) -> int:
    return BOTH_PASSES if back else 1


def _of_recurrence(scenario: DeclaredInputs, config: RecurrenceConfig) -> Work:
    """Return the amounts of work of a recurrence: step by step, and in chunks of several sizes."""
    of, stored = config.recurrence, scenario.stored
    back, (batch, time) = bool(stored.cotangents), stored.inputs[config.input_names[0]].shape[:2]
    inputs, state, outputs = (_in_one_lane(config, axes.values()) for axes in (config.inputs, of.states, of.outputs))
    steps = time * batch * config.get("heads", 1) * config.get("channels", 1)
    mixing = sum(weight.size for name, weight in stored.weights.items() if name.startswith("R_"))
    is_attention, solves = "d_k" in config, "beta" in of.inputs
    columns = config["d_v"] if is_attention else 1  # that do not mix, and are bounded at once also in chunks
    at_once = config.get("d", columns) if not mixing else 1
    sizes = _chunks(time if stored.offsets is None else int(np.diff(stored.offsets).max())) if of.chunked else []
    forward, both = _elements_in_chunks(sizes, state, columns, gates="g" in of.inputs, solves=solves)
    results = time * outputs + state
    gradients = (time * inputs + state * batch + sum(w.size for w in stored.weights.values())) * back
    return {
        "golden": 1,
        "backward": back,
        "steps": time * (1 + len(sizes)) * _passes(back=back),
        "outputs": results * steps * 8 * (state + inputs) / at_once,
        "gradients": gradients * steps * BOTH_PASSES * 8 * (state + inputs),
        "mixed": (results + gradients) * steps * mixing,
        "chunks of outputs": results / columns * steps * forward * is_attention,
        "chunks of gradients": gradients * steps * both * is_attention,
        "solved for outputs": results * steps * sum(size**2 for size in sizes) * solves,
        "solved for gradients": gradients * steps * sum(size**2 for size in sizes) * solves,
        "scans of outputs": results * steps * sum(25 + 7 * size for size in sizes) * state * (not is_attention),
        "scans of gradients": gradients * steps * sum(60 + 19 * size for size in sizes) * state * (not is_attention),
    }


def _elements_in_chunks(
    sizes: Iterable[int], state: int, columns: int, *, gates: bool, solves: bool
) -> tuple[float, float]:
    """Return the elements for each step of an attention's graphs in chunks, forward and of both passes, as counted."""
    forward = sum(
        (9 + 5 * gates + 5 * solves) * state + (2 + 5 * gates + 5 * solves) * size * columns for size in sizes
    )
    both = sum((6 + 2 * gates + 2 * solves) * state + (12 + 12 * gates + 28 * solves) * size for size in sizes)
    return forward, both


def _chunks(longest: int) -> list[int]:
    """Return the sizes of chunks whose rounding errors are bounded."""
    return sorted({min(size, longest) for size in (1, *CHUNKS.values())})


def _in_one_lane(config: RecurrenceConfig, arrays: Iterable[str]) -> int:
    """Return the number of elements of arrays at one step in one lane, given their axes."""
    return sum(prod(config[axis] for axis in axes.split() if axis not in LANE_AXES) for axes in arrays)


def unsaid(_text: str) -> None:
    """Say nothing."""


def estimate(scenarios: Sequence[DeclaredInputs], executor: Executor | None = None) -> tuple[int, str]:
    """Return how many processes certify scenarios, and a sentence about the predicted time; "" for a short time.

    One if starting more does not save time, or if an executor certifies them, with an unknown number of workers.
    """
    seconds = {scenario.id: predicted_seconds(scenario) for scenario in scenarios}
    if not seconds:
        return 1, ""
    total, largest = sum(seconds.values()), max(seconds, key=seconds.__getitem__)
    saved = total - max(total / cores(), seconds[largest])
    is_worth = executor is None and (len(seconds) >= WORTH_A_POOL or saved >= WORTH_PROCESSES)
    processes = cores() if is_worth else 1
    if (time := max(total / processes, seconds[largest])) < WORTH_SAYING:
        return processes, ""
    if len(seconds) == 1:
        what, of_largest = largest, ""
    else:
        what = counted(len(seconds), "golden")
        of_largest = f"; the largest, {largest}, about {duration(seconds[largest])}"
    text = f"certifying {what} takes about {duration(time)}"
    if executor is not None:
        text += " of CPU time"
    elif processes > 1:
        text += f" on {processes} cores ({duration(total)} of CPU time)"
    return processes, text + of_largest


def duration(seconds: float) -> str:
    """Return a number of seconds in words, not more precise than a prediction is: "40 s", "3 min", "2.5 h"."""
    if seconds < _LONG:
        return f"{max(5, 5 * round(seconds / 5))} s"
    if seconds < _LONG * _MINUTE:
        return f"{round(seconds / _MINUTE)} min"
    return f"{round(2 * seconds / _HOUR) / 2:g} h"
