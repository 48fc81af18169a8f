"""The text of a failure, for whoever meets it in a log: at most 15 lines, the first complete in itself."""

import shlex
import textwrap
from collections.abc import Iterator
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np
from numpy import asarray

from rnn_goldens.counted import counted
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.judging.differences import Difference, Element
from rnn_goldens.visible import visible

if TYPE_CHECKING:
    from rnn_goldens.golden.data import GoldenData

_WIDTH = 110
_MANY_STEPS = 12


def failure_text(golden: "GoldenData", found: list[Difference], said: str = "") -> str:
    """Describe the differences of a comparison that failed; ``said`` is what it means that they are there."""
    worst = next(d for d in found if not d.passed)
    lines = [f"{golden.id} in {golden.dtype}: {f'{said}: ' if said else ''}{_headline(golden, worst)}"]
    for d in found:
        lines += [f"  {d.output}: {line}" for line in _details(golden, d)]
    lines += textwrap.wrap(
        f"purpose: {golden.purpose}",
        _WIDTH,
        initial_indent="  ",
        subsequent_indent="    ",
        max_lines=3,
        placeholder=" …",
    )
    if golden.corpus is not None:
        lines.append(to_see(golden, golden.corpus))
    return visible("\n".join(lines))


def to_see(golden: "GoldenData", corpus: str) -> str:
    """The command that shows a golden of a corpus, which is "" where commands find it without."""
    option = f" --corpus {shlex.quote(corpus)}" if corpus else ""
    return f"  to see the golden: rnn-goldens show {golden.id}{option}"


def _headline(golden: "GoldenData", d: Difference) -> str:
    if d.first is None:
        return f"{d.output} {d.problem}"
    got, want = values_as_text(golden, d, d.first)
    return f"{d.output} is first wrong at {d.first.place}: got {got}, want {want} ({_wrong(d)})"


def _details(golden: "GoldenData", d: Difference) -> Iterator[str]:
    if d.problem is not None:
        yield d.problem
        return
    if d.largest is None:
        yield f"all {d.size:,} elements right" if d.size > 1 else "its one element is right"
        return
    not_finite = ", ".join(f"{n} {name}" for n, name in ((d.nan, "NaN"), (d.infinite, "infinite")) if n)
    steps = f" at {time_steps(d, golden.stored.out.shape[-2])}" if d.time_steps else ""
    yield f"{_wrong(d)}{steps}" + (f", among them {not_finite}" if not_finite else "")
    if d.coat is not None:
        yield f"every value is a {d.coat} number: computed in {d.coat}, not in the declared {golden.dtype}?"
    if isfinite(d.largest.got):
        error = abs(d.largest.got - d.largest.want)
        got, want = values_as_text(golden, d, d.largest)
        allowed = f"allowed is {d.largest.allowed:.3g}" if d.largest.allowed else "exact, none is allowed"
        yield f"largest error {error:.6g} ({allowed}) at {d.largest.place}: got {got}, want {want}"


def _wrong(d: Difference) -> str:
    return f"{d.wrong:,} of {counted(d.size, 'element')} wrong"


def time_steps(d: Difference, total: int) -> str:
    """The time steps that have a wrong element, of so many."""
    steps = d.time_steps
    if len(steps) == 1:
        return f"time step {steps[0]} of 0 to {total - 1}"
    if steps == tuple(range(steps[0], steps[-1] + 1)):
        return f"time steps {steps[0]} to {steps[-1]} of 0 to {total - 1}"
    listed = ", ".join(map(str, steps[:_MANY_STEPS])) + (" …" if len(steps) > _MANY_STEPS else "")
    return f"{len(steps)} time steps ({listed}) of 0 to {total - 1}"


def values_as_text(golden: "GoldenData", d: Difference, element: Element) -> tuple[str, str]:
    """Both values in the digits of their precision, or in all digits where those would not show a difference."""
    got_type = PRECISIONS[d.dtype].carrier if d.dtype in PRECISIONS else np.float64
    got = str(asarray(element.got).astype(got_type))
    want = str(PRECISIONS[golden.dtype].round(asarray(element.want)))
    return (repr(element.got), repr(element.want)) if got == want else (got, want)
