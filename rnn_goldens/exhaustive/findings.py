"""What was found at the arguments of a part, and of all parts of an activation in a precision, for a table."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.exhaustive.arguments import Float64, arguments
from rnn_goldens.exhaustive.parts import Part
from rnn_goldens.golden.precision import PRECISIONS, Precision
from rnn_goldens.golden.shapes import LAYOUTS
from rnn_goldens.judging.outputs import NotNumbers, read, states_apart

Group = tuple[str, str, str]
"""A cell, an activation of it, and a precision."""


@dataclass(frozen=True)
class Finding:
    """The errors at some arguments.

    Attributes:
        visited: how many arguments.
        wrong: at how many of them an output is further off than a correct one can be.
        ulp: the largest error of the activation's own output, in units in the last place of the exact result.
        at: the argument there.
        fraction: the largest error of any output, as a fraction of what is allowed.
        fraction_at: the argument there.
    """

    visited: int
    wrong: int
    ulp: float
    at: float
    fraction: float
    fraction_at: float

    @classmethod
    def of(cls, part: Part, golden: Golden, outputs: Sequence[object]) -> "Finding | None":
        """What outputs show; None if they are not to be compared with the golden."""
        try:
            given = {
                name: read(output).values
                for name, output in states_apart(LAYOUTS[part.activation.cell], *outputs).items()
            }
        except (NotNumbers, TypeError):
            return None
        wanted: dict[str, Float64] = {name: getattr(golden.stored, name) for name in given}
        if any(want is None or given[name].shape != want.shape for name, want in wanted.items()):
            return None
        precision = PRECISIONS[part.precision]
        with np.errstate(all="ignore"):
            fractions = [_fractions(golden, name, given[name], want, precision) for name, want in wanted.items()]
            fraction = np.max([_known(f).reshape(len(part.arguments)) for f in fractions], axis=0)
            ulps = _ulps(given[part.activation.shows], wanted[part.activation.shows], precision)
        ulp, furthest = int(np.argmax(ulps)), int(np.argmax(fraction))
        where = part.arguments
        return cls(
            visited=len(where),
            wrong=int((fraction > 1).sum()),
            ulp=float(ulps[ulp]),
            at=float(where[ulp]),
            fraction=float(fraction[furthest]),
            fraction_at=float(where[furthest]),
        )

    def __and__(self, other: Self) -> "Finding":
        """Both together."""
        worse = max(self, other, key=lambda finding: finding.ulp)
        further = max(self, other, key=lambda finding: finding.fraction)
        visited, wrong = self.visited + other.visited, self.wrong + other.wrong
        return Finding(visited, wrong, worse.ulp, worse.at, further.fraction, further.fraction_at)

    def document(self) -> dict[str, Any]:
        """What ``Finding(**document)`` takes."""
        return asdict(self)


def _ulps(got: Float64, want: Float64, precision: Precision) -> Float64:
    """Errors in units in the last place, the smallest subnormal number's at least."""
    _, exponents = np.frexp(want)
    unit = np.ldexp(1.0, np.maximum(exponents, precision.min_exponent + 1) - precision.bits)
    return _known(np.abs(got - want) / unit).ravel()


def _fractions(golden: Golden, name: str, got: Float64, want: Float64, precision: Precision) -> Float64:
    error = np.where(got == want, 0.0, np.abs(got - want))
    return error / golden.tolerance.allowed(name, want, precision)


def _known(error: Float64) -> Float64:
    """A NaN is as far off as can be."""
    return np.where(np.isnan(error), np.inf, error)


def table(groups: Iterable[Group], found: Mapping[Group, Finding], refused: Mapping[Group, int]) -> Iterator[str]:
    """Lines of at most 80 columns: an activation each, below it the precisions."""
    yield f"{'arguments':>20}{'wrong':>8}{'ulp':>10}  {'at':<16}tolerance  at"
    before = ("", "")
    for group in groups:
        if group[:2] != before and (group in found or group in refused):
            yield f"{group[0]}: {group[1]}"
            before = group[:2]
        if group in found:
            yield from _rows(group[2], found[group], refused.get(group, 0))
        elif group in refused:
            yield f"  {group[2]:<9}{'refused':>9}"
    yield "float16 and bfloat16: every finite number; float32: a sample."
    yield "tolerance: the largest part of it that is used, 1 being all of it"


def _rows(precision: str, found: Finding, refused: int) -> Iterator[str]:
    ulp = f"{found.ulp:10.3g}  {found.at:<16.9g}"
    yield f"  {precision:<9}{found.visited:>9,}{found.wrong:>8,}{ulp}{found.fraction:>9.2f}  {found.fraction_at:.9g}"
    if found.visited + refused < (there := len(arguments(precision))):
        others = f"{refused:,} were refused, the others" if refused else "the others were"
        yield f"{'':11}of {there:,}: {others} not visited"
    elif refused:
        yield f"{'':11}of {there:,}: the others were refused"
