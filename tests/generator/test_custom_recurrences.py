"""Custom recurrences, from a scenario to a verdict."""

import importlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rnn_goldens import Golden, RecurrenceScenario, Refused, Scenario, Unsupported, certify, read, save
from rnn_goldens.cells import Array, golden_case, name_cells
from rnn_goldens.cells.custom_recurrences import custom_recurrence
from rnn_goldens.cells.notation import exp, mean, rsqrt
from rnn_goldens.cells.recurrence_notation import kept, outer, recurrence
from rnn_goldens.deviations import deviation
from rnn_goldens.deviations.recurrences.derived import derived
from rnn_goldens.diagnosis.candidates import Candidates
from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS
from rnn_goldens.implementations import adapt, outputs_of
from rnn_goldens.implementations.resolution import adapt_backward

DELTA_PRODUCT, TRAPEZOIDAL = "recurrences:delta_product", "recurrences:trapezoidal_ssm"
EXAMPLES = Path(__file__).parents[2] / "examples/recurrences"


@pytest.fixture(autouse=True)
def examples(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(EXAMPLES)
    yield
    for name in ("recurrences", "scenarios"):
        sys.modules.pop(name, None)


def scenarios() -> dict[str, RecurrenceScenario]:
    return {scenario.cell: scenario for scenario in importlib.import_module("scenarios").SCENARIOS}


@pytest.fixture(scope="module", params=[DELTA_PRODUCT, TRAPEZOIDAL])
def golden(request: pytest.FixtureRequest) -> Golden:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXAMPLES)
        return certify(scenarios()[request.param])


def delta_product(q: Any, k1: Any, v1: Any, beta1: Any, k2: Any, v2: Any, beta2: Any, g: Any, S0: torch.Tensor) -> Any:
    """Compute gated DeltaProduct in torch, in float32 or wider inside."""
    dtype = S0.dtype
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    q, k1, v1, beta1, k2, v2, beta2, g, S = (a.to(wide) for a in (q, k1, v1, beta1, k2, v2, beta2, g, S0))
    out = []
    for t in range(q.shape[1]):
        S = S * g[:, t, :, None, None].exp()
        for k, v, beta in ((k1, v1, beta1), (k2, v2, beta2)):
            seen = torch.einsum("bhkv,bhk->bhv", S, k[:, t])
            S = S + torch.einsum("bhk,bhv->bhkv", k[:, t], beta[:, t, :, None] * (v[:, t] - seen))
        out.append(torch.einsum("bhkv,bhk->bhv", S, q[:, t]))
    return torch.stack(out, 1).to(dtype), S.to(dtype)


def trapezoidal_ssm(x: Any, dt: Any, trap: Any, B: Any, C: Any, A: Any, D: Any, h0: torch.Tensor, u0: Any) -> Any:
    """Compute the trapezoidal state space in torch; return the state u, too, which is not compared."""
    dtype = h0.dtype
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    x, dt, trap, B, C, A, D, h, u = (a.to(wide) for a in (x, dt, trap, B, C, A, D, h0, u0))
    out, share = [], torch.sigmoid(trap)
    dt = torch.log1p(dt.exp())
    for t in range(x.shape[1]):
        one, of = dt[:, t, :, None, None], share[:, t, :, None, None]
        new = torch.einsum("bhp,bn->bhpn", x[:, t], B[:, t])
        h = (one * A[:, None, None]).exp() * (h + (1 - of) * one * u) + of * one * new
        u = new
        out.append(torch.einsum("bhpn,bn->bhp", h, C[:, t]) + D[:, None] * x[:, t])
    return torch.stack(out, 1).to(dtype), (h.to(dtype), u.to(dtype))


KERNELS = {DELTA_PRODUCT: delta_product, TRAPEZOIDAL: trapezoidal_ssm}


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
def test_a_right_kernel_passes_with_its_gradients(golden: Golden, dtype: str) -> None:
    golden = golden.in_precision(dtype)
    run = adapt(KERNELS[golden.cell])
    golden.check(*outputs_of(run(golden.for_implementation()), golden))
    assert golden.gradients is not None
    golden.check_gradients(adapt_backward(KERNELS[golden.cell])(golden.for_implementation()))


@pytest.mark.parametrize("suffix", [".json", ".h5"])
def test_a_golden_is_saved_and_read_with_its_declaration(golden: Golden, suffix: str, tmp_path: Path) -> None:
    save(golden, tmp_path / f"golden{suffix}")
    back = read(tmp_path / f"golden{suffix}", gradients=True)
    assert back.recurrence == golden.recurrence
    assert back.layout == golden.layout
    for name, array in golden.expected.items():
        assert np.array_equal(back.expected[name], array)


