"""Mistakes in implementations and tests that must not make a wrong golden pass.

The code may return wrong outputs, crash, hang, exit, suppress an error, write into its inputs or return expected
outputs. Each mistake is the code of a module that ``nothing_unchecked`` runs. ``logged(golden)`` logs a golden that the
mistake affects: it must not count as passed in any run.
"""

from dataclasses import dataclass
from textwrap import dedent, indent

PREAMBLE = """
import contextlib, ctypes, os, sys, threading
from pathlib import Path

import numpy as np
import pytest
import rnn_goldens
from rnn_goldens import GoldenMismatch, Unsupported

IS_DAEMON = "rnn_goldens" not in sys.argv[0]  # plain pytest would wait for other threads and never end

def logged(golden):
    with (Path(__file__).parent / "logged.txt").open("a") as file:
        file.write(f"{golden.id} {golden.dtype}\\n")

def rnn(golden, back=1):
    w, states = golden.weights_as("textbook"), [golden.h0[0]] * 2
    for t in range(golden.x.shape[1]):
        states.append(np.maximum(golden.x[:, t] @ w["W_xh"] + states[-back] @ w["W_hh"], 0))
    return np.stack(states[2:], axis=1), states[-1][None]

def caught(check, *outputs):
    with contextlib.suppress(Exception):
        check(*outputs)

class Lazy:
    def __init__(self, compute):
        self.compute = compute
    def __array__(self, dtype=None, copy=None):
        return self.compute()

def wrong(golden):
    logged(golden)
    return rnn(golden, back=2)
"""


@dataclass(frozen=True)
class Mistake:
    """A mistake.

    Attributes:
        name: description of the mistake.
        code: an implementation, ``run(golden)``, or a test, ``test_it(rnn_golden)``.
        harmless: whether the outputs are right and nothing else is affected: every golden must pass.
    """

    name: str
    code: str
    harmless: bool = False

    @property
    def ends_python(self) -> bool:
        """Whether it ends the process with exit code 0, which a user's run of pytest cannot detect."""
        return "os._exit(0)" in self.code

    @property
    def module(self) -> str:
        """The source of the whole module."""
        return f"{PREAMBLE}\n{dedent(self.code)}"


def _run(name: str, body: str, *, harmless: bool = False) -> Mistake:
    return Mistake(name, f"def run(golden):\n{indent(dedent(body), '    ')}", harmless)


def _test(name: str, body: str) -> Mistake:
    return Mistake(name, f"def test_it(rnn_golden):\n{indent(dedent(body), '    ')}")


IMPLEMENTATIONS = (
    _run("wrong", "return wrong(golden)"),
    _run("`os._exit(0)`", "logged(golden)\nos._exit(0)"),
    _run("a segmentation fault", "logged(golden)\nctypes.string_at(0)"),
    Mistake(
        "`os._exit(0)` at the second golden",
        """
        received = []

        def run(golden):
            received.append(golden)
            if len(received) == 2:
                logged(golden)
                os._exit(0)
            return rnn(golden)
        """,
    ),
    Mistake("`os._exit(0)` when imported", "(Path(__file__).parent / 'logged.txt').write_text('')\nos._exit(0)"),
    _run("`sys.exit(0)`", "logged(golden)\nsys.exit(0)"),
    _run("`raise KeyboardInterrupt`", "logged(golden)\nraise KeyboardInterrupt"),
    _run("`pytest.skip()`", "logged(golden)\npytest.skip('no device')"),
    _run("refuses everything", "logged(golden)\nraise Unsupported('nothing works')"),
    _run("returns what is expected", "logged(golden)\nreturn golden.out, golden.h_n"),
    _run("returns the expected `h_n`", "logged(golden)\nreturn rnn(golden)[0], golden.h_n"),
    _run("`sys.exit(0)` while its output is read", "logged(golden)\nreturn Lazy(lambda: sys.exit(0)), None"),
    _run("an endless loop", "logged(golden)\nwhile True: pass"),
    _run("an endless loop in C", "logged(golden)\nctypes.PyDLL(None).pause()"),
    _run(
        "right, but writes to `x` and weights",
        """
        logged(golden)
        outputs = rnn(golden)
        for array in (golden.x, *golden.weights.values()):
            ctypes.memset(array.ctypes.data, 255, array.nbytes)
        return outputs
        """,
    ),
    _run("right, and leaves `np.seterr(all='raise')`", "np.seterr(all='raise')\nreturn rnn(golden)", harmless=True),
    _run(
        "right, and leaves a thread that never ends",
        "threading.Thread(target=threading.Event().wait, daemon=IS_DAEMON).start()\nreturn rnn(golden)",
        harmless=True,
    ),
)
"""Mistakes of an implementation. It runs in ``check``, in ``report``, and as ``rnn_implementation`` in a test."""

