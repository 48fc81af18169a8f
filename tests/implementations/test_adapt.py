"""What a user has is checked as it is: it passes where it is right, fails where it is wrong, and says what it lacks."""

import ctypes
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rnn_goldens import Unsupported
from rnn_goldens.corpus import open_corpus
from rnn_goldens.errors import WrongUse
from rnn_goldens.implementations import adapt, outputs_of

pytest.importorskip("torch", reason="the networks of users here are torch's, Keras's and Flax's")
pytest.importorskip("keras", reason="the networks of users here are torch's, Keras's and Flax's")
pytest.importorskip("flax", reason="the networks of users here are torch's, Keras's and Flax's")

from implementations import own_networks as own

CORPUS = open_corpus()
SMALL = [e for e in CORPUS.entries if "long" not in e.features and not e.id.startswith("sizes")]


def found(what: Any, dtype: str = "float32", **selected: Any) -> tuple[Counter[str], list[str]]:
    """How many goldens passed, failed and were refused, and the reasons of the refused."""
    run, counts, reasons = adapt(what), Counter[str](), []
    wanted = {entry.id for entry in CORPUS.select(**selected)}
    for entry in SMALL:
        if entry.id in wanted and dtype in entry.precisions:
            golden = CORPUS.load(entry.id, dtype)
            try:
                passed = golden.compare(*outputs_of(run(golden))).passed
            except Unsupported as error:
                reasons.append(str(error))
            else:
                counts["passed" if passed else "failed"] += 1
    return counts, sorted(set(reasons))


@pytest.mark.sampled(every=4)
@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
@pytest.mark.parametrize("kind", [own.MyGRU, own.MyGRUThatPassesOn])
def test_a_class_shaped_like_torchs_is_checked_where_it_can_be(kind: type, dtype: str) -> None:
    counts, reasons = found(kind, dtype)
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
    counts, _ = found(own.MyWrongGRU)
    assert counts["failed"] > 10
    assert counts["passed"] == 0


@pytest.mark.parametrize(
    ("kind", "way", "said"),
    [
        (own.MyGRUThatKeepsItsState, "twice", "the second call differs from the first"),
        (own.MyGRUThatSpoilsItsWeights, "twice", "the second call differs from the first"),
        (own.MyGRUThatKeepsItsWeights, "weights", "weights that change between calls have no effect"),
        (own.MyGRUThatIgnoresStrides, "views", "arrays that are not contiguous give other outputs"),
        (own.MyKerasGRUThatKeepsItsState, "twice", "the second call differs from the first"),
    ],
)
def test_a_class_is_the_same_network_in_every_call(kind: type, way: str, said: str) -> None:
    golden = CORPUS.load("gru/plain", "float32")
    once, verdict = golden.compare_calls(adapt(kind), way)
    assert once.passed
    assert said in verdict.message
    golden.check_calls(adapt(own.MyGRU))


def test_a_class_that_names_its_weights_otherwise_is_told_the_names() -> None:
    said = "MyRenamed names its weights W, U; PyTorch's names are weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0: "
    run, golden = adapt(own.MyRenamed), CORPUS.load("rnn-tanh/plain", "float32")
    for _ in range(2):  # again too, and not run with the weights it came with
        with pytest.raises(WrongUse, match=re.escape(said)):
            run(golden)


def test_weights_one_level_down_are_found_and_training_is_off() -> None:
    counts, reasons = found(own.MyInner, cell="gru", without=["multilayer", "bidirectional", "lengths"])
    assert counts["failed"] == 0
    assert counts["passed"] > 3
    assert reasons == ["MyInner takes no initial state as its second argument"]


def test_a_projection_is_one_refusal() -> None:
    counts, reasons = found(own.MyProjectedLSTM, cell=["lstm", "gru"])
    assert not counts
    assert reasons == ["MyProjectedLSTM projects its state (proj_size), which is another network"]


