"""What a golden costs that is drawn and certified: processor time of each, cell by cell."""

import time
from dataclasses import dataclass

from hypothesis import Phase

from benchmarks.fuzzing.searching import ask, stream, within
from rnn_goldens.checkable.golden import Golden
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
    stream(cell, "float32", 10)  # what is imported and compiled once
    found: list[float] = []
    begun = time.process_time()

    def drawn(_: Golden) -> None:
        nonlocal begun
        now = time.process_time()
        found.append((now - begun) * 1000)
        begun = now

    ask(drawn, within(cell, "float32"), examples, (Phase.generate,))
    return tuple(sorted(found))
