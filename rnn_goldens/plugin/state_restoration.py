"""Restores process-wide settings that a test of a golden changed, so that they do not affect the next golden.

Only changes by the test function are undone, not changes by fixtures. Nothing is restored if the test imported a
user's module for the first time: settings that an import changes are meant to last, and the module is not imported
again for the next test.
"""

import os
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rnn_goldens.user_code import is_user_file

_SMALLEST, _ONE = 5e-324, 1.0


@contextmanager
def restored() -> Iterator[None]:
    """Return a context manager that restores settings, also after an exception."""
    modules, restorers = len(sys.modules), list(_restorers())
    try:
        yield
    finally:
        packages = {name.partition(".")[0] for name in list(sys.modules)[modules:]} - {"__mp_main__"}
        files = (getattr(sys.modules.get(package), "__file__", None) for package in packages)
        if not any(isinstance(file, str) and is_user_file(file) for file in files):
            for restore in restorers:
                with suppress(Exception):  # a deleted folder, for example: the test's own error counts
                    restore()


def _restorers() -> Iterator[Callable[[], object]]:
    """Yield functions that restore the present values of settings."""
    with suppress(OSError):  # the folder is gone
        yield partial(os.chdir, Path.cwd())
    yield partial(np.seterr, **np.geterr())
    yield partial(np.seterrcall, np.geterrcall())
    yield partial(random.setstate, random.getstate())
    yield partial(np.random.set_state, np.random.get_state(legacy=False))
    yield partial(_restore_torch, _torch_settings(), has_subnormal_numbers=_SMALLEST * _ONE > 0)


def _torch_settings() -> tuple[Any, ...] | None:
    """Return default dtype, default device, grad mode and random state; None if torch is not imported."""
    if (torch := sys.modules.get("torch")) is None:
        return None
    try:
        device = torch.empty(0).device  # takes a tenth of the time that torch.get_default_device() takes
        return torch.get_default_dtype(), device, torch.is_grad_enabled(), torch.get_rng_state()
    except AttributeError:  # it is still being imported
        return None


def _restore_torch(before: tuple[Any, ...] | None, *, has_subnormal_numbers: bool) -> None:
    """Restore torch's settings; if the test imported torch, to those right after the import."""
    if (torch := sys.modules.get("torch")) is None:
        return
    dtype, device, grad, numbers = before or (torch.float32, torch.device("cpu"), True, None)
    torch.set_default_dtype(dtype)
    torch.set_grad_enabled(grad)
    torch.set_flush_denormal(not has_subnormal_numbers)
    if torch.empty(0).device != device:
        torch.set_default_device(None if device.type == "cpu" else device)
    if numbers is not None:
        torch.set_rng_state(numbers)
