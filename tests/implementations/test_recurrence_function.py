"""A user's function of a recurrence: parameter names decide what it receives, annotations and imports the library."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
import pytest

from rnn_goldens import Golden, Unsupported
from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.corpus import open_corpus
from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.recurrences import RECURRENCES
from rnn_goldens.implementations import adapt, outputs_of, resolve
from rnn_goldens.implementations.array_library import JAX, NUMPY, TORCH, Library
from rnn_goldens.implementations.recurrence_function import FunctionOfArrays

pytest.importorskip("torch", reason="the tests use kernels in torch")

import torch
from implementations import own_kernels as own
from implementations import own_numpy_kernels as in_numpy

CORPUS = open_corpus()
DTYPES = ["float64", "float32", "bfloat16", "float16"]
ONE, PACKED = "gated-delta/several-steps", "gated-delta/packed"


def goldens(cell: str, dtype: str) -> list[Golden]:
    return [CORPUS.load(entry.id, dtype) for entry in CORPUS.select(cell=cell) if dtype in entry.precisions]


def outcomes(what: Any, selected: Iterable[Golden], **options: Any) -> tuple[Counter[str], list[str]]:
    """Return the counts of outcomes, in all call patterns, and the reasons of refusals."""
    run, counts, reasons = adapt(what), Counter[str](), set()
    for golden in selected:
        try:
            passed = golden.compare_calls(run, **options)[-1].passed
        except Unsupported as why:
            reasons.add(str(why))
        else:
            counts["passed" if passed else "failed"] += 1
    return counts, sorted(reasons)


def received(function: Callable[..., Any], golden_id: str = ONE, dtype: str = "float32") -> Any:
    return adapt(function)(CORPUS.load(golden_id, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_right_kernel_in_torch_passes_every_golden(dtype: str) -> None:
    selected = goldens("gated_delta", dtype)
    assert outcomes(own.gated_delta, selected) == ({"passed": len(selected)}, [])


@pytest.mark.xdist_group("keras")
@pytest.mark.parametrize("dtype", ["float64", pytest.param("bfloat16", marks=pytest.mark.slow)])
def test_a_right_kernel_in_jax_passes_goldens_of_few_shapes(jax_kernels: Any, dtype: str) -> None:
    selected = [CORPUS.load(f"gated-delta/{name}", dtype) for name in ("one-step", "from-zero")]
    assert outcomes(jax_kernels.gated_delta, selected, calls="twice") == ({"passed": 2}, [])


@pytest.mark.slow
@pytest.mark.xdist_group("keras")
def test_a_right_kernel_in_jax_passes_every_golden(jax_kernels: Any) -> None:
    selected = goldens("gated_delta", "float32")  # JAX compiles each shape for a second
    assert outcomes(jax_kernels.gated_delta, selected) == ({"passed": len(selected)}, [])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("cell", ["min_gru", "causal_conv"])
def test_a_right_kernel_in_numpy_passes_all_but_packed_goldens(cell: str, dtype: str) -> None:
    selected = goldens(cell, dtype)
    passed = {"passed": sum(golden.offsets is None for golden in selected)}
    assert outcomes(getattr(in_numpy, cell), selected) == (passed, [f"{cell} has no parameter offsets"])
    assert in_numpy.RECEIVED[-1].dtype == dtype


def test_a_wrong_kernel_fails_and_its_mistake_is_named() -> None:
    golden = CORPUS.load(ONE, "float32")
    message = golden.compare(*outputs_of(adapt(own.decays_last)(golden), golden)).message
    assert message.startswith(f"{ONE} in float32, like decay_after_update: o is first wrong at time step 0 (batch 0, ")


def test_a_result_may_be_a_mapping_and_an_initial_state_may_be_required_by_its_name() -> None:
    selected = goldens("gated_delta", "float32")
    assert outcomes(own.by_name, selected) == ({"passed": len(selected)}, [])


def test_a_function_may_take_everything_by_name() -> None:
    def everything(**arrays: torch.Tensor) -> Any:
        return own.by_name(**arrays)

    golden = CORPUS.load(ONE, "float32")
    assert outcomes(everything, [golden], calls="twice") == ({"passed": 1}, [])
    with pytest.raises(WrongUse, match=f"select its goldens, --cell {','.join(RECURRENCES)}$"):
        adapt(everything)(CORPUS.load("gru/plain", "float32"))


def test_a_parameter_for_all_others_may_have_the_name_of_an_input() -> None:
    def everything(**x: Any) -> Any:
        return sorted(x), None

    assert received(everything, "rg-lru/several-steps")[0] == ["Lambda", "h0", "i", "offsets", "r", "x"]


def test_the_last_state_of_slstm_may_be_a_tuple_of_all_four() -> None:
    selected = goldens("slstm", "float64")
    unpacked = sum(golden.offsets is None for golden in selected)
    assert outcomes(own.slstm, selected) == ({"passed": unpacked}, ["slstm has no parameter offsets"])


def test_a_function_may_return_only_the_output() -> None:
    golden = CORPUS.load(ONE, "float32")
    assert outcomes(own.output_alone, [golden], outputs="out") == ({"passed": 1}, [])
    reason = (
        r"^the implementation returned one array; \(o, S_n\) is expected, or a mapping with these names\. To check "
    )
    with pytest.raises(TypeError, match=reason):
        outcomes(own.output_alone, [golden])


def test_other_names_in_a_mapping_are_an_error() -> None:
    def mine(q: Any, k: Any, v: Any, g: Any, beta: Any, state: Any) -> Any:
        return {"o": own.gated_delta(q, k, v, g, beta, state)[0], "state": state}

    with pytest.raises(TypeError, match=r"^the implementation returned state; \(o, S_n\) is expected, or a mapping"):
        outcomes(mine, [CORPUS.load(ONE, "float32")])


@pytest.mark.parametrize(
    ("kernel", "problem"),
    [
        (own.without_decay, "without_decay has no parameter g: "),
        (own.with_segments, "with_segments needs segments, which gated_delta does not have: "),
        (partial(own.gated_delta, g=torch.zeros(1)), "gated_delta has no parameter g: "),
    ],
)
def test_a_missing_or_unknown_parameter_is_wrong_use_that_lists_all(kernel: Any, problem: str) -> None:
    of_calls = "state_indices, num_accepted_tokens, has_initial_state, snapshot_every, mask"
    known = f"parameters of gated_delta are q, k, v, g, beta; where needed state, S0, scale, decay, offsets, {of_calls}"
    with pytest.raises(WrongUse, match=f"^{re.escape(problem + known)}; any other needs a default$"):
        received(kernel)


def test_other_names_say_how_to_declare_them() -> None:
    def mine(query: Any, key: Any, v: Any, g: Any, beta: Any, state: Any) -> None: ...

    declaration = 'To declare other names: rnn_goldens.kernel(mine, names={"query": "q", "key": "k"})'
    with pytest.raises(WrongUse, match=f"{re.escape(declaration)}$"):
        received(mine)


def test_a_function_with_no_known_name_says_how_to_declare_them_too() -> None:
    run = adapt(lambda query, key, value, decay_, b: (query, key, value, decay_, b))
    with pytest.raises(WrongUse, match=r"has no parameter q, k, v, g, beta .* names=\{\"query\": \"q\", \"key\""):
        run(CORPUS.load(ONE, "float32"))
    with pytest.raises(WrongUse, match=r"^<lambda> takes 5 arguments: a function of a golden takes one, a time step"):
        run(CORPUS.load("lstm/plain", "float32"))


def test_a_flag_that_says_where_time_is_says_that_it_is_first() -> None:
    assert outcomes(own.with_head_first, [CORPUS.load(ONE, "float32")]) == ({"passed": 1}, [])


def test_cu_seqlens_are_the_offsets() -> None:
    (packed,) = [golden for golden in goldens("gated_delta", "float32") if golden.id == PACKED]
    assert outcomes(own.with_cu_seqlens, [packed]) == ({"passed": 1}, [])
    with pytest.raises(WrongUse, match=r"takes the arrays of a recurrence: select its goldens, --cell gated_delta$"):
        adapt(own.with_cu_seqlens)(CORPUS.load("gru/plain", "float32"))


@pytest.mark.parametrize(
    ("kernel", "golden_id", "reason"),
    [
        (own.without_offsets, PACKED, "without_offsets has no parameter offsets"),
        (own.without_state, ONE, "without_state has no parameter state or S0"),
        (own.without_scale, "gated-delta/scale", "without_scale has no parameter scale"),
        (own.Kernel, ONE, "Kernel is checked as a network: gated_delta needs a function of its arrays"),
    ],
)
def test_a_golden_is_refused_if_it_has_something_that_no_parameter_receives(
    kernel: Any, golden_id: str, reason: str
) -> None:
    with pytest.raises(Unsupported, match=f"^{reason}$"):
        received(kernel, golden_id)


def test_the_hint_on_a_missing_scale_names_the_larger_sizes() -> None:
    golden = CORPUS.load(ONE, "float32").embedded(d_k=129)
    with pytest.raises(Unsupported, match=r"^without_scale has no parameter scale: with d_k=129 the default is "):
        adapt(own.without_scale)(golden)


def test_an_initial_state_that_the_golden_lacks_keeps_its_default_or_is_zero() -> None:
    def optional(q: Any, k: Any, v: Any, g: Any, beta: Any, state: Any = None) -> Any:
        return (q, k, v, g, beta, state)[-1], None

    def required(q: Any, k: Any, v: Any, g: Any, beta: Any, S0: Any) -> Any:  # noqa: N803
        return (q, k, v, g, beta, S0)[-1], None

    assert received(optional, "gated-delta/from-zero")[0] is None
    assert received(optional)[0].shape == received(required)[0].shape
    zeros = received(required, "gated-delta/from-zero")[0]
    assert not zeros.any()
    assert len(zeros.shape) == 4


def test_inputs_have_an_initial_state_under_any_name() -> None:
    one, several, none = (CORPUS.load(i, "float32") for i in (ONE, "slstm/several-steps", "gated-delta/from-zero"))
    assert one.initial_state is one.states["S0"]
    assert several.initial_state is not None
    assert len(several.initial_state) == 4
    assert none.initial_state is None


def test_scale_is_a_number_and_activation_a_word() -> None:
    def attention(q: Any, k: Any, v: Any, g: Any, beta: Any, **others: Any) -> Any:
        return [q, k, v, g, beta] and others, None

    others = received(attention)[0]
    golden = CORPUS.load(ONE, "float32")
    assert others["scale"] == pytest.approx(dict(golden.config)["d_k"] ** -0.5)
    assert sorted(others) == ["S0", "decay", "offsets", "scale"]
    assert received(attention, "gated-delta/packed")[0]["offsets"].ndim == 1

    def convolution(x: Any, weight: Any, bias: Any, state: Any, activation: str) -> Any:
        return [x, weight, bias, state] and activation, None

    assert received(convolution, "causal-conv/several-steps")[0] == "silu"
    assert received(convolution, "causal-conv/without-activation")[0] == "none"


def test_a_function_of_a_golden_and_callable_objects_are_accepted() -> None:
    selected = [CORPUS.load(ONE, "float32")]
    for kernel in (own.of_a_golden, own.kernel_object, partial(own.without_scale), own.kernel_object.forward):
        assert outcomes(kernel, selected) == ({"passed": 1}, [])


def test_a_kernel_is_not_a_network() -> None:
    golden = CORPUS.load("gru/plain", "float32")
    with pytest.raises(
        WrongUse, match=r"^gated_delta takes the arrays of a recurrence: select its goldens, --cell gated"
    ):
        adapt(own.gated_delta)(golden)

    def network(*arguments: Any, **options: Any) -> Any:
        assert isinstance(arguments[0], Inputs)
        return options

    adapt(network)(golden)


def annotated_as_text(q: "torch.Tensor") -> Any:  # noqa: ARG001
    raise AssertionError


def optional_array(scale: float, state: np.ndarray[Any, Any] | None = None) -> Any:  # noqa: ARG001
    raise AssertionError


def library_of(function: Callable[..., Any]) -> Library:
    return FunctionOfArrays(function).library


@pytest.mark.xdist_group("keras")
def test_annotations_come_before_imports(jax_kernels: Any) -> None:
    assert library_of(own.gated_delta) == library_of(own.decays_last) == library_of(own.kernel_object) == TORCH
    assert library_of(annotated_as_text) == TORCH
    assert library_of(jax_kernels.gated_delta) == JAX
    assert library_of(in_numpy.min_gru) == library_of(optional_array) == NUMPY
    scope: dict[str, Any] = {}
    exec("import torch\nimport jax.numpy as jnp\ndef kernel(q): ...\n", scope)
    with pytest.raises(WrongUse, match=r"^the module of kernel imports torch and JAX: annotate a parameter with the "):
        library_of(scope["kernel"])


@pytest.mark.parametrize("name", ["torch", "torch-cells", "keras", "flax"])
def test_built_in_layers_refuse_recurrences(name: str) -> None:
    for cell in RECURRENCES:
        golden = goldens(cell, "float32")[0]
        with pytest.raises(Unsupported, match=f"^{name} has no layer for {cell}: check your own function$"):
            resolve(name)(golden)
