"""A test that draws goldens fails if it compares none, or swallows a mismatch."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

BEGIN = """
import copy
import os
import pickle
import time
import unittest
from contextlib import suppress
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import Phase, assume, example, given, reject, settings
from hypothesis import strategies as st
from rnn_goldens import Unsupported, load, select
from rnn_goldens.hypothesis import goldens
from rnn_goldens.implementations import resolve

right = resolve("numpy")
def small(cell, **more):
    return goldens(cell=cell, max_layers=1, max_time=2, max_batch=2, max_hidden=2, max_input=2, **more)

SMALL = small("lstm")

def wrong(golden):
    out, *states = right(golden)
    return out + 1, *states

few = settings(database=None, max_examples=10, deadline=None, phases=[Phase.explicit, Phase.generate])

def drawn(*strategies, **by_name):
    return lambda test: few(given(*strategies, **by_name)(test))
"""

Run = Callable[..., str]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A function that runs pytest as a user does, and returns the output of pytest."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)

    def run(*modules: str) -> str:
        pytester.makepyfile(**{f"test_{number}": BEGIN + tests for number, tests in enumerate(modules)})
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", "-rA", "--tb=short").stdout.str()

    return run


def outcomes(printed: str, module: int = 0) -> dict[str, str]:
    """Return the outcome of each test of a module by name."""
    pattern = rf"^(PASSED|FAILED|SKIPPED|ERROR) test_{module}\.py::(?:\w+::)?(\w+)"
    return {name: how for how, name in re.findall(pattern, printed, re.MULTILINE)}


def stored_examples() -> list[Path]:
    return list(Path(".rnn-goldens").rglob("drawn/*.json"))


PASSING = """
@drawn(SMALL)
def test_right(golden):
    golden.check(*right(golden))

@drawn(SMALL, st.integers())
def test_by_its_verdict_beside_another_argument(golden, _number):
    assert golden.compare(*right(golden)).passed

@drawn(golden=SMALL)
def test_calls(golden):
    golden.check_calls(right)

@drawn(SMALL)
def test_known_to_be_wrong(golden):
    golden.check_fails(*wrong(golden))

@drawn(SMALL)
def test_some_are_not_checked(golden):
    assume("bias" in golden.features)
    golden.check(*right(golden))

@drawn(SMALL.filter(lambda golden: "bias" in golden.features), st.lists(SMALL, max_size=2))
def test_each_golden_that_is_not_filtered(golden, others):
    for one in (golden, *others):
        one.check(*right(one))

@drawn(st.data())
def test_draws_in_the_test(data):
    golden = data.draw(SMALL.filter(lambda golden: "bias" in golden.features))
    golden.check(*right(golden))

@drawn(SMALL)
def test_skips(golden):
    golden.check(*right(golden))
    pytest.skip("enough")

def without_states(golden):
    if "state" in golden.features:
        raise Unsupported("no states")
    return right(golden)

@drawn(SMALL)
def test_some_are_refused(golden):
    golden.check_calls(without_states)

class TestIt:
    @drawn(SMALL)
    def test_method(self, golden):
        golden.check(*right(golden))

@drawn(st.sampled_from(select(ids="lstm/*step*")))
def test_goldens_of_the_corpus(golden):
    golden.check(*right(golden))

@few
@example(load("lstm/plain"))
@given(SMALL)
def test_beside_an_example(golden):
    golden.check(*right(golden))

@pytest.mark.parametrize("reference", [load("lstm/plain")])
@drawn(scale=st.integers())
def test_a_reference_golden(reference, scale):
    assert reference.x.ndim

@pytest.mark.parametrize("calls", ["twice", "rows"])
@drawn(golden=SMALL)
def test_parametrized(golden, calls):
    golden.check_calls(right, calls)

@pytest.mark.asyncio
@drawn(SMALL)
async def test_of_another_plugin(golden):
    golden.check(*right(golden))
"""

COMPARING_NOTHING = """
@drawn(SMALL)
def test_never_checks(golden):
    right(golden)

class TestOfUnittest(unittest.TestCase):
    @drawn(SMALL)
    def test_never_checks_in_a_method(self, golden):
        right(golden)

def refuses(golden):
    raise Unsupported("no LSTM")

@drawn(SMALL)
def test_refuses_all(golden):
    golden.check_calls(refuses)

@drawn(SMALL)
def test_refuses_outside_of_a_check(golden):
    golden.check(*refuses(golden))

@pytest.mark.asyncio
@drawn(SMALL)
async def test_never_checks_in_a_coroutine(golden):
    right(golden)

checked = []

@drawn(SMALL)
def test_checks_only_the_first(golden):
    if not checked:
        golden.check(*right(golden))
        checked.append(golden)

@drawn(SMALL, small("rnn_tanh"))
def test_checks_one_of_two(golden, _other):
    golden.check(*right(golden))

@drawn(st.lists(SMALL, min_size=2, unique_by=lambda golden: golden.id))
def test_checks_one_of_a_list(several):
    several[0].check(*right(several[0]))

@drawn(st.data())
def test_draws_and_checks_one_of_two(data):
    golden = data.draw(SMALL)
    golden.check(*right(golden))
    data.draw(SMALL)
"""

LESS_PRECISE = """
@drawn(small("lstm", precisions="float64"))
def test_in_lower_precision(golden):
    assume("float32" in golden.precisions)
    less = golden.in_precision("float32")
    less.check(*right(less))

