"""The known-failures file: listed goldens may fail; entries that pass must be removed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs

from rnn_goldens.corpus import open_corpus
from rnn_goldens.plugin.known_failures import read_list

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


def test_a_known_failure_is_an_xfail_with_its_reason(
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


def test_an_unlisted_failure_still_fails(check_with: CheckWith, run_with: RunWith) -> None:
    check_with("wrong_in_batches")
    result = run_with("documented/mini-batch # only this, not mini-batch-ascending")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes() == {"passed": 1, "xfailed": 1, "failed": 2}


def test_an_entry_that_passes_fails_the_run_and_is_reported(check_with: CheckWith, run_with: RunWith) -> None:
    check_with("right")
    result = run_with("# comment\n\ndocumented/mini-batch  # rows share a state\n")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes() == {"passed": 3, "failed": 1}
    result.stdout.fnmatch_lines(
        ["*_ test_my_rnn[[]documented/mini-batch-float32[]] _*", "*rows share a state*known.txt:3*"]
    )


def test_a_byte_order_mark_is_not_part_of_the_first_entry(check_with: CheckWith, run_with: RunWith) -> None:
    check_with("wrong_in_batches")
    assert run_with("\ufeffdocumented/mini-batch # a reason").parseoutcomes() == {
        "passed": 1,
        "xfailed": 1,
        "failed": 2,
    }


def test_an_entry_may_list_one_precision(check_with: CheckWith, run_with: RunWith) -> None:
    check_with("wrong_in_batches")
    known = "*batch*-float16  # half is half done\n*w-hh-float16  # too"
    result = run_with(known, "--rnn-goldens-dtype=float16,float64")
    assert result.parseoutcomes() == {"xfailed": 3, "failed": 3, "passed": 2}


def test_a_crash_can_be_a_known_failure(check_with: CheckWith, run_with: RunWith) -> None:
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
    result.stderr.fnmatch_lines(["ERROR: rnn-goldens: *known.txt: cannot be read: 'utf-8' codec *"])


def test_an_entry_is_immutable(tmp_path: Path) -> None:
    (tmp_path / "known.txt").write_text("documented/mini-batch  # rows share a state\n", "utf-8")
    (entry,) = read_list(tmp_path / "known.txt", open_corpus().select("documented/mini-batch"))
    assert (entry.reason, entry.line) == ("rows share a state", 1)
    with pytest.raises(AttributeError):
        entry.reason = "none"  # type: ignore[misc]


def test_an_entry_may_name_a_custom_cell_of_the_corpus(tmp_path: Path) -> None:
    (gru,) = open_corpus().select("gru/plain")
    custom = structs.replace(gru, cell="my_cells:light_gru")
    (tmp_path / "known.txt").write_text("cell=my_cells:light_gru  # not ready\n", "utf-8")
    (entry,) = read_list(tmp_path / "known.txt", [gru, custom])
    assert [entry.matches(one, "float32") for one in (gru, custom)] == [False, True]


FOUR_GOLDENS = "--rnn-goldens-corpus=v1", "--rnn-goldens-ids=gru/plain,gru/lengths,lstm/plain,lstm/lengths"

WRONG_WITH_LENGTHS = """
    def outputs(golden):
        names = ("out", "h_n", "c_n") if golden.cell == "lstm" else ("out", "h_n")
        return [getattr(golden, name).copy() for name in names]

    def test_mine(rnn_golden):
        if rnn_golden.lengths is not None:
            raise RuntimeError("out of bounds")
        rnn_golden.check(*outputs(rnn_golden))
