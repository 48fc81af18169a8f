"""Example cases of many kinds, for tests of deviations."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.cells import BUILT_IN_CELLS, Case, Network
from rnn_goldens.golden.built_in_cells import CELLS, DIALECTS, LAYOUTS
from rnn_goldens.golden.features import derived_features
from rnn_goldens.golden.shapes import Config, state_shapes, weight_shapes
from rnn_goldens.golden.stored_arrays import read_only

Outputs = tuple[NDArray[Any], ...]


@dataclass(frozen=True, eq=False)
class Example:
    """A case, the features of a golden of this case, and its right outputs."""

    name: str
    case: Case
    features: tuple[str, ...] = field(default=())

    @cached_property
    def right_outputs(self) -> Outputs:
        with np.errstate(all="ignore"):
            return Network().run(self.case)

    def has(self, features: tuple[str, ...]) -> bool:
        return set(features) <= set(self.features)


def example(
    name: str,
    cell: str,
    *,
    batch: tuple[int, ...] = (3,),
    time: int = 5,
    state: bool = True,
    lengths: list[int] | None = None,
    scale: float = 1.0,
    bits: int = 0,
    inputs: float = 1.0,
    states: float = 1.0,
    declared: tuple[str, ...] = (),
    positive: bool = False,
    **config_arguments: int,
) -> Example:
    """Return an example of read-only random multiples of 1/16 within ±1 (0 to 1 if ``positive``), times a scale."""
    options = DIALECTS[cell].options if cell in DIALECTS else {}
    of_dialect = {name: options[name] for name in ("proj_size", "direction") if name in options}
    config = Config(**{"input_size": 4, "hidden_size": 3, **config_arguments, **of_dialect})
    config = replace(config, bidirectional=config.bidirectional and not config.direction)
    numbers = np.random.default_rng([ord(letter) for letter in name + cell])

    def grid(shape: tuple[int, ...], scale: float = 1.0) -> NDArray[Any]:
        array = numbers.integers(0 if positive else -16, 17, shape) / 16 * scale
        if bits:  # values that need this many bits
            array = np.ldexp(np.rint(np.ldexp(array * 4 / 3 + 1 / 48, bits)), -bits)
        array.flags.writeable = False
        return array

    shapes = state_shapes(LAYOUTS[cell], config, batch).values()
    lengths_array = np.array(lengths) if lengths else None
    if lengths_array is not None:
        lengths_array.flags.writeable = False
    case = Case(
        BUILT_IN_CELLS[cell],
        config,
        {name: grid(shape, scale) for name, shape in weight_shapes(LAYOUTS[cell], config).items()},
        grid((*batch, time, config.input_size), inputs),
        tuple(grid(shape, states) if state else read_only(np.zeros(shape)) for shape in shapes),
        lengths_array,
        state,
    )
    derived = derived_features(config, state=state, lengths=bool(lengths), unbatched=not batch, exact=False)
    return Example(name, case, (*derived, *declared))


PLAIN: dict[str, Any] = {"state": False, "bias": False}
ALL: dict[str, Any] = {"num_layers": 2, "bidirectional": True}
RAGGED = [3, 5, 2]
SATURATED: dict[str, Any] = {"declared": ("saturated",)}
WIDE: dict[str, Any] = {"time": 1, "input_size": 1, "hidden_size": 8, **SATURATED}


def _examples(cell: str) -> Iterator[Example]:
    yield example("everything", cell, lengths=RAGGED, **ALL)
    yield example("input as hidden", cell, lengths=RAGGED, input_size=3, **ALL)
    yield example("no sequence reaches the end", cell, lengths=[3, 2, 4], **ALL)
    yield example("without a state", cell, state=False, lengths=RAGGED, **ALL)
    yield example("without biases", cell, bias=False, lengths=RAGGED, **ALL)
    yield example("one layer", cell, lengths=RAGGED, bidirectional=True)
    yield example("one direction", cell, lengths=RAGGED, num_layers=3, input_size=3)
    yield example("full lengths", cell, **ALL)
    yield example("plain", cell, state=False, bias=False, input_size=3)
    yield example("plain with a bias", cell, state=False)
    yield example("plain with a state", cell, bias=False)
    yield example("unbatched", cell, batch=(), **ALL)
    yield example("unbatched and plain", cell, batch=(), state=False, bias=False)
    yield example("unbatched and stacked", cell, batch=(), bias=False, num_layers=2)
    yield example("unbatched in both directions", cell, batch=(), bias=False, bidirectional=True)
    yield example("unbatched from zero", cell, batch=(), state=False, **ALL)
    yield example("stacked and plain", cell, num_layers=2, input_size=3, **PLAIN)
    yield example("stacked, plain, few inputs", cell, num_layers=2, input_size=2, **PLAIN)
    yield example("plain and ragged", cell, lengths=[3, 2, 4], **PLAIN)
    yield example("saturated", cell, scale=64, declared=("saturated",))
    yield example("saturated and plain", cell, scale=64, declared=("saturated",), **PLAIN)
    yield example("of 40 bits and plain", cell, bits=40, **PLAIN)
    yield example("large", cell, batch=(257,), time=1, input_size=5, hidden_size=67, scale=1 / 4, bias=False)
    yield example("large and plain", cell, batch=(257,), time=2, input_size=257, hidden_size=2, scale=1 / 4, **PLAIN)
    yield example("many steps", cell, batch=(1,), time=131, hidden_size=4, scale=1.5, **PLAIN)
    yield example("many steps up", cell, batch=(1,), time=131, hidden_size=4, scale=1 / 2, positive=True, **PLAIN)
    yield example("many units", cell, batch=(2,), time=2, input_size=159, hidden_size=159, scale=1 / 4, **PLAIN)
    yield example("many units below", cell, batch=(1,), time=1, hidden_size=131, num_layers=2, scale=1 / 4, **PLAIN)
    yield from large_parts(cell)
    yield example("of 40 bits", cell, lengths=RAGGED, bits=40, **ALL)
    yield example("of 40 bits without biases", cell, bits=40, bias=False)
    yield example("of 40 bits without a state", cell, bits=40, state=False)
    yield example("wide", cell, batch=(48,), inputs=16, **WIDE)
    yield example("wide and plain", cell, batch=(48,), inputs=16, **WIDE, **PLAIN)
    yield example("growing", cell, time=24, scale=16, inputs=1 / 16, hidden_size=8, state=False, **SATURATED)
    yield example("large states", cell, states=20, bias=False, **SATURATED)
    yield example("small", cell, batch=(64,), time=2, scale=2.0**-5, **PLAIN)
    yield example("tiny", cell, scale=2.0**-18, **PLAIN)
    yield example("as small as can be", cell, batch=(1,), time=1, input_size=1, hidden_size=1, **PLAIN)
    yield example("overflowing", cell, time=12, scale=2.0**100, declared=("saturated",))


def large_parts(cell: str) -> Iterator[Example]:
    """Yield large examples, for deviations beyond a size in the reverse direction, upper layers or ragged batches."""
    rows = [1 + row % 2 for row in range(131)]
    yield example(
        "rows both ways", cell, batch=(131,), time=2, input_size=3, hidden_size=2, bidirectional=True, **PLAIN
    )
    yield example("steps both ways", cell, batch=(1,), time=131, scale=1.5, bidirectional=True, **PLAIN)
    yield example("units both ways", cell, time=2, input_size=35, hidden_size=35, bidirectional=True, **PLAIN)
    yield example("units above", cell, time=2, hidden_size=35, num_layers=2, **PLAIN)
    yield example("ragged rows", cell, batch=(131,), time=2, lengths=rows, hidden_size=2, **PLAIN)


OF_DIALECTS = 23
"""A dialect has only this number of examples: the first examples of a standard cell."""

EXAMPLES = {cell: tuple(islice(_examples(cell), None if cell in CELLS else OF_DIALECTS)) for cell in LAYOUTS}
