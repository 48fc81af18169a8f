"""A slip is a wrong edit of a correct network. The edited network has the outputs of a deviation, up to rounding."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from benchmarks.diagnosis.slips import SLIPS, Slip, outputs
from benchmarks.diagnosis.wrong import DTYPE, goldens
from rnn_goldens import Golden, load
from rnn_goldens.cells import Array, case_of
from rnn_goldens.comparison.verdict import compare
from rnn_goldens.deviations import FAMILIES, deviation
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.precision import PRECISIONS

FLOAT32 = PRECISIONS[DTYPE]
MAX_DIFFERENCE = 8.0
"""The allowed difference between a slip and its deviation, in tolerances: wrong networks may amplify rounding."""

MAX_NARROW_DIFFERENCE = 0.25
"""The allowed difference for deviations that round to a narrower type, as a fraction of the deviation's error."""

NARROW = {deviation.name for deviation in FAMILIES["numerics"]}
NAMES = ("out", "h_n", "c_n")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


@pytest.mark.slow
def test_the_unedited_network_is_correct() -> None:
    checked = [golden for cell in CELLS for golden in goldens(cell)]
    assert [golden.id for golden in checked if _fails(golden, outputs(golden))] == []


@pytest.mark.slow
@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip.deviation)
def test_a_slip_equals_its_deviation_on_every_golden(slip: Slip) -> None:
    assert set(slip.cells) <= set(deviation(slip.deviation).cells)
    assert [
        difference for cell in slip.cells for golden in goldens(cell) if (difference := _difference(golden, slip))
    ] == []


def test_a_slip_with_the_name_of_another_deviation_is_detected() -> None:
    (slip,) = [slip for slip in SLIPS if slip.deviation == "gru_reset_on_input"]
    golden = load("gru/plain", dtype=DTYPE)
    assert not _difference(golden, slip)
    assert _difference(golden, Slip("gru_reset_on_both", slip.edits)).startswith("gru/plain: out differs by ")


def test_no_two_slips_have_the_same_deviation() -> None:
    assert len({slip.deviation for slip in SLIPS}) == len(SLIPS)


def test_an_edit_of_missing_text_is_an_error() -> None:
    with pytest.raises(ValueError, match="'nowhere' occurs 0 times"):
        outputs(load("gru/plain", dtype=DTYPE), (("nowhere", ""),))


def _difference(golden: Golden, slip: Slip) -> str:
    """Describe where the outputs of a slip differ from those of its deviation; empty if they are equal."""
    actual = outputs(golden, slip.edits)
    wrong, in_float32 = (
        deviation(slip.deviation).alteration(case_of(golden, dtype)) for dtype in (np.float64, np.float32)
    )
    if not (_fails(golden, actual) or _fails(golden, wrong)):
        return ""
    right = [getattr(golden.stored, name) for name, _ in zip(NAMES, actual, strict=False)]
    if slip.deviation in NARROW and _total(actual, wrong) <= MAX_NARROW_DIFFERENCE * _total(wrong, right):
        return ""
    for output, values, edited, expected, single in zip(NAMES, right, actual, wrong, in_float32, strict=False):
        if edited.shape != expected.shape:
            return f"{golden.id}: {output} has shape {edited.shape} instead of {expected.shape}"
        finite = np.isfinite(edited) & np.isfinite(expected) & np.isfinite(single)
        difference, rounding = np.abs(edited - expected)[finite], np.abs(single - expected)[finite].max(initial=0.0)
        allowed = golden.tolerance.allowed(output, values, FLOAT32).max(initial=0.0)
        limit = MAX_DIFFERENCE * (allowed + rounding + np.abs(expected[finite]).max(initial=0.0) * FLOAT32.roundoff)
        if difference.max(initial=0.0) > limit:
            return f"{golden.id}: {output} differs by {difference.max():.2g}, more than {limit:.2g}"
    return ""


def _total(one: Sequence[Array], other: Sequence[Array]) -> float:
    """Return the sum of the absolute differences of two networks' outputs."""
    return sum(float(np.abs(a - b).sum()) for a, b in zip(one, other, strict=True))


def _fails(golden: Golden, outputs: Sequence[Array]) -> bool:
    return not compare(golden, *(np.asarray(part, np.float32) for part in outputs)).passed
