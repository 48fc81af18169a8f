import copy
import pickle
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import torch
from factories.goldens import MakeGolden

import rnn_goldens
from rnn_goldens import Golden, GoldenMismatch, UnknownName
from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.stored_arrays import GoldenArrays


def test_arrays_have_the_precision_under_test_and_are_read_only() -> None:
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


def test_the_initial_state_is_none_or_h0_or_the_pair_h0_and_c0_for_an_lstm(make_golden: MakeGolden) -> None:
    without, gru, lstm = make_golden("lstm"), make_golden("gru", state=True), make_golden("lstm", state=True)
    assert without.initial_state is None
    assert not without.h0.any()
    assert without.c0.shape == (1, 2, 2)
    assert gru.initial_state is gru.h0
    assert gru.h0.any()
    assert isinstance(lstm.initial_state, tuple)
    assert [a is b for a, b in zip(lstm.initial_state, (lstm.h0, lstm.c0), strict=True)] == [True, True]


def test_c_n_of_a_cell_without_a_cell_state_raises(make_golden: MakeGolden) -> None:
    with pytest.raises(AttributeError, match=r"rnn_relu, which has no c_n$"):
        _ = make_golden().c_n


def test_the_error_for_an_unsupported_precision_lists_the_supported_ones(make_golden: MakeGolden) -> None:
    golden = make_golden()
    object.__setattr__(golden, "precisions", ("float64",))
    with pytest.raises(UnknownName, match="Precisions of made/for-a-test: float64"):
        golden.in_precision("float16")


def test_check_raises_a_mismatch_with_a_verdict() -> None:
    golden = rnn_goldens.load("documented/single-sequence")
    golden.check(golden.out.copy(), golden.h_n.copy())
    assert golden.compare(golden.out, golden.h_n).passed
    with pytest.raises(GoldenMismatch) as caught:
        golden.check(golden.out + 1, golden.h_n.copy())
    assert isinstance(caught.value, AssertionError)
    assert str(caught.value) == caught.value.verdict.message
    assert not caught.value.verdict.passed


def test_a_tuple_with_a_missing_or_extra_output_fails() -> None:
    golden = rnn_goldens.load("documented/mini-batch")
    out, h_n = golden.out.copy(), golden.h_n.copy()
    assert "h_n: is None" in golden.compare((out,)).message
    assert "h_n: is None" in golden.compare((out, None)).message
    assert "c_n: was given" in golden.compare((out, h_n, h_n)).message
    assert not golden.compare(tuple(out)).passed  # out[0] as out and out[1] as h_n
    assert "h_n: is None" in golden.compare(out.tolist()).message
    with pytest.raises(WrongUse, match="the golden's own h_n"):
        golden.check((out, golden.h_n))


def test_only_the_selected_outputs_are_compared() -> None:
    golden = rnn_goldens.load("lstm/plain")
    out, h_n, c_n = golden.out.copy(), golden.h_n.copy(), golden.c_n.copy()
    assert 'to check out alone, outputs=["out"] in check' in golden.compare(out).message
    assert "c_n: is None: the implementation returned nothing for it; to check out and h_n alone, outputs=[" in (
        without_c := golden.compare(out, h_n).message
    )
    assert '["out", "h_n"] in check(…) or in the marker, or --rnn-goldens-outputs=out,h_n' in without_c
    alone = golden.compare(out, outputs=["out"])
    assert alone.passed
    assert list(alone.differences) == ["out"]
    assert alone.not_checked == ("h_n", "c_n")
    golden.check((out, (h_n + 1, c_n)), outputs="out")
    golden.check(out, h_n, outputs=["out", "h_n"])
    assert golden.compare(out, h_n + 1, outputs=["h_n", "out"]).differences.keys() == {"out", "h_n"}
    assert not golden.compare(out, h_n + 1, outputs=["h_n", "out"]).passed
    assert golden.compare(out, h_n, c_n, outputs=["out", "h_n", "c_n"]).not_checked == ()
    wrong = golden.check_fails(out * 1.01, outputs=["out"])
    assert "h_n" not in wrong.message
    assert rnn_goldens.load("gru/plain").compare(out, outputs=["out", "h_n"]).not_checked == ()


