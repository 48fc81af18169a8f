"""A user's cell of Flax is checked: it passes, fails, or is refused with the missing feature."""

from typing import Any

import pytest
from implementations.outcomes import check_all

from rnn_goldens.errors import WrongUse
from rnn_goldens.implementations import adapt

pytestmark = pytest.mark.xdist_group("keras")  # one worker imports Keras, Flax and JAX


@pytest.mark.slow
def test_a_flax_cell_is_unrolled(own_in_flax: Any) -> None:
    counts, reasons = check_all(
        own_in_flax.MyFlaxGRU, ids=["gru/lengths-bidirectional", "rnn-tanh/plain", "lstm/plain"]
    )
    assert counts == {"passed": 1}
    assert reasons == [
        "MyFlaxGRU has no h/kernel, unlike Flax's cell for rnn_tanh",
        "MyFlaxGRU has no hf/bias, unlike Flax's cell for lstm",
    ]


@pytest.mark.parametrize("cell", [pytest.param("gru_hard_sigmoid_sixth", marks=pytest.mark.slow), "gru_reverse"])
def test_a_flax_cell_receives_the_arguments_of_a_dialect(own_in_flax: Any, cell: str) -> None:
    counts, reasons = check_all(own_in_flax.MyFlaxGRU, cell=cell, without="lengths")
    assert (counts["failed"], reasons) == (0, [])
    assert counts["passed"] > 0


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("MyFlaxDense", "MyFlaxDense is a class of Flax; supported are cells of flax.linen, derived from"),
        ("MyNnxGRU", "MyNnxGRU is a class of flax.nnx; supported are cells of flax.linen, derived from"),
    ],
)
def test_another_class_of_flax_is_an_error_with_a_hint(own_in_flax: Any, name: str, why: str) -> None:
    with pytest.raises(WrongUse, match=why):
        adapt(getattr(own_in_flax, name))
