"""Which known way of being wrong would explain outputs: each deviation is asked the same golden, and compared."""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.judging.outputs import NotNumbers, read, states_apart

if TYPE_CHECKING:
    from rnn_goldens.deviations import Deviation
    from rnn_goldens.golden.data import GoldenData
    from rnn_goldens.judging.verdict import Verdict

Array = NDArray[np.float64]

MOST_STEPS = 1000
"""Of a golden with more, over all layers and directions, nothing is said: it would take seconds."""

LONGEST_MESSAGE = 15
"""Lines of a verdict's message."""

_LISTED = 3
_MOST_LINES = 2
_WIDTH = 110


@np.errstate(all="ignore")  # whatever np.seterr an implementation leaves behind
def diagnosed(golden: "GoldenData", verdict: "Verdict", out: object, h_n: object, c_n: object) -> "Verdict":
    """The same verdict; if it did not pass, its message says which deviations would explain the outputs."""
    if verdict.passed or not (found := explanations(golden, out, h_n, c_n)):
        return verdict
    first, *others = verdict.message.splitlines()
    room = min(_MOST_LINES, LONGEST_MESSAGE - 1 - len(others))
    return replace(verdict, message="\n".join([first, *_lines(found, room), *others]))


def explanations(golden: "GoldenData", out: object, h_n: object = None, c_n: object = None) -> list["Deviation"]:
    """The deviations that give these outputs, and not the right ones, on this golden.

    Args:
        golden: what was asked.
        out: as for ``GoldenData.compare``, as are the others.
        h_n: likewise.
        c_n: likewise.

    Returns:
        In the order of the catalogue: several, where the golden does not tell them apart; none for outputs that no
        known deviation explains, or that are right to four times the tolerance.
    """
    config = golden.config
    if golden.stored.x.shape[-2] * config.num_layers * config.num_directions > MOST_STEPS:
        return []
    try:
        got = {name: read(value).values for name, value in states_apart(golden.cell, out, h_n, c_n).items()}
    except NotNumbers:
        return []
    right = {name: getattr(golden.stored, name) for name in got}
    if any(want is None for want in right.values()) or _alike(golden, got, right, times=4):
        return []
    return [deviation for deviation, wrong in _wrong_outputs(golden, list(got)) if _alike(golden, got, wrong, times=2)]


def _wrong_outputs(golden: "GoldenData", names: list[str]) -> Iterator[tuple["Deviation", Mapping[str, Array]]]:
    """Every deviation that can befall the golden, with what it gives."""
    from rnn_goldens.cells import case_of
    from rnn_goldens.deviations import DEVIATIONS

    case = case_of(golden, np.float64)
    for deviation in DEVIATIONS:
        if golden.cell in deviation.cells and set(deviation.needs) <= set(golden.features):
            outputs: tuple[Any, ...] = deviation.run(case)
            yield deviation, dict(zip(names, outputs, strict=True))


def _alike(golden: "GoldenData", got: Mapping[str, Array], other: Mapping[str, Array], times: float) -> bool:
    """Whether two sets of outputs are within so many times the largest error that is allowed, and a few roundings."""
    precision = PRECISIONS[golden.dtype]
    for name, values in other.items():
        if got[name].shape != values.shape:
            return False
        allowed = golden.tolerance.allowed(name, getattr(golden.stored, name), precision).max(initial=0.0)
        with np.errstate(invalid="ignore", over="ignore"):
            near = np.abs(got[name] - values) <= times * (allowed + 2 * precision.roundoff * np.abs(values))
        if not (near | (got[name] == values) | (np.isnan(got[name]) & np.isnan(values))).all():
            return False
    return True


def _lines(found: list["Deviation"], most: int) -> list[str]:
    """So many lines of a failure's message, at the most."""
    if len(found) == 1:
        text = f"looks like {found[0].name}: {found[0].sentence}"
    else:
        more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
        names = ", ".join(deviation.name for deviation in found[:_LISTED])
        text = f"looks like one of {len(found)} deviations, which are alike here: {names}{more}"
    return textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="    ", max_lines=most, placeholder=" …")
