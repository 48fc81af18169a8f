"""A golden under a profile: what it accepts, in which precisions, and how it is copied, split and stored."""

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnn_goldens import Golden, Unsupported, load, save
from rnn_goldens.cells import Array, Network, case_of
from rnn_goldens.comparison.golden_slices import of_rows
from rnn_goldens.comparison.verdict import GoldenMismatch
from rnn_goldens.corpus import open_corpus
from rnn_goldens.errors import UnknownName, WrongUse
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.recurrences import RECURRENCES
from rnn_goldens.golden.rounding_profile import Profile
from rnn_goldens.golden.tolerance import Derived

GOLDEN = "lstm/two-layers"


class RoundedOperands(Network):
    """Rounds operands of products to float16's 11 bits, as tf32 does."""

    def product(self, v: Array, matrix: Array) -> Array:
        short = v.astype(np.float16).astype(np.float32)
        return super().product(short, matrix.astype(np.float16).astype(np.float32))


class InaccurateTanh(Network):
    """Computes a tanh with a given error."""

    def __init__(self, error: float) -> None:
        self.error = error

    def tanh(self, z: Array) -> Array:
        return np.asarray(np.tanh(z) + self.error, z.dtype)


def outputs(golden: Any, network: Network) -> tuple[Array, ...]:
    out, *states = network.run(case_of(golden, np.float32))
    return out, tuple(states)  # type: ignore[return-value] # as torch returns them


@pytest.fixture
def plain() -> Golden:
    return load(GOLDEN, dtype="float32")


@pytest.mark.parametrize(
    ("network", "accepted_by", "rejected_by"),
    [
        (RoundedOperands(), {"tf32"}, {"ieee"}),
        (InaccurateTanh(0.9e-5), {"wgsl"}, {"ieee"}),
        (InaccurateTanh(1e-4), set(), {"ieee", "wgsl"}),
        (Network(), {"ieee", "tf32", "wgsl"}, set()),
    ],
    ids=["rounded operands", "tanh within 1e-5", "tanh off by 1e-4", "right"],
)
def test_a_profile_accepts_the_errors_that_it_declares(
    plain: Golden, network: Network, accepted_by: set[str], rejected_by: set[str]
) -> None:
    found = outputs(plain, network)
    accepted = {name for name in ("ieee", "tf32", "wgsl") if plain.in_profile(name).compare(*found).passed}
    assert accepted_by <= accepted
    assert not rejected_by & accepted


def test_other_precisions_keep_their_tolerance_under_tf32(plain: Golden) -> None:
    under = plain.in_profile("tf32")
    for precision in ("float64", "bfloat16", "float16"):
        other = under.in_precision(precision).expected_of().allowed("out")
        np.testing.assert_array_equal(other, plain.in_precision(precision).expected_of().allowed("out"))
        np.testing.assert_array_equal(other, under.tolerance.allowed("out", plain.stored.out, PRECISIONS[precision]))
    again = under.in_precision("float64").in_precision("float32")
    np.testing.assert_array_equal(again.expected_of().allowed("out"), under.expected_of().allowed("out"))


def test_the_tolerance_is_derived_when_float32_is_selected() -> None:
    under = load(GOLDEN, dtype="float64").in_profile("tf32")
    assert not isinstance(under.tolerance, Derived)
    assert isinstance(under.in_precision("float32").tolerance, Derived)


def test_webgpu_has_float32_only(plain: Golden) -> None:
    message = "profile wgsl: the functions of WebGPU are defined in float32 only, not in float64"
    with pytest.raises(WrongUse, match=message):
        load(GOLDEN, dtype="float64").in_profile("wgsl")
    with pytest.raises(WrongUse, match=message):
        plain.in_profile("wgsl").in_precision("float64")


def test_a_golden_returns_to_the_default_profile() -> None:
    plain = load(GOLDEN, dtype="float32", gradients=True)
    back = plain.in_profile("wgsl").in_profile()
    assert back.tolerance is plain.tolerance
    assert back.gradients is not None
    assert plain.gradients is not None
    assert back.gradients.tolerance is plain.gradients.tolerance
    assert str(back.profile) == "ieee"


def with_operands_of_11_bits(golden: Golden) -> dict[str, Any]:
    """Return o and the last state of a gated delta rule that rounds the operands of products as tf32 does."""

    def rounded(x: Any) -> Any:
        fractions, exponents = np.frexp(x)
        return np.ldexp(np.rint(np.ldexp(fractions, 11)), exponents - 11).astype(np.float32)

    q, k, v, g, beta = (golden.inputs[name].astype(np.float32) for name in ("q", "k", "v", "g", "beta"))
    state, outputs = golden.states["S0"].astype(np.float32), []
    q = rounded(q * np.float32(golden.config["d_k"] ** -0.5))
    for t in range(q.shape[1]):
        state = state * np.exp(g[:, t])[..., None, None]
        row = beta[:, t, :, None] * (v[:, t] - np.einsum("bhkv,bhk->bhv", rounded(state), rounded(k[:, t])))
        state = state + np.einsum("bhk,bhv->bhkv", rounded(k[:, t]), rounded(row))
        outputs.append(np.einsum("bhkv,bhk->bhv", rounded(state), q[:, t]))
    return {"o": np.stack(outputs, 1), "S_n": state}


