"""Classes shaped like torch's layers: unbatched input and initial states, call patterns, names of weights."""

import re
from typing import Any

import numpy as np
import pytest
from implementations.outcomes import CORPUS, check_all

from rnn_goldens import Golden, Unsupported, load
from rnn_goldens.errors import WrongUse
from rnn_goldens.implementations import adapt, outputs_of
from rnn_goldens.implementations.resolution import adapt_backward

torch = pytest.importorskip("torch", reason="the tests use networks in torch")

from implementations import own_networks as own  # noqa: E402

NO_STATE, STATE = "gru/unbatched-no-state", "gru/unbatched"


class Batched(torch.nn.Module):  # type: ignore[misc, name-defined]
    """A GRU that supports only batches: it treats the time steps of unbatched input as a batch."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.cell = torch.nn.GRU(input_size, hidden_size, batch_first=True)

    def forward(self, x: Any, h0: Any = None) -> Any:
        cell = [self.cell.weight_ih_l0, self.cell.weight_hh_l0, self.cell.bias_ih_l0, self.cell.bias_hh_l0]
        h = x.new_zeros(len(x), self.hidden_size) if h0 is None else h0[0]
        out = []
        for t in range(x.shape[1]):
            h = torch.gru_cell(x[:, t].expand(len(x), -1), h.expand(len(x), -1), *cell)
            out.append(h)
        return torch.stack(out, 1), h[None]


class Raising(Batched):
    def forward(self, x: Any, h0: Any = None) -> Any:
        batch, time, _ = x.shape
        assert batch
        assert time
        return super().forward(x, h0)


class Broken(Batched):
    """A GRU that raises an error for any input."""

    def forward(self, x: Any, h0: Any = None) -> Any:
        raise ValueError(f"no room for {x.ndim} axes and {h0}")


class KeepsABatchOfOne(Batched):
    def forward(self, x: Any, h0: Any = None) -> Any:
        return super().forward(x[None], h0 if h0 is None else h0[:, None]) if x.ndim == 2 else super().forward(x, h0)


class Unbatched(KeepsABatchOfOne):
    factor = 1.0

    def forward(self, x: Any, h0: Any = None) -> Any:
        out, h_n = super().forward(x, h0)
        return (out[0] * self.factor, h_n[:, 0]) if x.ndim == 2 else (out, h_n)


class WrongUnbatched(Unbatched):
    factor = 2.0


class InNumPy:
    def __init__(self, input_size: int, hidden_size: int) -> None:
        self.sizes = input_size, hidden_size

    def load_state_dict(self, weights: Any) -> None:
        self.weights = weights

    def __call__(self, x: Any) -> Any:
        batch, time, _ = x.shape
        return np.zeros((batch, time, self.sizes[1])), np.zeros((1, batch, self.sizes[1]))


def compared(kind: type, golden_id: str) -> Any:
    golden = load(golden_id, dtype="float32")
    return golden.compare(*outputs_of(adapt(kind)(golden)))


NO_ROOM = "ValueError: not enough values to unpack (expected 3, got 2)"


@pytest.mark.parametrize(
    ("kind", "golden_id", "why"),
    [
        *((Raising, NO_STATE, NO_ROOM), (Raising, STATE, NO_ROOM), (InNumPy, NO_STATE, NO_ROOM)),
        (Batched, NO_STATE, "it treats the time axis as the batch"),
    ],
)
def test_a_class_without_unbatched_input_is_refused_with_its_error(kind: type, golden_id: str, why: str) -> None:
    with pytest.raises(Unsupported, match=re.escape(f"{kind.__name__} takes no unbatched input ({why})") + "$"):
        compared(kind, golden_id)


def test_a_class_that_also_fails_with_a_batch_of_one_keeps_its_error() -> None:
    with pytest.raises(ValueError, match=r"^no room for 2 axes and None$"):
        compared(Broken, NO_STATE)


@pytest.mark.parametrize("golden_id", [NO_STATE, STATE])
def test_a_class_that_accepts_unbatched_input_is_checked(golden_id: str) -> None:
    assert compared(Unbatched, golden_id).passed
    assert "unbatched_kept_as_batch" in compared(KeepsABatchOfOne, golden_id).explained_by
    assert not compared(WrongUnbatched, golden_id).passed


@pytest.mark.parametrize("kind", [Batched, Raising])
def test_gradients_of_unbatched_input_are_refused_like_outputs(kind: type) -> None:
    golden: Golden = load(NO_STATE, dtype="float32", gradients=True)
    with pytest.raises(Unsupported, match="takes no unbatched input"):
        adapt_backward(kind)(golden.for_implementation())
    golden.check_gradient_calls(adapt_backward(Unbatched))
    with pytest.raises(TypeError, match=r"out has shape \(1, 4, 3\), want \(4, 3\)"):
        adapt_backward(KeepsABatchOfOne)(golden.for_implementation())


class OfTorchWithoutState(torch.nn.LSTM):  # type: ignore[misc, name-defined]
    def forward(self, x: Any) -> Any:
        return super().forward(x)


@pytest.mark.parametrize("golden_id", ["lstm/plain", "lstm/lengths-no-state", "lstm/bidirectional-no-state"])
def test_a_torch_subclass_without_a_state_argument_is_checked_from_zero(golden_id: str) -> None:
    golden = load(golden_id, dtype="float32")
    assert golden.compare(*outputs_of(adapt(OfTorchWithoutState)(golden))).passed


def test_a_torch_subclass_without_a_state_argument_refuses_initial_states() -> None:
    golden = load("lstm/with-state", dtype="float32")
    with pytest.raises(Unsupported, match="OfTorchWithoutState takes no initial state as its second argument"):
        outputs_of(adapt(OfTorchWithoutState)(golden))


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


def test_the_names_and_gates_of_a_class_are_checked_before_its_arguments() -> None:
    golden = CORPUS.load("documented/single-sequence", "float32")  # rnn_relu without biases
    with pytest.raises(Unsupported, match="MyLSTMOfOneLayer has 4 blocks of weights, rnn_relu has 1"):
        adapt(own.MyLSTMOfOneLayer)(golden)
    with pytest.raises(Unsupported, match="MyLSTMOfOneLayer takes no bias"):
        adapt(own.MyLSTMOfOneLayer)(CORPUS.load("lstm/no-bias", "float32"))
    names = "MyRenamed names its weights W, U; PyTorch's names are weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0: "
    run = adapt(own.MyRenamed)
    for _ in range(2):  # the second call fails, too, and does not run with the initial weights
        with pytest.raises(WrongUse, match=rf"^{names}.*\(out, h_n\), or \(out, h_n, c_n\)$"):
            run(golden)
