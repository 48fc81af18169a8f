"""The simulated implementations pass under their profile, and make the errors that it allows."""

import numpy as np
import pytest

from benchmarks.profiles import PROFILES, SIGNS, WRONG_TANH, WebGpu, report, run, simulations
from rnn_goldens.golden.rounding_profile import IEEE, TF32, WGSL


@pytest.mark.slow
def test_the_page_has_each_simulation_and_profile() -> None:
    results = run(every=80)
    own = {name: count for (name, profile), count in results.failures.items() if name.startswith(profile)}
    assert own
    assert set(own.values()) == {0}
    assert any(count for (_, profile), count in results.failures.items() if profile == IEEE)
    assert results.goldens[WGSL, WRONG_TANH]
    text = report(results)
    for profile in (TF32, WGSL):
        assert all(f"| {profile}: {name}" in text for name in simulations(profile))
        assert f"Detected under ieee, but not under {profile}: " in text
    assert all(f"\n| {profile} " in text for profile in PROFILES)


@pytest.mark.parametrize("sign", SIGNS)
def test_simulated_functions_make_the_errors_that_webgpu_allows(sign: str) -> None:
    z = np.linspace(-8, 8, 999, dtype=np.float32)
    network, exact = WebGpu(SIGNS[sign]), z.astype(np.float64)
    assert 0.9e-5 < np.abs(network.tanh(z) - np.tanh(exact)).max() <= 1e-5
    ulp = np.spacing(np.exp(exact).astype(np.float32)).astype(np.float64)
    errors = np.abs(network.exp(z) - np.exp(exact)) / ulp / (3 + 2 * np.abs(exact))
    assert 0.8 < errors.max() <= 1
    quotients = network.divide(np.ones_like(z), z + 9)
    right = 1 / (z + np.float32(9)).astype(np.float64)
    assert 1.4 < (np.abs(quotients - right) / np.spacing(right.astype(np.float32))).max() <= 2.5
