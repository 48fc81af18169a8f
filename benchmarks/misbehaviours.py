"""Honest mistakes: what somebody who wants to know whether their code is right may do all the same.

It may be wrong, crash, hang, exit, swallow an error, write into its inputs or return what it was given. Each is the
code of a module that ``nothing_unchecked`` runs. ``noted(golden)`` writes down which goldens it misbehaved on: none of
those may count as passed, in any way of running.
"""

from dataclasses import dataclass
from textwrap import dedent

PREAMBLE = """
import asyncio, contextlib, ctypes, os, signal, sys, threading, time, unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rnn_goldens
from rnn_goldens import GoldenMismatch, Unsupported

THREADS_END = "rnn_goldens" not in sys.argv[0]  # in a project of a user's pytest waits for them

def noted(golden):
    with (Path(__file__).parent / "noted.txt").open("a") as file:
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
    noted(golden)
    return rnn(golden, back=2)
"""


@dataclass(frozen=True)
class Misbehaviour:
    """A mistake.

    Attributes:
        name: what is done, for people.
        code: a function ``run(golden)`` of an implementation; or a test, ``test_it(rnn_golden)``.
        right: whether every golden is to pass all the same: what it does must not harm others.
        ends_python: whether it ends the process with exit code 0, which a user's own run of pytest cannot see.
    """

    name: str
    code: str
    right: bool = False
    ends_python: bool = False

    @property
    def module(self) -> str:
        """The whole module."""
        return f"{PREAMBLE}\n{dedent(self.code)}"


def _run(name: str, body: str, *, right: bool = False, ends_python: bool = False) -> Misbehaviour:
    lines = "".join(f"    {line}\n" for line in dedent(body).strip().splitlines())
    return Misbehaviour(name, f"def run(golden):\n{lines}", right, ends_python)


def _test(name: str, body: str, *, ends_python: bool = False) -> Misbehaviour:
    lines = "".join(f"    {line}\n" for line in dedent(body).strip().splitlines())
    return Misbehaviour(name, f"def test_it(rnn_golden):\n{lines}", ends_python=ends_python)


IMPLEMENTATIONS = (
    _run("wrong", "return wrong(golden)"),
    _run("`os._exit(0)`", "noted(golden)\nos._exit(0)", ends_python=True),
    _run("C's `exit(0)`", "noted(golden)\nctypes.CDLL(None).exit(0)", ends_python=True),
    _run("a segmentation fault", "noted(golden)\nctypes.string_at(0)"),
    _run("killed, as out of memory", "noted(golden)\nos.kill(os.getpid(), signal.SIGKILL)"),
    Misbehaviour(
        "`os._exit(0)` at the second golden",
        """
        asked = []

        def run(golden):
            asked.append(golden)
            if len(asked) == 2:
                noted(golden)
                os._exit(0)
            return rnn(golden)
        """,
        ends_python=True,
    ),
    Misbehaviour(
        "`os._exit(0)` when imported",
        "(Path(__file__).parent / 'noted.txt').write_text('')\nos._exit(0)",
        ends_python=True,
    ),
    _run("`sys.exit(0)`", "noted(golden)\nsys.exit(0)"),
    _run("`pytest.exit(returncode=0)`", "noted(golden)\npytest.exit('enough', returncode=0)"),
    _run("`raise KeyboardInterrupt`", "noted(golden)\nraise KeyboardInterrupt"),
    _run("`raise unittest.SkipTest`", "noted(golden)\nraise unittest.SkipTest('no device')"),
    _run("`pytest.skip()`", "noted(golden)\npytest.skip('no device')"),
    _run("`pytest.xfail()`", "noted(golden)\npytest.xfail('known to be wrong')"),
    _run("refuses everything", "noted(golden)\nraise Unsupported('nothing works')"),
    _run("returns what is expected", "noted(golden)\nreturn golden.out, golden.h_n"),
    _run("returns the expected `h_n`", "noted(golden)\nreturn rnn(golden)[0], golden.h_n"),
    _run(
        "float8, which is no precision",
        "noted(golden)\nimport ml_dtypes\nreturn tuple(a.astype(ml_dtypes.float8_e5m2) for a in rnn(golden))",
    ),
    _run(
        "one row in float16",
        """
        noted(golden)
        out, h_n = (np.float64(a) for a in rnn(golden))
        rows = [row if number else row.astype(np.float16) for number, row in enumerate(out)]
        return rows if golden.dtype in ("float64", "float32") else None, h_n
        """,
    ),
    _run("`sys.exit(0)`, as its output is read", "noted(golden)\nreturn Lazy(lambda: sys.exit(0)), None"),
    _run("recursion without end", "noted(golden)\nreturn run(golden)"),
    _run(
        "a billion elements in no memory", "noted(golden)\nreturn (np.broadcast_to(np.float32(1), (10**5, 10**4)),) * 2"
    ),
    _run("an endless loop", "noted(golden)\nwhile True: pass"),
    _run(
        "an endless loop that catches all",
        """
        noted(golden)
        while True:
            with contextlib.suppress(BaseException):
                while True:
                    time.sleep(0.001)
        """,
    ),
    _run("an endless loop in C", "noted(golden)\nctypes.PyDLL(None).pause()"),
    _run(
        "right, but writes to `x` and weights",
        """
        noted(golden)
        outputs = rnn(golden)
        for array in (golden.x, *golden.weights.values()):
            ctypes.memset(array.ctypes.data, 255, array.nbytes)
        return outputs
        """,
    ),
    _run("right, and leaves `np.seterr(all='raise')`", "np.seterr(all='raise')\nreturn rnn(golden)", right=True),
    _run(
        "right, and leaves a thread that never ends",
        "threading.Thread(target=threading.Event().wait, daemon=THREADS_END).start()\nreturn rnn(golden)",
        right=True,
    ),
    _run(
        "right, in one buffer for all",
        """
        global buffer
        out, h_n = rnn(golden)
        if "buffer" not in globals():
            buffer = np.empty(100_000), np.empty(100_000)
        for array, space in zip((out, h_n), buffer):
            space[: array.size] = array.ravel()
        return tuple(space[: a.size].reshape(a.shape) for a, space in zip((out, h_n), buffer))
        """,
        right=True,
    ),
)
"""What an implementation does: in ``check``, in ``report``, and as ``rnn_implementation`` in a user's own test."""

