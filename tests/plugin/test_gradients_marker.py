"""Gradients in tests and in ``rnn-goldens check``: selected on request, and never passed without a check."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rnn_goldens.schema import problems

MY_BPTT = """
import ctypes
import numpy as np
from rnn_goldens import Unsupported

def forward(golden):
    if golden.config.bias:
        raise Unsupported("no biases")
    states = [golden.h0[0]]
    for t in range(golden.x.shape[1]):
        sums = golden.x[:, t] @ golden.weights["weight_ih_l0"].T + states[-1] @ golden.weights["weight_hh_l0"].T
        states.append(np.maximum(sums, 0))
    return states

def outputs(golden):
    states = forward(golden)
    return np.stack(states[1:], axis=1), states[-1][None]

def bptt(golden, through_time=1):
    states, w = forward(golden), golden.weights
    found = {"x": np.zeros_like(golden.x), **{name: np.zeros_like(array) for name, array in w.items()}}
    dh = golden.cotangents["d_h_n"][0].copy()
    for t in reversed(range(golden.x.shape[1])):
        sums = (dh + golden.cotangents["d_out"][:, t]) * (states[t + 1] > 0)
        found["x"][:, t] = sums @ w["weight_ih_l0"]
        found["weight_ih_l0"] += sums.T @ golden.x[:, t]
        found["weight_hh_l0"] += sums.T @ states[t]
        dh = through_time * sums @ w["weight_hh_l0"]
    return found

def truncated(golden):
    return bptt(golden, through_time=0)

sums_so_far = {}

def adds_up(golden):
    for name, array in bptt(golden).items():
        sums_so_far[golden.id, name] = sums_so_far.get((golden.id, name), 0) + array
    return {name: sums_so_far[golden.id, name] for name in ("x", *golden.weights)}

def overwrites(golden):
    found = bptt(golden)
    array = golden.cotangents["d_out"]
    ctypes.memset(array.ctypes.data, 0, array.nbytes)
    return found
"""

BOTH = "documented/single-sequence", "documented/mini-batch"


@pytest.fixture
def project(pytester: pytest.Pytester, corpus_with_gradients: Path) -> pytest.Pytester:
    # A BLAS sometimes raises this warning for unused vector lanes of a small product.
    unused_lanes = "ignore:invalid value encountered in matmul:RuntimeWarning"
    ini = f"[pytest]\nrnn_goldens_corpus = {corpus_with_gradients}\nfilterwarnings = {unused_lanes}\n"
    pytester.makefile(".ini", tox=ini)
    pytester.makepyfile(my_bptt=MY_BPTT)
    return pytester


def write_test(project: pytest.Pytester, body: str, marker: str = "gradients=True, ids='documented/*'") -> None:
    project.makepyfile(
        test_it=f"""
import pytest
from my_bptt import *

@pytest.mark.rnn_goldens({marker})
def test_it(rnn_golden):
    {body}
