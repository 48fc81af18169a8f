"""Evaluates a graph in balls until every value is proven to be the exact result, correctly rounded to float64.

The graph is evaluated in ball arithmetic. The working precision is doubled until both ends of every ball round to the
same float64.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from flint import arb, ctx

from rnn_goldens.cells.case_graph import Recorded
from rnn_goldens.cells.graph import Graph
from rnn_goldens.cells.step_program import GIVEN
from rnn_goldens.generator.balls import Balls, NoNumber, Undecided, balls, rounded
from rnn_goldens.golden.stored_arrays import Float64
from rnn_goldens.progress import counting

FIRST_BITS, LAST_BITS = 192, 192 * 2**8

_BALLS = Balls()


def proven(recorded: Recorded) -> tuple[dict[str, Float64], int]:
    """Return the outputs of a graph, correctly rounded, and the bits that proved them. Raises as ``Evaluation.of``."""
    evaluation = Evaluation(recorded.graph)
    return evaluation.of(recorded, "outputs"), evaluation.bits


class Evaluation:
    """Evaluates a graph in ball arithmetic, with as many bits as its results need.

    Attributes:
        bits: the working precision. It only increases: values of one precision are computed once.
    """

    def __init__(self, graph: Graph) -> None:
        self.bits, self._graph = FIRST_BITS, graph
        self._values: dict[int, Any] = {}

    def of(self, recorded: Recorded, what: str) -> dict[str, Float64]:
        """Return the outputs of a graph, each element the exact result, correctly rounded; progress says ``what``.

        Raises:
            Undecided: no working precision decides them: the ends of a ball round to two neighbouring float64 numbers
                however narrow the ball is, or a relu's argument is zero but its ball has a radius. (A ball of radius
                zero half-way between two float64 numbers is decided: it rounds to even.)
            NoNumber: the equations have no value.
            Tied: the argument of a derivative is exactly on a kink.
        """
        results, needed = recorded.results, self._graph.needed(recorded.results)
        while True:
            try:
                missing = [place for place in needed if place not in self._values]
                with ctx.workprec(self.bits):
                    self._evaluate(missing, counting(f"exact {what}", len(missing)))
                    return recorded.arrays({node.place: rounded(self._values[node.place]) for node in results})
            except Undecided as why:
                are_finite = all(np.isfinite(node.value).all() for node in results)  # more bits may help then
                if self.bits >= LAST_BITS or (isinstance(why, NoNumber) and not are_finite):
                    raise
            self.bits, self._values = 2 * self.bits, {}

    def _evaluate(self, places: Sequence[int], count: Callable[[int], None]) -> None:
        for place in places:
            count(1)
            operation = self._graph.operations[place]
            if operation is GIVEN:
                self._values[place] = balls(self._graph.values[place])
                continue
            of = (self._values[k] for k in operation.of)
            value = getattr(_BALLS, operation.primitive)(*of, *operation.detail)
            self._values[place] = np.array([[[[value]]]], dtype=object) if isinstance(value, arb) else value