TESTS = (
    _test(
        "`except AssertionError: pass`",
        """
        try:
            rnn_golden.check(*wrong(rnn_golden))
        except AssertionError:
            pass
        """,
    ),
    _test("`contextlib.suppress`", "with contextlib.suppress(Exception):\n    rnn_golden.check(*wrong(rnn_golden))"),
    _test("`finally: return`", "try:\n    rnn_golden.check(*wrong(rnn_golden))\nfinally:\n    return"),
    _test("`pytest.raises`", "with pytest.raises(GoldenMismatch):\n    rnn_golden.check(*wrong(rnn_golden))"),
    _test(
        "in a thread",
        """
        thread = threading.Thread(target=caught, args=(rnn_golden.check, *wrong(rnn_golden)))
        thread.start()
        thread.join()
        """,
    ),
    _test(
        "in a pool, not asked for the result",
        """
        with ThreadPoolExecutor() as pool:
            pool.submit(rnn_golden.check, *wrong(rnn_golden))
        """,
    ),
    _test(
        "in a task, not awaited to the end",
        """
        async def main():
            async def check():
                rnn_golden.check(*wrong(rnn_golden))
            task = asyncio.create_task(check())
            await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        asyncio.run(main())
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
    _test(
        "right, and then wrong and caught",
        """
        rnn_golden.check(*rnn(rnn_golden))
        with contextlib.suppress(AssertionError):
            rnn_golden.check(*wrong(rnn_golden))
        """,
    ),
    _test(
        "wrong, caught, and skipped",
        """
        with contextlib.suppress(AssertionError):
            rnn_golden.check(*wrong(rnn_golden))
        pytest.skip("flaky")
        """,
    ),
    _test(
        "wrong, caught, and refused",
        """
        with contextlib.suppress(AssertionError):
            rnn_golden.check(*wrong(rnn_golden))
        raise Unsupported("not this one")
        """,
    ),
    Misbehaviour(
        "wrong and caught, as a fixture ends",
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
    _test("only compares", "assert rnn_golden.compare(*rnn(rnn_golden)).passed\nnoted(rnn_golden)"),
    _test(
        "checks the golden's own arrays",
        """
        noted(rnn_golden)
        rnn_golden.check(rnn_golden.out, rnn_golden.h_n)
        """,
    ),
    _test(
        "checks its own `h_n`, and catches all",
        """
        noted(rnn_golden)
        with contextlib.suppress(Exception):
            rnn_golden.check(rnn(rnn_golden)[0], rnn_golden.h_n)
        """,
    ),
    _test(
        "checks another golden",
        """
        noted(rnn_golden)
        other = rnn_goldens.load(rnn_golden.id, dtype=rnn_golden.dtype)
        other.check(*rnn(other))
        """,
    ),
    _test(
        "checks in a lower precision",
        """
        noted(rnn_golden)
        rnn_golden.in_precision("bfloat16").check(*rnn(rnn_golden))
        """,
    ),
    _test("`os._exit(0)`", "rnn_golden.check(*rnn(rnn_golden))\nnoted(rnn_golden)\nos._exit(0)", ends_python=True),
    _test("`pytest.exit(returncode=0)`", "noted(rnn_golden)\npytest.exit('enough', returncode=0)"),
    _test("`pytest.skip()`", "noted(rnn_golden)\npytest.skip('no device')"),
    _test("Ctrl-C at the first", "rnn_golden.check(*rnn(rnn_golden))\nnoted(rnn_golden)\nraise KeyboardInterrupt"),
)
"""What a user's own test does."""
