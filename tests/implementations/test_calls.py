"""States between calls: parameters receive what a call says, and objects that keep states are reset."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import rnn_goldens
from rnn_goldens import Golden, Unsupported
from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.comparison.call_patterns import CALL_PATTERNS
from rnn_goldens.corpus import open_corpus
from rnn_goldens.implementations import adapt

pytest.importorskip("torch", reason="the tests use kernels in torch")

import torch
from implementations import kernels_in_layouts as of
from implementations import own_kernels as own
from implementations import serving_signatures as serving
from torch import Tensor

CORPUS = open_corpus()
ONE = "gated-delta/several-steps"
Maybe = Tensor | None
Array = NDArray[Any]


def load(golden_id: str = ONE) -> Golden:
    return CORPUS.load(golden_id, "float32")


def failures(implementation: object, pattern: str, golden_id: str = ONE) -> list[str]:
    """Return the messages of a call pattern, which must have run."""
    found = dict(load(golden_id).compared(adapt(implementation), [pattern]))
    assert found.keys() == {"once", pattern}
    return [verdict.message for verdict in found.values() if not verdict.passed]


def refusal(implementation: object, pattern: str, golden_id: str = ONE) -> str:
    with pytest.raises(Unsupported) as refused:
        list(CALL_PATTERNS[pattern].of(adapt(implementation), load(golden_id)))
    return str(refused.value)


NO_SNAPSHOTS = 0


class Seen(Exception):
    """Stops a pattern at its first call, with what the implementation received."""


def in_torch(
    q: Tensor,
    cache_indices: Maybe = None,
    num_accepted_tokens: Maybe = None,
    has_initial_state: Maybe = None,
    snapshot_every: int = NO_SNAPSHOTS,
    attention_mask: Maybe = None,
    **_: Any,
) -> Any:
    assert isinstance(q, Tensor)
    raise Seen(cache_indices, num_accepted_tokens, has_initial_state, snapshot_every, attention_mask)


def in_numpy(
    q: Array,
    state_indices: Array | None = None,
    num_accepted_tokens: Array | None = None,
    has_initial_state: Array | None = None,
    snapshot_every: int = NO_SNAPSHOTS,
    mask: Array | None = None,
    **_: Any,
) -> Any:
    assert isinstance(q, np.ndarray)
    raise Seen(state_indices, num_accepted_tokens, has_initial_state, snapshot_every, mask)


@pytest.mark.parametrize(
    ("pattern", "kinds"),
    [
        ("pool", {0: "int64"}),
        ("drafts", {0: "int64", 1: "int64"}),
        ("mixed", {0: "int64", 2: "bool"}),
        ("padding", {4: "bool"}),
        ("snapshots", {3: "int"}),
    ],
)
@pytest.mark.parametrize("function", [in_torch, in_numpy])
def test_parameters_receive_arrays_of_the_functions_library(
    function: Callable[..., Any], pattern: str, kinds: dict[int, str]
) -> None:
    with pytest.raises(Seen) as seen:
        list(CALL_PATTERNS[pattern].of(adapt(function), load()))
    values = seen.value.args
    given = {place: value for place, value in enumerate(values) if not (value is None or value is NO_SNAPSHOTS)}
    arrays = [value for value in given.values() if not isinstance(value, int)]
    assert all(isinstance(array, Tensor if function is in_torch else np.ndarray) for array in arrays)
    found = {place: str(getattr(value, "dtype", type(value).__name__)) for place, value in given.items()}
    assert {place: kind.removeprefix("torch.") for place, kind in found.items()} == kinds


def test_an_annotation_that_cannot_be_evaluated_names_the_library_too() -> None:
    def kernel(q: Any, **_: Any) -> Any:
        raise Seen(q)

    kernel.__annotations__ = {"q": "NDArray[known_to_type_checkers.Floats]"}
    with pytest.raises(Seen) as seen:
        load().compare(*adapt(kernel)(load()))
    assert isinstance(seen.value.args[0], np.ndarray)


def in_pool(q: Tensor, state: Tensor, places: Maybe, arrays: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Return the outputs, NaN for padding, and the pool, which is changed in place."""
    places = torch.arange(len(state)) if places is None else places
    real = places >= 0
    of_real = {name: arrays[name][real] for name in ("k", "v", "g", "beta")}
    o, last = own.gated_delta(q[real], **of_real, state=state[places[real]], scale=arrays["scale"])
    state[places[real]] = last
    out = torch.full((len(places), *o.shape[1:]), torch.nan)
    out[real] = o
    return out, state


def returned(q: Tensor, state: Tensor, cache_indices: Tensor, **arrays: Any) -> Any:
    return in_pool(q, state.clone(), cache_indices, arrays)


def in_place(q: Tensor, state: Tensor, state_indices: Tensor, **arrays: Any) -> Any:
    return in_pool(q, state, state_indices, arrays)[0]


def in_place_if_asked(q: Tensor, state: Tensor, state_indices: Maybe = None, **arrays: Any) -> Any:
    o, pool = in_pool(q, state.clone() if state_indices is None else state, state_indices, arrays)
    return (o, pool) if state_indices is None else o


def in_place_and_returned(q: Tensor, initial_state: Tensor, state_indices: Maybe = None, **arrays: Any) -> Any:
    return in_pool(q, initial_state, state_indices, arrays)


def overwriting(q: Tensor, state: Tensor, state_indices: Tensor, **arrays: Any) -> Any:
    return in_pool(q, state, state_indices % len(state), arrays)


