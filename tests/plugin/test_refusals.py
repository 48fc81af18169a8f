"""A golden on which the implementation raises Unsupported is refused: it neither passes nor fails."""

from collections.abc import Callable
from xml.etree import ElementTree

import pytest

CheckWith = Callable[[str], None]


def test_refused_goldens_are_counted_separately(
    project: pytest.Pytester, check_with: CheckWith, workers: tuple[str, ...]
) -> None:
    check_with("refuses_batches")
    result = project.runpytest_inprocess(*workers)
    assert result.ret == pytest.ExitCode.OK
    assert result.parseoutcomes() == {"passed": 1, "refused": 3}
    result.stdout.fnmatch_lines(["*= goldens refused by the implementation =*", "*3  no relu here", "*3 refused*"])


def test_each_refused_test_is_marked_and_each_reason_counted(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_it="""
        from rnn_goldens import Unsupported

        def test_it(rnn_golden):
            raise Unsupported("no single sequence" if "single" in rnn_golden.id else "no batches")
        """
    )
    result = project.runpytest_inprocess("-v")
    assert result.parseoutcomes() == {"refused": 4}
    result.stdout.fnmatch_lines(
        ["test_it.py::test_it[[]documented/mini-batch-float32[]] REFUSED*", "*1  no single sequence", "*3  no batches"]
    )


def test_raising_unsupported_in_a_fixture_or_after_a_check_is_a_refusal(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest
        from my_rnn import refuses, right
        from rnn_goldens import Unsupported

        @pytest.fixture
        def outputs(rnn_golden):
            return refuses(rnn_golden)

        def test_fixture(rnn_golden, outputs):
            rnn_golden.check(*outputs)

        def test_after_a_check(rnn_golden):
            rnn_golden.check(*right(rnn_golden))
            raise Unsupported("no gradients")
        """
    )
    result = project.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.OK
    assert result.parseoutcomes() == {"refused": 8}


def test_unsupported_elsewhere_is_an_ordinary_error(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        from my_rnn import refuses

        def test_without_a_golden():
            refuses(None)
        """
    )
    result = project.runpytest_inprocess()
    assert result.parseoutcomes() == {"failed": 1}
    result.stdout.fnmatch_lines(["E *Unsupported: no relu here"])


def test_refused_goldens_are_skipped_in_junit_xml(project: pytest.Pytester, check_with: CheckWith) -> None:
    check_with("refuses_batches")
    project.runpytest_inprocess("--junitxml=junit.xml")
    suite = ElementTree.parse(project.path / "junit.xml").find("testsuite")
    assert suite is not None
    assert {name: suite.get(name) for name in ("tests", "skipped", "failures", "errors")} == {
        "tests": "4",
        "skipped": "3",
        "failures": "0",
        "errors": "0",
    }
    assert [skipped.get("message") for skipped in suite.iter("skipped")] == ["refused: no relu here"] * 3


def test_a_refused_golden_is_not_a_known_failure(project: pytest.Pytester, check_with: CheckWith) -> None:
    check_with("refuses")
    project.path.joinpath("known.txt").write_text("*  # a reason\n", "utf-8")
    result = project.runpytest_inprocess("--rnn-goldens-known-failures=known.txt")
    assert result.parseoutcomes() == {"refused": 4}


def test_unsupported_in_a_tear_down_is_an_error_not_a_refusal(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest
        from rnn_goldens import Unsupported

        pytestmark = pytest.mark.rnn_goldens(ids="documented/single-sequence")

        @pytest.fixture
        def device():
            yield
            raise Unsupported("cannot be closed")

        def test_torn_down(rnn_golden, device):
            rnn_golden.check(rnn_golden.out.copy(), rnn_golden.h_n.copy())
        """
    )
    assert project.runpytest_inprocess().parseoutcomes() == {"passed": 1, "errors": 1}


def test_raising_unsupported_before_the_golden_is_loaded_is_a_refusal(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest
        from rnn_goldens import Unsupported

        @pytest.fixture(autouse=True)
        def device():
            raise Unsupported("no device")

        def test_it(rnn_golden): ...
        """
    )
    assert project.runpytest_inprocess().parseoutcomes() == {"refused": 4}