@pytest.mark.parametrize("name", ["several-steps", "65-steps", "150-steps"])
def test_a_recurrence_with_operands_of_11_bits_is_right_by_tf32(name: str) -> None:
    golden = load(f"gated-delta/{name}", dtype="float32")
    verdict = golden.compare(with_operands_of_11_bits(golden))
    assert not verdict.passed
    assert "--rnn-goldens-profile=tf32" in verdict.message
    assert golden.in_profile("tf32").compare(with_operands_of_11_bits(golden)).passed
    larger = golden.in_profile("tf32").embedded(d_k=16 * golden.config["d_k"])
    assert larger.compare(with_operands_of_11_bits(larger)).passed


def test_a_recurrence_without_a_tolerance_is_refused() -> None:
    golden = load("gated-delta/several-steps", dtype="float32")
    assert str(golden.in_profile("step", "tf32").profile) == "tf32,step"
    with pytest.raises(Unsupported, match="profile wgsl is derived for networks only"):
        golden.in_profile("wgsl")
    with pytest.raises(Unsupported, match="by the profile tf32: g has more than 11 significant bits"):
        load("gated-delta/full-numbers", dtype="float32").in_profile("tf32")
    with pytest.raises(Unsupported, match=r"the tolerance is 0\.16, at most 0\.1 is allowed"):
        load("gated-delta/large-state", dtype="float32").in_profile("tf32")
    with pytest.raises(Unsupported, match="exact operands may have more than 11 bits"):
        load("gated-delta/exact-steps", dtype="float32", gradients=True).in_profile("tf32")


def test_names_that_exclude_each_other_or_do_not_exist_are_errors(plain: Golden) -> None:
    with pytest.raises(WrongUse, match="profile: tf32 and wgsl exclude each other"):
        plain.in_profile("tf32", "wgsl")
    with pytest.raises(UnknownName, match=r"no profile 'tf16'. Did you mean 'tf32'\?") as error:
        plain.in_profile("tf16")
    assert "\n  wgsl: functions have the errors that WebGPU allows\n" in str(error.value)


@pytest.mark.parametrize(
    ("size", "advice"),
    [
        ("chunk=8", "declare chunk=16"),
        ("chunk=100", "declare chunk=128"),
        ("chunk=512", "there is no tolerance for chunks of so many steps"),
    ],
)
def test_a_size_of_chunks_without_a_tolerance_names_the_one_that_allows_it(size: str, advice: str) -> None:
    sizes = "the sizes of chunks are 16, 32, 64, 128, 256"
    with pytest.raises(WrongUse, match=f"profile: {sizes}; for {size}, {advice}"):
        load("gated-delta/several-steps", dtype="float32").in_profile(size)


def test_a_larger_chunk_than_the_default_may_hide_what_the_default_detects() -> None:
    assert Profile(algorithm="chunk=128").affects("float64")
    assert not any(Profile(algorithm=name).affects("bfloat16") for name in ("step", "chunk=16", "chunk=64"))


@pytest.mark.slow
@pytest.mark.parametrize("half", ["operands-stored", "all-stored"])
def test_zeros_pass_no_golden_of_a_recurrence_by_the_loosest_contracts(half: str) -> None:
    profile, corpus = Profile(algorithm="chunk=256", half=half), open_corpus()
    for dtype, entry in product(("bfloat16", "float16"), corpus.select(cell=tuple(RECURRENCES))):
        if dtype in entry.precisions:
            golden = replace(corpus.load(entry.id, dtype), profile=profile)
            assert not golden.compare({n: np.zeros_like(a) for n, a in golden.stored.expected.items()}).passed, entry.id
        if dtype in entry.gradient_precisions:
            golden = replace(corpus.load(entry.id, dtype, gradients=True), profile=profile)
            zeros = {name: np.zeros_like(array) for name, array in golden.checkable_gradients().expected.items()}
            assert not golden.compare_gradients(zeros).passed, entry.id


def test_call_patterns_compare_parts_by_the_profile(plain: Golden) -> None:
    def run(inputs: Any) -> tuple[Array, ...]:
        return outputs(inputs, RoundedOperands())

    plain.in_profile("tf32").check_calls(run)
    with pytest.raises(GoldenMismatch):
        plain.check_calls(run)


def test_a_row_has_the_tolerance_of_its_row(plain: Golden) -> None:
    under = plain.in_profile("tf32")
    row, whole = of_rows(under, np.array([1])).expected_of(), under.expected_of()
    np.testing.assert_array_equal(row.allowed("out"), whole.allowed("out")[1:])
    np.testing.assert_array_equal(row.allowed("h_n"), whole.allowed("h_n")[:, 1:])


def test_a_copy_has_the_tolerance_and_a_file_has_the_stored_one(plain: Golden, tmp_path: Path) -> None:
    under = plain.in_profile("tf32")
    copied = under.copied()
    assert copied.tolerance is not under.tolerance
    np.testing.assert_array_equal(copied.expected_of().allowed("out"), under.expected_of().allowed("out"))
    for name, golden in {"under.json": under, "plain.json": plain}.items():
        save(golden, tmp_path / name)
    assert (tmp_path / "under.json").read_bytes() == (tmp_path / "plain.json").read_bytes()
