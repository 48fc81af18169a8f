"""Programs: equations of one time step as a list of primitives, in order of evaluation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rnn_goldens.cells.notation import Term
from rnn_goldens.cells.numpy_primitives import Arithmetic, Array

Equations = Callable[..., Sequence[Term]]
"""``equations(x, *state, w)`` returns the state after the step, as terms of the notation."""

_WEIGHTS = {"product": 1, "vector": 1, "affine": 2, "transposed": 1}
"""The number of weights that a primitive takes. Their names come first in ``Term.detail``."""


@dataclass(frozen=True)
class Operation:
    """A primitive in a program.

    Attributes:
        primitive: the name of the primitive.
        of: indices of its arguments in the program's values.
        weights: names of the weights that follow the arguments.
        detail: other parameters.
    """

    primitive: str
    of: tuple[int, ...]
    weights: tuple[str, ...] = ()
    detail: tuple[Any, ...] = ()


GIVEN = Operation("given", ())
"""In place of the operation of a value that is not computed."""


@dataclass(frozen=True, eq=False)
class Program:
    """One time step.

    Attributes:
        inputs: number of values that are inputs, such as x and the state before the step.
        operations: the operations that compute the following values.
        after: indices of the values that are results, such as the state after the step.
    """

    inputs: int
    operations: tuple[Operation, ...]
    after: tuple[int, ...]

    def computed(self, of: Arithmetic, inputs: Sequence[Array], w: Mapping[str, Array]) -> list[Array]:
        """Return every value, in order. ``of`` computes the primitives, and ``w`` are the weights by name."""
        values: list[Any] = list(inputs)
        for primitive, places, weights, detail in self._flat:
            arguments = [values[k] for k in places]
            for name in weights:
                arguments.append(w[name])  # noqa: PERF401 - most have none, and this is the innermost loop
            values.append(getattr(of, primitive)(*arguments, *detail))
        return values

    @cached_property
    def _flat(self) -> list[tuple[str, tuple[int, ...], tuple[str, ...], tuple[Any, ...]]]:
        return [(o.primitive, o.of, o.weights, o.detail) for o in self.operations]


def written(
    inputs: Sequence[Term], results: Sequence[Term], rewritten: Callable[[Term], Term] | None = None
) -> Program:
    """Return the program that computes results from inputs; ``rewritten`` may replace terms."""
    places, operations = {term: k for k, term in enumerate(inputs)}, []

    def place(term: Term) -> int:
        if rewritten is not None:
            term = rewritten(term)
        if term not in places:
            of = tuple(place(part) for part in term.of)
            names = _WEIGHTS.get(term.primitive, 0)
            weights = tuple(str(name) for name in term.detail[:names])
            operations.append(Operation(term.primitive, of, weights, term.detail[names:]))
            places[term] = len(places)
        return places[term]

    found = tuple(place(term) for term in results)
    return Program(len(inputs), tuple(operations), found)