def test_packed_sequences_are_those_that_are_run_alone() -> None:
    scenario = replace(scenarios()[DELTA_PRODUCT], cotangents={}, gradient_purpose="")
    alone = certify(scenario)
    joined = {name: np.concatenate(list(array))[None] for name, array in scenario.stored.inputs.items()}
    packed = certify(replace(scenario, inputs=joined, offsets=[0, 6, 12]))
    assert packed.features == ("state", "packed")
    assert np.array_equal(packed.expected["o"][0], np.concatenate(list(alone.expected["o"])))
    assert np.array_equal(packed.expected["S_n"], alone.expected["S_n"])


@pytest.mark.parametrize("of", [OUTPUTS, GRADIENTS])
def test_every_deviation_that_changes_something_is_among_the_causes_of_its_failure(golden: Golden, of: str) -> None:
    found = derived(golden.recurrence, of)
    changes = 0
    for one in found:
        case = golden_case(golden, np.float64)
        wrong: dict[str, Array] = one.outputs(case) if of == OUTPUTS else one.gradients(case, golden.cotangents)
        candidates = Candidates(golden, {name: wrong[name] for name in golden.expected_of(of).values}, of)
        if not candidates.is_right() and not candidates.is_uninformative():
            changes += 1
            assert candidates.explained_by((one.name,)), one.name
            assert deviation(one.name) is one
    assert changes > 0.9 * len(found), (changes, len(found))


def test_a_wrong_kernel_is_told_what_is_wrong() -> None:
    golden = certify(scenarios()[DELTA_PRODUCT]).in_precision("float32")

    def named(**changes: Any) -> tuple[str, ...]:
        arrays = {**golden.inputs, **golden.states}
        tensors = {name: torch.tensor(np.array(array)) for name, array in arrays.items()}
        changed = {name: tensors[of] if isinstance(of, str) else of * tensors[name] for name, of in changes.items()}
        return golden.compare(*delta_product(**{**tensors, **changed})).explained_by

    assert named(beta2="beta1") == ("own_step_beta1_for_beta2",)
    assert "own_step_g_as_zero" in named(g=0)
    pairs = {f"{name}{a}": f"{name}{b}" for name in ("k", "v", "beta") for a, b in (("1", "2"), ("2", "1"))}
    assert named(**pairs) == ("own_step_numbers_1_and_2_swapped",)
    assert deviation("own_step_beta1_for_beta2").sentence == "Uses beta1 in the place of beta2, too."


def test_what_all_recurrences_can_do_wrong_is_recognized(golden: Golden) -> None:
    wrong = deviation("last_step_of_sequence_dropped").outputs(golden_case(golden, np.float64))
    assert "last_step_of_sequence_dropped" in golden.compare(*outputs_of(wrong, golden)).explained_by


def test_a_golden_file_does_not_cause_an_import() -> None:
    golden = certify(scenarios()[DELTA_PRODUCT])
    elsewhere = replace(golden, cell="not_here:recurrence")
    out, last = outputs_of(adapt(delta_product)(golden.for_implementation()), golden)
    elsewhere.check(out, last)
    verdict = elsewhere.compare(out, last + 1)
    reason = "the equations of not_here:recurrence are not available: a golden file cannot cause an import"
    assert f"not compared with any deviation: {reason}" in " ".join(verdict.message.split())
    with pytest.raises(Unsupported, match="is a custom cell or recurrence: what it returns for zeros is unknown"):
        golden.embedded(heads=4)


# Wrong declarations and equations.

ONE: Any = {"inputs": {"x": "d"}, "states": {"h": "d"}, "outputs": {"y": "d"}}


@recurrence(**ONE)
def good(x: Any, h: Any, *, rate: float = 0.5) -> Any:
    """A leaky sum."""
    return (h + x,), (rate * h + x,)


@recurrence(**ONE)
def other_arguments(x: Any, s: Any) -> Any:
    return (s + x,), (s,)


@recurrence(**ONE)
def one_tuple(x: Any, h: Any) -> Any:
    return h + x, h


@recurrence(**ONE)
def one_term(x: Any, h: Any) -> Any:
    return h + x


@recurrence(**ONE)
def constant(x: Any, h: Any) -> Any:
    return (0,), (h + x,)


@recurrence(**ONE)
def kept_number(x: Any, h: Any, *, rate: float = 0.5) -> Any:
    h = kept(rate) * h + x  # type: ignore[arg-type] # on purpose
    return (h,), (h,)


@recurrence(inputs={"x": "d"}, states={"h": "d"}, outputs={"y": "d", "z": "d"})
def two_outputs(x: Any, h: Any) -> Any:
    return (h, x), (h + x,)


