"""Of many failing goldens, five are printed whole and each other one in one line; ``-vv`` prints all whole."""

from collections.abc import Callable
from itertools import pairwise

import pytest

CheckWith = Callable[[str], None]

FAILURES = 16
FOUR_PRECISIONS = "--rnn-goldens-dtype=float64,float32,bfloat16,float16"


def sections(result: pytest.RunResult) -> tuple[list[str], list[str]]:
    """Return the lines of pytest's list of failures, and those after it."""
    failures, _, rest = result.stdout.str().partition("= FAILURES =")[2].partition(" more failures below")
    return failures.splitlines(), rest.splitlines()


@pytest.mark.parametrize("function", ["forgetful", pytest.param("crashes", marks=pytest.mark.slow)])
def test_five_failures_are_printed_whole_and_others_in_a_line(
    project: pytest.Pytester, check_with: CheckWith, function: str, workers: tuple[str, ...]
) -> None:
    check_with(function)
    result = project.runpytest_inprocess(FOUR_PRECISIONS, "--junitxml=junit.xml", *workers)
    result.assert_outcomes(failed=FAILURES)
    whole, rest = sections(result)
    assert sum(line.startswith("_") and " test_my_rnn[" in line for line in whole) == 5
    assert whole[-1] == f"{FAILURES - 5}"
    assert sum(line.startswith("FAILED ") for line in rest) == FAILURES
    if function == "forgetful":
        junit = project.path.joinpath("junit.xml").read_text("utf-8")
        assert junit.count("to see the golden: ") >= FAILURES  # other reports have every failure whole
        starts = [number for number, line in enumerate(whole) if line.startswith("_")] + [len(whole)]
        longest = 15 + len(workers)  # a worker adds a line
        assert max(end - start for start, end in pairwise(starts)) <= longest
        first = [line for line in whole if "GoldenMismatch: " in line]
        assert len(first) == 5
        assert all(": got " in line and line.endswith(" wrong)") for line in first)


def test_failures_that_the_short_summary_leaves_out_still_have_a_line(
    project: pytest.Pytester, check_with: CheckWith
) -> None:
    check_with("forgetful")
    _, rest = sections(project.runpytest_inprocess(FOUR_PRECISIONS, "-rx"))
    lines = [line for line in rest if " - " in line]
    assert len(lines) == FAILURES - 5
    assert all(line.startswith("test_my_rnn.py::test_my_rnn[") and ": got " in line for line in lines)


@pytest.mark.parametrize("option", ["-vv", "--tb=no"])
def test_options_of_pytest_mean_what_they_say(project: pytest.Pytester, check_with: CheckWith, option: str) -> None:
    check_with("forgetful")
    printed = project.runpytest_inprocess(FOUR_PRECISIONS, option).stdout.str()
    assert printed.count("to see the golden: ") == (FAILURES if option == "-vv" else 0)
    assert "more failures" not in printed


def test_failures_of_as_many_reasons_as_possible_are_printed_whole(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_my_rnn="""
        import my_rnn
        def test_my_rnn(rnn_golden):
            if "identity" in rnn_golden.id and rnn_golden.dtype == "float16":
                raise RuntimeError("kernel launch failed")
            rnn_golden.check(*my_rnn.forgetful(rnn_golden))
        """
    )
    whole, _ = sections(project.runpytest_inprocess(FOUR_PRECISIONS))
    assert "E           RuntimeError: kernel launch failed" in whole


def test_other_failing_tests_are_printed_as_before(project: pytest.Pytester, check_with: CheckWith) -> None:
    check_with("forgetful")
    other = "import pytest\n@pytest.mark.parametrize('n', range(9))\ndef test_other(n): assert n < 0, 'too large'"
    project.path.joinpath("test_other.py").write_text(other, "utf-8")
    printed = project.runpytest_inprocess(FOUR_PRECISIONS).stdout.str()
    assert printed.count("AssertionError: too large\nE ") == 9
    assert f"{FAILURES - 5} more failures below" in printed
