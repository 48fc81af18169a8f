"""A user's class, step or function is checked: it passes, fails, or is refused with the missing feature."""

import ctypes
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rnn_goldens import GoldenMismatch, Unsupported
from rnn_goldens.errors import WrongUse
from rnn_goldens.implementations import adapt

pytest.importorskip("torch", reason="the tests use networks in torch")

from implementations import own_networks as own
from implementations.outcomes import CORPUS, SMALL, check_all


@pytest.mark.sampled(every=4)
@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
@pytest.mark.parametrize("kind", [own.MyGRU, own.MyGRUThatPassesOn])
def test_a_class_shaped_like_torchs_is_checked_on_supported_goldens(kind: type, dtype: str) -> None:
    counts, reasons = check_all(kind, dtype)
    assert counts["passed"] > 5
    assert counts["failed"] == 0
    assert [reason.replace("ThatPassesOn", "") for reason in reasons] == [
        "MyGRU has 3 blocks of weights, lstm has 4",
        "MyGRU has 3 blocks of weights, rnn_relu has 1",
        "MyGRU has 3 blocks of weights, rnn_tanh has 1",
        "MyGRU takes no bidirectional",
        "MyGRU takes no lengths",
        "MyGRU takes no num_layers",
    ]


@pytest.mark.slow
def test_a_class_that_is_wrong_fails() -> None:
    counts, _ = check_all(own.MyWrongGRU)
    assert counts["failed"] > 10
    assert counts["passed"] == 0


@pytest.mark.parametrize(
    ("kind", "pattern", "message"),
    [
        (own.MyGRUThatKeepsItsState, "twice", "the second call differs from the first"),
        (own.MyGRUThatSpoilsItsWeights, "twice", "the second call differs from the first"),
        (own.MyGRUThatKeepsItsWeights, "weights", "weights that change between calls have no effect"),
        (own.MyGRUThatIgnoresStrides, "views", "non-contiguous arrays give other outputs than contiguous arrays"),
    ],
)
def test_a_class_that_is_right_only_in_a_single_call_fails_a_call_pattern(
    kind: type, pattern: str, message: str
) -> None:
    golden = CORPUS.load("gru/plain", "float32")
    once, verdict = golden.compare_calls(adapt(kind), pattern)
    assert once.passed
    assert message in verdict.message
    golden.check_calls(adapt(own.MyGRU))


def test_a_class_with_other_weight_names_raises_an_error_with_the_names() -> None:
    message = (
        "MyRenamed names its weights W, U; PyTorch's names are weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0: "
    )
    run, golden = adapt(own.MyRenamed), CORPUS.load("rnn-tanh/plain", "float32")
    for _ in range(2):  # the second call fails, too, and does not run with the initial weights
        with pytest.raises(WrongUse, match=re.escape(message)):
            run(golden)


def test_the_names_and_gates_of_a_class_are_checked_before_its_arguments() -> None:
    golden = CORPUS.load("documented/single-sequence", "float32")  # rnn_relu without biases
    with pytest.raises(Unsupported, match="MyLSTMOfOneLayer has 4 blocks of weights, rnn_relu has 1"):
        adapt(own.MyLSTMOfOneLayer)(golden)
    with pytest.raises(Unsupported, match="MyLSTMOfOneLayer takes no bias"):
        adapt(own.MyLSTMOfOneLayer)(CORPUS.load("lstm/no-bias", "float32"))
    with pytest.raises(WrongUse, match=r"names its weights W, U; .* bias_hh_l0: .*\(out, h_n\), or \(out, h_n, c_n\)$"):
        adapt(own.MyRenamed)(golden)


def test_weights_of_a_submodule_are_found_and_training_mode_is_off() -> None:
    counts, reasons = check_all(own.MyInner, cell="gru", without=["multilayer", "bidirectional", "lengths"])
    assert counts["failed"] == 0
    assert counts["passed"] > 3
    assert reasons == ["MyInner takes no initial state as its second argument"]


