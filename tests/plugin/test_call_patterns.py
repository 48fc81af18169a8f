"""Call patterns selected by marker, option and ini file; a test that does not run them fails."""

import sys

import pytest

NETS = """
import my_rnn
kept = {}

def keeps_its_state(golden):
    h0 = kept.get(golden.id, golden.h0)
    out, h_n = my_rnn.rnn(golden.x, h0, golden.weights)
    kept[golden.id] = h_n
    return out, h_n

def wrong_the_second_time(golden):
    called = kept.setdefault("called", set())
    h0 = golden.h0 + 1 if golden.id in called else golden.h0
    called.add(golden.id)
    return my_rnn.rnn(golden.x, h0, golden.weights)
"""


@pytest.fixture
def nets(project: pytest.Pytester) -> pytest.Pytester:
    project.makepyfile(nets=NETS)
    return project


def test_a_marker_selects_call_patterns(nets: pytest.Pytester) -> None:
    nets.makepyfile("""
        import pytest, my_rnn, nets

        @pytest.mark.rnn_goldens(calls=["twice", "rows"])
        def test_right(rnn_golden): rnn_golden.check_calls(my_rnn.right)

        @pytest.mark.rnn_goldens(calls="twice")
        def test_wrong(rnn_golden): rnn_golden.check_calls(nets.keeps_its_state)
    """)
    result = nets.runpytest_inprocess()
    result.assert_outcomes(passed=4, failed=4)
    result.stdout.fnmatch_lines(["*documented/mini-batch in float32: the second call differs from the first: out is *"])


def test_a_call_pattern_that_fails_counts_as_run(nets: pytest.Pytester) -> None:
    nets.makepyfile("import nets\ndef test_it(rnn_golden): rnn_golden.check_calls(nets.wrong_the_second_time)")
    result = nets.runpytest_inprocess("--rnn-goldens-calls=rows")
    result.assert_outcomes(passed=1, failed=3)
    result.stdout.no_fnmatch_line("*was not run*")


@pytest.mark.parametrize("where", ["option", "ini"])
def test_an_option_selects_call_patterns_for_every_test(nets: pytest.Pytester, where: str) -> None:
    nets.makepyfile("import nets\ndef test_it(rnn_golden): rnn_golden.check_calls(nets.keeps_its_state)")
    if where == "ini":
        nets.makeini("[pytest]\nrnn_goldens_calls = twice\nrnn_goldens_corpus = four")
    nets.runpytest_inprocess(*(["--rnn-goldens-calls=twice"] if where == "option" else [])).assert_outcomes(failed=4)
    nets.makeini("[pytest]\nrnn_goldens_corpus = four")
    nets.runpytest_inprocess().assert_outcomes(passed=4)


def test_selected_call_patterns_that_are_not_run_fail(project: pytest.Pytester) -> None:
    project.makepyfile("import my_rnn\ndef test_it(rnn_golden): rnn_golden.check(*my_rnn.right(rnn_golden))")
    result = project.runpytest_inprocess("--rnn-goldens-calls=twice,rows")
    result.assert_outcomes(failed=4)
    message = (
        "*documented/mini-batch: calls=twice, rows was not run: check(out, h_n) compares a single call; check_calls(*"
    )
    result.stdout.fnmatch_lines([message])


def test_an_unknown_call_pattern_in_a_marker_is_an_error(project: pytest.Pytester) -> None:
    project.makepyfile("import pytest\n@pytest.mark.rnn_goldens(calls='thrice')\ndef test_it(rnn_golden): ...")
    result = project.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*no call pattern 'thrice'. Did you mean 'twice'? Call patterns: twice, rows, *"])


@pytest.mark.slow
def test_the_check_command_runs_a_selected_call_pattern(nets: pytest.Pytester) -> None:
    command = ("check", "nets:keeps_its_state", "-k", "documented", "--rnn-goldens-calls=twice", "--tb=line")
    result = nets.run(sys.executable, "-m", "rnn_goldens", *command)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*documented/mini-batch in float32: the second call differs from the first: *"])


def test_a_call_pattern_that_no_golden_supports_fails_the_run(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import pytest, my_rnn

        @pytest.mark.rnn_goldens(ids="documented/single-sequence", calls="rows")
        def test_it(rnn_golden): rnn_golden.check_calls(my_rnn.right)
    """)
    result = project.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["calls=rows was not run: no golden of this run supports it"])


def test_an_error_in_a_call_pattern_names_the_pattern(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import pytest, my_rnn

        def once(golden, called=set()):
            assert golden.id not in called, "called again"
            called.add(golden.id)
            return my_rnn.right(golden)

        @pytest.mark.rnn_goldens(calls="twice")
        def test_it(rnn_golden): rnn_golden.check_calls(once)
    """)
    result = project.runpytest_inprocess()
    result.assert_outcomes(failed=4)
    result.stdout.fnmatch_lines(["E*in calls=twice, the same call once more: *; a single call was right"])


ONLY_BATCHES = """
import my_rnn
from rnn_goldens import Unsupported

def only_batches(golden):
    if len(golden.x) == 1:
        raise Unsupported("no batch of one")
    return my_rnn.right(golden)

def only_once(golden, called=set()):
    if golden.id in called:
        raise Unsupported("no second call")
    called.add(golden.id)
    return my_rnn.right(golden)
"""


def test_refused_call_patterns_are_listed_at_the_end(project: pytest.Pytester, workers: tuple[str, ...]) -> None:
    project.makepyfile(nets=ONLY_BATCHES)
    project.makepyfile("import nets\ndef test_it(rnn_golden): rnn_golden.check_calls(nets.only_batches)")
    result = project.runpytest_inprocess("--rnn-goldens-calls=rows,twice", *workers)
    assert result.parseoutcomes() == {"passed": 3, "refused": 1}
    result.stdout.fnmatch_lines(
        ["*rnn-goldens: refused call patterns*", "rows was refused for 3 of 3 goldens: no batch of one"]
    )
    result.stdout.no_fnmatch_line("*called only once*")


def test_the_number_of_goldens_called_only_once_is_printed_at_the_end(project: pytest.Pytester) -> None:
    project.makepyfile(nets=ONLY_BATCHES)
    project.makepyfile("""
        import nets, my_rnn
        def test_it(rnn_golden):
            run = my_rnn.right if "single" in rnn_golden.id else nets.only_once
            rnn_golden.check_calls(run)
    """)
    result = project.runpytest_inprocess("--rnn-goldens-calls=rows,twice")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(
        [
            "*rnn-goldens: refused call patterns*",
            "rows was refused for 3 of 4 goldens: no second call",
            "twice was refused for 3 of 4 goldens: no second call",
            "3 of 4 goldens were called only once",
        ]
    )


def test_a_run_without_refused_call_patterns_prints_nothing_about_them(project: pytest.Pytester) -> None:
    project.makepyfile("import my_rnn\ndef test_it(rnn_golden): rnn_golden.check_calls(my_rnn.right)")
    result = project.runpytest_inprocess("--rnn-goldens-calls=rows,twice")
    result.assert_outcomes(passed=4)
    result.stdout.no_fnmatch_line("*refused call patterns*")
