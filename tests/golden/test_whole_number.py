"""Integers of any library are recognised; booleans and other values are not integers."""

from typing import Any

import numpy as np
import pytest
import torch

from rnn_goldens.golden.whole_number import whole_number


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), np.array(3), torch.tensor(3)], ids=repr)
def test_an_integer_of_any_library_becomes_an_int(value: Any) -> None:
    assert whole_number(value) == 3
    assert type(whole_number(value)) is int


@pytest.mark.parametrize("value", [True, False, np.True_, np.False_], ids=repr)
def test_a_boolean_is_not_an_integer(value: Any) -> None:
    assert whole_number(value) is None


@pytest.mark.parametrize("value", [3.0, np.float32(3), "3", None, [3]], ids=repr)
def test_other_values_are_not_integers(value: Any) -> None:
    assert whole_number(value) is None
