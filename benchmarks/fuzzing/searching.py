"""Wrong networks, each searched for what shows it: after how many drawn goldens, and how small that becomes."""

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings

from rnn_goldens.cells import Network, case_of
from rnn_goldens.checkable.golden import Golden, Question
from rnn_goldens.deviations import FAMILIES, Deviation, deviation
from rnn_goldens.fuzzing.bounds import Bounds, Sizes, bounds
from rnn_goldens.fuzzing.judged import size
from rnn_goldens.fuzzing.strategy import drawn
from rnn_goldens.generator.hidden import HIDDEN
from rnn_goldens.judging.verdict import compare

EXAMPLES = 1000
SEED = 1

WrongNetwork = tuple[str, str, str, str]
"""A family, a deviation, a cell, and the precision it is asked in."""


@dataclass(frozen=True)
class Sought:
    """What became of a wrong network.

    Attributes:
        family, name, cell, precision: the network.
        first: the number of the first golden that shows it, from 1; 0 if none does.
        left: the sizes of the smallest that was found then, as ``size`` has them; () if it was not searched.
        seconds: of the search.
    """

    family: str
    name: str
    cell: str
    precision: str
    first: int
    left: tuple[int, ...] = ()
    seconds: float = 0.0


def networks() -> Iterator[WrongNetwork]:
    """Every deviation in every cell it can befall, in float32; in float64 what no golden can show in float32."""
    hidden = {charge for one in HIDDEN for charge in one.charges}
    for family, deviations in FAMILIES.items():
        for one in deviations:
            for cell in one.cells:
                precision = "float64" if (one.name, cell, "float32") in hidden else "float32"
                yield family, one.name, cell, precision


def sought(todo: Sequence[WrongNetwork], processes: int) -> list[Sought]:
    """What became of each."""
    ordered = sorted(todo, key=lambda network: network[2:])  # a stream is drawn once a process
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        found = dict(zip(ordered, pool.map(seek, ordered, chunksize=8), strict=True))
    return [found[network] for network in todo]


def seek(network: WrongNetwork, examples: int = EXAMPLES) -> Sought:
    """Search one network, in so many goldens."""
    _, name, cell, precision = network
    run = partial(deviating, deviation(name))
    begin = time.perf_counter()
    goldens = enumerate(stream(cell, precision, examples), 1)
    first = next((number for number, golden in goldens if is_wrong(run, golden)), 0)
    if not first:
        return Sought(*network, first=0, seconds=time.perf_counter() - begin)
    begin = time.perf_counter()
    smallest = search(run, within(cell, precision), examples)
    if smallest is None:
        raise AssertionError(
            f"{name}, {cell}: golden {first} shows it, and the search, which draws the same, finds none"
        )
    return Sought(*network, first, size(smallest), time.perf_counter() - begin)


def is_wrong(run: Callable[[Question], tuple[Any, ...]], golden: Golden) -> bool:
    """Whether a network is wrong with a golden, or raises an error."""
    try:
        return not compare(golden, *run(golden.question())).passed
    except Exception:
        return True


def search(run: Callable[[Question], tuple[Any, ...]], bounds: Bounds, examples: int) -> Golden | None:
    """The smallest golden that a network gets wrong of those that the seed gives, as Hypothesis finds it."""
    wrong: list[Golden] = []

    def check(golden: Golden) -> None:
        if is_wrong(run, golden):
            wrong.append(golden)
            raise AssertionError

    with suppress(AssertionError):
        ask(check, bounds, examples, (Phase.generate, Phase.shrink))
    return wrong[-1] if wrong else None


def ask(check: Callable[[Golden], object], bounds: Bounds, examples: int, phases: Sequence[Phase]) -> None:
    """Call a function with each golden that the seed gives."""

    @seed(SEED)
    @settings(
        max_examples=examples,
        phases=phases,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        report_multiple_bugs=False,
    )
    @given(drawn(bounds))
    def test(golden: Golden) -> None:
        check(golden)

    test()


def deviating(one: Deviation, question: Question) -> tuple[Any, ...]:
    """A network that is wrong, and right in all that the deviation does not touch, without rounding."""
    case = case_of(question, np.float64)
    return one.run(case) if _befalls(one, question) else Network().run(case)


def _befalls(one: Deviation, question: Question) -> bool:
    return question.cell in one.cells and set(one.needs) <= set(question.features)


def within(cell: str | tuple[str, ...], precision: str) -> Bounds:
    """What the strategy draws by default, of some cells in one precision."""
    return bounds(cell, Sizes(), (), (), precision)


@cache
def stream(cell: str | tuple[str, ...], precision: str, examples: int) -> Sequence[Golden]:
    """The goldens that the seed gives, drawn once a process."""
    found: list[Golden] = []
    ask(found.append, within(cell, precision), examples, (Phase.generate,))
    return found