def test_a_cause_is_identified_from_out_alone() -> None:
    golden = rnn_goldens.load("rnn-tanh/plain")
    layer = torch.nn.RNN(**golden.config, batch_first=True)
    weights = {name: torch.tensor(array) for name, array in golden.weights.items()}
    layer.load_state_dict({**weights, "weight_hh_l0": weights["weight_hh_l0"].T})
    out, _ = layer(torch.tensor(golden.x))
    assert golden.compare(out, outputs=["out"]).explained_by == ("w_hh_transposed",)


def test_call_patterns_support_a_function_that_returns_only_out() -> None:
    golden = rnn_goldens.load("gru/plain")

    def run(inputs: Any) -> Any:
        layer = torch.nn.GRU(**inputs.config, batch_first=True)
        layer.load_state_dict({name: torch.tensor(array) for name, array in inputs.weights.items()})
        return layer(torch.tensor(inputs.x))[0]

    assert len(golden.compare_calls(run, outputs=["out"])) == 5  # a single call and every pattern except chunks
    golden.check_calls(run, "rows", outputs=["out"])
    with pytest.raises(TypeError, match=r"returned one array; \(out, h_n\) is expected"):
        golden.check_calls(run, "rows")


def test_an_unknown_output_is_an_error() -> None:
    golden = rnn_goldens.load("gru/plain")
    with pytest.raises(UnknownName, match=r"no output 'hn'. Did you mean 'h_n'\? Outputs: out, h_n, c_n"):
        golden.check(golden.out.copy(), outputs=["out", "hn"])
    with pytest.raises(WrongUse, match="outputs=h_n: the outputs to compare must include out"):
        golden.check(golden.out.copy(), outputs="h_n")


def test_a_mismatch_can_be_copied_and_pickled() -> None:
    golden = rnn_goldens.load("documented/single-sequence")
    error = GoldenMismatch(golden.compare(golden.out + 1, golden.h_n))
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert str(twin) == str(error)


def test_a_golden_prints_as_one_line() -> None:
    shown = repr(rnn_goldens.load("documented/single-sequence"))
    assert shown == "<Golden documented/single-sequence in float32: rnn_relu, x (1, 3, 5), out (1, 3, 2)>"


@pytest.mark.parametrize("twin", [copy.copy, copy.deepcopy, lambda golden: pickle.loads(pickle.dumps(golden))])
def test_a_golden_can_be_copied_and_pickled_and_its_copy_is_read_only(twin: Callable[[Golden], Golden]) -> None:
    golden = rnn_goldens.load("documented/mini-batch", dtype="float16")
    assert golden.weights
    assert golden.out.any()
    copied = twin(golden)
    copied.check(golden.out, golden.h_n)
    assert copied.provenance == golden.provenance
    assert copied.weights.keys() == golden.weights.keys()
    for array in (copied.x, copied.stored.x, copied.stored.out, *copied.stored.weights.values()):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_the_callers_own_arrays_stay_writable() -> None:
    x, weights = np.ones((1, 3, 5)), {"weight_ih_l0": np.ones((2, 5))}
    arrays = GoldenArrays(
        weights=weights, inputs={"x": x}, expected={"out": np.ones((1, 3, 2)), "h_n": np.ones((1, 1, 2))}
    )
    x[...] = 2
    weights["weight_ih_l0"][...] = 2
    assert not arrays.x.flags.writeable
    assert not arrays.weights["weight_ih_l0"].flags.writeable


@pytest.mark.parametrize(
    ("dtype", "name"),
    [
        (np.float32, "float32"),
        (np.dtype("float16"), "float16"),
        (float, "float64"),
        (ml_dtypes.bfloat16, "bfloat16"),
        (torch.bfloat16, "bfloat16"),
        ("torch.float32", "float32"),
    ],
)
def test_a_precision_may_be_a_dtype_of_numpy_or_torch_or_the_name_of_one(dtype: object, name: str) -> None:
    assert rnn_goldens.load("documented/mini-batch", dtype=dtype).dtype == name
    assert {golden.dtype for golden in rnn_goldens.select(ids="documented/*", dtype=dtype)} == {name}


def test_a_value_that_is_not_a_precision_raises_an_error() -> None:
    for dtype in (None, 3, ["float32"]):
        with pytest.raises(TypeError, match=r"dtype must be a precision, such as 'float32' or np\.float32; got "):
            rnn_goldens.load("documented/mini-batch", dtype=dtype)
    with pytest.raises(UnknownName, match="no precision 'int64'"):
        rnn_goldens.load("documented/mini-batch", dtype=np.int64)
