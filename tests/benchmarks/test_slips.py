"""Slips by hand: the network they are made in is right, and each slip is the deviation whose name it has."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from benchmarks.diagnosis.networks import DTYPE, goldens
from benchmarks.diagnosis.slips import SLIPS, Slip, outputs
from rnn_goldens import Golden, load
from rnn_goldens.cells import Array, case_of
from rnn_goldens.deviations import FAMILIES, deviation
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.judging.verdict import compare

FLOAT32 = PRECISIONS[DTYPE]
APART = 8.0
"""So many tolerances two networks in float32 that are wrong alike may differ: what is wrong may amplify roundings."""

FLIPPED = 0.25
"""Of what is wrong on the whole: so much may be numbers that round to a narrow type the other way, which are few."""

NARROW = {deviation.name for deviation in FAMILIES["numerics"]}
NAMES = ("out", "h_n", "c_n")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


@pytest.mark.slow
def test_the_network_without_a_slip_is_right() -> None:
    assert [golden.id for golden in goldens().values() if _fails(golden, outputs(golden))] == []


@pytest.mark.slow
@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip.deviation)
def test_a_slip_is_the_deviation_on_every_golden(slip: Slip) -> None:
    assert set(slip.cells) <= set(deviation(slip.deviation).cells)
    assert [why for golden in goldens().values() if golden.cell in slip.cells if (why := _apart(golden, slip))] == []


def test_a_slip_under_another_name_is_found() -> None:
    (slip,) = [slip for slip in SLIPS if slip.deviation == "gru_reset_on_input"]
    golden = load("gru/plain", dtype=DTYPE)
    assert not _apart(golden, slip)
    assert _apart(golden, Slip("gru_reset_on_both", slip.edits)).startswith("gru/plain: out differs by ")


def test_no_deviation_is_there_twice() -> None:
    assert len({slip.deviation for slip in SLIPS}) == len(SLIPS)


def test_an_edit_of_what_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match="'nowhere' is there 0 times"):
        outputs(load("gru/plain", dtype=DTYPE), (("nowhere", ""),))


def _apart(golden: Golden, slip: Slip) -> str:
    """Where a slip gives other outputs than the deviation does, in words."""
    got = outputs(golden, slip.edits)
    wrong, in_single = (deviation(slip.deviation).run(case_of(golden, dtype)) for dtype in (np.float64, np.float32))
    if not (_fails(golden, got) or _fails(golden, wrong)):
        return ""
    right = [getattr(golden.stored, name) for name, _ in zip(NAMES, got, strict=False)]
    if slip.deviation in NARROW and _total(got, wrong) <= FLIPPED * _total(wrong, right):
        return ""
    for output, values, mine, theirs, single in zip(NAMES, right, got, wrong, in_single, strict=False):
        if mine.shape != theirs.shape:
            return f"{golden.id}: {output} has the shape {mine.shape}, and not {theirs.shape}"
        both = np.isfinite(mine) & np.isfinite(theirs) & np.isfinite(single)
        difference, rounding = np.abs(mine - theirs)[both], np.abs(single - theirs)[both].max(initial=0.0)
        allowed = golden.tolerance.allowed(output, values, FLOAT32).max(initial=0.0)
        limit = APART * (allowed + rounding + np.abs(theirs[both]).max(initial=0.0) * FLOAT32.roundoff)
        if difference.max(initial=0.0) > limit:
            return f"{golden.id}: {output} differs by {difference.max():.2g}, where {limit:.2g} may be"
    return ""


def _total(some: Sequence[Array], others: Sequence[Array]) -> float:
    """How far apart two networks' outputs are, all numbers together."""
    return sum(float(np.abs(a - b).sum()) for a, b in zip(some, others, strict=True))


def _fails(golden: Golden, given: Sequence[Array]) -> bool:
    return not compare(golden, *(np.asarray(part, np.float32) for part in given)).passed
