"""A user's class, step or function is checked: it passes, fails, or is refused with the missing feature."""

import ctypes
from typing import Any

import numpy as np
import pytest

from rnn_goldens import GoldenMismatch, Unsupported
from rnn_goldens.errors import WrongUse
from rnn_goldens.implementations import adapt

pytest.importorskip("torch", reason="the tests use networks in torch")

from implementations import own_networks as own
from implementations.outcomes import CORPUS, check_all

IN_ONE_LAYER: dict[str, Any] = {"cell": "gru", "without": ["multilayer", "bidirectional", "lengths"]}
RNN: dict[str, Any] = {"cell": ["rnn_tanh", "rnn_relu"], "without": "unbatched"}


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN:UserWarning")
@pytest.mark.parametrize(
    ("what", "selected", "least", "reasons"),
    [
        (own.MyInner, IN_ONE_LAYER, 4, ["it takes no initial state as its second argument"]),
        (
            own.MyGRUWithoutForward,
            IN_ONE_LAYER,
            0,
            ['Module [it] is missing the required "forward" function', "it takes no bias"],
        ),
        (own.MyProjectedLSTM, {"cell": "lstm"}, 0, ["it projects its state (proj_size), which is another network"]),
        (own.MyLSTM, {"cell": ["lstm_projection", "lstm_reverse"]}, 5, ["it takes no direction"]),
        (own.MyLSTM, {"cell": "lstm_peephole"}, 0, ["it has no weight p_i, which lstm_peephole has"]),
        pytest.param(own.MyLSTM, {"cell": "lstm"}, 20, [], marks=pytest.mark.slow),
        (
            own.MyNumPyRNN,
            RNN,
            10,
            [f"it takes no {option}" for option in ("bidirectional", "nonlinearity", "num_layers")],
        ),
        (own.gru_step, {"cell": ["gru", "gru_reverse"]}, 20, []),
        (own.lstm_step, {"cell": "lstm"}, 20, []),
        (own.torch_rnn_step, {"cell": "rnn_tanh"}, 20, []),
    ],
)
def test_a_class_or_step_passes_what_it_supports_and_refuses_the_rest_with_reasons(
    what: Any, selected: dict[str, Any], least: int, reasons: list[str]
) -> None:
    counts, found = check_all(what, **selected)
    assert (counts["failed"], [reason.replace(what.__name__, "it") for reason in found]) == (0, reasons)
    assert counts["passed"] >= least
    assert bool(counts) == bool(least)


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
        for name in ("id", "cell", "config", "dtype"):
            assert getattr(inputs, name) == getattr(golden, name)
        assert np.array_equal(inputs.x, golden.x)
        assert inputs.weights_as("keras").keys() == golden.weights_as("keras").keys()
        for name in ("out", "h_n", "c_n"):
            with pytest.raises(AttributeError, match=f"{name} of lstm/plain is an expected value, which an impl"):
                getattr(inputs, name)
            assert not hasattr(inputs.stored, name)
        return "outputs", "of it"

    assert adapt(run)(golden) == ("outputs", "of it")


def test_writing_into_the_inputs_does_not_change_the_golden() -> None:
    golden = CORPUS.load("lstm/lengths", "float32")

    def run(inputs: Any) -> Any:
        weights = [*inputs.weights.values(), *inputs.stored.weights.values()]
        for array in (inputs.x, inputs.lengths, inputs.stored.x, *weights):
            ctypes.memset(array.ctypes.data, 0, array.nbytes)  # possible through torch.from_numpy
        return ()

    adapt(run)(golden)
    assert golden.lengths is not None
    assert golden.lengths.all()
    assert all(array.any() for array in (golden.x, golden.stored.x, *golden.stored.weights.values()))


def class_of(package: str) -> type:
    return type("LSTM", (), {"__module__": f"{package}.nn.layer.rnn", "load_state_dict": None})


RESEMBLES = "which resembles torch's only by name: write a function of a golden"


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (3, "3 is a int, not a function, a class or the path of an .onnx file"),
        (dict, "dict is a class without load_state_dict, and neither a Keras layer nor a Flax cell"),
        (own.MyTorchCell, "MyTorchCell is a cell of torch.nn, which is one time step: name a class that processes"),
        (class_of("paddle"), f"^LSTM is a class of paddle, {RESEMBLES}"),
        (class_of("mindspore"), f"^LSTM is a class of mindspore, {RESEMBLES}"),
        (own.MyNeedy, "MyNeedy needs the argument 'vocabulary', which goldens do not provide"),
        (lambda x, h: (x, h), "<lambda> takes 2 arguments: a function of a golden takes one, a time step "),
        (lambda: None, "<lambda> takes 0 arguments"),
        (own.MyLSTM(2, 3), "a MyLSTM that is already created has fixed sizes: name the class"),
        ("nowhere/model.onnx", "there is no file nowhere/model.onnx"),
        (__file__, "is not an ONNX model"),
    ],
)
def test_an_object_that_cannot_be_adapted_is_an_error_with_a_hint(what: Any, why: str) -> None:
    with pytest.raises(WrongUse, match=why):
        adapt(what)
