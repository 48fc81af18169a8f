"""A golden on which the implementation raises Unsupported is refused: it neither passes nor fails."""

from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from plugin.conftest import Case

CASES = {
    "batches": Case(
        "def test_it(rnn_golden): rnn_golden.check(*refuses_batches(rnn_golden))",
        "test_batches.py::test_it[[]documented/mini-batch-float32[]] REFUSED*",
        "*3  no relu here",
        passed=1,
        refused=3,
    ),
    "each_reason": Case(
        """
        def test_it(rnn_golden):
            raise Unsupported("no single sequence" if "single" in rnn_golden.id else "no batches")
        """,
        "*1  no single sequence",
        "*3  no batches",
        refused=4,
    ),
    "in_a_fixture": Case(
        """
        @pytest.fixture
        def outputs(rnn_golden): raise Unsupported("no fixture")

        def test_it(rnn_golden, outputs): rnn_golden.check(*outputs)
        """,
        "*4  no fixture",
        refused=4,
    ),
    "after_a_check": Case(
        """
        def test_it(rnn_golden):
            rnn_golden.check(*right(rnn_golden))
            raise Unsupported("no gradients")
        """,
        refused=4,
    ),
    "before_the_golden_is_loaded": Case(
        """
        @pytest.fixture(autouse=True)
        def device(): raise Unsupported("no device")

        def test_it(rnn_golden): ...
        """,
        refused=4,
    ),
    "without_a_golden": Case("def test_it(): refuses(None)", "E *Unsupported: no relu here", failed=1),
    "in_a_tear_down": Case(
        """
        @pytest.fixture
        def device():
            yield
            raise Unsupported("cannot be closed")

        @ONE
        def test_torn_down(rnn_golden, device): rnn_golden.check(*right(rnn_golden))
        """,
        passed=1,
        error=1,
    ),
}


def test_refused_goldens_are_marked_and_counted_with_their_reasons(
    run_cases: Callable[..., pytest.RunResult], workers: tuple[str, ...]
) -> None:
    cases = dict(CASES)
    if workers:  # workers print the words of pytest, in another order
        cases["batches"].lines = cases["batches"].lines[1:]
    result = run_cases(cases, *workers)
    result.stdout.fnmatch_lines(["*= goldens refused by the implementation =*", "*19 refused*"])


def test_refusals_are_skipped_in_junit_xml_and_no_failure_of_the_run(
    project: pytest.Pytester, check_with: Callable[[str], None]
) -> None:
    check_with("refuses_batches")
    assert project.runpytest_inprocess("--junitxml=junit.xml").ret == pytest.ExitCode.OK
    suite = ElementTree.parse(project.path / "junit.xml").find("testsuite")
    assert suite is not None
    assert [suite.get(name) for name in ("tests", "skipped", "failures", "errors")] == ["4", "3", "0", "0"]
    assert [skipped.get("message") for skipped in suite.iter("skipped")] == ["refused: no relu here"] * 3


def test_a_refused_golden_is_not_a_known_failure(project: pytest.Pytester, check_with: Callable[[str], None]) -> None:
    check_with("refuses")
    project.path.joinpath("known.txt").write_text("*  # a reason\n", "utf-8")
    result = project.runpytest_inprocess("--rnn-goldens-known-failures=known.txt")
    assert result.parseoutcomes() == {"refused": 4}
