"""Outputs of any type that share memory with the expected arrays are refused."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from factories.goldens import MakeGolden

from rnn_goldens import Golden
from rnn_goldens.comparison.self_comparison import refuse_own_arrays
from rnn_goldens.errors import WrongUse

MEMORY = torch.zeros(40, dtype=torch.float64)
"""Memory whose elements 10 to 21 are the expected out of the golden."""

NUMBERS: Any = MEMORY.numpy()
"""A NumPy array that shares the memory of ``MEMORY``."""


@pytest.fixture
def golden(make_golden: MakeGolden) -> Golden:
    golden = make_golden()
    middle = NUMBERS[10:22].reshape(golden.stored.out.shape)
    return replace(golden, stored=replace(golden.stored, expected={**golden.stored.expected, "out": middle}))


@pytest.mark.parametrize(
    "value",
    [
        MEMORY[10:22],
        MEMORY[21:],
        torch.nn.Parameter(MEMORY[10:22]),
        MEMORY[12:14].as_subclass(type("UsersTensor", (torch.Tensor,), {})),
        NUMBERS[10:22],
        NUMBERS[21:],
        memoryview(NUMBERS[12:14]),
        [0.0, 1, [NUMBERS[12:14]]],
        ([0.0], (MEMORY[12],)),
    ],
    ids=[
        "tensor",
        "last element",
        "parameter",
        "own class",
        "array",
        "its end",
        "memoryview",
        "in a list",
        "in tuples",
    ],
)
def test_memory_of_an_expected_array_is_refused(golden: Golden, value: Any) -> None:
    with pytest.raises(WrongUse, match=r"^made/for-a-test: an output is the golden's own out, which "):
        refuse_own_arrays(golden, np.zeros(3), value)


@pytest.mark.parametrize(
    "value",
    [
        MEMORY[9:10],
        MEMORY[22:],
        MEMORY[:10],
        torch.empty(12, device="meta"),
        torch.eye(3).to_sparse(),
        NUMBERS[22:],
        memoryview(NUMBERS[22:]),
        [[0.0, 1], [2, 3.0]],
        [MEMORY[22:]],
        torch.float64,
        torch.zeros(3).numpy(),
        "out",
        None,
    ],
    ids=[
        "before",
        "after",
        "up to it",
        "no memory",
        "sparse",
        "array",
        "memoryview",
        "numbers",
        "list",
        "type",
        "other",
        "text",
        "none",
    ],
)
def test_other_memory_and_objects_without_memory_are_not_refused(golden: Golden, value: Any) -> None:
    refuse_own_arrays(golden, value)


@pytest.mark.parametrize("name", ["out", "h_n"])
def test_the_arrays_of_a_golden_are_refused_and_copies_are_not(make_golden: MakeGolden, name: str) -> None:
    golden = make_golden()
    value = {each: getattr(golden, each).copy() for each in ("out", "h_n")}
    golden.check(**value)
    with pytest.raises(WrongUse, match=f"the golden's own {name}, "):
        golden.check(**{**value, name: getattr(golden, name)})


def test_lists_are_searched_up_to_the_largest_allowed_length(golden: Golden) -> None:
    parts: list[Any] = [0.0] * 999_999
    with pytest.raises(WrongUse):
        refuse_own_arrays(golden, [*parts, NUMBERS[12:14]])
    refuse_own_arrays(golden, [0.0, *parts, NUMBERS[12:14]])
