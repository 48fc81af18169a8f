"""Outputs that share memory with the expected arrays are refused, and inputs that were written to are named."""

from collections import UserList, deque
from dataclasses import replace
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from factories.goldens import MakeGolden

import rnn_goldens
from rnn_goldens import Golden
from rnn_goldens.comparison.array_conversion import refuse_own_arrays, written_to, wrote_into
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


OWN: dict[str, Any] = {
    "tensor": MEMORY[10:22],
    "last element": MEMORY[21:],
    "parameter": torch.nn.Parameter(MEMORY[10:22]),
    "own class": MEMORY[12:14].as_subclass(type("UsersTensor", (torch.Tensor,), {})),
    "array": NUMBERS[10:22],
    "its end": NUMBERS[21:],
    "memoryview": memoryview(NUMBERS[12:14]),
    "in a list": [0.0, 1, [NUMBERS[12:14]]],
    "in tuples": ([0.0], (MEMORY[12],)),
    "in a dict": {"out": NUMBERS[12:14]},
    "in another mapping": [MappingProxyType({"out": MEMORY[12]})],
    "in a deque": deque([NUMBERS[12:14]]),
    "in a UserList": UserList([NUMBERS[12:14]]),
    "with __array__": SimpleNamespace(__array__=lambda *_: NUMBERS[12:14]),
    "with an array interface": [SimpleNamespace(__array_interface__=NUMBERS[12:14].__array_interface__)],
}


@pytest.mark.parametrize("value", OWN.values(), ids=OWN)
def test_memory_of_an_expected_array_is_refused(golden: Golden, value: Any) -> None:
    with pytest.raises(WrongUse, match=r"^made/for-a-test: an output is the golden's own out, which "):
        refuse_own_arrays(golden, np.zeros(3), value)


OTHER: dict[str, Any] = {
    "before": MEMORY[9:10],
    "after": MEMORY[22:],
    "up to it": MEMORY[:10],
    "no memory": torch.empty(12, device="meta"),
    "sparse": torch.eye(3).to_sparse(),
    "array": NUMBERS[22:],
    "memoryview": memoryview(NUMBERS[22:]),
    "numbers": [[0.0, 1], [2, 3.0]],
    "list": [MEMORY[22:]],
    "mapping": {"out": NUMBERS[22:]},
    "with __array__": SimpleNamespace(__array__=lambda *_: NUMBERS[22:]),
    "unreadable": SimpleNamespace(__array__=lambda *_: 1 / 0),
    "type": torch.float64,
    "other": torch.zeros(3).numpy(),
    "text": "out",
    "none": None,
}


@pytest.mark.parametrize("value", OTHER.values(), ids=OTHER)
def test_other_memory_and_objects_without_memory_are_not_refused(golden: Golden, value: Any) -> None:
    refuse_own_arrays(golden, value)


@pytest.mark.parametrize("name", ["out", "h_n"])
def test_the_arrays_of_a_golden_are_refused_and_copies_are_not(make_golden: MakeGolden, name: str) -> None:
    golden = make_golden()
    value = {each: getattr(golden, each).copy() for each in ("out", "h_n")}
    golden.check(**value)
    with pytest.raises(WrongUse, match=f"the golden's own {name}, "):
        golden.check(**{**value, name: getattr(golden, name)})


@pytest.mark.parametrize("golden_id", ["lstm/plain", "gated-delta/one-step"])
def test_all_expected_values_of_a_golden_at_once_are_refused(golden_id: str) -> None:
    golden = rnn_goldens.load(golden_id, gradients=True)
    assert golden.gradients is not None
    for own in (golden.expected, dict(golden.expected), tuple(golden.expected.values())):
        with pytest.raises(WrongUse, match="an output is the golden's own"):
            golden.check(own)
    with pytest.raises(WrongUse, match="the golden's own gradient of "):
        golden.check_gradients(golden.gradients.expected)


def test_lists_are_searched_up_to_the_largest_allowed_length(golden: Golden) -> None:
    parts: list[Any] = [0.0] * 999_999
    with pytest.raises(WrongUse):
        refuse_own_arrays(golden, [*parts, NUMBERS[12:14]])
    refuse_own_arrays(golden, [0.0, *parts, NUMBERS[12:14]])


def test_arrays_that_an_implementation_wrote_to_are_named() -> None:
    golden = rnn_goldens.load("gru/lengths", dtype="float32")
    inputs = golden.for_implementation()
    assert written_to(inputs, golden.stored) == []
    assert inputs.lengths is not None
    for array in (inputs.x, inputs.weights["weight_hh_l0"], inputs.lengths):
        array.flags.writeable = True
        array[...] = 1
    names = written_to(inputs, golden.stored)
    assert set(names) == {"x", "weight_hh_l0", "lengths"}
    assert wrote_into(["x", "h0"]) == "wrote into x, h0: inputs and weights belong to the caller and must not change"
    assert "inputs, weights and cotangents belong to the caller" in wrote_into(["d_out"])