"""


@pytest.fixture
def with_lengths(project: pytest.Pytester) -> RunWith:
    """A function that runs four goldens, two of which have lengths and fail."""
    project.makepyfile(test_mine=WRONG_WITH_LENGTHS)

    def run(known: str, *options: str) -> pytest.RunResult:
        project.path.joinpath("known.txt").write_text(known, "utf-8")
        return project.runpytest_inprocess(*FOUR_GOLDENS, "--rnn-goldens-known-failures=known.txt", *options)

    return run


@pytest.mark.parametrize(
    "entry",
    [
        "features=lengths",
        "*/lengths",
        "cell=gru,lstm features=lengths dtype=float32,float64",
        "*/l*  without=multilayer features=lengths,bias",
        "features=bias,lengths,state",
    ],
)
def test_an_entry_may_list_cells_features_and_precisions(with_lengths: RunWith, entry: str) -> None:
    assert with_lengths(f"{entry}  # lengths are ignored").parseoutcomes() == {"passed": 2, "xfailed": 2}


def test_all_conditions_of_an_entry_must_apply(with_lengths: RunWith) -> None:
    result = with_lengths("cell=gru features=lengths # no\ncell=lstm features=lengths dtype=float64 # not here")
    assert result.parseoutcomes() == {"passed": 2, "xfailed": 1, "failed": 1}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("cell=gro", "no cell in line 1 of *known.txt, 'gro'. Did you mean 'gru'?"),
        ("features=length", "no features in line 1 of *known.txt, 'length'. Did you mean 'lengths'?"),
        ("dtype=fp32", "no dtype in line 1 of *known.txt, 'fp32'. *"),
        ("cells=gru", "no condition in line 1 of *known.txt, 'cells'. Did you mean 'cell'? *"),
        ("gru/plain lstm/plain", "*line 1: 'gru/plain lstm/plain' are several ids; write one per line*"),
        ("cell=gru cell=lstm", "*line 1: cell is given twice; write cell=one,two*"),
        ("lstm/* cell=gru", "*line 1: no golden of the corpus meets all of 'lstm/[*] cell=gru'*"),
    ],
)
def test_a_malformed_entry_is_an_error(with_lengths: RunWith, entry: str, message: str) -> None:
    result = with_lengths(f"{entry}  # why")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: rnn-goldens: {message}*"])


def test_an_entry_with_passing_goldens_lists_them(with_lengths: RunWith) -> None:
    result = with_lengths("cell=lstm  # all of it\nfeatures=lengths # lengths are ignored\n")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "*= rnn-goldens: known failures =*",
            "known.txt:1: cell=lstm fails for 1 of 2 goldens that ran. These pass:",
            "  lstm/plain in float32",
            "  narrow the line to the goldens that fail, or use --rnn-goldens-update-known-failures",
        ]
    )
    assert "failed before outputs were compared" not in result.stdout.str()


def test_an_entry_whose_goldens_all_pass_must_be_removed(with_lengths: RunWith) -> None:
    result = with_lengths("*/plain  # biases\nfeatures=lengths # lengths are ignored\n")
    result.stdout.fnmatch_lines(["known.txt:1: [*]/plain passes: remove the line"])


UPDATE = "--rnn-goldens-update-known-failures"


def test_an_updated_list_has_the_failures_of_the_run(
    with_lengths: RunWith, project: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    known = project.path / "known.txt"
    before = "# by us\ncell=lstm  # all of it\n\ngru/plain dtype=float64 # half done\n"
    assert with_lengths(before, UPDATE, *workers).ret == pytest.ExitCode.TESTS_FAILED
    written = known.read_text("utf-8")
    assert written == (
        "# by us\n"
        "cell=lstm except=lstm/plain-float32  # all of it\n"
        "\n"
        "gru/plain dtype=float64 # half done\n"
        "gru/lengths dtype=float32  # not looked at yet: out of bounds\n"
    )
    result = project.runpytest_inprocess(*FOUR_GOLDENS, "--rnn-goldens-known-failures=known.txt", *workers)
    assert result.parseoutcomes() == {"passed": 2, "xfailed": 2}
    project.runpytest_inprocess(*FOUR_GOLDENS, "--rnn-goldens-known-failures=known.txt", UPDATE, *workers)
    assert known.read_text("utf-8") == written


@pytest.mark.parametrize(
    ("entry", "after"),
    [
        ("features=lengths", "features=lengths # as it was"),  # all of its goldens that ran fail: unchanged
        ("features=bidirectional", "features=bidirectional # as it was"),  # none of its goldens ran
        ("*/plain", "*/plain except=gru/plain-float32,lstm/plain-float32  # as it was"),
        ("*/plain dtype=float32", "*/plain dtype=float32 except=gru/plain,lstm/plain  # as it was"),
        ("gru/plain", "gru/plain except=*-float32  # as it was"),
        ("gru/plain dtype=float64,float32", "gru/plain dtype=float64  # as it was"),
        ("features=bias", "features=bias except=gru/plain-float32,lstm/plain-float32  # as it was"),
        (
            "features=bias except=rnn-tanh/plain",
            "features=bias except=rnn-tanh/plain,gru/plain-float32,lstm/plain-float32  # as it was",
        ),
        ("gru/*s-float32 except=gru/no-bias*", "gru/*s-float32 except=gru/no-bias* # as it was"),
        ("*/plain-float32", "*/plain-float32 except=gru/plain,lstm/plain  # as it was"),
    ],
)
def test_an_update_excludes_only_goldens_that_ran_and_passed(
    with_lengths: RunWith, project: pytest.Pytester, entry: str, after: str
) -> None:
    with_lengths(f"{entry} # as it was\n", UPDATE)
    lines = project.path.joinpath("known.txt").read_text("utf-8").splitlines()
    assert lines[0] == after
    assert {line.partition(" ")[0] for line in lines[1:]} <= {"gru/lengths", "lstm/lengths"}


def test_an_entry_is_replaced_by_its_failures_if_that_is_shorter(
    with_lengths: RunWith, project: pytest.Pytester
) -> None:
    with_lengths("gru/[pl]*[ns] without=multilayer  # mine\ncell=lstm  # not mine\n", UPDATE)
    assert project.path.joinpath("known.txt").read_text("utf-8") == (
        "gru/[pl]*[ns] without=multilayer except=*-float32  # mine\n"
        "gru/lengths dtype=float32  # mine\n"
        "cell=lstm except=lstm/plain-float32  # not mine\n"
    )


def test_an_except_condition_must_match_a_golden(with_lengths: RunWith) -> None:
    result = with_lengths("cell=lstm except=lstm/plane  # why")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no golden in line 1 of *known.txt, 'lstm/plane'. Did you mean 'lstm/plain'?*"])


def test_a_missing_list_is_created(project: pytest.Pytester) -> None:
    project.makepyfile(test_mine=WRONG_WITH_LENGTHS)
    project.runpytest_inprocess(*FOUR_GOLDENS, "--rnn-goldens-known-failures=new.txt", UPDATE)
    assert len((project.path / "new.txt").read_text("utf-8").splitlines()) == 2
    assert project.runpytest_inprocess(*FOUR_GOLDENS, "--rnn-goldens-known-failures=new.txt").ret == 0


def test_a_missing_list_is_an_error_that_says_how_to_create_it(project: pytest.Pytester) -> None:
    result = project.runpytest_inprocess("--rnn-goldens-known-failures=new.txt")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*new.txt: does not exist; --rnn-goldens-update-known-failures creates it with *"])


@pytest.mark.parametrize("precisions", ["float32", "float64,float32,bfloat16,float16"])
def test_a_new_entry_lists_all_goldens_that_fail_for_one_cause(project: pytest.Pytester, precisions: str) -> None:
    project.makepyfile(
        test_mine="""
        import pytest
        from rnn_goldens.implementations import numpy_cells

        @pytest.mark.rnn_goldens(cell="gru")
        def test_mine(rnn_golden):
            if rnn_golden.lengths is not None:
                raise RuntimeError(f"unsupported lengths {rnn_golden.lengths.tolist()}")
            rnn_golden.check(*numpy_cells.run(rnn_golden))
        """
    )
    options = "--rnn-goldens-corpus=v1", f"--rnn-goldens-dtype={precisions}", "--rnn-goldens-known-failures=new.txt"
    project.runpytest_inprocess(*options, UPDATE)
    text, _, reason = project.path.joinpath("new.txt").read_text("utf-8").partition("  # ")
    assert text == "cell=gru features=lengths" + (" dtype=float32" if precisions == "float32" else "")
    assert reason == "not looked at yet: unsupported lengths [2, 4, 1]\n"
    assert project.runpytest_inprocess(*options).ret == pytest.ExitCode.OK


def test_an_interrupted_run_does_not_change_the_list(with_lengths: RunWith, project: pytest.Pytester) -> None:
    result = with_lengths("cell=lstm  # all of it\n", UPDATE, "-x")
    assert project.path.joinpath("known.txt").read_text("utf-8") == "cell=lstm  # all of it\n"
    result.stdout.fnmatch_lines(["known.txt was not changed: the run did not check every selected golden"])


def test_an_update_needs_the_name_of_the_list(project: pytest.Pytester) -> None:
    result = project.runpytest_inprocess(UPDATE)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*update-known-failures writes the file that known-failures names: give both"])


@pytest.mark.slow
def test_a_golden_on_the_skip_list_is_not_run(project: pytest.Pytester, workers: tuple[str, ...]) -> None:
    project.makepyfile(
        test_mine="""
        import os

        def test_mine(rnn_golden):
            if rnn_golden.lengths is None:
                os._exit(7)
            rnn_golden.check(rnn_golden.out.copy(), rnn_golden.h_n.copy())
        """
    )
    project.path.joinpath("skip.txt").write_text("gru/plain  # ends the process: https://example.org/9\n", "utf-8")
    options = (
        FOUR_GOLDENS[0],
        "--rnn-goldens-ids=gru/plain,gru/lengths",
        "--rnn-goldens-skip=skip.txt",
        "--rnn-goldens-report=found.json",
        "-rx",
        *workers,
    )
    result = project.runpytest_subprocess(*options)
    assert result.parseoutcomes() == {"passed": 1, "xfailed": 1}
    result.stdout.fnmatch_lines(
        ["XFAIL *gru/plain-float32* not run: ends the process: https://example.org/9 (skip.txt:1)"]
    )
    found = json.loads(project.path.joinpath("found.json").read_text("utf-8"))["results"]
    (entry,) = [entry for entry in found if entry["golden"] == "gru/plain"]
    assert (entry["outcome"], entry["judged_by"]) == ("known-failure", "skip")
    assert entry["known"] == "ends the process: https://example.org/9"


def test_a_run_that_skips_everything_fails(project: pytest.Pytester) -> None:
    project.makepyfile(test_mine=WRONG_WITH_LENGTHS)
    project.path.joinpath("skip.txt").write_text("*  # no device\n", "utf-8")
    result = project.runpytest_inprocess(*FOUR_GOLDENS, "--rnn-goldens-skip=skip.txt")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["nothing was checked: all 4 goldens were on the skip list"])


def test_a_list_that_cannot_be_written_does_not_lose_results(project: pytest.Pytester) -> None:
    project.makepyfile(test_mine=WRONG_WITH_LENGTHS)
    result = project.runpytest_inprocess(*FOUR_GOLDENS, "--rnn-goldens-known-failures=nowhere/known.txt", UPDATE)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes() == {"passed": 2, "failed": 2}
    result.stdout.fnmatch_lines(
        [
            "2 goldens failed before outputs were compared: out of bounds; *",
            "known.txt was not changed, because it cannot be written: No such file or directory",
        ]
    )


@pytest.mark.slow
def test_the_entry_of_a_golden_that_passes_in_one_test_and_fails_in_another_is_unchanged(
    project: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    project.makepyfile(
        test_mine="""
        import pytest

        @pytest.mark.parametrize("wrong", [True, False])
        @pytest.mark.rnn_goldens(ids="gru/plain,gru/no-bias".split(","))
        def test_mine(rnn_golden, wrong):
            if wrong and rnn_golden.id == "gru/plain":
                raise RuntimeError("out of bounds")
            rnn_golden.check(rnn_golden.out.copy(), rnn_golden.h_n.copy())
        """
    )
    known = project.path / "known.txt"
    options = "--rnn-goldens-corpus=v1", "--rnn-goldens-known-failures=known.txt", UPDATE, *workers
    for before in ("# none\n", "gru/plain  # all of it\n"):
        known.write_text(before, "utf-8")
        result = project.runpytest_inprocess(*options)
        assert known.read_text("utf-8") == before
        result.stdout.fnmatch_lines(
            ["  gru/plain in float32 passes in one test and fails in another, which a list cannot express*"]
        )


def test_an_entry_counts_only_goldens_that_ran(project: pytest.Pytester, with_lengths: RunWith) -> None:
    project.path.joinpath("skip.txt").write_text("lstm/lengths  # ends the process\n", "utf-8")
    result = with_lengths("lstm/*  # all of it\ngru/lengths # lengths\n", "--rnn-goldens-skip=skip.txt")
    result.stdout.fnmatch_lines(["known.txt:1: lstm/[*] passes: remove the line"])
