"""Whether the equations at hand are those that a golden was certified with: nothing else is asked in its name."""

from weakref import WeakKeyDictionary

import numpy as np

from rnn_goldens.cells.case import case_of
from rnn_goldens.cells.network import Network
from rnn_goldens.cells.own import cell_of_file
from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.arrays import Arrays
from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.precision import PRECISIONS

_FOUND: WeakKeyDictionary[Arrays, str] = WeakKeyDictionary()
"""What was found, by what is stored of a golden: once for all its precisions."""


def no_equations(golden: GoldenData) -> str:
    """Why its cell's equations can not be asked, in one line; "" if they can. Those of our cells always can.

    Of a cell of someone's own they may not be here, or be others now: what the definition makes of them in float64 is
    held against what is stored, once for a golden.
    """
    if golden.own_layout is None:
        return ""
    if golden.stored not in _FOUND:
        _FOUND[golden.stored] = _not_here(golden.cell) or _changed(golden)
    return _FOUND[golden.stored]


def require_equations(golden: GoldenData) -> None:
    """Raise WrongUse if its cell's equations can not be asked."""
    if why := no_equations(golden):
        raise WrongUse(f"{golden.id}: {why}")


def _not_here(cell: str) -> str:
    try:
        cell_of_file(cell)
    except WrongUse as error:
        first, *others = str(error).removeprefix(f"cell {cell!r}: ").splitlines()
        reason = f"{first} {others[-1]}" if others else first  # of a traceback what it ends with
        return f"the equations of {cell} are not here: {reason}"
    return ""


def _changed(golden: GoldenData) -> str:
    now, then = cell_of_file(golden.cell).layout, golden.layout
    if now == then and _gives_what_is_stored(golden):
        return ""
    how = "" if now == then else f": they speak of {now.in_words}, and then of {then.in_words}"
    changed = f"the equations of {golden.cell} are not those that {golden.id} was certified with{how}"
    return f"{changed}; if they are right now, generate it anew"


@np.errstate(all="ignore")
def _gives_what_is_stored(golden: GoldenData) -> bool:
    """Whether the definition in float64 is within the tolerance of the widest precision that the golden has."""
    try:
        outputs = Network().run(case_of(golden, np.float64))
    except Exception:  # equations that fit other sizes, say
        return False
    widest = PRECISIONS[golden.precisions[0]]
    for name, computed in zip(("out", "h_n", "c_n"), outputs, strict=False):
        right = getattr(golden.stored, name)
        allowed = golden.tolerance.allowed(name, right, widest)
        if not ((computed == right) | (np.abs(computed - right) <= allowed)).all():
            return False
    return True