"""
    )


def results(project: pytest.Pytester, *options: str) -> dict[str, dict[str, Any]]:
    project.runpytest_inprocess("--rnn-goldens-report=report.json", *options)
    document = json.loads((project.path / "report.json").read_text("utf-8"))
    assert problems(document, "results") == []
    return {entry["golden"]: entry for entry in document["results"]}


@pytest.mark.parametrize("source", ["marker", "--rnn-goldens-gradients", "ini"])
def test_a_test_of_gradients_receives_only_goldens_with_gradients(project: pytest.Pytester, source: str) -> None:
    marker = "gradients=True" if source == "marker" else ""
    write_test(project, "rnn_golden.check_gradients(bptt(rnn_golden))", marker)
    if source == "ini":
        with (project.path / "tox.ini").open("a", encoding="utf-8") as ini:
            ini.write("\nrnn_goldens_gradients = true\n")
    result = project.runpytest_inprocess("-v", *([source] if source.startswith("-") else []))
    assert result.parseoutcomes() == {"passed": 2, "refused": 1}
    result.stdout.fnmatch_lines(["*documented/single-sequence-float32* PASSED*", "*lstm/lengths-float32* REFUSED*"])


def test_a_marker_can_select_outputs_despite_the_option(project: pytest.Pytester) -> None:
    write_test(project, "rnn_golden.check(*outputs(rnn_golden))", marker="gradients=False, ids='documented/*'")
    outcomes = project.runpytest_inprocess("--rnn-goldens-gradients").parseoutcomes()
    assert outcomes == {"passed": 4}


UNCHECKED = [
    ("bptt(golden)", "never called check_gradients"),
    ("golden.compare_gradients(bptt(golden))", "never called check_gradients"),
    ("golden.check(*outputs(golden))", "check_gradients: check(out, h_n) compares only outputs"),
    ("golden.check_gradients()", "no gradient was given: nothing was checked"),
    ("golden.check_gradients(outputs(golden))", "are these the outputs? check(out, h_n) compares those"),
    ("golden.check_gradients(golden.gradients.expected)", "the golden's own gradient of x"),
    ("golden.check_gradients(overwrites(golden))", "wrote into d_out: inputs, weights and cotangents"),
    ("golden.check_gradient_calls(overwrites)", "wrote into d_out: inputs, weights and cotangents"),
    ("golden.check_gradient_calls(adds_up)", "the second call returns the sum of both: gradients accumulate"),
    ("golden.in_precision('bfloat16').check_gradients(bptt(golden))", "nothing was checked in float32"),
    (
        "golden.check(*outputs(golden)); golden.in_precision('bfloat16').check_gradients(bptt(golden))",
        "nothing was checked in float32",
    ),
    (
        "\n    try: golden.check_gradients(truncated(golden))\n    except AssertionError: pass",
        "  the test continued after this failure, so it fails",
    ),
]
"""Bodies of tests that check no correct gradient, and the messages."""


def test_a_test_without_a_correct_gradient_does_not_pass(project: pytest.Pytester, subtests: pytest.Subtests) -> None:
    tests = [
        f"def test_{number}(rnn_golden):\n    golden = rnn_golden\n    {body.strip()}"
        for number, (body, _) in enumerate(UNCHECKED)
    ]
    marker = "pytestmark = pytest.mark.rnn_goldens(gradients=True, ids='documented/*')"
    project.makepyfile(test_it="\n".join(["import pytest", "from my_bptt import *", marker, *tests]))
    result = project.runpytest_inprocess("-vv")
    assert result.parseoutcomes() == {"failed": 2 * len(UNCHECKED)}
    printed = result.stdout.str()
    failures = printed.partition("= FAILURES =")[2].partition("what is wrong")[0]
    for number, (body, message) in enumerate(UNCHECKED):
        with subtests.test(body):
            _, *sections = failures.split(f"_ test_{number}[")
            assert len(sections) == 2
            assert all(message in section.partition("\n____")[0] for section in sections)
    assert "check_fails" not in printed  # which is for outputs
    assert "2 goldens failed before outputs were compared: no gradient was given: nothing\n  was checked" in printed


@pytest.mark.slow
def test_a_failure_of_many_gradients_fits_a_terminal(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.rnn_goldens(ids="lstm/bidirectional-two-layers", gradients=True)
        def test_it(rnn_golden):
            found = {name: array.copy() for name, array in rnn_golden.gradients.expected.items()}
            rnn_golden.check_gradients({**found, "x": 2 * found["x"]})
        """
    )
    lines = pytester.runpytest_inprocess().outlines
    first, last = (next(n for n, line in enumerate(lines) if of in line) for of in (": gradients ==", " summary info"))
    section = lines[first:last]
    assert any(line.startswith("right wherever checked: h0, c0, weight_ih_l0") for line in section)
    assert max(map(len, section)) <= 80


@pytest.mark.slow
def test_unchecked_gradients_are_printed_and_in_the_results_file(project: pytest.Pytester) -> None:
    write_test(project, "rnn_golden.check_gradients(x=bptt(rnn_golden)['x'])")
    result = project.runpytest_inprocess()
    assert result.parseoutcomes() == {"passed": 2}
    result.stdout.fnmatch_lines(
        [
            "right wherever checked: x",
            "not checked: weight_ih_l0, in 2 goldens",
            "not checked: weight_hh_l0, in 2 goldens",
        ]
    )
    found = results(project)[BOTH[0]]
    assert found["outcome"] == "passed"
    assert found["gradients"] == {"right": ["x"], "wrong": [], "not_checked": ["weight_ih_l0", "weight_hh_l0"]}


def test_the_page_of_a_run_has_a_table_of_gradients(project: pytest.Pytester) -> None:
    body = "found = truncated(rnn_golden); del found['weight_hh_l0']; rnn_golden.check_gradients(found)"
    write_test(project, body)
    project.runpytest_inprocess("--rnn-goldens-report=report.html")
    page = (project.path / "report.html").read_text("utf-8")
    assert "<caption>By name, over all goldens</caption>" in page
    assert (
        '<tr class="wrong"><th><code>x</code></th><td></td><td>2</td><td></td></tr>\n'
        '<tr class="wrong"><th><code>weight_ih_l0</code></th><td></td><td>2</td><td></td></tr>\n'
        "<tr><th><code>weight_hh_l0</code></th><td></td><td></td><td>2</td></tr>\n" in page
    )
    assert page.count("<caption>Gradients</caption>") == 2
    assert page.count('<tr class="not checked"><th><code>weight_hh_l0</code></th><td>') == 2


