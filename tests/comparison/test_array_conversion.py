from array import array
from collections import UserList, deque
from ctypes import c_float
from decimal import Decimal
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import torch

from rnn_goldens.comparison import array_conversion


class UsersTensor(torch.Tensor):
    """A tensor of a user's subclass."""


class UsersSequence:
    """A sequence for NumPy, but not for ``collections.abc``."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def __len__(self) -> int:
        return len(self.parts)

    def __getitem__(self, index: int) -> Any:
        return self.parts[index]


class LikeADictionary:
    """A container with parts but without an order."""

    def __len__(self) -> int:
        return 1

    def __getitem__(self, name: object) -> Any:
        raise KeyError(name)


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
        (np.array([[1, 2]], np.uint8), "uint8"),
        (np.array([[1, 2]], ">f2"), "float16"),
        ([array("f", [1.0, 2.0])], "float32"),
        ([(c_float * 2)(1.0, 2.0)], "float32"),
        ([memoryview(array("f", [1.0, 2.0]))], "float32"),
        ([range(1, 3)], "int64"),
    ],
)
def test_any_array_like_is_read_with_its_type(value: Any, dtype: str) -> None:
    output = array_conversion.read(value)
    assert output.values.tolist() == [[1.0, 2.0]]
    assert output.dtype == dtype


HALF = np.array([1.0, 2.0], np.float16)


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        ([HALF, np.array([3.0, 4.0])], "float16"),
        ([np.array([1.0, 2.0]), np.array([3.0, 4.0], np.float16)], "float16"),
        ((HALF, np.array([3.0, 4.0], np.float32)), "float16"),
        ([HALF, [3.0, 4.0]], "float16"),
        ([HALF, [3, 4]], "float16"),
        ([[1.0, 2.0], [3.0, np.float16(4)]], "float16"),
        ([[np.float16(1), 2.0], [3.0, 4.0]], "float16"),
        ([[np.float32(1), np.longdouble(2)], [3, 4]], "float32"),
        ([[np.longdouble(1), 2], [3, 4]], "float64"),
        ([[1.0, 2], [3, 4]], "float64"),
        ([np.array([1, 2]), [3.0, 4.0]], "float64"),
        ([[1.0, ml_dtypes.bfloat16(2)], [3.0, np.float16(4)]], "bfloat16"),
        ([HALF, np.array([3, 4], ml_dtypes.bfloat16)], "bfloat16"),
        (deque([HALF, np.array([3.0, 4.0])]), "float16"),
        (UserList([HALF, deque([3.0, 4.0])]), "float16"),
        (UsersSequence(HALF, UsersSequence(3.0, np.float64(4.0))), "float16"),
        (UsersSequence([1.0, np.float32(2.0)], (3.0, 4.0)), "float32"),
        ([array("f", [1.0, 2.0]), [3.0, 4.0]], "float32"),
        ([torch.tensor([1.0, 2.0]), np.array([3.0, 4.0]), [5, 6.0]], "float32"),
        ([[torch.tensor(1.0), np.float16(2)], np.array([3.0, 4.0]), [5, 6.0]], "float16"),
        ([np.array([1.0, 2.0]), torch.tensor([3.0, 4.0], dtype=torch.bfloat16)], "bfloat16"),
        ([np.ma.masked_array(HALF, mask=False), [3.0, 4.0]], "float16"),
    ],
)
def test_the_type_is_that_of_the_least_precise_part(value: Any, dtype: str) -> None:
    output = array_conversion.read(value)
    assert output.dtype == dtype
    assert output.values[0].tolist() == [1.0, 2.0]
    assert output.values.shape[1:] == (2,)


@pytest.mark.parametrize("depth", range(1, 13))
@pytest.mark.parametrize("half", [HALF, [np.float16(1), 2.0], [torch.tensor(1.0).half(), 2.0]], ids=type)
def test_the_least_precise_part_is_found_at_any_depth(half: Any, depth: int) -> None:
    value = [half, [3.0, 4.0]]
    for _ in range(depth):
        value = [value, [[1.0, 2.0], [3.0, 4.0]]] if np.ndim(value) == 2 else [value]
    output = array_conversion.read(value)
    assert output.dtype == "float16"
    assert output.values.ndim == depth + 2


FLOAT8: list[Any] = [
    np.array([1, 2], ml_dtypes.float8_e5m2),
    torch.tensor([1.0, 2.0]).to(torch.float8_e5m2),
    [[ml_dtypes.float8_e5m2(1), 2.0]],
    [np.array([1.0, 2.0]), np.array([1, 2], ml_dtypes.float8_e5m2)],
    [[3.0, 4.0], torch.tensor([1.0, 2.0]).to(torch.float8_e5m2)],
]


@pytest.mark.parametrize("value", FLOAT8, ids=lambda value: type(value).__name__)
def test_an_8_bit_float_type_is_refused_by_name(value: Any) -> None:
    with pytest.raises(
        array_conversion.NotNumbers, match=r"^holds float8_e5m2, which is none of float64, float32, bfloat16, "
    ):
        array_conversion.read(value)


def test_arrays_of_jax_are_read_with_their_type() -> None:
    import jax.numpy as jnp

    half, float8 = jnp.array([1.0, 2.0], jnp.float16), jnp.array([1.0, 2.0], jnp.float8_e5m2)
    bfloat16 = array_conversion.read(half.astype(jnp.bfloat16))
    assert (bfloat16.values.tolist(), bfloat16.dtype) == ([1.0, 2.0], "bfloat16")
    for parts in ([half, [3.0, 4.0]], [half, torch.tensor([3.0, 4.0]), HALF]):
        assert array_conversion.read(parts).dtype == "float16"
    for value in (float8, (deque([float8]), [[3.0, 4.0]])):
        with pytest.raises(array_conversion.NotNumbers, match=r"^holds float8_e5m2, which is none of"):
            array_conversion.read(value)


@pytest.mark.parametrize(
    "name", ["float8_e4m3fn", "float8_e4m3", "float8_e3m4", "float8_e8m0fnu", "float4_e2m1fn", "float6_e2m3fn", "int4"]
)
def test_a_type_that_numpy_lacks_is_refused_by_name(name: str) -> None:
    with pytest.raises(array_conversion.NotNumbers, match=f"^holds {name}, which is none of float64, "):
        array_conversion.read(np.array([[1, 2]], getattr(ml_dtypes, name)))


LONG = np.longdouble
SIGNALLING = np.array([0x7F800001], np.uint32).view(np.float32)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (np.array([LONG(1e300) * LONG(1e300)]), np.inf),
        (np.array([LONG(1e-300) * LONG(1e-300)]), 0.0),
        ([LONG(1e-300) * LONG(1e-300)], 0.0),
        (SIGNALLING, np.nan),
        ([SIGNALLING[0], 1.0], np.nan),
        ([SIGNALLING, torch.tensor([1.0])], np.nan),
    ],
    ids=["too-large", "too-small", "in-a-list", "nan", "nan-in-a-list", "nan-and-torch"],
)
def test_np_errstate_does_not_affect_reading(value: Any, number: float) -> None:
    with np.errstate(all="raise"):
        np.testing.assert_equal(array_conversion.read(value).values.flat[0], number)


@pytest.mark.parametrize("value", [[[np.float16(1), 2.0]], [[5e-324, 1e300]], HALF], ids=repr)
def test_reading_an_output_returns_it_unchanged(value: Any) -> None:
    once = array_conversion.read(value)
    assert array_conversion.read(once) is once


def test_a_plain_array_is_not_read_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(array_conversion, "_readable_parts", fail)
    assert array_conversion.read(np.ones((2, 3), np.float32)).dtype == "float32"


class TensorOfAnotherLibrary:
    """An object with ``__array__``, like the tensors of JAX and TensorFlow."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.array([1, 2], ml_dtypes.bfloat16 if dtype is None else dtype)


