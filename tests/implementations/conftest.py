"""Fixtures: built-in implementations (a missing framework skips the test), and goldens that do not saturate."""

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest
from factories.goldens import make_golden

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.implementations import BUILTIN, Implementation, resolve


@pytest.fixture
def built_in() -> Callable[[str], Implementation]:
    """A function that returns a built-in implementation; it skips the test if a package is not installed."""

    def find(name: str) -> Implementation:
        for module in BUILTIN[name].needs:
            pytest.importorskip(module, reason=f"the implementation {name} needs {module}")
        return resolve(name)

    return find


def of_users(module: str, needs: str) -> Any:
    """Import networks of users when a test needs them: their frameworks take seconds to import."""
    pytest.importorskip(needs, reason=f"the tests use networks in {needs}")
    return import_module(f"implementations.{module}")


@pytest.fixture(scope="session")
def own_in_jax() -> Any:
    return of_users("own_jax_networks", "flax")


@pytest.fixture(scope="session")
def jax_kernels() -> Any:
    return of_users("own_jax_kernels", "jax")


@pytest.fixture(scope="session")
def own_in_keras() -> Any:
    return of_users("own_keras", "keras")


@pytest.fixture(scope="session")
def own_in_flax() -> Any:
    return of_users("own_flax", "flax")


@pytest.fixture
def small_golden() -> Callable[..., Golden]:
    """A function that returns a golden of multiples of 1/8 within ±1/2: no gate saturates, and nothing overflows."""

    def make(cell: str, dtype: str = "float32", **shape: object) -> Golden:
        golden = make_golden(cell, dtype=dtype, **shape)  # type: ignore[arg-type]
        stored = golden.stored
        small = replace(
            stored,
            weights={name: array / 8 for name, array in stored.weights.items()},
            inputs={"x": stored.x / 8},
            states={name: array / 8 for name, array in stored.states.items()},
        )
        return replace(golden, stored=small)

    return make