def test_a_projection_is_refused_with_one_reason() -> None:
    counts, reasons = check_all(own.MyProjectedLSTM, cell=["lstm", "gru"])
    assert not counts
    assert reasons == ["MyProjectedLSTM projects its state (proj_size), which is another network"]


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN:UserWarning")
def test_a_torch_layer_receives_proj_size_and_is_refused_where_it_has_no_direction() -> None:
    counts, reasons = check_all(own.MyLSTM, cell=["lstm_projection", "lstm_reverse"])
    assert counts == {"passed": 5}
    assert reasons == ["MyLSTM takes no direction"]


def test_a_torch_layer_without_a_weight_of_the_dialect_is_refused() -> None:
    counts, reasons = check_all(own.MyLSTM, cell="lstm_peephole")
    assert not counts
    assert reasons == ["MyLSTM has no weight p_i, which lstm_peephole has"]


@pytest.mark.parametrize(
    ("what", "golden_id"),
    [
        (own.MyGRUOfOut, "gru/plain"),
        (own.MyLSTMOfOut, "lstm/plain"),
        (own.MyLSTMOfOut, "lstm/lengths"),
        (lambda golden: adapt(own.MyGRU)(golden)[0], "gru/unbatched"),
    ],
)
def test_out_alone_is_a_tuple_of_one(what: Any, golden_id: str) -> None:
    golden = CORPUS.load(golden_id, "float32")
    golden.check(*adapt(what)(golden), outputs=["out"])
    with pytest.raises(GoldenMismatch, match=r'h_n is None: .*; to check out alone, outputs=\["out"\]'):
        golden.check(*adapt(what)(golden))


@pytest.mark.parametrize("words", ["no RNN on this device", ""])
def test_not_implemented_error_is_a_refusal_with_its_text(words: str) -> None:
    def run(inputs: Any) -> Any:
        raise NotImplementedError(f"{words}\nand more of it" if words else "")

    golden = CORPUS.load("lstm/plain", "float32")
    with pytest.raises(Unsupported, match=f"^{words or 'NotImplementedError without a reason'}$"):
        adapt(run)(golden)


def test_a_class_that_forgot_its_forward_is_refused_and_never_passes() -> None:
    counts, reasons = check_all(own.MyGRUWithoutForward, cell="gru", without=["multilayer", "bidirectional"])
    assert not counts
    assert 'Module [MyGRUWithoutForward] is missing the required "forward" function' in reasons


@pytest.mark.slow
def test_a_torch_layer_runs_every_golden_of_its_cell() -> None:
    counts, reasons = check_all(own.MyLSTM, cell="lstm")
    assert (counts["failed"], reasons) == (0, [])
    assert counts["passed"] == sum(e.cell == "lstm" and "float32" in e.precisions for e in SMALL)


def test_a_class_without_torch_receives_arrays_and_lengths() -> None:
    counts, reasons = check_all(own.MyNumPyRNN, without="unbatched", cell=["rnn_tanh", "rnn_relu"])
    assert counts["failed"] == 0
    assert counts["passed"] > 10
    assert reasons == [
        "MyNumPyRNN takes no bidirectional",
        "MyNumPyRNN takes no nonlinearity",
        "MyNumPyRNN takes no num_layers",
    ]


@pytest.mark.parametrize(
    ("step", "cell"),
    [
        (own.gru_step, "gru"),
        (own.gru_step, "gru_reverse"),
        (own.lstm_step, "lstm"),
        (own.torch_rnn_step, "rnn_tanh"),
    ],
)
def test_a_step_is_unrolled_over_layers_directions_and_lengths(step: Callable[..., Any], cell: str) -> None:
    counts, reasons = check_all(step, cell=cell)
    assert (counts["failed"], reasons) == (0, [])
    assert counts["passed"] == sum(e.cell == cell and "float32" in e.precisions for e in SMALL)