def test_a_tensor_of_another_library_keeps_its_bfloat16() -> None:
    assert array_conversion.read(TensorOfAnotherLibrary()).dtype == "bfloat16"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "is None: the implementation returned nothing for it"),
        ([[1, 2], [3]], "is a list that NumPy cannot read as an array"),
        ([torch.ones(1), torch.ones(2)], "is a list that NumPy cannot read as an array"),
        ("out", "is a str, not an array of numbers"),
        ((x for x in [1]), "is a generator, not an array of numbers"),
        (np.array([1, None]), "is an array of Python objects, such as a NoneType, not of real numbers"),
        (MASKED, "has 1 masked elements"),
        ([MASKED, MASKED], "has 1 masked elements"),
        (np.array([1 + 1j]), "holds complex128, not real numbers"),
        (np.array([True]), "holds bool, not real numbers"),
        ({"out": 1}, "is a dict, not an array of numbers"),
        ([[1.0, None]], "holds a NoneType, not real numbers"),
        ([[1.0], [Decimal(1)]], "holds a decimal.Decimal, not real numbers"),
        ([[1.0, "2.0"]], "holds str.*, not real numbers"),
        ([[1.0, True]], "holds bool, not real numbers"),
        ([1.0, 2j], "holds complex128, not real numbers"),
        ([[1.0], np.array([1 + 1j])], "holds complex128, not real numbers"),
        ([[1.0], np.array([None])], "is an array of Python objects, such as a NoneType, not of real numbers"),
        ([1.0, [2.0]], "is a list that NumPy cannot read as an array"),
        ([10**400], "is a list that NumPy cannot read as an array: int too large"),
        (LikeADictionary(), "is a .*LikeADictionary"),
        (np.array(["2020-01-01"], "datetime64[D]"), r"^holds datetime64\[D\], not real numbers$"),
        (np.array([b"1"]), "^holds bytes8, not real numbers$"),
        (np.array(["1"]), "^holds str32, not real numbers$"),
        (np.array([(1, 2)], "i4, f8"), "^holds void96, not real numbers$"),
        (np.array("1"), "^is a numpy.ndarray, not an array of numbers$"),
        (np.array(None), "^is a numpy.ndarray, not an array of numbers$"),
        (b"12", "^is a bytes, not an array of numbers$"),
        (np.array([1.0, [2]], object), "^is an array of Python objects, such as a list, not of real numbers$"),
        (np.array([[1.0], ["x"]], object), "^is an array of Python objects, such as a str, not of real numbers$"),
        (np.array([1.0, 2], object), "^is an array of Python objects, such as a float, not of real numbers$"),
        (np.ma.masked_array([1.0, 2, 3], mask=[True, False, True]), "^has 2 masked elements, which have no value$"),
        (np.array([1, 2], np.float16) * 1j, "^holds complex64, not real numbers$"),
        (torch.nn.utils.rnn.pack_sequence([torch.ones(2, 1)]), "is a PackedSequence: unpack it with .*pad_packed"),
    ],
)
def test_values_without_real_numbers_are_refused_with_a_reason(value: Any, reason: str) -> None:
    with pytest.raises(array_conversion.NotNumbers, match=reason):
        array_conversion.read(value)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64])