@pytest.mark.parametrize("words", ["no RNN on this device", ""])
def test_what_a_library_has_not_implemented_is_a_refusal_in_its_words(words: str) -> None:
    def run(asked: Any) -> Any:
        raise NotImplementedError(f"{words}\nand more of it" if words else "")

    golden = CORPUS.load("lstm/plain", "float32")
    with pytest.raises(Unsupported, match=f"^{words or 'NotImplementedError, and no reason given'}$"):
        adapt(run)(golden)


def test_a_class_that_forgot_its_forward_is_refused_and_never_passes() -> None:
    counts, reasons = found(own.MyGRUThatForgotItsForward, cell="gru", without=["multilayer", "bidirectional"])
    assert not counts
    assert 'Module [MyGRUThatForgotItsForward] is missing the required "forward" function' in reasons


@pytest.mark.slow
def test_a_class_of_torchs_own_gets_every_golden_of_its_cell() -> None:
    counts, reasons = found(own.MyLSTM, cell="lstm")
    assert (counts["failed"], reasons) == (0, [])
    assert counts["passed"] == sum(e.cell == "lstm" and "float32" in e.precisions for e in SMALL)


def test_a_class_without_torch_gets_arrays_and_lengths() -> None:
    counts, reasons = found(own.MyNumPyRNN, without="unbatched", cell=["rnn_tanh", "rnn_relu"])
    assert counts["failed"] == 0
    assert counts["passed"] > 10
    assert reasons == [
        "MyNumPyRNN takes no bidirectional",
        "MyNumPyRNN takes no nonlinearity",
        "MyNumPyRNN takes no num_layers",
    ]


@pytest.mark.slow
def test_a_keras_layer_is_checked_in_both_directions() -> None:
    counts, reasons = found(own.MyKerasLSTM, cell="lstm")
    assert (counts["failed"], reasons) == (0, [])
    assert counts["passed"] > 20


@pytest.mark.slow
def test_a_keras_layer_that_is_wrong_fails_and_other_cells_are_refused() -> None:
    counts, reasons = found(own.MyKerasGRU, without=["bidirectional", "lengths"])
    assert counts["failed"] > 10
    assert reasons == [
        "MyKerasGRU has 3 blocks of weights, lstm has 4",
        "MyKerasGRU has 3 blocks of weights, rnn_relu has 1",
        "MyKerasGRU has 3 blocks of weights, rnn_tanh has 1",
    ]


def test_a_keras_layer_of_another_dialect_or_kind_is_told() -> None:
    golden = CORPUS.load("gru/plain", "float32")
    with pytest.raises(Unsupported, match="one bias, as reset_after=False has it: it resets before the product"):
        adapt(own.MyKerasGRUThatResetsFirst)(golden)
    with pytest.raises(WrongUse, match="MyKerasNothing has 0 weights: a recurrent layer has two kernels or more"):
        adapt(own.MyKerasNothing)(golden)
    with pytest.raises(WrongUse, match="MyKerasCell is a cell of Keras: name a class of layers that has it"):
        adapt(own.MyKerasCell)


@pytest.mark.slow
def test_a_flax_cell_is_unrolled() -> None:
    counts, reasons = found(own.MyFlaxGRU, ids=["gru/lengths-bidirectional", "rnn-tanh/plain", "lstm/plain"])
    assert counts == {"passed": 1}
    assert reasons == [
        "MyFlaxGRU has no h/kernel, unlike Flax's cell for rnn_tanh",
        "MyFlaxGRU has no hf/bias, unlike Flax's cell for lstm",
    ]


@pytest.mark.parametrize(
    ("step", "cell"), [(own.gru_step, "gru"), (own.lstm_step, "lstm"), (own.torch_rnn_step, "rnn_tanh")]
)
def test_a_step_is_unrolled_over_layers_directions_and_lengths(step: Callable[..., Any], cell: str) -> None:
    counts, reasons = found(step, cell=cell)
    assert (counts["failed"], reasons) == (0, [])
    assert counts["passed"] == sum(e.cell == cell and "float32" in e.precisions for e in SMALL)


