"""Restores process-wide settings that a test of a golden changed, so that they do not affect the next golden.

Only changes by the test function are undone, not changes by fixtures. Nothing is restored if the test imported a
user's module for the first time: settings that an import changes are meant to last, and the module is not imported
again for the next test.
"""

import contextlib
import os
import pickle
import random
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from sysconfig import get_paths
from typing import Any

import numpy as np
import pytest


@dataclass(frozen=True)
class Setting:
    """A setting that is global to the process.

    Attributes:
        read: returns the current value, comparable by ``==``; None if unknown.
        put: sets a value.
        module: the setting is read only if this module is imported.
        at_first: returns the value right after the module is imported; None if unknown.
    """

    read: Callable[[], Any]
    put: Callable[[Any], object]
    module: str = "sys"
    at_first: Callable[[], Any] = lambda: None


def _put_errors(how: tuple[Any, Any]) -> None:
    np.seterr(**how[0])
    np.seterrcall(how[1])


def _numpy_random() -> bytes:
    return pickle.dumps(np.random.get_state(legacy=False))  # arrays in dictionaries, which == does not compare


def _put_numpy_random(state: bytes) -> None:
    np.random.set_state(pickle.loads(state))


def _torch() -> tuple[Any, ...]:
    torch = sys.modules["torch"]
    # The device of an empty tensor takes a tenth of the time that torch.get_default_device() takes.
    return torch.get_default_dtype(), torch.empty(0).device, torch.is_grad_enabled()


def _torch_at_first() -> tuple[Any, ...]:
    torch = sys.modules["torch"]
    return torch.float32, torch.device("cpu"), True


def _put_torch(how: tuple[Any, ...]) -> None:
    torch = sys.modules["torch"]
    dtype, device, grad = how
    torch.set_default_dtype(dtype)
    if torch.empty(0).device != device:
        torch.set_default_device(None if device.type == "cpu" else device)
    torch.set_grad_enabled(grad)


def _torch_random() -> bytes:
    state: bytes = sys.modules["torch"].get_rng_state().numpy().tobytes()
    return state


def _put_torch_random(state: bytes) -> None:
    torch = sys.modules["torch"]
    torch.set_rng_state(torch.tensor(bytearray(state), dtype=torch.uint8, device="cpu"))


_SMALLEST, _ONE = 5e-324, 1.0


def _has_subnormal_numbers() -> bool:
    return _SMALLEST * _ONE > 0  # the processor's mode; torch can set but not read it


def _put_subnormal_numbers(enabled: bool) -> None:
    sys.modules["torch"].set_flush_denormal(not enabled)


SETTINGS = (
    Setting(os.getcwd, os.chdir),
    Setting(lambda: (np.geterr(), np.geterrcall()), _put_errors),
    Setting(random.getstate, random.setstate),
    Setting(_numpy_random, _put_numpy_random),
    Setting(_torch, _put_torch, "torch", _torch_at_first),
    Setting(_torch_random, _put_torch_random, "torch"),
    Setting(_has_subnormal_numbers, _put_subnormal_numbers, "torch"),
)
"""The settings that are restored."""

_NOT_IMPORTED = object()


@contextmanager
def restored() -> Iterator[None]:
    """Return a context manager that restores changed settings, also after an exception."""
    modules = len(sys.modules)
    before = [_read(setting.read) if setting.module in sys.modules else _NOT_IMPORTED for setting in SETTINGS]
    try:
        yield
    finally:
        changed = []
        for setting, then in zip(SETTINGS, before, strict=True):
            value = then
            if then is _NOT_IMPORTED:
                value = _read(setting.at_first) if setting.module in sys.modules else None
            if value is not None and _read(setting.read) != value:
                changed.append((setting, value))
        if changed and not _own_modules_since(modules):
            for setting, value in changed:
                with contextlib.suppress(Exception):  # a deleted folder, for example: the test's own error counts
                    setting.put(value)


def _read(what: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever it is
    try:
        return what()
    except (OSError, AttributeError):  # the folder is gone; torch is still being imported
        return None


def _own_modules_since(count: int) -> bool:
    """Return whether a user's module was imported after the first ``count`` modules."""
    packages = {name.partition(".")[0] for name in list(sys.modules)[count:]} - {"rnn_goldens", "__mp_main__"}
    files = [getattr(sys.modules.get(package), "__file__", None) for package in packages]
    return any(isinstance(file, str) and not _is_of_library(file) for file in files)


def _is_of_library(file: str) -> bool:
    return file.startswith(_STANDARD) or any(f"{os.sep}{name}{os.sep}" in file for name in _INSTALLED)


_STANDARD = tuple({get_paths()[name] for name in ("stdlib", "platstdlib")})
_INSTALLED = ("site-packages", "dist-packages")


class RestoredState:
    """The hook that restores settings around each test of a golden."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Run a test; after a test of a golden, restore the settings."""
        if "rnn_golden" not in getattr(item, "fixturenames", ()):
            return (yield)
        with restored():
            return (yield)