@recurrence(**ONE, compared="h")
def one_name_compared(x: Any, h: Any) -> Any:
    return (h,), (h + x,)


@recurrence(**ONE)
def scale_without_keys(x: Any, h: Any, *, scale: Any = None) -> Any:
    return (scale * h,), (h + x,)


@recurrence(**ONE)
def taken_option(x: Any, h: Any, *, d: float = 2.0) -> Any:
    return (d * h,), (h + x,)


@recurrence(**ONE)
def limited(x: Any, h: Any, *, beta_limit: float = 1.0, lower_bound: float = 0.0) -> Any:
    """Options with the names of others, which are 1 or 2, and negative."""
    return (h,), (beta_limit * h + x + lower_bound * h,)


@recurrence(inputs={"x": "d"}, states={"h": "d", "s": "d"}, outputs={"y": "d"}, compared=["s", "h"])
def centred(x: Any, h: Any, s: Any) -> Any:
    """Two states: a sum that is centred over its units, and a plain one."""
    h, s = h + x - mean(h + x), s + x
    return (h * s,), (h, s)


@recurrence(inputs={"q": "d_k", "k": "d_k", "v": "d_v"}, states={"S": "d_k d_v"}, outputs={"o": "d_v"})
def normed(q: Any, k: Any, v: Any, S: Any, *, scale: Any = None) -> Any:
    """Linear attention with keys of length one."""
    S = S + outer(k * rsqrt(k.mT @ k + 0.125), v)
    return (scale * (S.mT @ q),), (S,)


@recurrence(**ONE)
def misspelled(x: Any, h: Any) -> Any:
    return (h + exq(x),), (h,)  # type: ignore[name-defined] # noqa: F821 - on purpose


@recurrence(inputs={"x": "a", "z": "b"}, states={"h": "a"}, outputs={"y": "a"})
def other_sizes(x: Any, z: Any, h: Any) -> Any:
    h = h + exp(z) * x
    return (h,), (h,)


@recurrence(inputs={"x": "a"}, states={"h": "a"}, outputs={"y": "a"})
def matrix_for_a_vector(x: Any, h: Any) -> Any:
    return (outer(h, x),), (h,)


@recurrence(inputs={"x": "heads a b c"}, states={"h": "heads a"}, outputs={"y": "heads a"})
def three_axes(x: Any, h: Any) -> Any:
    return (h,), (h + x,)


@recurrence(inputs={"x": "heads a"}, states={"h": "a"}, outputs={"y": "heads a"})
def state_without_heads(x: Any, h: Any) -> Any:
    return (h,), (h + x,)


def undeclared(x: Any, h: Any) -> Any:
    return (h,), (h + x,)


WRONG = {
    "undeclared": "declares no arrays: write @recurrence",
    "other_arguments": r"takes \(x: Any, s: Any\), but declares x, h",
    "one_tuple": "line [0-9]+: return a tuple of outputs, one for each of y",
    "one_term": "line [0-9]+: return two tuples: the outputs, and the states after the step",
    "constant": "line [0-9]+: output y must be a term that depends on an input or a state, not a number",
    "kept_number": "line [0-9]+: TypeError: kept takes terms, such as inputs and states, not float",
    "two_outputs": "declares 2 outputs, but can have one",
    "one_name_compared": "compared is 'h', but must be a list of states",
    "scale_without_keys": "scale=None, which is 1 / √d_k, needs the axis d_k",
    "taken_option": "the option d has another meaning: choose another name",
    "misspelled": "test_custom_recurrences.py, line [0-9]+: NameError: name 'exq' is not defined",
    "other_sizes": "line [0-9]+: TypeError: multiply: the sizes 3 by 1 and 2 by 1 do not go together",
    "matrix_for_a_vector": r"line [0-9]+: output y is \(2, 2\), rows and columns, but a are \(2, 1\)",
    "three_axes": "x is declared as 'heads a b c'; axes are 'heads' and up to two sizes",
    "state_without_heads": "h has no heads: states and outputs need them where another array has them",
    "nothing": "no module|has no 'nothing'",
}


def scenario_of(function: str, config: dict[str, Any], **fields: Any) -> RecurrenceScenario:
    of = {"id": "own/wrong", "purpose": "Wrong.", "cell": f"{__name__}:{function}", "config": config}
    return RecurrenceScenario(**{**of, "inputs": {"x": np.ones((1, 2, 2))}, **fields})


