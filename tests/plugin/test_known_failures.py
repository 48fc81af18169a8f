"""The known-failures file: what is known to fail may, what passes again must leave it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rnn_goldens.plugin.known_failures import read_known_failures

CheckWith = Callable[[str], None]
RunWith = Callable[..., pytest.RunResult]

KNOWN_BATCHES = """
# kept by the numerics team

documented/mini-batch            # rows share a state
    documented/identity-w-hh     # https://example.org/issues/7
documented/mini-batch-a*-float32 # rows share a state, too
"""


@pytest.fixture
def run_with(project: pytest.Pytester) -> RunWith:
    def run(known: str, *options: str) -> pytest.RunResult:
        project.path.joinpath("known.txt").write_text(known, "utf-8")
        return project.runpytest_inprocess("--rnn-goldens-known-failures=known.txt", *options)

    return run


def test_a_known_failure_is_expected_for_its_reason(
    check_with: CheckWith, run_with: RunWith, workers: tuple[str, ...]
) -> None:
    check_with("wrong_in_batches")
    result = run_with(KNOWN_BATCHES, "-rx", *workers)
    assert result.ret == pytest.ExitCode.OK
    assert result.parseoutcomes() == {"passed": 1, "xfailed": 3}
    result.stdout.fnmatch_lines_random(
        [
            "XFAIL *[[]documented/mini-batch-float32[]] - rows share a state (*",
            "XFAIL *[[]documented/mini-batch-ascending-float32[]] - rows share a state, too (*",
            "XFAIL *[[]documented/identity-w-hh-float32[]] - https://example.org/issues/7 (*",
        ]
    )


def test_a_failure_that_is_not_known_still_fails(check_with: CheckWith, run_with: RunWith) -> None:
    check_with("wrong_in_batches")
    result = run_with("documented/mini-batch # only this, not mini-batch-ascending")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes() == {"passed": 1, "xfailed": 1, "failed": 2}


def test_an_entry_that_passes_again_fails_the_run_and_is_named(check_with: CheckWith, run_with: RunWith) -> None:
    check_with("right")
    result = run_with("# comment\n\ndocumented/mini-batch  # rows share a state\n")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes() == {"passed": 3, "failed": 1}
    result.stdout.fnmatch_lines(
        ["*_ test_my_rnn[[]documented/mini-batch-float32[]] _*", "*rows share a state*known.txt:3*"]
    )


def test_a_byte_order_mark_is_no_part_of_the_first_entry(check_with: CheckWith, run_with: RunWith) -> None:
    check_with("wrong_in_batches")
    assert run_with("\ufeffdocumented/mini-batch # a reason").parseoutcomes() == {
        "passed": 1,
        "xfailed": 1,
        "failed": 2,
    }


def test_an_entry_may_speak_of_one_precision(check_with: CheckWith, run_with: RunWith) -> None:
    check_with("wrong_in_batches")
    known = "*batch*-float16  # half is half done\n*w-hh-float16  # too"
    result = run_with(known, "--rnn-goldens-dtype=float16,float64")
    assert result.parseoutcomes() == {"xfailed": 3, "failed": 3, "passed": 2}


def test_a_crash_can_be_known_too(check_with: CheckWith, run_with: RunWith) -> None:
    check_with("crashes")
    assert run_with("*  # needs a GPU").parseoutcomes() == {"xfailed": 4}


@pytest.mark.parametrize("line", ["documented/mini-batch", "documented/mini-batch  #"])
def test_an_entry_without_a_reason_is_an_error(run_with: RunWith, line: str) -> None:
    result = run_with(f"# comment\n{line}\n")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: rnn-goldens: *known.txt: line 2: 'documented/mini-batch' has no reason*"])
    assert "documented/mini-batch  # reason or issue URL" in result.stderr.str()


def test_an_unknown_golden_is_an_error_that_names_the_line(run_with: RunWith) -> None:
    for pattern in ("documented/mini-bach", "documented/mini-batch-float31"):
        result = run_with(f"\n{pattern}  # a reason\n")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(
            [f"ERROR: rnn-goldens: *line 2*known.txt*'{pattern}'. Did you mean 'documented/mini-batch'?*"]
        )


def test_a_file_in_another_encoding_is_an_error(project: pytest.Pytester) -> None:
    project.path.joinpath("known.txt").write_bytes("documented/mini-batch  # für später\n".encode("latin-1"))
    result = project.runpytest_inprocess("--rnn-goldens-known-failures=known.txt")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: rnn-goldens: *known.txt: can not be read: 'utf-8' codec *"])


def test_an_entry_can_not_be_changed(tmp_path: Path) -> None:
    (tmp_path / "known.txt").write_text("documented/mini-batch  # rows share a state\n", "utf-8")
    (entry,) = read_known_failures(tmp_path / "known.txt", ["documented/mini-batch"])
    assert (entry.reason, entry.line) == ("rows share a state", 1)
    with pytest.raises(AttributeError):
        entry.reason = "none"  # type: ignore[misc]
