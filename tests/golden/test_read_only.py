"""The objects that decide a comparison are immutable."""

from collections.abc import Mapping
from dataclasses import FrozenInstanceError, fields, is_dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import rnn_goldens
from rnn_goldens.comparison.array_conversion import Output
from rnn_goldens.comparison.call_patterns import CALL_PATTERNS
from rnn_goldens.comparison.differences import Difference, Element
from rnn_goldens.comparison.verdict import Verdict
from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import Config
from rnn_goldens.golden.stored_arrays import LazyArrays
from rnn_goldens.golden.tolerance import Bound, Exact

IMMUTABLE = (
    Exact(bits=8),
    Bound({"out": np.ones(1)}, {"out": np.ones(1)}),
    PRECISIONS["float32"],
    LAYOUTS["lstm"],
    Config(input_size=2, hidden_size=3),
    Element((0,), got=1, want=2, allowed=0, place="there"),
    Difference("out"),
    Output(np.ones(1), "float64"),
    Verdict(passed=False, largest_error=2, differences={}, message="wrong"),
    CALL_PATTERNS["twice"],
)


@pytest.mark.parametrize("value", IMMUTABLE, ids=lambda value: type(value).__name__)
def test_no_field_can_be_written_to(value: object) -> None:
    for field in fields(value):  # type: ignore[arg-type] # all are dataclasses
        with pytest.raises(FrozenInstanceError):
            setattr(value, field.name, None)


def test_bounds_and_outputs_compare_by_identity() -> None:
    one, other = (Bound({"out": np.ones(2)}, {"out": np.ones(2)}) for _ in range(2))
    assert one != other
    assert len({one, other}) == 2
    read, again = (Output(np.ones(2), "float64") for _ in range(2))
    assert read != again
    assert len({read, again}) == 2


def memory(value: Any) -> set[int]:
    """Return the addresses of all arrays in an object."""
    if isinstance(value, np.ndarray):
        return {value.ctypes.data}
    inside = value.values() if isinstance(value, Mapping) else vars(value).values() if is_dataclass(value) else ()
    return set().union(*map(memory, inside))


@pytest.mark.parametrize("golden_id", ["documented/mini-batch", "lstm/lengths", "gated-delta/several-steps"])
def test_a_deep_copy_of_a_golden_shares_no_memory_and_has_the_same_expected_values(golden_id: str) -> None:
    golden = rnn_goldens.load(golden_id, dtype="float32", gradients=True)
    copy = golden.copied()
    for of in (OUTPUTS, GRADIENTS):
        want, got = golden.expected_of(of), copy.expected_of(of)
        for name, array in want.values.items():
            np.testing.assert_array_equal(array, got.values[name])
            np.testing.assert_array_equal(want.allowed(name), got.allowed(name))
    assert not memory(golden) & memory(copy)


def test_lazy_arrays_are_read_once_and_only_when_one_is_used() -> None:
    reads = []

    def read() -> dict[str, NDArray[np.float64]]:
        reads.append(1)
        return {"a": np.zeros(2), "b": np.ones(2)}

    arrays = LazyArrays(read).named(["b", "a"])
    assert (list(arrays), len(arrays), reads) == (["b", "a"], 2, [])
    assert [array.tolist() for array in arrays.values()] == [[1, 1], [0, 0]]
    assert reads == [1]
