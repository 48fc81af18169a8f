"""The simulated implementations pass under their profile on some goldens, and the page has every table."""

import numpy as np
import pytest

from benchmarks.profiles import PROFILES, SIGNS, WebGpu, report, run, simulations
from rnn_goldens.golden.profile import TF32, WGSL


@pytest.fixture(scope="module")
def text() -> str:
    results = run(every=80)
    assert results.simulated
    assert not any(one.failures.total() for one in results.simulated.values())
    assert any(one.failures_under_ieee.total() for one in results.simulated.values())
    assert sum(count for (profile, _), count in results.wrong_tanh.items() if profile == WGSL)
    return report(results)


def test_the_page_has_each_simulation_and_profile(text: str) -> None:
    for profile in (TF32, WGSL):
        assert all(f"| {profile}: {name}" in text for name in simulations(profile))
    assert all(text.count(f"\n| {profile} ") == 3 for profile in (TF32, "ieee"))
    assert "Detected under ieee, but not under tf32: " in text
    assert len(PROFILES) == 3


@pytest.mark.parametrize("sign", SIGNS)
def test_simulated_functions_make_the_errors_that_webgpu_allows(sign: str) -> None:
    z = np.linspace(-8, 8, 999, dtype=np.float32)
    network, exact = WebGpu(SIGNS[sign]()), z.astype(np.float64)
    assert 0.9e-5 < np.abs(network.tanh(z) - np.tanh(exact)).max() <= 1e-5
    ulp = np.spacing(np.exp(exact).astype(np.float32)).astype(np.float64)
    errors = np.abs(network.exp(z) - np.exp(exact)) / ulp / (3 + 2 * np.abs(exact))
    assert 0.8 < errors.max() <= 1
    quotients = network.divide(np.ones_like(z), z + 9)
    right = 1 / (z + np.float32(9)).astype(np.float64)
    assert 1.4 < (np.abs(quotients - right) / np.spacing(right.astype(np.float32))).max() <= 2.5
