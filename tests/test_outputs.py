from typing import Any

import ml_dtypes
import numpy as np
import pytest
import torch

from rnn_goldens import outputs


class UsersTensor(torch.Tensor):
    """A tensor of the user's own class."""


MASKED = np.ma.masked_array([1.0, 2.0], mask=[False, True])


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (np.array([[1, 2]]), "int64"),
        ([[1, 2]], "int64"),
        ([[1.0, 2.0]], "float64"),
        (np.array([[1, 2]], np.float16), "float16"),
        (np.array([[1, 2]], ml_dtypes.bfloat16), "bfloat16"),
        (np.array([[1, 2]], np.longdouble), "float64"),
        (torch.tensor([[1.0, 2.0]], requires_grad=True), "float32"),
        (torch.tensor([[1.0, 2.0]], dtype=torch.bfloat16), "bfloat16"),
        (torch.tensor([[1.0, 2.0]], dtype=torch.float16), "float16"),
        (torch.tensor([[1, 2]]), "int64"),
        (torch.nn.Parameter(torch.tensor([[1.0, 2.0]])), "float32"),
        (torch.tensor([[1.0, 2.0]], dtype=torch.bfloat16).as_subclass(UsersTensor), "bfloat16"),
        ([torch.tensor([1.0, 2.0], dtype=torch.bfloat16)], "bfloat16"),
        ([torch.tensor([1.0, 2.0], requires_grad=True)], "float32"),
        (([torch.tensor(1.0), torch.tensor(2.0, dtype=torch.float16)],), "float16"),
        ([np.array([1, 2], np.float16)], "float16"),
        (np.ma.masked_array([[1.0, 2.0]], mask=False), "float64"),
    ],
)
def test_any_array_like_is_read_with_the_type_it_came_in(value: Any, dtype: str) -> None:
    output = outputs.read(value)
    assert output.values.tolist() == [[1.0, 2.0]]
    assert output.dtype == dtype


class TensorOfAnotherLibrary:
    """What JAX and TensorFlow tensors are to NumPy: an object with ``__array__``."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.array([1, 2], ml_dtypes.bfloat16 if dtype is None else dtype)


def test_a_tensor_of_another_library_keeps_its_bfloat16() -> None:
    assert outputs.read(TensorOfAnotherLibrary()).dtype == "bfloat16"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "is None: the implementation returned nothing for it"),
        ([[1, 2], [3]], "is a list that NumPy can not read as an array"),
        ([torch.ones(1), torch.ones(2)], "is a list that NumPy can not read as an array"),
        ("out", "is a str, not an array of numbers"),
        ((x for x in [1]), "is a generator, not an array of numbers"),
        (np.array([1, None]), "is an array of Python objects, such as a NoneType, not of real numbers"),
        (MASKED, "has 1 masked elements"),
        ([MASKED, MASKED], "has 1 masked elements"),
        (np.array([1 + 1j]), "holds complex128, not real numbers"),
        (np.array([True]), "holds bool, not real numbers"),
        ({"out": 1}, "is a dict, not an array of numbers"),
        (torch.nn.utils.rnn.pack_sequence([torch.ones(2, 1)]), "is a PackedSequence: unpack it with .*pad_packed"),
    ],
)
def test_what_holds_no_real_numbers_is_told_apart(value: Any, reason: str) -> None:
    with pytest.raises(outputs.NotNumbers, match=reason):
        outputs.read(value)