@drawn(small("lstm", precisions="bfloat16"))
def test_in_higher_precision(golden):
    more = golden.in_precision("float32")
    more.check(*right(more))
"""

TOO_LATE = """
@settings(few, deadline=timedelta(milliseconds=100))
@given(SMALL)
def test_too_slow_for_its_deadline(golden):
    time.sleep(0.3)
    golden.check(*right(golden))
"""


def test_a_test_passes_only_if_it_checks_each_golden_that_it_does_not_refuse(run: Run) -> None:
    printed = run(PASSING, COMPARING_NOTHING, LESS_PRECISE, TOO_LATE)
    assert {name: how for name, how in outcomes(printed).items() if how != "PASSED"} == {}
    assert set(outcomes(printed, 1).values()) == {"FAILED"}
    assert outcomes(printed, 2) == {"test_in_lower_precision": "FAILED", "test_in_higher_precision": "PASSED"}
    assert outcomes(printed, 3) == {"test_too_slow_for_its_deadline": "FAILED"}
    assert "11 failed, 16 passed, 1 skipped" in printed
    never = r"^E +AssertionError: drawn/(lstm|rnn-tanh)-\w+ in float32 was drawn, but not checked"
    assert len(re.findall(never, printed, re.M)) == 7
    assert "E   rnn_goldens.Unsupported: no LSTM" in printed
    assert "call golden.check_calls(implementation)" in printed
    assert "in float64 was drawn, but not checked in the precision it was drawn in" in printed
    assert "DeadlineExceeded" in printed
    assert stored_examples() == []


SWALLOWING = """
@drawn(SMALL)
def test_swallows(golden):
    with suppress(AssertionError):
        golden.check(*wrong(golden))

@drawn(small("gru"))
def test_ignores_the_verdicts_of_both_calls(golden):
    answers = iter([right(golden)])
    golden.compare_calls(lambda inputs: next(answers, wrong(golden)), "twice")

@drawn(small("rnn_tanh"))
def test_skips(golden):
    with suppress(AssertionError):
        golden.check(*wrong(golden))
    pytest.skip("flaky")

class TestOfUnittest(unittest.TestCase):
    @drawn(small("rnn_relu"))
    def test_skips(self, golden):
        with suppress(AssertionError):
            golden.check(*wrong(golden))
        self.skipTest("flaky")
"""


def test_a_swallowed_mismatch_fails_the_test_and_the_golden_is_stored(run: Run) -> None:
    printed = run(SWALLOWING)
    assert "4 failed" in printed
    assert {"lstm", "gru", "rnn-tanh", "rnn-relu"} <= set(
        re.findall(r"E   rnn_goldens.GoldenMismatch: drawn/(.*)-\w+ in ", printed)
    )
    assert "the second call differs from the first" in printed
    assert len(stored_examples()) == 4


TAKING_BACK = """
def is_wrong(golden):
    with suppress(AssertionError):
        golden.check(*(wrong if "state" in golden.features else right)(golden))
        return False
    return True

@drawn(SMALL)
def test_assumes(golden):
    assume(not is_wrong(golden))

@drawn(SMALL)
def test_rejects(golden):
    if is_wrong(golden):
        reject()

@drawn(SMALL)
def test_checks_a_wrong_copy(golden):
    is_wrong(copy.deepcopy(golden))
    golden.check(*right(golden))

@drawn(SMALL)
def test_checks_a_wrong_pickled_copy(golden):
    is_wrong(pickle.loads(pickle.dumps(golden)))
    golden.check(*right(golden))
"""


def test_a_mismatch_in_a_rejected_example_fails_the_test_and_the_golden_is_stored(run: Run) -> None:
    printed = run(TAKING_BACK)
    assert "4 failed" in printed
    assert len(re.findall(r"^E +rnn_goldens.GoldenMismatch: drawn/lstm-\w+ in float32", printed, re.M)) == 4
    assert stored_examples()


RAISING = """
@drawn(SMALL)
def test_raises(golden):
    os.chdir("/")
    raise ZeroDivisionError("oh")
"""


def test_a_golden_that_raises_is_stored_even_if_the_working_directory_changes(run: Run) -> None:
    assert "ZeroDivisionError: oh" in run(RAISING)
    assert len(stored_examples()) == 1


SHARED = """
@drawn(SMALL)
def test_alone(golden):
    golden.check(*right(golden))

@drawn(st.data())
def test_drawn_inside(data):
    golden = data.draw(SMALL)
    golden.check(*wrong(golden))
"""


def test_a_failing_golden_is_stored_if_two_tests_share_a_strategy(run: Run) -> None:
    printed = run(SHARED)
    assert "1 failed, 1 passed" in printed
    assert "kept in .rnn-goldens/found" in printed
    assert len(stored_examples()) == 1


KNOWN = """
from rnn_goldens.cells import case_of
from rnn_goldens.deviations import deviation

def zero_c_n(golden):
    out, h_n, c_n = right(golden)
    return out, h_n, c_n * 0

@drawn(small("lstm", found=None))
def test_expects_another_failure(golden):
    with suppress(AssertionError):
        golden.check_fails(deviation("lstm_gates_iofg").outputs(case_of(golden, np.float64)))
    golden.check(*zero_c_n(golden))
"""


def test_an_expected_failure_is_not_diagnosed(run: Run) -> None:
    printed = run(KNOWN)
    assert "1 failed" in printed
    assert "lstm_gates_iofg:" not in printed
    assert "rnn-goldens show drawn" not in printed  # no golden is stored, so none can be shown
