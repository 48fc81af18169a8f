"""Ways of calling, asked for by marker, option and ini file; a test that does not call is no pass."""

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
    seen = kept.setdefault("seen", set())
    h0 = golden.h0 + 1 if golden.id in seen else golden.h0
    seen.add(golden.id)
    return my_rnn.rnn(golden.x, h0, golden.weights)
"""


@pytest.fixture
def nets(project: pytest.Pytester) -> pytest.Pytester:
    project.makepyfile(nets=NETS)
    return project


def test_a_marker_asks_for_more_than_one_call(nets: pytest.Pytester) -> None:
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


def test_a_way_that_failed_was_made(nets: pytest.Pytester) -> None:
    nets.makepyfile("import nets\ndef test_it(rnn_golden): rnn_golden.check_calls(nets.wrong_the_second_time)")
    result = nets.runpytest_inprocess("--rnn-goldens-calls=rows")
    result.assert_outcomes(passed=1, failed=3)
    result.stdout.no_fnmatch_line("*was never made*")


@pytest.mark.parametrize("where", ["option", "ini"])
def test_an_option_asks_every_test_that_calls(nets: pytest.Pytester, where: str) -> None:
    nets.makepyfile("import nets\ndef test_it(rnn_golden): rnn_golden.check_calls(nets.keeps_its_state)")
    if where == "ini":
        nets.makeini("[pytest]\nrnn_goldens_calls = twice\nrnn_goldens_corpus = four")
    nets.runpytest_inprocess(*(["--rnn-goldens-calls=twice"] if where == "option" else [])).assert_outcomes(failed=4)
    nets.makeini("[pytest]\nrnn_goldens_corpus = four")
    nets.runpytest_inprocess().assert_outcomes(passed=4)


def test_calls_that_are_asked_and_not_made_fail(project: pytest.Pytester) -> None:
    project.makepyfile("import my_rnn\ndef test_it(rnn_golden): rnn_golden.check(*my_rnn.right(rnn_golden))")
    result = project.runpytest_inprocess("--rnn-goldens-calls=twice,rows")
    result.assert_outcomes(failed=4)
    said = (
        "*documented/mini-batch: calls=twice, rows was not made: check(out, h_n) has one call's outputs; check_calls(*"
    )
    result.stdout.fnmatch_lines([said])


def test_an_unknown_way_in_a_marker_is_an_error(project: pytest.Pytester) -> None:
    project.makepyfile("import pytest\n@pytest.mark.rnn_goldens(calls='thrice')\ndef test_it(rnn_golden): ...")
    result = project.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*no way of calling 'thrice'. Did you mean 'twice'? Ways of calling: twice, rows, *"])


@pytest.mark.slow
def test_check_calls_in_each_way_on_the_command_line(nets: pytest.Pytester) -> None:
    command = ("check", "nets:keeps_its_state", "-k", "documented", "--rnn-goldens-calls=twice", "--tb=line")
    result = nets.run(sys.executable, "-m", "rnn_goldens", *command)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*documented/mini-batch in float32: the second call differs from the first: *"])


def test_a_way_that_no_golden_can_be_asked_fails(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import pytest, my_rnn

        @pytest.mark.rnn_goldens(ids="documented/single-sequence", calls="rows")
        def test_it(rnn_golden): rnn_golden.check_calls(my_rnn.right)
    """)
    result = project.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["calls=rows was never made: no golden of this run can be asked so"])


def test_an_error_in_a_further_call_says_in_which(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import pytest, my_rnn

        def once(golden, seen=set()):
            assert golden.id not in seen, "called again"
            seen.add(golden.id)
            return my_rnn.right(golden)

        @pytest.mark.rnn_goldens(calls="twice")
        def test_it(rnn_golden): rnn_golden.check_calls(once)
    """)
    result = project.runpytest_inprocess()
    result.assert_outcomes(failed=4)
    result.stdout.fnmatch_lines(["E*in calls=twice, the same call once more: *; a single call was right"])


BATCHES_ALONE = """
import my_rnn
from rnn_goldens import Unsupported

def batches_alone(golden):
    if len(golden.x) == 1:
        raise Unsupported("no batch of one")
    return my_rnn.right(golden)

def once_alone(golden, seen=set()):
    if golden.id in seen:
        raise Unsupported("no second call")
    seen.add(golden.id)
    return my_rnn.right(golden)
"""


def test_ways_that_an_implementation_refuses_are_said_at_the_end(
    project: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    project.makepyfile(nets=BATCHES_ALONE)
    project.makepyfile("import nets\ndef test_it(rnn_golden): rnn_golden.check_calls(nets.batches_alone)")
    result = project.runpytest_subprocess("--rnn-goldens-calls=rows,twice", *workers)
    assert result.parseoutcomes() == {"passed": 3, "refused": 1}
    result.stdout.fnmatch_lines(
        ["*rnn-goldens: ways of calling that were refused*", "rows was refused for 3 of 3 goldens: no batch of one"]
    )
    result.stdout.no_fnmatch_line("*called once only*")


def test_how_many_goldens_were_called_once_only_is_said_at_the_end(project: pytest.Pytester) -> None:
    project.makepyfile(nets=BATCHES_ALONE)
    project.makepyfile("""
        import nets, my_rnn
        def test_it(rnn_golden):
            run = my_rnn.right if "single" in rnn_golden.id else nets.once_alone
            rnn_golden.check_calls(run)
    """)
    result = project.runpytest_inprocess("--rnn-goldens-calls=rows,twice")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(
        [
            "*rnn-goldens: ways of calling that were refused*",
            "rows was refused for 3 of 4 goldens: no second call",
            "twice was refused for 3 of 4 goldens: no second call",
            "3 of 4 goldens were called once only",
        ]
    )


def test_a_right_run_that_refuses_no_way_says_nothing_of_them(project: pytest.Pytester) -> None:
    project.makepyfile("import my_rnn\ndef test_it(rnn_golden): rnn_golden.check_calls(my_rnn.right)")
    result = project.runpytest_inprocess("--rnn-goldens-calls=rows,twice")
    result.assert_outcomes(passed=4)
    result.stdout.no_fnmatch_line("*ways of calling*")
