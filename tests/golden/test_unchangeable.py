"""What decides right from wrong can not be changed by whoever holds it."""

from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest

import rnn_goldens
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import LAYOUTS, Config
from rnn_goldens.golden.tolerance import Bound, Exact
from rnn_goldens.judging.calls import WAYS
from rnn_goldens.judging.differences import Difference, Element
from rnn_goldens.judging.outputs import Output
from rnn_goldens.judging.verdict import Verdict

HELD = (
    Exact(bits=8),
    Bound({"out": np.ones(1)}, {"out": np.ones(1)}),
    PRECISIONS["float32"],
    LAYOUTS["lstm"],
    Config(input_size=2, hidden_size=3),
    Element((0,), got=1, want=2, allowed=0, place="there"),
    Difference("out"),
    Output(np.ones(1), "float64"),
    Verdict(passed=False, largest_error=2, differences={}, message="wrong"),
    WAYS["twice"],
)


@pytest.mark.parametrize("held", HELD, ids=lambda held: type(held).__name__)
def test_no_field_can_be_written_to(held: object) -> None:
    for field in fields(held):  # type: ignore[arg-type] # all are dataclasses
        with pytest.raises(FrozenInstanceError):
            setattr(held, field.name, None)


def test_bounds_and_outputs_are_told_apart_by_identity_for_their_arrays_have_no_one_truth() -> None:
    one, other = (Bound({"out": np.ones(2)}, {"out": np.ones(2)}) for _ in range(2))
    assert one != other
    assert len({one, other}) == 2
    read, again = (Output(np.ones(2), "float64") for _ in range(2))
    assert read != again
    assert len({read, again}) == 2


@pytest.mark.parametrize("golden_id", ["documented/mini-batch", "lstm/plain"])
def test_a_copy_of_a_golden_has_memory_of_its_own_and_judges_alike(golden_id: str) -> None:
    golden = rnn_goldens.load(golden_id)
    copy = golden.copied()
    assert not np.shares_memory(copy.stored.out, golden.stored.out)
    assert copy.compare(golden.out, golden.h_n, golden.c_n if golden.cell == "lstm" else None).passed
