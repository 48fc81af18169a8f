"""The messages for the author of a wrong implementation."""

from collections.abc import Callable

import pytest
from plugin.conftest import Case

CASES = {
    "forgetful": Case(
        "def test_forgetful(rnn_golden): rnn_golden.check(*forgetful(rnn_golden))",
        "E *rnn_goldens.GoldenMismatch: documented/single-sequence in float32: out is first wrong "
        "at time step 1 (batch 0, unit 0): got 6.0, want 12.0 (4 of 6 elements wrong)",
        ">*rnn_golden.check(*",
        "test_forgetful.py:*: GoldenMismatch",
        failed=4,
    ),
    "a_mismatch_that_is_expected": Case(
        """
        def test_wrong(rnn_golden):
            verdict = rnn_golden.check_fails(*forgetful(rnn_golden))
            assert "time step 1" in verdict.message and not verdict.passed
        """,
        passed=4,
    ),
    "a_mismatch_that_is_expected_and_missing": Case(
        "def test_right(rnn_golden): rnn_golden.check_fails(*right(rnn_golden))",
        "E *documented/single-sequence in float32: the outputs are right, but check_fails expects wrong ones",
        failed=4,
    ),
    "a_mismatch_without_a_comparison": Case(
        "def test_nothing(rnn_golden): rnn_golden.check_fails(None, None)",
        "E *documented/single-sequence in float32: check_fails compared nothing: out is None: *",
        failed=4,
    ),
    "a_mismatch_that_is_caught": Case(
        """
        def test_caught(rnn_golden):
            with pytest.raises(AssertionError, match="time step 1") as error:
                rnn_golden.check(*forgetful(rnn_golden))
            assert isinstance(error.value, GoldenMismatch)
        """,
        "documented/single-sequence in float32: out is first wrong at time step 1 *",
        "  the test continued after this failure, so it fails.*",
        "  meant to be wrong, use rnn_golden.check_fails(out, h_n)",
        failed=4,
    ),
    "an_error": Case(
        "def test_it(rnn_golden): rnn_golden.check(*crashes(rnn_golden))",
        "*rnn_golden.check(*crashes(rnn_golden))",
        ">*raise RuntimeError(*",
        "E *RuntimeError: kernel launch failed",
        "my_rnn.py:*: RuntimeError",
        failed=4,
    ),
    "writing": Case(
        "def test_it(rnn_golden): rnn_golden.check(*writes_into_x(rnn_golden))",
        ">*golden.x[[]0[]] = 0",
        "E *ValueError: assignment destination is read-only",
        failed=4,
    ),
}


def test_each_mistake_has_its_message(run_cases: Callable[..., pytest.RunResult]) -> None:
    printed = run_cases(CASES).stdout.str()
    assert "golden_under_test.py" not in printed
    mismatch = printed.partition("_ test_forgetful[documented/identity-w-hh-float32] _")[2].partition("\n_")[0]
    assert 1 < sum(line.startswith("E  ") for line in mismatch.splitlines()) <= 15


OTHER_VALUES = Case(
    """
    @pytest.mark.rnn_goldens(ids="documented/single-sequence")
    @pytest.mark.parametrize("run", [returns_none, returns_nan, time_major])
    def test_it(rnn_golden, run): rnn_golden.check(*run(rnn_golden))
    """,
    "E *: documented/single-sequence in float32*: out is None: the implementation returned nothing for it",
    "E *: out is first wrong at time step 0 (batch 0, unit 0): got nan, want 3.0 *",
    "E *: out has shape (3, 1, 2), want (1, 3, 2); it looks time-major, *",
    failed=3,
)


@pytest.mark.slow
def test_a_missing_output_nan_and_a_wrong_shape_are_reported(run_cases: Callable[..., pytest.RunResult]) -> None:
    run_cases({"other_values": OTHER_VALUES})


def test_no_array_of_the_golden_can_be_written(run_cases: Callable[..., pytest.RunResult]) -> None:
    module = """
        @pytest.mark.rnn_goldens(dtypes=["float64", "float32"])
        def test_it(rnn_golden):
            g = rnn_golden
            for array in (g.x, g.h0, g.out, g.h_n, *g.weights.values(), g.stored.x, g.stored.out):
                with pytest.raises(ValueError, match="read-only"):
                    array[...] = 0
            g.check(*right(g))
    """
    run_cases({"it": Case(module, passed=8)})
