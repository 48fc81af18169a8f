"""What a test of a golden changes in its process is put back after it, so that the next golden is judged as if alone.

Only what changes while the test itself runs, or an implementation: what a fixture sets, of whatever scope, is there
for its tests, and its own to put back. Nothing is put back where a module that is no library was imported meanwhile:
what an import sets is meant to stay, and would not be set again for the next golden.
"""

import contextlib
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from sysconfig import get_paths
from typing import Any

import numpy as np
import pytest


@dataclass(frozen=True)
class Setting:
    """Something that a whole process shares.

    Attributes:
        read: what it is; None if that can not be said, and then it is left alone.
        put: makes it what it was.
        module: whose it is; nothing is read where that is not imported.
        at_first: what it is when the module was just imported, where that can be said.
    """

    read: Callable[[], Any]
    put: Callable[[Any], object]
    module: str = "sys"
    at_first: Callable[[], Any] = lambda: None


def _folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 - Path.cwd() takes three times as long
    except OSError:  # it is no longer there
        return None


def _streams() -> tuple[Any, ...]:
    return sys.stdout, sys.stderr


def _put_streams(streams: tuple[Any, ...]) -> None:
    sys.stdout, sys.stderr = streams


_SIGNALS = (signal.SIGINT,)


def _handlers() -> tuple[Any, ...] | None:
    return tuple(map(signal.getsignal, _SIGNALS)) if threading.current_thread() is threading.main_thread() else None


def _put_handlers(handlers: tuple[Any, ...]) -> None:
    for number, handler in zip(_SIGNALS, handlers, strict=True):
        if handler is not None:  # which Python did not set, and can not
            signal.signal(number, handler)


def _has_no_alarm() -> bool | None:
    """None where there is one: what is left of its time can not be compared."""
    return None if sys.platform == "win32" or signal.getitimer(signal.ITIMER_REAL)[0] else True


def _put_no_alarm(_: bool) -> None:
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, 0)


def _put_errors(how: tuple[Any, Any]) -> None:
    np.seterr(**how[0])
    np.seterrcall(how[1])


_OTHERS = ("array", "asarray", "concatenate", "dot", "stack", "where", "zeros")
_FUNCTIONS = tuple(name for name, what in vars(np).items() if isinstance(what, np.ufunc) or name in _OTHERS)
"""Of NumPy's, those in whose place somebody may put another."""


def _functions() -> tuple[Any, ...]:
    found: tuple[Any, ...] = itemgetter(*_FUNCTIONS)(vars(np))
    return found


def _put_functions(functions: tuple[Any, ...]) -> None:
    vars(np).update(zip(_FUNCTIONS, functions, strict=True))


def _decimal() -> tuple[Any, ...]:
    context = sys.modules["decimal"].getcontext()
    return context.prec, context.rounding, dict(context.traps)


def _put_decimal(how: tuple[Any, ...]) -> None:
    context = sys.modules["decimal"].getcontext()
    context.prec, context.rounding, context.traps = how


def _locale() -> Any:  # noqa: ANN401 - a name, but the module's type is not known here
    locale = sys.modules["locale"]
    return locale.setlocale(locale.LC_ALL)


def _put_locale(name: str) -> None:
    locale = sys.modules["locale"]
    locale.setlocale(locale.LC_ALL, name)


def _torch() -> tuple[Any, ...]:
    torch = sys.modules["torch"]
    return (
        torch.get_default_dtype(),
        torch.empty(0).device,  # in a tenth of the time that torch.get_default_device() takes
        torch.is_grad_enabled(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.get_float32_matmul_precision(),
    )


def _torch_at_first() -> tuple[Any, ...]:
    torch = sys.modules["torch"]
    return torch.float32, torch.device("cpu"), True, False, False, "highest"


def _put_torch(how: tuple[Any, ...]) -> None:
    torch = sys.modules["torch"]
    dtype, device, grad, deterministic, warn_only, products = how
    torch.set_default_dtype(dtype)
    if torch.empty(0).device != device:
        torch.set_default_device(None if device.type == "cpu" else device)
    torch.set_grad_enabled(grad)
    torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
    torch.set_float32_matmul_precision(products)


_SMALLEST, _ONE = 5e-324, 1.0


def _has_subnormal_numbers() -> bool:
    return _SMALLEST * _ONE > 0  # the processor's mode, which torch can only be asked to set


def _put_subnormal_numbers(there: bool) -> None:
    sys.modules["torch"].set_flush_denormal(not there)


SETTINGS = (
    Setting(_folder, os.chdir),
    Setting(sys.getrecursionlimit, sys.setrecursionlimit),
    Setting(sys.path.copy, lambda path: sys.path.__setitem__(slice(None), path)),
    Setting(_streams, _put_streams),
    Setting(gc.isenabled, lambda on: gc.enable() if on else gc.disable()),
    Setting(_handlers, _put_handlers),
    Setting(_has_no_alarm, _put_no_alarm),
    Setting(lambda: (np.geterr(), np.geterrcall()), _put_errors),
    Setting(np.get_printoptions, lambda how: np.set_printoptions(**how)),
    Setting(_functions, _put_functions),
    Setting(_decimal, _put_decimal, "decimal"),
    Setting(_locale, _put_locale, "locale"),
    Setting(_torch, _put_torch, "torch", _torch_at_first),
    Setting(_has_subnormal_numbers, _put_subnormal_numbers, "torch"),
)
"""What is put back. Not the environment's variables, random generators, threads, and what a library keeps to itself."""


_NOT_IMPORTED = object()


@contextmanager
def put_back() -> Iterator[None]:
    """Around what may change the process: put back what it changed, whatever it raises."""
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
                with contextlib.suppress(Exception):  # a folder that is gone; the others are put back all the same
                    setting.put(value)


def _read(what: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever it is
    try:
        return what()
    except Exception:  # a module that only looks like the library, or one that is still being imported
        return None


def _own_modules_since(count: int) -> bool:
    """Whether a module that is no library's was imported after so many: told by the package that it is part of."""
    packages = {name.partition(".")[0] for name in list(sys.modules)[count:]} - {"rnn_goldens", "__mp_main__"}
    files = [getattr(sys.modules.get(package), "__file__", None) for package in packages]
    return any(isinstance(file, str) and not _is_of_library(file) for file in files)


def _is_of_library(file: str) -> bool:
    return file.startswith(_STANDARD) or any(f"{os.sep}{name}{os.sep}" in file for name in _INSTALLED)


_STANDARD = tuple({get_paths()[name] for name in ("stdlib", "platstdlib")})
_INSTALLED = ("site-packages", "dist-packages")


class KeptState:
    """The hook that does so around a test of a golden; made where there are any."""

    @pytest.hookimpl(wrapper=True, trylast=True)  # innermost: between pytest's own capturing and the test
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Run the test."""
        if "rnn_golden" not in getattr(item, "fixturenames", ()):
            return (yield)
        with put_back(), held_open():
            return (yield)


@contextmanager
def held_open() -> Iterator[None]:
    """Around what may close stdout or stderr, which pytest goes on with: closing them does nothing."""
    streams = [stream for stream in (sys.stdout, sys.stderr) if hasattr(stream, "__dict__")]
    for stream in streams:
        vars(stream)["close"] = lambda: None
    try:
        yield
    finally:
        for stream in streams:
            vars(stream).pop("close", None)
