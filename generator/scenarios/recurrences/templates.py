"""Templates of scenarios of recurrences: a call, and variants whose numbers are drawn. They have at most eight bits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnn_goldens.deviations.recurrences.edits import ATTENTION
from rnn_goldens.generator.recurrence_scenario import RecurrenceScenario
from rnn_goldens.generator.scenarios.random_numbers import Draw, Float64, dyadic, integers
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.recurrence_config import recurrence_config

Arrays = dict[str, Float64]


def short(values: Float64, bits: int = 8) -> Float64:
    """Return numbers rounded to a number of significant bits."""
    mantissas, exponents = np.frexp(values)
    rounded: Float64 = np.ldexp(np.rint(mantissas * 2**bits), exponents - bits)
    return rounded


def spread(name: str, shape: tuple[int, ...], low: float, high: float) -> Float64:
    """Return numbers between two limits, with eight significant bits."""
    return short(low + (high - low) * (integers(name, shape, 2**16) / 2.0**17 + 0.5))


LONG = 40
"""The fewest time steps of a long scenario."""


@dataclass(frozen=True)
class Call:
    """A configuration with the shape of its inputs."""

    sizes: Mapping[str, Any]  # sizes and options
    batch: int = 1
    time: int = 6  # steps; packed sequences have the batch and the time of ``offsets``
    state: bool = True  # whether initial states are given
    offsets: tuple[int, ...] | None = None  # of packed sequences


@dataclass(frozen=True)
class Variant:
    """A call of a recurrence with a purpose."""

    name: str  # the last part of the id
    purpose: str  # what it shows or detects
    call: Call  # the configuration with the shape of its inputs
    cells: tuple[str, ...] = ATTENTION  # the rules of attention that have this variant
    change: Callable[[Arrays], Arrays] = field(default=dict)  # of the drawn inputs and states, in one mapping
    cotangents: tuple[str, ...] | None = None  # names of the outputs with a cotangent; all if None
    gradient_purpose: str = ""  # what the cotangents show or detect; "" without gradients
    precisions: tuple[str, ...] = tuple(PRECISIONS)  # the precisions of the golden

    def scenario(self, cell: str, draw: Draw, folder: str = "") -> RecurrenceScenario:
        """Return the scenario of a cell with numbers from ``draw``."""
        golden_id = f"{folder}{cell.replace('_', '-')}/{self.name}"
        config, call = recurrence_config(cell, self.call.sizes), self.call
        batch, time, packed = call.batch, call.time, None
        if call.offsets is not None:
            batch, time, packed = 1, call.offsets[-1], len(call.offsets) - 1
        of = config.array_shapes(batch, time, packed)
        shapes = of.gradients(state=call.state)
        drawn = {name: draw(f"{golden_id} {name}", name, shape) for name, shape in shapes.items()}
        changed = {**drawn, **self.change(drawn)}
        outputs = of.outputs if self.gradient_purpose else {}
        wanted = {n: shape for n, shape in outputs.items() if self.cotangents is None or n in self.cotangents}
        return RecurrenceScenario(
            id=golden_id,
            purpose=self.purpose,
            cell=cell,
            config=dict(config),
            inputs={name: changed[name] for name in config.inputs},
            weights={name: changed[name] for name in of.weights},
            states={name: changed[name] for name in of.initial if call.state},
            offsets=call.offsets,
            cotangents={f"d_{n}": dyadic(f"{golden_id} d_{n}", shape, 1) for n, shape in wanted.items()},
            gradient_purpose=self.gradient_purpose,
            precisions=self.precisions,
            declared=("long",) if time >= LONG else (),
            documented_in="docs/linear-recurrences.md",
        )
