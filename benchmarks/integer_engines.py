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
from rnn_goldens.golden.integer_config import DOUBLE, ROUNDINGS
from rnn_goldens.golden.recurrences import INTEGER_LSTMS

Engine = Callable[..., Any]

GAINS, POWERS = (0.5, 1.0, 2.0, 6.0), range(-15, -8)
LARGEST = (4, 16, 32, 24)
"""Of a random model: batch, time steps, inputs and units."""


def measured(models: int = 400, *, cmsis: bool = False) -> Measured:
    """Return the section, and the engines that differ.

    Args:
        models: the number of random models for each definition, with two calls each.
        cmsis: whether to run CMSIS-NN, too, from the libraries ``CMSIS_NN`` and ``CMSIS_NN_SINGLE``.
    """
    rows, wrong = [], []
    for cell in INTEGER_LSTMS:
        name, engine = _engine(cell)
        if name == "CMSIS-NN" and not cmsis:
            continue
        for rounding in ROUNDINGS if name == "CMSIS-NN" else (DOUBLE,):
            found = Counter[str]()
            own = (s for s in scenarios() if s.cell == cell and s.shape.get("rounding", DOUBLE) == rounding)
            for calls in (*map(_two_calls, own), *_random(cell, models, rounding)):
                _compare(found, *calls, engine)
            rows.append((cell, name, rounding, found["models"], found["elements"], found["equal"]))
            if found["equal"] < found["elements"]:
                different = found["elements"] - found["equal"]
                wrong.append(f"{cell}: {name} differs in {different} of {found['elements']} elements")
    header = ("definition", "engine", "rounding", "models", "elements", "equal")
    return Measured(f"## Integer LSTMs: engines\n\n{page.table(header, rows)}", wrong)


def _engine(cell: str) -> tuple[str, Engine]:
    if cell.endswith("_cmsis"):
        return "CMSIS-NN", integer_engines.cmsis
    return ("LiteRT", integer_engines.litert) if cell.endswith("_tflite") else ("TFLM", integer_engines.tflm)


def _random(cell: str, models: int, rounding: str) -> Iterator[tuple[Golden, Golden]]:
    """Yield two calls of random models; those that an engine could not compute are drawn again."""
    random, drawn, found = np.random.default_rng(0), 0, 0
    while found < models:
        batch, steps, inputs, units = (int(random.integers(1, most + 1)) for most in LARGEST)
        of = replace(
            VARIANTS[0],
            name=f"random-{drawn}",
            sizes=(batch, steps, inputs, units),
            gain=float(random.choice(GAINS)),
            power=int(random.choice(POWERS)),
            clip=int(random.integers(1000, 30000)) if random.random() < 0.3 else 0,  # noqa: PLR2004 - a share
            zeros=(int(random.integers(-128, 128)), int(random.integers(-128, 128))),
            rounding=rounding if rounding != DOUBLE else "",
        )
        drawn += 1
        try:
            calls = _two_calls(draw(cell, of))
        except Refused:
            continue
        found += 1
        yield calls


def _two_calls(scenario: IntegerScenario) -> tuple[Golden, Golden]:
    """Return the goldens of two calls. The second begins with the states of the first, and has its x in reverse."""
    first = scenario.golden()
    states = {"h0": first.expected["h_n"], "c0": first.expected["c_n"]}
    return first, replace(scenario, x=np.ascontiguousarray(first.x[:, ::-1]), states=states).golden()


def _compare(found: Counter[str], first: Golden, second: Golden, engine: Engine) -> None:
    """Count the elements of two calls."""
    try:
        if engine is integer_engines.cmsis:
            results = [*engine(first.for_implementation()), *engine(second.for_implementation())]
            wanted = [*first.expected.values(), *second.expected.values()]
        else:
            results = [engine(first.for_implementation(), later=[second.x])]
            wanted = [np.concatenate([first.expected["out"], second.expected["out"]], axis=1)]
    except Unsupported:
        return
    found["models"] += 1
    for got, want in zip(results, wanted, strict=True):
        found["elements"] += want.size
        found["equal"] += int((got == want).sum())
