"""A Hypothesis strategy for goldens. Each golden is certified when it is drawn, and a failing golden shrinks.

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
from rnn_goldens.golden.built_in_cells import CELLS

if find_spec("hypothesis") is None or find_spec("flint") is None:
    raise WrongUse("drawing goldens needs Hypothesis and python-flint: pip install 'rnn-goldens[hypothesis]'")

from rnn_goldens.fuzz.bounds import Sizes, bounds
from rnn_goldens.fuzz.example_store import FOLDER, AsTyped
from rnn_goldens.fuzz.strategy import SearchRequest, goldens_of

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from rnn_goldens.checkable_golden import Golden

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
    """Return a strategy for goldens, each in one precision and certified by ball arithmetic when it is drawn.

    A failing golden shrinks to fewer layers, directions, steps, rows, units and inputs, and to simpler numbers. If
    pytest runs the test, the failing golden is stored in a folder; each test starts with the stored goldens that meet
    its bounds.

    Args:
        cell: one or several cells, custom cells included: ``package.module:function``, as in a scenario.
        max_layers: the largest number of layers.
        max_time: the largest number of time steps; most goldens have at most 6.
        max_batch: the largest number of rows; most goldens have at most 3.
        max_hidden: the largest number of units; most goldens have at most 4.
        max_input: the largest number of inputs; most goldens have at most 3.
        bias: whether goldens have biases; None for both.
        state: whether goldens have an initial state; None for both.
        bidirectional: whether goldens have two directions; None for both.
        lengths: whether goldens have ``lengths``, one per row of the batch; None for both.
        features: features that every golden has: ``bias``, ``state``, ``multilayer``, ``bidirectional``, ``lengths``,
            ``unbatched``.
        without: features that no golden has.
        precisions: one or several precisions, as for ``load``; each golden is in one of them.
        found: the folder where failing goldens are stored as a corpus; None to store nothing.

    Raises:
        UnknownName: a cell, feature or precision does not exist.
        WrongUse: no golden meets the bounds, or a custom cell is not found, or raises an error.
        TypeError: an argument has a wrong type.
    """
    flags = {"bias": bias, "state": state, "bidirectional": bidirectional, "lengths": lengths}
    for name, value in flags.items():
        if not isinstance(value, bool | np.bool_ | None):
            raise TypeError(f"{name} must be True, False or None, not {value!r}")
    having = [*names("features", features), *(name for name, value in flags.items() if value)]
    lacking = [*names("without", without), *(name for name in flags if flags[name] is not None and not flags[name])]
    if not isinstance(found, str | PathLike | None):
        raise TypeError(f"found must be a folder, or None to store nothing, not {found!r}")
    sizes = Sizes(max_layers, max_time, max_batch, max_hidden, max_input)
    within, folder = bounds(cell, sizes, having, lacking, precisions), None if found is None else AsTyped(found)
    return goldens_of(SearchRequest(within, folder))
