import copy
import pickle

import numpy as np
import pytest
from making import MakeGolden

import rnn_goldens
from rnn_goldens import GoldenMismatch, UnknownName


def test_arrays_come_in_the_precision_under_test_and_are_read_only() -> None:
    golden = rnn_goldens.load("documented/mini-batch", dtype="float16")
    for array in (
        golden.x,
        golden.h0,
        golden.out,
        golden.h_n,
        *golden.weights.values(),
        *golden.weights_as("torch").values(),
    ):
        assert array.dtype == np.float16
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    with pytest.raises(TypeError):
        golden.weights["weight_ih_l0"] = golden.x  # type: ignore[index]


def test_without_an_initial_state_h0_is_zeros_and_the_second_argument_of_a_layer_is_none(
    make_golden: MakeGolden,
) -> None:
    golden = make_golden("lstm", state=False)
    assert golden.initial_state is None
    assert not golden.h0.any()
    assert golden.c0.shape == (1, 2, 2)


def test_a_given_initial_state_is_h0_or_for_an_lstm_the_pair(make_golden: MakeGolden) -> None:
    gru, lstm = make_golden("gru", state=True), make_golden("lstm", state=True)
    assert gru.initial_state is gru.h0
    assert gru.h0.any()
    assert isinstance(lstm.initial_state, tuple)
    assert [a is b for a, b in zip(lstm.initial_state, (lstm.h0, lstm.c0), strict=True)] == [True, True]


def test_only_an_lstm_has_a_cell_state(make_golden: MakeGolden) -> None:
    with pytest.raises(AttributeError, match="rnn_relu, which has no c_n; only an lstm has"):
        _ = make_golden().c_n


def test_a_precision_that_a_golden_does_not_support_is_refused_with_those_it_does(make_golden: MakeGolden) -> None:
    golden = make_golden()
    object.__setattr__(golden, "precisions", ("float64",))
    with pytest.raises(UnknownName, match="Precisions of made/for-a-test: float64"):
        golden.in_precision("float16")


def test_check_raises_what_compare_finds() -> None:
    golden = rnn_goldens.load("documented/single-sequence")
    golden.check(golden.out, golden.h_n)
    assert golden.compare(golden.out, golden.h_n).passed
    with pytest.raises(GoldenMismatch) as caught:
        golden.check(golden.out + 1, golden.h_n)
    assert isinstance(caught.value, AssertionError)
    assert str(caught.value) == caught.value.verdict.message
    assert not caught.value.verdict.passed


def test_a_mismatch_can_be_copied_and_pickled() -> None:
    golden = rnn_goldens.load("documented/single-sequence")
    error = GoldenMismatch(golden.compare(golden.out + 1, golden.h_n))
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert str(twin) == str(error)


def test_a_golden_prints_as_one_line() -> None:
    shown = repr(rnn_goldens.load("documented/single-sequence"))
    assert shown == "<Golden documented/single-sequence in float32: rnn_relu, x (1, 3, 5), out (1, 3, 2)>"
