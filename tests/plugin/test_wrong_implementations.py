"""The messages for the author of a wrong implementation."""

from collections.abc import Callable

import pytest

CheckWith = Callable[[str], None]


def message_lines(result: pytest.RunResult) -> list[str]:
    return [line.removeprefix("E").strip() for line in result.outlines if line.startswith("E  ")]


def test_a_wrong_rnn_fails_with_the_first_wrong_time_step(project: pytest.Pytester, check_with: CheckWith) -> None:
    check_with("forgetful")
    result = project.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes() == {"failed": 4}
    assert (
        "rnn_goldens.GoldenMismatch: documented/single-sequence in float32: out is first wrong at time step 1 "
        "(batch 0, unit 0): got 6.0, want 12.0 (4 of 6 elements wrong)"
    ) in message_lines(result)


def test_a_failure_has_at_most_15_lines_and_points_at_the_test(project: pytest.Pytester, check_with: CheckWith) -> None:
    check_with("forgetful")
    result = project.runpytest_inprocess("-k", "identity-w-hh")
    assert 1 < len(message_lines(result)) <= 15
    result.stdout.fnmatch_lines([">*rnn_golden.check(*", "E *GoldenMismatch*", "test_my_rnn.py:4: GoldenMismatch"])
    assert "golden_under_test.py" not in result.stdout.str()


def test_a_test_may_expect_a_mismatch(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest, rnn_goldens
        from my_rnn import forgetful, right

        def test_wrong(rnn_golden):
            verdict = rnn_golden.check_fails(*forgetful(rnn_golden))
            assert "time step 1" in verdict.message and not verdict.passed

        def test_right(rnn_golden):
            rnn_golden.check_fails(*right(rnn_golden))

        def test_nothing(rnn_golden):
            rnn_golden.check_fails(None, None)

        def test_caught(rnn_golden):
            with pytest.raises(AssertionError, match="time step 1") as error:
                rnn_golden.check(*forgetful(rnn_golden))
            assert isinstance(error.value, rnn_goldens.GoldenMismatch)
        """
    )
    result = project.runpytest_inprocess()
    assert result.parseoutcomes() == {"passed": 4, "failed": 12}
    result.stdout.fnmatch_lines(
        [
            "E *documented/single-sequence in float32: the outputs are right, but check_fails expects wrong ones",
            "E *documented/single-sequence in float32: check_fails compared nothing: out is None: *",
            "documented/single-sequence in float32: out is first wrong at time step 1 *",
            "  the test continued after this failure, so it fails.*",
            "  meant to be wrong, use rnn_golden.check_fails(out, h_n)",
        ]
    )


def test_an_implementation_that_raises_shows_its_own_traceback(project: pytest.Pytester, check_with: CheckWith) -> None:
    check_with("crashes")
    result = project.runpytest_inprocess()
    assert result.parseoutcomes() == {"failed": 4}
    result.stdout.fnmatch_lines(
        [
            "*rnn_golden.check(*my_rnn.crashes(rnn_golden))",
            ">*raise RuntimeError(*",
            "E *RuntimeError: kernel launch failed",
            "my_rnn.py:*: RuntimeError",
        ]
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("returns_none", "out is None: the implementation returned nothing for it"),
        (
            "returns_nan",
            "out is first wrong at time step 0 (batch 0, unit 0): got nan, want 3.0 *",
        ),
        ("time_major", "out has shape (3, 1, 2), want (1, 3, 2); it looks time-major, *"),
    ],
)
def test_a_missing_output_nan_and_a_wrong_shape_are_reported(
    project: pytest.Pytester, check_with: CheckWith, function: str, message: str
) -> None:
    check_with(function)
    result = project.runpytest_inprocess("-k", "single-sequence")
    assert result.parseoutcomes() == {"failed": 1, "deselected": 3}
    result.stdout.fnmatch_lines([f"E *GoldenMismatch: documented/single-sequence in float32*: {message}"])


def test_an_implementation_cannot_write_into_the_golden(project: pytest.Pytester, check_with: CheckWith) -> None:
    check_with("writes_into_x")
    result = project.runpytest_inprocess()
    assert result.parseoutcomes() == {"failed": 4}
    result.stdout.fnmatch_lines([">*golden.x[[]0[]] = 0", "E *ValueError: assignment destination is read-only"])


def test_no_array_of_the_golden_can_be_written(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest
        from my_rnn import right

        @pytest.mark.rnn_goldens(dtypes=["float64", "float32"])
        def test_it(rnn_golden):
            g = rnn_golden
            for array in (g.x, g.h0, g.out, g.h_n, *g.weights.values(), g.stored.x, g.stored.out):
                with pytest.raises(ValueError, match="read-only"):
                    array[...] = 0
            g.check(*right(g))
        """
    )
    assert project.runpytest_inprocess().parseoutcomes() == {"passed": 8}