def test_several_checks_of_one_golden_count_together(project: pytest.Pytester) -> None:
    body = "found = bptt(rnn_golden); rnn_golden.check_gradients(x=found.pop('x')); rnn_golden.check_gradients(found)"
    write_test(project, body)
    found = results(project)[BOTH[1]]
    assert found["gradients"] == {"right": ["x", "weight_ih_l0", "weight_hh_l0"], "wrong": [], "not_checked": []}


def check(folder: Path, corpus: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "rnn_goldens", "check", *arguments, "--rnn-goldens-gradients"]
    command.append(f"--rnn-goldens-corpus={corpus}")
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "my_bptt.py").write_text(MY_BPTT)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("my_bptt:bptt", 0, "2 passed, 1 refused"),
        ("my_bptt:truncated", 1, "x, weight_ih_l0, weight_hh_l0 wrong"),
        ("my_bptt:adds_up", 1, "the second call returns the sum of both"),
        ("my_bptt:overwrites", 1, "wrote into d_out"),
        ("my_bptt:outputs", 1, "the function returned out as numpy.ndarray"),
        ("onnx-reference", 1, "onnx-reference computes outputs but no gradients"),
    ],
)
def test_check_passes_only_a_function_that_returns_correct_gradients_in_both_calls(
    folder: Path, corpus_with_gradients: Path, name: str, code: int, message: str
) -> None:
    done = check(folder, corpus_with_gradients, name)
    assert done.returncode == code, done.stdout + done.stderr
    assert message in done.stdout


def test_a_failure_lists_the_wrong_gradients_and_the_run_the_deviation(project: pytest.Pytester) -> None:
    write_test(project, "rnn_golden.check_gradients(truncated(rnn_golden))", "gradients=True")
    result = project.runpytest_inprocess("-q")
    assert result.parseoutcomes() == {"failed": 2, "refused": 1}
    result.stdout.fnmatch_lines(
        [
            "E * documented/single-sequence in float32: x, weight_ih_l0, weight_hh_l0 wrong",
            "*what is wrong*",
            "rnn_relu: 2 of 2 fail. One known deviation matches every one:",
            "  backward_not_through_time: *",
            "  nothing here distinguishes it from state_detached_between_steps",
            "*explain backward_not_through_time*",
        ]
    )


@pytest.mark.slow
def test_causes_of_gradients_are_in_the_results_with_workers_too(project: pytest.Pytester) -> None:
    write_test(project, "rnn_golden.check_gradients(truncated(rnn_golden))")
    project.runpytest_inprocess("--rnn-goldens-report=report.json", "-n2", "--tb=no")
    document = json.loads((project.path / "report.json").read_text("utf-8"))
    assert problems(document, "results") == []
    (cause,) = document["causes"]
    assert cause["certainty"] == "explained"
    assert [candidate["deviations"] for candidate in cause["candidates"]] == [["backward_not_through_time"]]
    failed = [entry for entry in document["results"] if entry["outcome"] == "failed"]
    assert {entry["explained_by"][0] for entry in failed} == {"backward_not_through_time"}
    wrong = {"right": [], "wrong": ["x", "weight_ih_l0", "weight_hh_l0"], "not_checked": []}
    assert [entry["gradients"] for entry in failed] == [wrong, wrong]


@pytest.mark.slow
def test_facts_about_unexplained_gradients_are_in_the_results(project: pytest.Pytester) -> None:
    write_test(project, "rnn_golden.check_gradients({n: a * 7 for n, a in bptt(rnn_golden).items()})")
    failed = results(project)["documented/single-sequence"]
    assert "explained_by" not in failed
    assert failed["facts"]["gradients_factor"] == 7.0


def test_wrong_outputs_besides_wrong_gradients_are_in_the_results(project: pytest.Pytester) -> None:
    write_test(
        project, "rnn_golden.check_gradient_calls(truncated, lambda golden: [2 * part for part in outputs(golden)])"
    )
    failed = results(project)["documented/single-sequence"]
    assert failed["gradients"]["outputs_wrong"] is True
    assert ": the outputs are wrong, and gradients with them: " in failed["reason"]
