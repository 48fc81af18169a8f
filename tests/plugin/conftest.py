"""A user's project written by pytester: an RNN from scratch, wrong variants of it, and the documented goldens."""

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import rnn_goldens.encoding.golden_types
import rnn_goldens.implementations.numpy_cells  # noqa: F401 - the same
from rnn_goldens.corpus import find

FOUR = (
    "documented/single-sequence",
    "documented/mini-batch",
    "documented/mini-batch-ascending",
    "documented/identity-w-hh",
)

MY_RNN = """
import numpy as np
from rnn_goldens import Unsupported

def rnn(x, h0, weights, remembers=True):
    states = [h0[0]]
    for t in range(x.shape[1]):
        remembered = remembers * states[-1] @ weights["weight_hh_l0"].T
        states.append(np.maximum(x[:, t] @ weights["weight_ih_l0"].T + remembered, 0))
    return np.stack(states[1:], axis=1), states[-1][None]

def right(golden):
    return rnn(golden.x, golden.h0, golden.weights)

def forgetful(golden):
    return rnn(golden.x, golden.h0, golden.weights, remembers=False)

def wrong_in_batches(golden):
    return right(golden) if golden.x.shape[0] == 1 else forgetful(golden)

def refuses(golden):
    raise Unsupported("no relu here")

def refuses_batches(golden):
    return right(golden) if golden.x.shape[0] == 1 else refuses(golden)

def crashes(golden):
    raise RuntimeError("kernel launch failed")

def returns_none(golden):
    return None, None

def returns_nan(golden):
    out, h_n = right(golden)
    return out * np.nan, h_n

def time_major(golden):
    out, h_n = right(golden)
    return out.swapaxes(0, 1), h_n

def writes_into_x(golden):
    golden.x[0] = 0
    return right(golden)
"""


NESTED_RUN = "ignore:Module already imported so cannot be rewritten:pytest.PytestAssertRewriteWarning"
"""Warning of pytest when another pytest has loaded the plugin in the same process."""

UNUSED_LANES = "ignore:invalid value encountered in matmul:RuntimeWarning"
"""Warning that a BLAS sometimes raises for unused vector lanes of a small product; the product is correct."""

WriteCorpus = Callable[..., Path]


@pytest.fixture
def write_corpus(pytester: pytest.Pytester) -> WriteCorpus:
    """A function that copies the four documented goldens into a folder; ``change`` may edit each index entry."""

    def write(name: str, change: Callable[[dict[str, Any]], object] = dict) -> Path:
        builtin, folder = find(), pytester.path / name
        index = json.loads((builtin / "index.json").read_text("utf-8"))
        index["goldens"] = [entry for entry in index["goldens"] if entry["id"] in FOUR]
        for entry in index["goldens"]:
            change(entry)
        shutil.copytree(builtin / "documented", folder / "documented")
        (folder / "index.json").write_text(json.dumps(index), "utf-8")
        return folder

    return write


@pytest.fixture
def project(pytester: pytest.Pytester, write_corpus: WriteCorpus, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with ``my_rnn.py`` and an ini file that selects a corpus of the four documented goldens.

    Only the plugin rnn_goldens is loaded: the other installed plugins take most of the time of a run and may change.
    """
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", f"-p rnn_goldens -p no:cacheprovider -W '{NESTED_RUN}' -W '{UNUSED_LANES}'")
    pytester.makepyfile(my_rnn=MY_RNN)
    write_corpus("four")
    pytester.makeini("[pytest]\nrnn_goldens_corpus = four")
    return pytester


class Case:
    """A module of tests, the number of tests with each outcome, and patterns of lines that pytest prints about it."""

    def __init__(self, module: str, *lines: str, **outcomes: int) -> None:
        self.module, self.lines, self.outcomes = BEGIN + dedent(module), lines, Counter(outcomes)


BEGIN = """
import contextlib, pytest, threading, unittest
import my_rnn, rnn_goldens
from my_rnn import *
from rnn_goldens import GoldenMismatch
ONE = pytest.mark.rnn_goldens(ids="documented/mini-batch")
"""
"""The first lines of the module of a case."""


@pytest.fixture
def run_module(project: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """A function that runs one module, which begins like that of a case."""

    def run(module: str, *options: str) -> pytest.RunResult:
        project.makepyfile(test_it=BEGIN + dedent(module))
        return project.runpytest_inprocess(*options)

    return run


@pytest.fixture
def run_cases(project: pytest.Pytester, subtests: pytest.Subtests) -> Callable[..., pytest.RunResult]:
    """A function that runs the modules of many cases at once, and compares the outcomes and lines of each."""

    def run(cases: dict[str, Case], *options: str, subprocess: bool = False) -> pytest.RunResult:
        project.makepyfile(**{f"test_{name}": case.module for name, case in cases.items()})
        run_pytest = project.runpytest_subprocess if subprocess else project.runpytest_inprocess
        result = run_pytest("-vv", "-rN", *options)
        words = r"PASSED|FAILED|REFUSED|SKIPPED|XFAIL|ERROR"
        for name, case in cases.items():
            found = re.findall(
                rf"^test_{name}\.py::.* ({words}) |%\] ({words}) test_{name}\.py::", result.stdout.str(), re.M
            )
            with subtests.test(name):
                assert Counter((one or other).lower() for one, other in found) == case.outcomes
                for line in case.lines:
                    result.stdout.fnmatch_lines([line])
        return result

    return run


@pytest.fixture(
    params=[pytest.param((), id="one-process"), pytest.param(("-pxdist", "-n2"), id="xdist", marks=pytest.mark.slow)]
)
def workers(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Options that run the tests in one process or in two workers."""
    options: tuple[str, ...] = request.param
    return options


@pytest.fixture
def check_with(project: pytest.Pytester) -> Callable[[str], None]:
    """A function that writes ``test_my_rnn.py``, which checks a function of ``my_rnn.py``."""

    def write(function: str) -> None:
        project.makepyfile(
            test_my_rnn=f"""
            import my_rnn

            def test_my_rnn(rnn_golden):
                rnn_golden.check(*my_rnn.{function}(rnn_golden))
            """
        )

    return write


@pytest.fixture
def collect(project: pytest.Pytester) -> Callable[..., dict[str, list[str]]]:
    """A function that collects tests without running them; it returns the parameter ids of each test function."""

    def run(*options: str) -> dict[str, list[str]]:
        result = project.runpytest_inprocess("--collect-only", "-q", *options)
        assert result.ret == 0, result.stdout.str() + result.stderr.str()
        ids: dict[str, list[str]] = {}
        for line in result.outlines:
            if line.endswith("]"):
                function, _, parameters = line.rpartition("::")[2].rstrip("]").partition("[")
                ids.setdefault(function, []).append(parameters)
        return ids

    return run