def test_the_values_of_a_tensor_are_read_exactly(dtype: torch.dtype) -> None:
    numbers = torch.tensor([1 / 3, -1e-5, 2**20 + 1], dtype=torch.float64).to(dtype)
    assert array_conversion.read(numbers).values.tolist() == numbers.tolist()


MlxArray = type("array", (), {"__module__": "mlx.core"})
"""A type with the name of MLX's array type: MLX itself has no wheels for some machines."""


def of_mlx(dtype: str, numbers: Any) -> Any:
    """Return a fake MLX array: a dtype and values."""
    array = MlxArray()
    array.dtype, array.tolist = f"mlx.core.{dtype}", lambda: np.asarray(numbers, np.float64).tolist()
    if dtype != "bfloat16":  # NumPy does not read MLX's bfloat16
        kind = type("array", (MlxArray,), {"__array__": lambda *_, **__: np.asarray(numbers, dtype)})
        array = kind()
        array.dtype = f"mlx.core.{dtype}"
    return array


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16", "int64"])
def test_an_mlx_array_is_read_with_its_type(dtype: str) -> None:
    numbers = [1, 2**53 - 1] if dtype in ("float64", "int64") else [1, 2]
    output = array_conversion.read(of_mlx(dtype, [numbers]))
    assert output.values.tolist() == [numbers]
    assert output.dtype == dtype


def test_a_complex_mlx_array_is_refused() -> None:
    with pytest.raises(array_conversion.NotNumbers, match=r"^holds complex64, not real numbers"):
        array_conversion.read(of_mlx("complex64", [1]))


@pytest.mark.parametrize("module", ["a_library", "builtinz", "library"])
def test_an_object_that_is_not_an_array_is_refused_by_its_full_name(module: str) -> None:
    kind = type("Result", (), {"__module__": module})
    article = "an" if module == "a_library" else "a"
    with pytest.raises(array_conversion.NotNumbers, match=rf"^is {article} {module}\.Result, not an array of numbers$"):
        array_conversion.read(kind())


def test_a_scalar_is_read_as_an_array_without_axes() -> None:
    for number in (2.0, 2, np.float64(2), torch.tensor(2.0), np.array(2.0)):
        assert array_conversion.read(number).values.shape == ()
        assert array_conversion.read(number).values == 2


def test_an_empty_list_is_read_as_float64() -> None:
    assert array_conversion.read([]).dtype == "float64"
    assert array_conversion.read([[], ()]).values.shape == (2, 0)


@pytest.mark.parametrize(
    ("dtype", "bits"),
    [("float64", 53), ("float32", 24), ("float16", 11), ("bfloat16", 8), ("int64", None), ("uint8", None)],
)
def test_an_output_has_the_bits_of_its_type_and_none_for_integers(dtype: str, bits: int | None) -> None:
    assert array_conversion.Output(np.ones(1), dtype).bits == bits


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.broadcast_to(np.float32(1), (100_000, 1001)), r"has shape \(100000, 1001\), more than any golden has"),
        (np.broadcast_to(1.0, (100_000_001,)), r"has shape \(100000001,\), more than any golden has"),
        (range(1_000_001), "of 1,000,001 parts, more than any golden has"),
        ([0.0] * 1_000_001, "is a list of 1,000,001 parts, more than any golden has"),
    ],
)
def test_an_output_that_is_too_large_is_not_read(value: Any, text: str) -> None:
    with pytest.raises(array_conversion.NotNumbers, match=text):
        array_conversion.read(value)


def test_the_largest_allowed_output_is_read() -> None:
    assert array_conversion.read([0.0] * 1_000_000).values.shape == (1_000_000,)
    assert array_conversion.read(range(1000)).values.shape == (1000,)
