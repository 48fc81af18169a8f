"""Compares the definitions of integer LSTMs with engines, on goldens and random models: all elements must be equal."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks import page
from benchmarks.benchmark import Measured
from conformance import integer_engines
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.errors import Unsupported
from rnn_goldens.generator.integer_scenario import IntegerScenario
from rnn_goldens.generator.scenario import Refused
from rnn_goldens.generator.scenarios.integer_lstms import VARIANTS, draw, scenarios
from rnn_goldens.golden.recurrences import INTEGER_LSTMS

Engine = Callable[[Any], Any]

GAINS, POWERS = (0.5, 1.0, 2.0, 6.0), range(-15, -8)
LARGEST = (4, 16, 32, 24)
"""Of a random model: batch, time steps, inputs and units."""


def measured(models: int = 400, *, cmsis: bool = False) -> Measured:
    """Return the section, and the engines that differ.

    Args:
        models: the number of random models for each definition.
        cmsis: whether to run CMSIS-NN, too, from the library ``CMSIS_NN``.
    """
    rows, wrong = [], []
    for cell in INTEGER_LSTMS:
        name, engine = _engine(cell)
        if name == "CMSIS-NN" and not cmsis:
            continue
        found = Counter[str]()
        for golden in (*_goldens(cell), *_random(cell, models)):
            _compare(found, golden, engine)
        rows.append((cell, name, found["models"], found["elements"], found["equal"]))
        if found["equal"] < found["elements"]:
            wrong.append(
                f"{cell}: {name} differs in {found['elements'] - found['equal']} of {found['elements']} elements"
            )
    header = ("definition", "engine", "models", "elements", "equal")
    return Measured(f"## Integer LSTMs: engines\n\n{page.table(header, rows)}", wrong)


def _engine(cell: str) -> tuple[str, Engine]:
    if cell.endswith("_cmsis"):
        return "CMSIS-NN", integer_engines.cmsis
    return ("LiteRT", integer_engines.litert) if cell.endswith("_tflite") else ("TFLM", integer_engines.tflm)


def _goldens(cell: str) -> Iterator[Golden]:
    yield from (one.golden() for one in scenarios() if one.cell == cell)


def _random(cell: str, models: int) -> Iterator[Golden]:
    """Yield certified random models; those that an engine could not compute are drawn again."""
    random, made = np.random.default_rng(0), 0
    while made < models:
        sizes = [int(random.integers(1, most + 1)) for most in LARGEST]
        gain, power = random.choice(GAINS), int(random.choice(POWERS))
        clip = int(random.integers(1000, 30000)) if random.random() < 0.3 else 0  # noqa: PLR2004 - a share
        zeros = (int(random.integers(-128, 128)), int(random.integers(-128, 128)))
        of = replace(
            VARIANTS[0],
            name=f"random-{made}",
            sizes=tuple(sizes),
            gain=float(gain),
            power=power,
            clip=clip,
            zeros=zeros,
        )
        try:
            scenario: IntegerScenario = draw(cell, of)
            yield scenario.golden()
        except Refused:
            continue
        finally:
            made += 1


def _compare(found: Counter[str], golden: Golden, engine: Engine) -> None:
    try:
        results = engine(golden.for_implementation())
    except Unsupported:
        return
    arrays = results if isinstance(results, tuple) else (results,)
    found["models"] += 1
    for got, want in zip(arrays, golden.expected.values(), strict=False):
        found["elements"] += want.size
        found["equal"] += int((got == want).sum())
