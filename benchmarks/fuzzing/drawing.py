"""What a golden costs that is drawn and certified: processor time of each, cell by cell."""

import time
from dataclasses import dataclass

from benchmarks.fuzzing.searching import SEED, within
from rnn_goldens.checkable.golden import Golden
from rnn_goldens.fuzzing.few import ask_few, few, places
from rnn_goldens.golden.shapes import CELLS


@dataclass(frozen=True)
class Drawing:
    """Milliseconds of processor time for each golden of a cell, the shortest first."""

    cell: str
    each: tuple[float, ...]


def drawing_cost(examples: int) -> list[Drawing]:
    """What drawing and certifying so many costs, of each cell, in float32."""
    return [Drawing(cell, _each(cell, examples)) for cell in CELLS]


def _each(cell: str, examples: int) -> tuple[float, ...]:
    bounds = within(cell, "float32")
    few(places(bounds, SEED + 1, 1)[0])  # what is imported and compiled once
    found: list[float] = []
    begun = time.process_time()

    def drawn(_: Golden) -> None:
        nonlocal begun
        now = time.process_time()
        found.append((now - begun) * 1000)
        begun = now

    for place in places(bounds, SEED, examples):
        ask_few(drawn, place)
    return tuple(sorted(found))
