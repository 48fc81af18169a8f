"""Questions with cotangents, to put to a deviation of the backward pass and to the definition."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from deviations.asking import ALL, PLAIN, RAGGED, Question, large_parts, question
from numpy.typing import NDArray

from rnn_goldens.cells import Backward, Cotangents
from rnn_goldens.golden.gradients import COTANGENTS
from rnn_goldens.golden.shapes import CELLS, output_shapes

Gradients = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class QuestionBack:
    """A question and cotangents, and the right answer."""

    asked: Question
    cotangents: Cotangents

    @cached_property
    def answer(self) -> Gradients:
        return Backward().gradients(self.asked.case, self.cotangents)


def back(asked: Question) -> QuestionBack:
    """Cotangents on a grid of 1/16 within ±1; read-only, as a golden's are."""
    case, numbers = asked.case, np.random.default_rng([ord(letter) for letter in asked.name])
    shapes = output_shapes(case.cell.layout, case.config, case.x.shape)
    cotangents = {name: numbers.integers(-16, 17, shapes[o]) / 16 for name, o in COTANGENTS.items() if o in shapes}
    for array in cotangents.values():
        array.flags.writeable = False
    return QuestionBack(asked, cotangents)


def _questions(cell: str) -> Iterator[Question]:
    yield question("everything", cell, lengths=RAGGED, **ALL)
    yield question("no sequence reaches the end", cell, lengths=[3, 2, 4], **ALL)
    yield question("without a state", cell, state=False, lengths=RAGGED, **ALL)
    yield question("without biases", cell, bias=False, lengths=RAGGED, **ALL)
    yield question("full lengths", cell, **ALL)
    yield question("one layer", cell, lengths=RAGGED, bidirectional=True)
    yield question("one direction", cell, lengths=RAGGED, num_layers=3, input_size=3)
    yield question("plain", cell, **PLAIN)
    yield question("plain with a bias", cell, state=False)
    yield question("plain with a state", cell, bias=False)
    yield question("stacked and plain", cell, num_layers=2, **PLAIN)
    yield question("unbatched", cell, batch=(), **ALL)
    yield question("unbatched and plain", cell, batch=(), **PLAIN)
    yield question("of 40 bits", cell, bits=40, **PLAIN)
    yield question("long", cell, time=40, scale=2.0, state=False)
    yield question("many rows", cell, batch=(129,), time=1, input_size=2, hidden_size=2, **PLAIN)
    yield question("many steps", cell, batch=(1,), time=131, hidden_size=4, scale=1.5, **PLAIN)
    yield question("many steps up", cell, batch=(1,), time=131, hidden_size=4, scale=1 / 2, positive=True, **PLAIN)
    yield question("many units", cell, batch=(2,), time=2, input_size=131, hidden_size=131, scale=1 / 4, **PLAIN)
    yield question("many units below", cell, batch=(1,), time=1, hidden_size=35, num_layers=2, scale=1 / 4, **PLAIN)
    yield question("many units with a state", cell, batch=(1,), time=1, hidden_size=35, scale=1 / 4, bias=False)
    yield from (asked for asked in large_parts(cell) if asked.name in ("rows both ways", "units both ways"))
    yield question("large cells", cell, states=40, time=2, bias=False)
    yield question("growing", cell, time=24, scale=16, inputs=1 / 16, hidden_size=8, state=False)
    yield question("long and without biases", cell, time=40, scale=2.0, bias=False)


QUESTIONS_BACK = {cell: tuple(map(back, _questions(cell))) for cell in CELLS}