TESTS = (
    _test("`contextlib.suppress`", "with contextlib.suppress(Exception):\n    rnn_golden.check(*wrong(rnn_golden))"),
    _test("`pytest.raises`", "with pytest.raises(GoldenMismatch):\n    rnn_golden.check(*wrong(rnn_golden))"),
    _test(
        "in a thread",
        """
        thread = threading.Thread(target=caught, args=(rnn_golden.check, *wrong(rnn_golden)))
        thread.start()
        thread.join()
        """,
    ),
    _test("`check_calls`, caught", "with contextlib.suppress(Exception):\n    rnn_golden.check_calls(wrong)"),
    _test(
        "wrong, caught, and then right",
        """
        with contextlib.suppress(AssertionError):
            rnn_golden.check(*wrong(rnn_golden))
        rnn_golden.check(*rnn(rnn_golden))
        """,
    ),
    Mistake(
        "wrong and caught, in the teardown of a fixture",
        """
        @pytest.fixture
        def checks(rnn_golden):
            yield
            with contextlib.suppress(AssertionError):
                rnn_golden.check(*wrong(rnn_golden))

        def test_it(rnn_golden, checks):
            rnn_golden.check(*rnn(rnn_golden))
        """,
    ),
    _test("`check_fails`", "rnn_golden.check_fails(*wrong(rnn_golden))"),
    _test("never checks", "wrong(rnn_golden)"),
    _test("only compares", "assert rnn_golden.compare(*rnn(rnn_golden)).passed\nlogged(rnn_golden)"),
    _test("checks the golden's own arrays", "logged(rnn_golden)\nrnn_golden.check(rnn_golden.out, rnn_golden.h_n)"),
    _test(
        "checks the golden's `h_n`, and catches all exceptions",
        """
        logged(rnn_golden)
        with contextlib.suppress(Exception):
            rnn_golden.check(rnn(rnn_golden)[0], rnn_golden.h_n)
        """,
    ),
    _test(
        "checks another golden",
        """
        logged(rnn_golden)
        other = rnn_goldens.load(rnn_golden.id, dtype=rnn_golden.dtype)
        other.check(*rnn(other))
        """,
    ),
    _test(
        "checks in a lower precision",
        """
        logged(rnn_golden)
        rnn_golden.in_precision("bfloat16").check(*rnn(rnn_golden))
        """,
    ),
    _test("`os._exit(0)`", "rnn_golden.check(*rnn(rnn_golden))\nlogged(rnn_golden)\nos._exit(0)"),
    _test("`pytest.exit(returncode=0)`", "logged(rnn_golden)\npytest.exit('enough', returncode=0)"),
    _test("`pytest.skip()`", "logged(rnn_golden)\npytest.skip('no device')"),
    _test("Ctrl-C at the first", "rnn_golden.check(*rnn(rnn_golden))\nlogged(rnn_golden)\nraise KeyboardInterrupt"),
)
"""Mistakes of a user's test."""