def test_a_step_may_write_into_its_state() -> None:
    def step(x_t: Any, h: Any, weights: Any) -> Any:
        h[:] = own.torch_rnn_step(x_t, h, weights)
        return h

    golden = CORPUS.load("rnn-tanh/lengths", "float32")
    golden.check(*adapt(step)(golden))


def test_a_step_that_returns_wrong_states_raises_an_error_with_shapes_or_counts() -> None:
    golden = CORPUS.load("gru/plain", "float32")
    with pytest.raises(ValueError, match=r"the step returned h of shape \(3, 2\) for h of shape \(2, 3\)"):
        adapt(lambda x_t, h, weights: h.T)(golden)  # noqa: ARG005
    with pytest.raises(TypeError, match="the step returned 3 states of a cell that has 2"):
        adapt(lambda x_t, state, weights: (x_t, *state))(CORPUS.load("lstm/plain", "float32"))  # noqa: ARG005


def test_a_function_of_a_golden_receives_everything_except_expected_values() -> None:
    golden = CORPUS.load("lstm/plain", "float32")

    def run(inputs: Any, verbose: bool = False) -> Any:
        assert not verbose
        assert (inputs.id, inputs.cell, inputs.config, inputs.dtype) == (
            golden.id,
            golden.cell,
            golden.config,
            golden.dtype,
        )
        assert np.array_equal(inputs.x, golden.x)
        assert inputs.weights_as("keras").keys() == golden.weights_as("keras").keys()
        for name in ("out", "h_n", "c_n"):
            with pytest.raises(
                AttributeError, match=f"{name} of lstm/plain is an expected value, which an implementation"
            ):
                getattr(inputs, name)
            assert not hasattr(inputs.stored, name)
        return "outputs", "of it"

    assert adapt(run)(golden) == ("outputs", "of it")


def test_writing_into_the_inputs_does_not_change_the_golden() -> None:
    golden = CORPUS.load("lstm/lengths", "float32")

    def run(inputs: Any) -> Any:
        for array in (
            inputs.x,
            inputs.lengths,
            inputs.stored.x,
            *inputs.weights.values(),
            *inputs.stored.weights.values(),
        ):
            ctypes.memset(array.ctypes.data, 0, array.nbytes)  # possible through torch.from_numpy
        return ()

    adapt(run)(golden)
    assert golden.lengths is not None
    assert golden.lengths.all()
    assert all(array.any() for array in (golden.x, golden.stored.x, *golden.stored.weights.values()))


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (3, "3 is a int, not a function, a class or the path of an .onnx file"),
        (dict, "dict is a class without load_state_dict, and neither a Keras layer nor a Flax cell"),
        (own.MyTorchCell, "MyTorchCell is a cell of torch.nn, which is one time step: name a class that processes"),
        (
            type("LSTM", (), {"__module__": "paddle.nn.layer.rnn", "load_state_dict": None}),
            "^LSTM is a class of paddle, which resembles torch's only by name: write a function of a golden",
        ),
        (
            type("LSTM", (), {"__module__": "mindspore.nn.layer.rnns", "load_state_dict": None}),
            "^LSTM is a class of mindspore, which resembles torch's only by name: write a function of a golden",
        ),
        (own.MyNeedy, "MyNeedy needs the argument 'vocabulary', which goldens do not provide"),
        (
            lambda x, h, c, w: (x, h, c, w),
            "<lambda> takes 4 arguments: a function of a golden takes one, a time step three",
        ),
        (lambda: None, "<lambda> takes 0 arguments"),
        (own.MyLSTM(2, 3), "a MyLSTM that is already created has fixed sizes: name the class"),
        ("nowhere/model.onnx", "there is no file nowhere/model.onnx"),
        (__file__, "is not an ONNX model"),
    ],
)
def test_an_object_that_cannot_be_adapted_is_an_error_with_a_hint(what: Any, why: str) -> None:
    with pytest.raises(WrongUse, match=why):
        adapt(what)
