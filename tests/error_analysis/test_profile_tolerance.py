"""Tolerances under a profile: what changes, what stays exact, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from rnn_goldens import Golden, Unsupported, load
from rnn_goldens.cells import Array, Backward, case_of
from rnn_goldens.error_analysis.network_bounds import network_tolerance
from rnn_goldens.error_analysis.profile_losses import LEAST
from rnn_goldens.golden.rounding_profile import TF32, WGSL
from rnn_goldens.golden.tolerance import Bound, Derived, Exact

EXACT = "documented/mini-batch"


def bound(golden: Golden) -> Bound:
    assert isinstance(golden.tolerance, Derived)
    return golden.tolerance.float32


@pytest.mark.parametrize("profile", [TF32, WGSL])
@pytest.mark.parametrize("golden", ["lstm/two-layers", "gru/two-layers", "rnn-tanh/two-layers"])
def test_only_accumulation_is_larger_under_a_profile(golden: str, profile: str) -> None:
    plain = load(golden, dtype="float32")
    under, stored = bound(plain.in_profile(profile)), plain.tolerance
    assert isinstance(stored, Bound)
    for name in plain.layout.outputs:
        np.testing.assert_array_equal(under.storage[name], stored.storage[name])
        assert (under.accumulation[name] >= stored.accumulation[name]).all()
        assert (under.accumulation[name] > 5 * stored.accumulation[name]).any()


def test_exact_goldens_stay_exact_if_no_operand_is_rounded() -> None:
    plain = load(EXACT, dtype="float32")
    for profile in (TF32, WGSL):
        assert plain.in_profile(profile).tolerance is plain.tolerance


def test_an_exact_golden_with_a_long_operand_gets_a_bound_under_tf32() -> None:
    plain = load(EXACT, dtype="float32")
    weights = {name: array * (1 + 2.0**-11) for name, array in plain.stored.weights.items()}
    longer = replace(plain, stored=replace(plain.stored, weights=weights))
    assert isinstance(longer.in_profile(WGSL).tolerance, Exact)
    with pytest.raises(
        Unsupported, match=r"mini-batch in float32 by the profile tf32: the tolerance is .*at most 0\.1"
    ):
        longer.in_profile(TF32)
    smaller = {name: array * 2.0**-8 for name, array in weights.items()}
    small = replace(plain, stored=replace(plain.stored, weights=smaller))
    assert (bound(small.in_profile(TF32)).accumulation["out"] > 0).any()


def test_a_relu_that_rounding_decides_is_refused() -> None:
    plain = load(EXACT, dtype="float32")
    weights = {name: np.full_like(array, 2.0**-8 * (1 + 2.0**-11)) for name, array in plain.stored.weights.items()}
    x = np.zeros_like(plain.stored.x)
    x[:, 0, :2] = [[1, -1]]  # two terms that cancel, if their weights are rounded in the same way
    near = replace(plain, stored=replace(plain.stored, weights=weights, inputs={"x": x}))
    with pytest.raises(Unsupported, match="so close to zero that rounding decides"):
        near.in_profile(TF32)


def test_the_bound_is_derived_once_per_stored_arrays() -> None:
    plain = load("lstm/two-layers", dtype="float32")
    assert network_tolerance(plain, None, TF32) is network_tolerance(plain, None, TF32)
    assert network_tolerance(plain, None, TF32) is not network_tolerance(plain, None, WGSL)
    assert network_tolerance(plain.copied(), None, TF32) is not network_tolerance(plain, None, TF32)


def test_gradients_have_tolerances_over_both_passes() -> None:
    plain = load("lstm/two-layers", dtype="float32", gradients=True)
    under = plain.in_profile(TF32)
    assert under.gradients is not None
    assert plain.gradients is not None
    tolerance = under.gradients.tolerance
    assert isinstance(tolerance, Derived)
    assert isinstance(plain.gradients.tolerance, Bound)
    for name, array in plain.gradients.tolerance.accumulation.items():
        assert tolerance.float32.accumulation[name].shape == array.shape
        assert (tolerance.float32.accumulation[name] >= array).all()
    assert (
        tolerance.float32.accumulation["weight_hh_l0"] > plain.gradients.tolerance.accumulation["weight_hh_l0"]
    ).all()


def test_gradients_of_a_recurrence_have_a_limit_of_their_own_under_tf32() -> None:
    load("delta-rule/65-steps", dtype="float32").in_profile(TF32)
    of_steps = TF32, "step"  # beyond the limit of outputs
    load("selective-scan/70-steps", dtype="float32", gradients=True).in_profile(*of_steps)
    with pytest.raises(Unsupported, match=r"tolerance of gradients, by the largest, is \S+, at most 0\.25 is allowed"):
        load("delta-rule/65-steps", dtype="float32", gradients=True).in_profile(TF32)


def test_the_bound_of_an_unbatched_golden_has_its_shape() -> None:
    plain = load("lstm/unbatched", dtype="float32", gradients=True)
    under = plain.in_profile(WGSL)
    assert under.gradients is not None
    assert isinstance(under.gradients.tolerance, Derived)
    for name, array in under.gradients.expected.items():
        assert under.gradients.tolerance.float32.storage[name].shape == array.shape


def test_no_bound_is_zero_under_wgsl() -> None:
    """A saturated network has first-order bounds of zero, where WebGPU may be off by the product of two errors."""
    under = bound(load("lstm/overflowing-no-state", dtype="float32").in_profile(WGSL))
    assert min(array.min() for array in under.accumulation.values()) == LEAST[WGSL] > 0


class WithErrors(Backward):
    """Computes each tanh with an error of 1e-5, up or down, and a sigmoid as (1 + tanh(z/2)) / 2."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.numbers = np.random.default_rng(seed)

    def tanh(self, z: Array) -> Array:
        error = np.where(self.numbers.random(z.shape) < 0.5, 0.99e-5, -0.99e-5)
        return (np.tanh(z.astype(np.float64)) + error).astype(z.dtype)

    def sigmoid(self, z: Array) -> Array:
        return np.asarray((1 + self.tanh(z / 2)) / 2, z.dtype)


def test_errors_of_second_order_in_saturated_gradients_are_allowed_under_wgsl() -> None:
    """The slope of a saturated function may be computed as many times its value, and multiplies other errors."""
    plain = load("lstm/saturated", dtype="float32", gradients=True)
    under, case = plain.in_profile(WGSL), case_of(plain, np.float32)
    for seed in range(120):
        under.check_gradients(WithErrors(seed).gradients(case, plain.cotangents))
