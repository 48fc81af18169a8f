"""A marker, an option or the ini file selects the outputs to compare; the others are listed as not checked."""

import json
from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]

NETS = """
def alone(golden): return right(golden)[0]

def wrong(golden): return forgetful(golden)[0]

def wrong_state(golden):
    found, h_n = right(golden)
    return found, h_n + 1
"""


@pytest.fixture
def run(run_module: Run) -> Run:
    return lambda module, *options: run_module(NETS + module, *options)


@pytest.mark.parametrize("source", ["marker", "option", "ini", "argument"])
def test_out_alone_is_compared_if_selected(
    project: pytest.Pytester, run: Run, workers: tuple[str, ...], source: str
) -> None:
    if source == "ini":
        project.makeini("[pytest]\nrnn_goldens_corpus = four\nrnn_goldens_outputs = out")
    argument = ', outputs=["out"]' if source == "argument" else ""
    module = f"""
{'pytestmark = pytest.mark.rnn_goldens(outputs=["out"])' if source == "marker" else ""}
def test_calls(rnn_golden): rnn_golden.check_calls(alone{argument})
def test_check(rnn_golden): rnn_golden.check(alone(rnn_golden){argument})
def test_more_than_out(rnn_golden): rnn_golden.check(wrong_state(rnn_golden){argument})
def test_calls_of_more(rnn_golden): rnn_golden.check_calls(wrong_state{argument})
def test_wrong(rnn_golden): rnn_golden.check(wrong(rnn_golden){argument})
"""
    options = ["--rnn-goldens-outputs=out"] if source == "option" else []
    result = run(module, "--rnn-goldens-report=results.json", *options, *workers)
    result.assert_outcomes(passed=16, failed=4)
    result.stdout.fnmatch_lines(["*test_wrong: 4 of 4 fail. One known deviation matches*", "  w_hh_ignored: *"])
    result.stdout.fnmatch_lines(["h_n not checked (outputs=out): 4 goldens"])
    result.stdout.no_fnmatch_line("*h_n is missing*")
    entries = json.loads((project.path / "results.json").read_text("utf-8"))["results"]
    assert {(tuple(e["outputs"]), tuple(e["not_checked"])) for e in entries} == {(("out",), ("h_n",))}


def test_a_marker_overrides_the_option_and_comparisons_of_one_golden_count_together(run: Run) -> None:
    result = run(
        """
@pytest.mark.rnn_goldens(outputs=["out", "h_n", "c_n"])
def test_all(rnn_golden): rnn_golden.check(right(rnn_golden))
@pytest.mark.rnn_goldens(outputs=["out", "h_n", "c_n"])
def test_first_out(rnn_golden):
    rnn_golden.check(alone(rnn_golden), outputs="out")
    rnn_golden.check(right(rnn_golden))
""",
        "--rnn-goldens-outputs=out",
    )
    result.assert_outcomes(passed=8)
    result.stdout.no_fnmatch_line("*not checked*")


def test_the_call_pattern_chunks_needs_the_last_state(run: Run) -> None:
    module = "def test_it(rnn_golden): rnn_golden.check_calls(alone)"
    run(module, "--rnn-goldens-outputs=out", "--rnn-goldens-calls=twice,rows,weights,views").assert_outcomes(passed=4)
    result = run(module, "--rnn-goldens-outputs=out", "--rnn-goldens-calls=chunks")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["calls=chunks was not run: no golden of this run supports it"])
