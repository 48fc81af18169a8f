"""Goldens that Hypothesis draws: each is certified as it is drawn, and a failing one is made as small as can be.

::

    from hypothesis import given
    from rnn_goldens.hypothesis import goldens

    @given(goldens(cell="lstm"))
    def test_my_lstm(golden):
        golden.check(*my_lstm(golden))

Needs ``pip install 'rnn-goldens[hypothesis]'``.
"""

from collections.abc import Iterable
from importlib.util import find_spec
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from rnn_goldens.corpus import names
from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.shapes import CELLS

if find_spec("hypothesis") is None or find_spec("flint") is None:
    raise WrongUse("drawing goldens needs Hypothesis and python-flint: pip install 'rnn-goldens[hypothesis]'")

from rnn_goldens.fuzzing.bounds import Sizes, bounds
from rnn_goldens.fuzzing.found import FOLDER, AsTyped
from rnn_goldens.fuzzing.strategy import Asked, goldens_of

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from rnn_goldens.checkable.golden import Golden

__all__ = ["goldens"]


def goldens(
    *,
    cell: str | Iterable[str] = CELLS,
    max_layers: int = Sizes.layers,
    max_time: int = Sizes.time,
    max_batch: int = Sizes.batch,
    max_hidden: int = Sizes.hidden,
    max_input: int = Sizes.input,
    bias: bool | None = None,
    state: bool | None = None,
    bidirectional: bool | None = None,
    lengths: bool | None = None,
    features: str | Iterable[str] = (),
    without: str | Iterable[str] = (),
    precisions: object = "float32",
    found: "str | PathLike[str] | None" = FOLDER,
) -> "SearchStrategy[Golden]":
    """A strategy for goldens, each in one precision, certified when it is drawn: by ball arithmetic, with no library.

    A failing one shrinks to fewer layers, directions, steps, rows, units and inputs, and to simpler numbers. Where
    pytest runs the test it is kept in a folder; each test begins with those that are there.

    Args:
        cell: one or several, of someone's own included: ``package.module:function``, as a scenario names it.
        max_layers: at most so many layers.
        max_time: at most so many time steps; most goldens have few.
        max_batch: likewise rows.
        max_hidden: likewise units.
        max_input: likewise inputs.
        bias: whether they have biases; some have if None.
        state: likewise whether an initial state is given.
        bidirectional: likewise whether there are two directions.
        lengths: likewise whether rows have lengths of their own.
        features: what each has: ``bias``, ``state``, ``multilayer``, ``bidirectional``, ``lengths``, ``unbatched``.
        without: what none has, of these.
        precisions: one or several, named as for ``load``; each golden is in one of them.
        found: the folder where what fails is kept, a corpus, relative to the current one; None to keep nothing.

    Raises:
        UnknownName: a cell, feature or precision that there is not.
        WrongUse: bounds that nothing meets; or a cell of one's own that is not found, or raises.
        TypeError: an argument is of the wrong kind.
    """
    asked = {"bias": bias, "state": state, "bidirectional": bidirectional, "lengths": lengths}
    yes_or_no = {name: _yes_or_no(name, value) for name, value in asked.items() if value is not None}
    having = [*names("features", features), *(name for name, value in yes_or_no.items() if value)]
    lacking = [*names("without", without), *(name for name, value in yes_or_no.items() if not value)]
    if not isinstance(found, str | PathLike | None):
        raise TypeError(f"found is a folder, or None to keep nothing, not {found!r}")
    sizes = Sizes(max_layers, max_time, max_batch, max_hidden, max_input)
    within, folder = bounds(cell, sizes, having, lacking, precisions), None if found is None else AsTyped(found)
    return goldens_of(Asked(within, folder))


def _yes_or_no(name: str, value: object) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} is True or False for all goldens, or None for some, not {value!r}")
    return bool(value)
