"""Whether a slip is the deviation whose name it has: both asked every golden, their outputs are held together."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from benchmarks.slips.asking import asked
from benchmarks.slips.slip import Slip, slipped
from benchmarks.slips.tables import cells_of, files_of
from rnn_goldens import Golden
from rnn_goldens.cells import Array, case_of
from rnn_goldens.deviations import FAMILIES, deviation
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.judging.verdict import compare

APART = 8.0
"""So many tolerances two networks in float32 that are wrong alike may differ: what is wrong may amplify roundings."""

FLIPPED = 0.25
"""Of what is wrong on the whole: so much may be numbers that round to a narrow type the other way, which are few."""

FLOAT32 = PRECISIONS["float32"]

NARROW = {deviation.name for deviation in FAMILIES["numerics"]}


def disagreements(language: str, slip: Slip, goldens: Iterable[Golden]) -> Iterator[str]:
    """Where a slip gives other outputs than the deviation does, in words."""
    with asked(language, slipped(files_of(language), slip)) as ask:
        for golden in goldens:
            if golden.cell in cells_of(slip):
                try:
                    with np.errstate(all="ignore"):
                        got = ask(golden)
                except Unsupported:
                    continue
                if why := _apart(golden, slip.deviation, got):
                    yield f"{golden.id}: {why}"


def _apart(golden: Golden, name: str, got: tuple[Array, ...]) -> str:
    wrong, in_single = (deviation(name).run(case_of(golden, dtype)) for dtype in (np.float64, np.float32))
    if not (_fails(golden, got) or _fails(golden, wrong)):
        return ""
    parts = list(zip(("out", "h_n", "c_n"), got, wrong, in_single, strict=False))
    for output, mine, theirs, _ in parts:
        if mine.shape != theirs.shape:
            return f"{output} has the shape {mine.shape}, and not {theirs.shape}"
    right = [getattr(golden.stored, output) for output, *_ in parts]
    with np.errstate(all="ignore"):
        if name in NARROW and _total(got, wrong) <= FLIPPED * _total(wrong, right):
            return ""
        for values, (output, mine, theirs, single) in zip(right, parts, strict=True):
            both = np.isfinite(mine) & np.isfinite(theirs) & np.isfinite(single)
            difference, rounding = np.abs(mine - theirs)[both], np.abs(single - theirs)[both].max(initial=0.0)
            allowed = golden.tolerance.allowed(output, values, FLOAT32).max(initial=0.0)
            limit = APART * (allowed + rounding + np.abs(theirs[both]).max(initial=0.0) * FLOAT32.roundoff)
            if difference.max(initial=0.0) > limit:
                return f"{output} differs by {difference.max():.2g}, where {limit:.2g} may be"
    return ""


def _total(some: Sequence[Array], others: Sequence[Array]) -> float:
    """How far apart two networks' outputs are, all numbers together."""
    return sum(float(np.abs(a - b).sum()) for a, b in zip(some, others, strict=True))


def _fails(golden: Golden, outputs: tuple[Array, ...]) -> bool:
    return not compare(golden, *(np.asarray(part, np.float32) for part in outputs)).passed