@pytest.mark.parametrize("kernel", [returned, in_place, in_place_if_asked, in_place_and_returned])
@pytest.mark.parametrize("golden_id", [ONE, "gated-delta/from-zero"])
def test_a_pool_may_change_in_place_or_be_returned(kernel: Callable[..., Any], golden_id: str) -> None:
    assert failures(kernel, "pool", golden_id) == []


def test_a_place_that_is_overwritten_is_seen_in_torch_too() -> None:
    (message,) = failures(overwriting, "pool")
    assert message.startswith(f"{ONE} in float32, like place_of_padding_is_last: a call changed place 7 of the pool, ")


@pytest.mark.parametrize(
    ("pattern", "name"),
    [("pool", "state_indices"), ("drafts", "state_indices"), ("snapshots", "snapshot_every"), ("padding", "mask")],
)
def test_a_function_without_the_parameter_is_not_called_so(pattern: str, name: str) -> None:
    assert refusal(own.gated_delta, pattern) == f"gated_delta has no parameter {name}"
    names = [name for name, _ in load().compared(adapt(own.gated_delta), [pattern, "twice"])]
    assert names == ["once", "twice"]


def taking_snapshots(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, state: Tensor, snapshot_every: int = NO_SNAPSHOTS
) -> Any:
    """Return a third output in every call: None if it is not asked for."""
    outputs, snapshots, time = [], [], q.shape[1]
    every = snapshot_every or time
    for start in range(0, time, every):
        part = slice(start, start + every)
        q_t, k_t, v_t, g_t, beta_t = (array[:, part] for array in (q, k, v, g, beta))
        o, state = own.gated_delta(q_t, k_t, v_t, g_t, beta_t, state, scale=q.shape[3] ** -0.5)
        outputs.append(o)
        snapshots += [state] if start + every <= time else []
    of_sequences = torch.stack(snapshots, 1).flatten(0, 1)
    return torch.cat(outputs, 1), state, of_sequences if snapshot_every else None


def test_snapshots_that_are_not_asked_for_may_be_none() -> None:
    assert failures(taking_snapshots, "snapshots") == []


def test_drafts_need_a_parameter_for_the_accepted_ones() -> None:
    def places_only(
        q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, state: Tensor, state_indices: Maybe
    ) -> Any:
        raise Seen(q, k, v, g, beta, state, state_indices)

    assert refusal(places_only, "drafts") == "places_only has no parameter num_accepted_tokens"


class Stateful:
    """Keeps the state of a gated delta rule between calls."""

    def __init__(self) -> None:
        self.state: Maybe = None
        self.resets = 0

    def reset_states(self) -> None:
        self.state, self.resets = None, self.resets + 1

    def __call__(self, q: Tensor, state: Maybe = None, **arrays: Any) -> Any:
        given = self.state if state is None else state
        o, self.state = own.gated_delta(q, state=given, **{n: a for n, a in arrays.items() if n != "decay"})
        return o, self.state


class WithoutReset(Stateful):
    """Keeps its state over a reset."""

    def reset_states(self) -> None:
        """Forget nothing."""


@pytest.mark.parametrize("golden_id", [ONE, "gated-delta/from-zero"])
@pytest.mark.parametrize("implementation", [Stateful(), Stateful])
def test_an_object_or_a_class_with_reset_states_keeps_its_states(implementation: Any, golden_id: str) -> None:
    assert failures(implementation, "stateful", golden_id) == []


def test_states_are_reset_before_each_call_that_starts_anew() -> None:
    implementation = Stateful()
    assert failures(implementation, "stateful") == []
    assert implementation.resets == 3  # the single call, the first part, and the last call


def test_a_reset_that_forgets_nothing_is_named() -> None:
    (message,) = failures(WithoutReset(), "stateful", "gated-delta/from-zero")
    assert "like state_not_reset: " in message


def of_a_golden(golden: Inputs) -> Any:
    """Return outputs from the states of the inputs, zero without."""
    q, k, v, g, beta, state = (torch.tensor(array) for array in (*golden.inputs.values(), golden.states["S0"]))
    return own.gated_delta(q, k, v, g, beta, state, scale=golden.config["d_k"] ** -0.5)


@pytest.mark.parametrize("implementation", [own.gated_delta, of_a_golden])
def test_what_has_no_reset_states_is_not_called_without_its_states(implementation: Any) -> None:
    assert refusal(implementation, "stateful") == "it keeps no states between calls: it has no reset_states()"


def decode(q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, state: Tensor, slots: Tensor, scale: float) -> Any:
    """A kernel with a name of its own for the places."""
    return in_pool(q, state, slots, {"k": k, "v": v, "g": g, "beta": beta, "scale": scale})[0]


def test_a_declared_kernel_runs_in_a_pool() -> None:
    kernel = rnn_goldens.kernel(decode, slots="slots", in_place=True)
    assert failures(kernel, "pool") == []
    assert refusal(kernel, "drafts") == "decode has no parameter num_accepted_tokens"


@pytest.mark.parametrize("pattern", ["pool", "mixed", "drafts"])
@pytest.mark.parametrize("golden_id", [ONE, "gated-delta/packed-from-zero"])
def test_a_kernel_with_the_names_of_a_server_is_called_as_one(pattern: str, golden_id: str) -> None:
    assert failures(serving.vllm_fused_recurrent, pattern, golden_id) == []


def test_a_kernel_of_one_step_runs_in_a_pool() -> None:
    assert failures(of.pooled_scan_step, "pool", "mamba/several-steps") == []