@pytest.mark.parametrize("function", WRONG)
def test_wrong_equations_are_refused_with_the_reason(function: str) -> None:
    sizes = {"other_sizes": {"a": 2, "b": 3}, "matrix_for_a_vector": {"a": 2}}.get(function, {"d": 2})
    inputs = {"x": np.ones((1, 2, 2)), **({"z": np.ones((1, 2, 3))} if function == "other_sizes" else {})}
    with pytest.raises(Refused, match=f"^own/wrong: cell '{__name__}:{function}': .*{WRONG[function]}"):
        certify(scenario_of(function, sizes, inputs=inputs))


def test_a_mean_is_over_rows_and_states_are_compared_in_the_order_of_their_declaration() -> None:
    x = np.arange(6.0).reshape(1, 2, 3) ** 2
    golden = certify(scenario_of("centred", {"d": 3}, inputs={"x": x}))
    sums, s = x.cumsum(axis=1), x.cumsum(axis=1)
    h = sums - sums.mean(axis=-1, keepdims=True)
    golden.check(h * s, (h[:, -1], s[:, -1]))


def test_operations_have_the_same_numbers_where_the_scale_is_a_root() -> None:
    numbers = np.random.default_rng(3)
    inputs = {name: numbers.integers(-9, 9, (1, 3, size)) / 8 for name, size in (("q", 3), ("k", 3), ("v", 2))}
    golden = certify(scenario_of("normed", {"d_k": 3, "d_v": 2}, inputs=inputs, states={"S0": np.ones((1, 3, 2))}))
    found = {one.name: one.outputs(golden_case(golden, np.float64)) for one in derived(golden.recurrence)}
    q, k, v = inputs.values()
    states = 1 + np.cumsum(k[..., None] * v[..., None, :], axis=1)
    not_normed = np.einsum("btkv,btk->btv", states, q) / np.sqrt(3)
    for wrong, what in ((not_normed, "keys that are not normed"), (golden.expected["o"] * np.sqrt(3), "no scale")):
        assert [name for name, outputs in found.items() if np.allclose(outputs["o"], wrong)], what


def test_options_are_numbers_with_defaults() -> None:
    slow, fast = (certify(scenario_of("good", {"d": 2, **rate})) for rate in ({"rate": 0.25}, {}))
    assert slow.config["rate"] == 0.25
    assert (slow.expected["h_n"][0, 0], fast.expected["h_n"][0, 0]) == (1.25, 1.5)
    for wrong in ("much", float("nan"), float("inf")):
        with pytest.raises(Refused, match=f"rate is {wrong!r}, but must be a finite number"):
            certify(scenario_of("good", {"d": 2, "rate": wrong}))
    with pytest.raises(Refused, match=r"no size or option of .*good 'size'"):
        certify(scenario_of("good", {"d": 2, "size": 3}))


def test_limits_of_options_of_built_in_recurrences_do_not_apply_to_options_with_the_same_names() -> None:
    golden = certify(scenario_of("limited", {"d": 2, "beta_limit": 3, "lower_bound": 0.5}))
    assert golden.expected["h_n"].tolist() == [[4.5, 4.5]]
    kda: dict[str, Any] = {"id": "mine/kda", "purpose": "Wrong.", "cell": "kda", "inputs": {}}
    with pytest.raises(Refused, match="beta_limit is 3, but must be 1 or 2"):
        certify(RecurrenceScenario(**kda, config={"heads": 1, "d_k": 1, "d_v": 1, "beta_limit": 3}))


@pytest.mark.parametrize("field", ["config", "inputs", "weights", "states", "cotangents"])
@pytest.mark.parametrize("value", [None, [1], {1: [2]}], ids=str)
def test_a_field_that_is_no_dict_by_name_is_one_error(field: str, value: Any) -> None:
    with pytest.raises(WrongUse, match=f"^own/wrong: {field} must be a dict whose keys are text$"):
        replace(scenario_of("good", {"d": 2}), **{field: value})


def test_a_recurrence_is_no_cell_and_a_cell_no_recurrence() -> None:
    with pytest.raises(WrongUse, match=r"^own/wrong: cell is \['kda'\]; expected a recurrence, such as gated_delta"):
        scenario_of("good", {"d": 2}, cell=["kda"])
    with pytest.raises(WrongUse, match=r"no recurrence 'gated_dleta'.*package.module:function for your own"):
        scenario_of("good", {"d": 2}, cell="gated_dleta")
    one = {"weight_ih_l0": np.ones((1, 1)), "weight_hh_l0": np.ones((1, 1))}
    with pytest.raises(Refused, match="is declared as a recurrence, not as a cell of a network"):
        certify(Scenario(id="own/cell", purpose="A cell.", cell=f"{__name__}:good", weights=one, x=[[[1.0]]]))
    assert custom_recurrence(f"{__name__}:good").recurrence.meaning == "A leaky sum."
    name_cells([f"{__name__}:good"])
