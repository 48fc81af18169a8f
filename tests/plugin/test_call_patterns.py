"""Call patterns selected by marker, option and ini file; a test that does not run them fails."""

import sys
from collections.abc import Callable
from textwrap import dedent

import pytest

Run = Callable[..., pytest.RunResult]

NETS = """
import my_rnn
from rnn_goldens import Unsupported

kept = {}

def calls(golden):
    kept[golden.id] = kept.get(golden.id, 0) + 1
    return kept[golden.id]

def keeps_its_state(golden):
    h0 = kept.get(("state", golden.id), golden.h0)
    out, kept["state", golden.id] = my_rnn.rnn(golden.x, h0, golden.weights)
    return out, kept["state", golden.id]

def wrong_the_second_time(golden):
    return my_rnn.rnn(golden.x, golden.h0 + (calls(golden) > 1), golden.weights)

def crashes_the_second_time(golden):
    assert calls(golden) == 1, "called again"
    return my_rnn.right(golden)

def only_batches(golden):
    if len(golden.x) == 1:
        raise Unsupported("no batch of one")
    return my_rnn.right(golden)

def only_once(golden):
    if "single" not in golden.id and calls(golden) > 1:
        raise Unsupported("no second call")
    return my_rnn.right(golden)
"""


@pytest.fixture
def run(project: pytest.Pytester, run_module: Run) -> Run:
    """A function that runs a module, or a test that checks the call patterns of a function."""
    project.makepyfile(nets=NETS)

    def run(module: str, *options: str) -> pytest.RunResult:
        if "def" not in module:
            module = f"def test_it(rnn_golden): rnn_golden.check_calls({module})"
        return run_module(f"import nets\n{dedent(module)}", *options)

    return run


def test_a_marker_selects_call_patterns(run: Run) -> None:
    result = run("""
        @pytest.mark.rnn_goldens(calls=["twice", "rows"])
        def test_right(rnn_golden): rnn_golden.check_calls(my_rnn.right)
        @pytest.mark.rnn_goldens(calls="twice")
        def test_wrong(rnn_golden): rnn_golden.check_calls(nets.keeps_its_state)
        @pytest.mark.rnn_goldens(calls="twice")
        def test_crash(rnn_golden): rnn_golden.check_calls(nets.crashes_the_second_time)
    """)
    result.assert_outcomes(passed=4, failed=8)
    result.stdout.fnmatch_lines(["*documented/mini-batch in float32, like state_not_reset: the second call differs *"])
    result.stdout.fnmatch_lines(["E*in calls=twice, the same call once more: *; a single call was right"])
    result.stdout.no_fnmatch_line("*refused call patterns*")


def test_a_call_pattern_that_fails_counts_as_run(run: Run) -> None:
    result = run("nets.wrong_the_second_time", "--rnn-goldens-calls=rows")
    result.assert_outcomes(passed=1, failed=3)
    result.stdout.no_fnmatch_line("*was not run*")


def test_option_and_ini_file_select_call_patterns_for_every_test(project: pytest.Pytester, run: Run) -> None:
    run("nets.keeps_its_state").assert_outcomes(passed=4)
    run("nets.keeps_its_state", "--rnn-goldens-calls=twice").assert_outcomes(failed=4)
    project.makeini("[pytest]\nrnn_goldens_calls = twice\nrnn_goldens_corpus = four")
    run("nets.keeps_its_state").assert_outcomes(failed=4)


def test_selected_call_patterns_that_are_not_run_fail(run: Run) -> None:
    module = "def test_it(rnn_golden): rnn_golden.check(*my_rnn.right(rnn_golden))"
    result = run(module, "--rnn-goldens-calls=twice,rows")
    result.assert_outcomes(failed=4)
    message = "calls=twice, rows was not run: check(out, h_n) compares a single call; check_calls("
    result.stdout.fnmatch_lines([f"*documented/mini-batch: {message}*"])


def test_a_call_pattern_that_no_golden_supports_fails_the_run(run: Run) -> None:
    result = run("my_rnn.right", "--rnn-goldens-calls=rows", "--rnn-goldens-ids=documented/single-sequence")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["calls=rows was not run: no golden of this run supports it"])


@pytest.mark.slow
def test_the_check_command_runs_a_selected_call_pattern(project: pytest.Pytester) -> None:
    project.makepyfile(nets=NETS)
    command = ("check", "nets:keeps_its_state", "-k", "documented", "--rnn-goldens-calls=twice", "--tb=line")
    result = project.run(sys.executable, "-m", "rnn_goldens", *command)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*documented/mini-batch in float32, like state_not_reset: the second call *"])


def test_refused_call_patterns_are_listed_at_the_end(run: Run, workers: tuple[str, ...]) -> None:
    result = run("nets.only_batches", "--rnn-goldens-calls=rows,twice", *workers)
    assert result.parseoutcomes() == {"passed": 3, "refused": 1}
    result.stdout.fnmatch_lines(
        ["*rnn-goldens: refused call patterns*", "rows was refused for 3 of 3 goldens: no batch of one"]
    )
    result.stdout.no_fnmatch_line("*called only once*")


def test_the_number_of_goldens_called_only_once_is_printed_at_the_end(run: Run) -> None:
    result = run("nets.only_once", "--rnn-goldens-calls=rows,twice")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(
        [
            "rows was refused for 3 of 4 goldens: no second call",
            "twice was refused for 3 of 4 goldens: no second call",
            "3 of 4 goldens were called only once",
        ]
    )
