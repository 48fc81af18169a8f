"""Example cases with cotangents, for tests of deviations of the backward pass."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
from deviations.example_cases import ALL, PLAIN, RAGGED, Example, example, large_parts
from numpy.typing import NDArray

from rnn_goldens.cells import Backward, Cotangents
from rnn_goldens.golden.built_in_cells import CELLS, LAYOUTS
from rnn_goldens.golden.shapes import cotangent_of

Gradients = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class BackwardExample:
    """An example, cotangents and the right gradients."""

    forward: Example
    cotangents: Cotangents

    @cached_property
    def right_gradients(self) -> Gradients:
        return Backward().gradients(self.forward.case, self.cotangents)


def with_cotangents(forward: Example) -> BackwardExample:
    """Return an example with read-only cotangents: random multiples of 1/16 within ±1."""
    case, numbers = forward.case, np.random.default_rng([ord(letter) for letter in forward.name])
    shapes = case.config.array_shapes(case.cell.layout, case.x.shape).outputs
    cotangents = {cotangent_of(o): numbers.integers(-16, 17, shape) / 16 for o, shape in shapes.items()}
    for array in cotangents.values():
        array.flags.writeable = False
    return BackwardExample(forward, cotangents)


def _examples(cell: str) -> Iterator[Example]:
    yield example("everything", cell, lengths=RAGGED, **ALL)
    yield example("no sequence reaches the end", cell, lengths=[3, 2, 4], **ALL)
    yield example("without a state", cell, state=False, lengths=RAGGED, **ALL)
    yield example("without biases", cell, bias=False, lengths=RAGGED, **ALL)
    yield example("full lengths", cell, **ALL)
    yield example("one layer", cell, lengths=RAGGED, bidirectional=True)
    yield example("one direction", cell, lengths=RAGGED, num_layers=3, input_size=3)
    yield example("plain", cell, **PLAIN)
    yield example("plain with a bias", cell, state=False)
    yield example("plain with a state", cell, bias=False)
    yield example("large cells", cell, states=40, time=2, bias=False)
    yield example("stacked and plain", cell, num_layers=2, **PLAIN)
    yield example("unbatched", cell, batch=(), **ALL)
    yield example("unbatched and plain", cell, batch=(), **PLAIN)
    yield example("of 40 bits", cell, bits=40, **PLAIN)
    yield example("long", cell, time=40, scale=2.0, state=False)
    yield example("many rows", cell, batch=(129,), time=1, input_size=2, hidden_size=2, **PLAIN)
    yield example("many steps", cell, batch=(1,), time=131, hidden_size=4, scale=1.5, **PLAIN)
    yield example("many steps up", cell, batch=(1,), time=131, hidden_size=4, scale=1 / 2, positive=True, **PLAIN)
    yield example("many units", cell, batch=(2,), time=2, input_size=131, hidden_size=131, scale=1 / 4, **PLAIN)
    yield example("many units below", cell, batch=(1,), time=1, hidden_size=35, num_layers=2, scale=1 / 4, **PLAIN)
    yield example("many units with a state", cell, batch=(1,), time=1, hidden_size=35, scale=1 / 4, bias=False)
    yield from (forward for forward in large_parts(cell) if forward.name in ("rows both ways", "units both ways"))
    yield example("growing", cell, time=24, scale=16, inputs=1 / 16, hidden_size=8, state=False)
    yield example("long and without biases", cell, time=40, scale=2.0, bias=False)


OF_DIALECTS = 13
"""A dialect has only this number of examples: the first examples of a standard cell."""

BACKWARD_EXAMPLES = {
    cell: tuple(map(with_cotangents, islice(_examples(cell), None if cell in CELLS else OF_DIALECTS)))
    for cell in LAYOUTS
}