def test_a_step_may_write_into_the_state_it_is_given() -> None:
    def step(x_t: Any, h: Any, weights: Any) -> Any:
        h[:] = own.torch_rnn_step(x_t, h, weights)
        return h

    golden = CORPUS.load("rnn-tanh/lengths", "float32")
    golden.check(*adapt(step)(golden))


def test_a_step_of_the_wrong_shape_is_told_what_it_got() -> None:
    golden = CORPUS.load("gru/plain", "float32")
    with pytest.raises(ValueError, match=r"the step returned h of shape \(3, 2\); it got one of shape \(2, 3\)"):
        adapt(lambda x_t, h, weights: h.T)(golden)  # noqa: ARG005
    with pytest.raises(TypeError, match="the step returned 3 states of a cell that has 2"):
        adapt(lambda x_t, state, weights: (x_t, *state))(CORPUS.load("lstm/plain", "float32"))  # noqa: ARG005


def test_a_function_of_a_golden_is_handed_all_but_what_is_expected() -> None:
    golden = CORPUS.load("lstm/plain", "float32")

    def run(asked: Any, verbose: bool = False) -> Any:
        assert not verbose
        assert (asked.id, asked.cell, asked.config, asked.dtype) == (
            golden.id,
            golden.cell,
            golden.config,
            golden.dtype,
        )
        assert np.array_equal(asked.x, golden.x)
        assert asked.weights_as("keras").keys() == golden.weights_as("keras").keys()
        for name in ("out", "h_n", "c_n"):
            with pytest.raises(
                AttributeError, match=f"{name} of lstm/plain is what is expected, and an implementation"
            ):
                getattr(asked, name)
            assert not hasattr(asked.stored, name)
        return "outputs", "of it"

    assert adapt(run)(golden) == ("outputs", "of it")


def test_whatever_an_implementation_writes_to_its_question_the_golden_is_as_it_was() -> None:
    golden = CORPUS.load("lstm/lengths", "float32")

    def run(asked: Any) -> Any:
        for array in (asked.x, asked.lengths, asked.stored.x, *asked.weights.values(), *asked.stored.weights.values()):
            ctypes.memset(array.ctypes.data, 0, array.nbytes)  # as torch.from_numpy lets one
        return ()

    adapt(run)(golden)
    assert golden.lengths is not None
    assert golden.lengths.all()
    assert all(array.any() for array in (golden.x, golden.stored.x, *golden.stored.weights.values()))


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (3, "3 is a int: no function, class or path of an .onnx file"),
        (dict, "dict is a class with no load_state_dict, and no layer of Keras or cell of Flax"),
        (own.MyTorchCell, "MyTorchCell is a cell of torch.nn, which is one time step: name a class that goes through"),
        (
            type("LSTM", (), {"__module__": "paddle.nn.layer.rnn", "load_state_dict": None}),
            "^LSTM is a class of paddle, shaped like torch's by name alone: write a function of a golden",
        ),
        (
            type("LSTM", (), {"__module__": "mindspore.nn.layer.rnns", "load_state_dict": None}),
            "^LSTM is a class of mindspore, shaped like torch's by name alone: write a function of a golden",
        ),
        (own.MyFlaxDense, "MyFlaxDense is a class of Flax, and what is adapted are cells of flax.linen, derived from"),
        (own.MyNnxGRU, "MyNnxGRU is a class of flax.nnx, and what is adapted are cells of flax.linen, derived from"),
        (own.MyNeedy, "MyNeedy needs 'vocabulary' to be made, which no golden gives"),
        (
            lambda x, h, c, w: (x, h, c, w),
            "<lambda> takes 4 arguments: a function of a golden takes one, a time step three",
        ),
        (lambda: None, "<lambda> takes 0 arguments"),
        (own.MyLSTM(2, 3), "a MyLSTM that is made already has sizes of its own: name the class"),
        ("nowhere/model.onnx", "there is no file nowhere/model.onnx"),
        (__file__, "is no ONNX model"),
    ],
)
def test_anything_else_is_refused_with_what_to_do(what: Any, why: str) -> None:
    with pytest.raises(WrongUse, match=why):
        adapt(what)
