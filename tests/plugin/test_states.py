"""States after single steps in a test: they are compared with the outputs, and the verdict is that of the test."""

import json
from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]

NETS = """
import numpy as np
import rnn_goldens

def with_states(golden, late=0):
    out, h_n = right(golden)
    steps = np.concatenate([golden.h0[None], out.swapaxes(0, 1)[:, None]])
    return (out, h_n), {step: {"h": steps[max(step - late, 0)]} for step in range(len(steps))}
"""


def test_states_count_with_the_outputs(project: pytest.Pytester, run_module: Run) -> None:
    module = f"""{NETS}
def test_right(rnn_golden):
    outputs, states = with_states(rnn_golden)
    rnn_golden.check(outputs, states_at=states)

def test_late(rnn_golden):
    outputs, states = with_states(rnn_golden, late=1)
    rnn_golden.check(outputs, states_at=states)

def test_only_out(rnn_golden):
    outputs, states = with_states(rnn_golden)
    rnn_golden.check(outputs[0], states_at=states, outputs=["out"])
"""
    result = run_module(module, "--rnn-goldens-report=results.json")
    result.assert_outcomes(passed=8, failed=4)
    result.stdout.fnmatch_lines(["*documented/single-sequence in float32: h after step 1 is the initial state*"])
    found = json.loads((project.path / "results.json").read_text("utf-8"))["results"]
    of_out = [entry for entry in found if "test_only_out" in entry["test"]]
    assert {(tuple(entry["outputs"]), tuple(entry["not_checked"])) for entry in of_out} == {(("out",), ("h_n",))}
    assert all("explained_by" not in entry for entry in found)


def test_states_that_a_test_computes_itself_are_compared(project: pytest.Pytester, run_module: Run) -> None:
    project.makeini("[pytest]\n")
    module = """
import numpy as np, pytest, rnn_goldens

@pytest.mark.rnn_goldens(ids="lstm/long", dtype="float64")
@pytest.mark.parametrize("more", [0, 1])
def test_long(rnn_golden, more):
    golden = rnn_goldens.certify(rnn_golden, states=True)
    c = golden.expected_states["c"][7] + more
    golden.check({name: array.copy() for name, array in golden.expected.items()}, states_at={7: {"c": c}})

@pytest.mark.rnn_goldens(ids="lstm/long", dtype="float64")
def test_not_stored(rnn_golden):
    rnn_golden.check(rnn_golden.expected["out"] + 1, states_at={7: {"c": 0}})
"""
    result = run_module(module)
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["*lstm/long in float64: c after step 7 is first wrong at layer 0*"])
    result.stdout.fnmatch_lines(
        ["*the comparison raised Unsupported: lstm/long does not store its states after every step, 804 *"]
    )
