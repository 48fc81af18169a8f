"""Which values of any library count as integers."""

from typing import Any

import numpy as np
import pytest
import torch

from rnn_goldens.golden.whole_number import whole_number


@pytest.mark.parametrize("given", [3, np.int64(3), np.uint8(3), np.array(3), torch.tensor(3)], ids=repr)
def test_an_integer_of_any_library_becomes_an_int(given: Any) -> None:
    assert whole_number(given) == 3
    assert type(whole_number(given)) is int


@pytest.mark.parametrize("given", [True, False, np.True_, np.False_], ids=repr)
def test_a_boolean_is_no_integer(given: Any) -> None:
    assert whole_number(given) is None


@pytest.mark.parametrize("given", [3.0, np.float32(3), "3", None, [3]], ids=repr)
def test_other_values_are_no_integers(given: Any) -> None:
    assert whole_number(given) is None
