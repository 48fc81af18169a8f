import ml_dtypes
import numpy as np
import pytest

from rnn_goldens import UnknownName
from rnn_goldens.golden.precision import PRECISIONS, precision


@pytest.mark.parametrize("name", PRECISIONS)
def test_rounding_is_to_nearest_even_as_the_type_itself_does_it(name: str) -> None:
    own_type = ml_dtypes.bfloat16 if name == "bfloat16" else np.dtype(name)
    numbers = np.random.default_rng(1)
    near_ties = numbers.integers(1, 2**12, 4000) * 2.0 ** numbers.integers(-24, 3, 4000)
    values = np.concatenate([near_ties, -near_ties, [0.0, -0.0, 1e-40, 6e-8, 2**-133, 3 * 2**-134, 1 / 3]])
    expected = values.astype(np.float32).astype(own_type) if name == "bfloat16" else values.astype(own_type)
    np.testing.assert_array_equal(PRECISIONS[name].round(values).astype(np.float64), expected.astype(np.float64))


def test_bfloat16_is_rounded_once_where_going_through_float32_would_round_twice() -> None:
    just_above_a_tie = np.array([1 + 2**-8 + 2**-40])
    assert PRECISIONS["bfloat16"].round(just_above_a_tie) == 1 + 2**-7
    assert just_above_a_tie.astype(np.float32).astype(ml_dtypes.bfloat16) == 1


def test_bfloat16_values_come_in_float32_arrays() -> None:
    assert PRECISIONS["bfloat16"].round(np.ones(3)).dtype == np.float32


def test_an_unknown_precision_lists_those_that_exist() -> None:
    with pytest.raises(UnknownName, match=r"no precision 'float31'\. Did you mean 'float32'\? .*bfloat16, float16"):
        precision("float31")
