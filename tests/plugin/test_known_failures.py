"""The known-failures file: listed goldens may fail; entries that pass must be removed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs

from rnn_goldens.corpus import open_corpus
from rnn_goldens.errors import RnnGoldensError
from rnn_goldens.golden_result import Result
from rnn_goldens.plugin.known_failures import ListEntry, read_list
from rnn_goldens.plugin.known_failures_report import updated_list

CheckWith = Callable[[str], None]
RunWith = Callable[..., pytest.RunResult]
Read = Callable[[str], list[ListEntry]]

ENTRIES = open_corpus().entries
FOUR = [entry for entry in ENTRIES if entry.id in ("gru/plain", "gru/lengths", "lstm/plain", "lstm/lengths")]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """A function that reads a list."""

    def read(text: str) -> list[ListEntry]:
        (tmp_path / "known.txt").write_text(text, "utf-8")
        return read_list(tmp_path / "known.txt", ENTRIES)

    return read


@pytest.mark.parametrize(
    ("text", "matched"),
    [
        ("gru/plain", "gru/plain"),
        ("\ufeffgru/plain", "gru/plain"),  # a byte-order mark is not part of the entry
        ("*/plain-float32", "gru/plain lstm/plain"),
        ("*/plain-float16", ""),
        ("features=lengths", "gru/lengths lstm/lengths"),
        ("cell=gru,lstm features=lengths dtype=float32,float64", "gru/lengths lstm/lengths"),
        ("*/l*  without=multilayer features=lengths,bias", "gru/lengths lstm/lengths"),
        ("features=bias,lengths,state", "gru/lengths lstm/lengths"),
        ("cell=gru features=lengths", "gru/lengths"),
        ("cell=lstm features=lengths dtype=float64", ""),
        ("cell=lstm except=lstm/plain-float32,lstm/lengths-float16", "lstm/lengths"),
    ],
)
def test_an_entry_matches_goldens_that_meet_all_its_conditions(read: Read, text: str, matched: str) -> None:
    (one,) = read(f"{text}  # why")
    assert {entry.id for entry in FOUR if one.matches(entry, "float32")} == set(matched.split())


def test_an_entry_may_name_the_type_of_an_integer_golden(read: Read) -> None:
    (one,) = read("cell=lstm_int8_tflm dtype=int8  # why")
    (plain,) = (entry for entry in ENTRIES if entry.id == "lstm-int8-tflm/plain")
    assert one.matches(plain, "int8")
    assert not one.matches(plain, "int16")


def test_an_entry_has_its_reason_and_place_and_is_immutable(read: Read) -> None:
    (entry,) = read("# comment\n\n   gru/plain  #  rows share a state \n")
    assert (entry.reason, entry.line, entry.place) == ("rows share a state", 3, "known.txt:3")
    with pytest.raises(AttributeError):
        entry.reason = "none"  # type: ignore[misc]


def test_an_entry_may_name_a_custom_cell_of_the_corpus(tmp_path: Path) -> None:
    (gru,) = open_corpus().select("gru/plain")
    custom = structs.replace(gru, cell="my_cells:light_gru")
    (tmp_path / "known.txt").write_text("cell=my_cells:light_gru  # not ready\n", "utf-8")
    (entry,) = read_list(tmp_path / "known.txt", [gru, custom])
    assert [entry.matches(one, "float32") for one in (gru, custom)] == [False, True]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("gru/plain", r"known.txt: line 2: 'gru/plain' has no reason; write: gru/plain  # reason or issue URL"),
        ("gru/plain  #", "line 2: 'gru/plain' has no reason"),
        ("gru/plaim # a", r"golden in line 2 of .*known.txt, 'gru/plaim'. Did you mean 'gru/plain'\?"),
        ("gru/plain-float31 # a", "no golden in line 2 of .*known.txt, 'gru/plain-float31'. Did you mean 'gru/plain'"),
        ("cell=gro # a", r"no cell in line 2 of .*known.txt, 'gro'. Did you mean 'gru'\?"),
        ("features=length # a", r"no features in line 2 of .*known.txt, 'length'. Did you mean 'lengths'\?"),
        ("dtype=fp32 # a", "no dtype in line 2 of .*known.txt, 'fp32'. "),
        ("cells=gru # a", r"no condition in line 2 of .*known.txt, 'cells'. Did you mean 'cell'\? "),
        ("gru/plain lstm/plain # a", "line 2: 'gru/plain lstm/plain' are several ids; write one per line"),
        ("cell=gru cell=lstm # a", "line 2: cell is given twice; write cell=one,two"),
        ("lstm/* cell=gru # a", r"line 2: no golden of the corpus meets all of 'lstm/\* cell=gru'"),
        ("cell=lstm except=lstm/plane # a", "golden in line 2 of .*, 'lstm/plane'. Did you mean 'lstm/plain'"),
    ],
)
def test_a_malformed_entry_is_an_error_that_names_the_line(read: Read, line: str, message: str) -> None:
    with pytest.raises(RnnGoldensError, match=message):
        read(f"# comment\n{line}\n")


def test_a_file_in_another_encoding_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "known.txt").write_bytes("gru/plain  # für später\n".encode("latin-1"))
    with pytest.raises(RnnGoldensError, match=r"known\.txt: cannot be read: 'utf-8' codec "):
        read_list(tmp_path / "known.txt", ENTRIES)


# Runs with a list.

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


def test_a_failure_or_crash_that_is_not_listed_in_its_precision_fails(check_with: CheckWith, run_with: RunWith) -> None:
    check_with("crashes")
    result = run_with("documented/mini-batch # only this, not ascending\n*w-hh-float16  # only in half precision")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes() == {"xfailed": 1, "failed": 3}


def test_an_entry_that_passes_fails_the_run_and_is_reported(check_with: CheckWith, run_with: RunWith) -> None:
    check_with("right")
    result = run_with("# comment\n\ndocumented/mini-batch  # rows share a state\n")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes() == {"passed": 3, "failed": 1}
    result.stdout.fnmatch_lines(
        [
            "*_ test_my_rnn[[]documented/mini-batch-float32[]] _*",
            "*rows share a state*known.txt:3*",
            "*= rnn-goldens: known failures =*",
            "known.txt:3: documented/mini-batch passes: remove the line",
        ]
    )
    assert "failed before outputs were compared" not in result.stdout.str()


FOUR_GOLDENS = "--rnn-goldens-corpus=v2", "--rnn-goldens-ids=gru/plain,gru/lengths,lstm/plain,lstm/lengths"

WRONG_WITH_LENGTHS = """
    def test_mine(rnn_golden):
        if rnn_golden.lengths is not None:
            raise RuntimeError("out of bounds")
        rnn_golden.check(*(array.copy() for array in rnn_golden.expected.values()))
"""


@pytest.fixture
def with_lengths(project: pytest.Pytester) -> RunWith:
    """A function that runs four goldens, two of which have lengths and fail."""
    project.makepyfile(test_mine=WRONG_WITH_LENGTHS)

    def run(known: str, *options: str) -> pytest.RunResult:
        if known:
            project.path.joinpath("known.txt").write_text(known, "utf-8")
        return project.runpytest_inprocess(*FOUR_GOLDENS, "--rnn-goldens-known-failures=known.txt", *options)

    return run


def test_an_entry_with_passing_goldens_lists_them(with_lengths: RunWith) -> None:
    result = with_lengths("cell=lstm  # all of it\nfeatures=lengths # lengths are ignored\n")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "known.txt:1: cell=lstm fails for 1 of 2 goldens that ran. These pass:",
            "  lstm/plain in float32",
            "  narrow the line to the goldens that fail, or use --rnn-goldens-update-known-failures",
        ]
    )


def test_an_entry_counts_only_goldens_that_ran(project: pytest.Pytester, with_lengths: RunWith) -> None:
    project.path.joinpath("skip.txt").write_text("lstm/lengths  # ends the process\n", "utf-8")
    result = with_lengths("lstm/*  # all of it\ngru/lengths # lengths\n", "--rnn-goldens-skip=skip.txt")
    result.stdout.fnmatch_lines(["known.txt:1: lstm/[*] passes: remove the line"])


# Updated lists.

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
    assert with_lengths("", UPDATE, *workers).parseoutcomes() == {"passed": 2, "xfailed": 2}
    assert known.read_text("utf-8") == written


def test_a_missing_list_is_created(with_lengths: RunWith, project: pytest.Pytester) -> None:
    with_lengths("", UPDATE)
    assert len((project.path / "known.txt").read_text("utf-8").splitlines()) == 2
    assert with_lengths("").ret == pytest.ExitCode.OK


def results_of(goldens: dict[str, str], dtypes: tuple[str, ...] = ("float32",)) -> list[Result]:
    """Return the results of goldens in each precision; those with a reason failed."""
    results: list[Result] = []
    for golden, reason in goldens.items():
        for dtype in dtypes:
            results.append({"golden": golden, "dtype": dtype, "test": "test_mine", "outcome": "passed"})
            if reason:
                results[-1] |= {"outcome": "failed", "judged_by": "test", "reason": reason}
    return results


RESULTS = results_of({entry.id: "out of bounds" * entry.id.endswith("lengths") for entry in FOUR})


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
        ("*/plain except=rnn-tanh/*", "*/plain except=rnn-tanh/*,gru/plain-float32,lstm/plain-float32  # as it was"),
        ("gru/*s-float32 except=gru/no-bias*", "gru/*s-float32 except=gru/no-bias* # as it was"),
        ("*/plain-float32", "*/plain-float32 except=gru/plain,lstm/plain  # as it was"),
    ],
)
def test_an_update_excludes_only_goldens_that_ran_and_passed(read: Read, entry: str, after: str) -> None:
    text = f"{entry} # as it was\n"
    first, *others = updated_list(text, read(text), ENTRIES, RESULTS).text.splitlines()
    assert first == after
    assert {line.partition(" ")[0] for line in others} <= {"gru/lengths", "lstm/lengths"}


TFLM = [entry.id for entry in ENTRIES if entry.cell == "lstm_int8_tflm"]
PASSING = ["lstm-int8-tflm/plain", "lstm-int8-tflm/zero-points"]


@pytest.mark.parametrize(
    ("entry", "passing", "after"),
    [
        ("cell=lstm_int8_tflm", PASSING, "cell=lstm_int8_tflm except={}"),
        ("cell=lstm_int8_tflm dtype=int8", PASSING, "cell=lstm_int8_tflm dtype=int8 except={}"),
        ("lstm-int8-tflm/* except=*/clip", PASSING, "lstm-int8-tflm/* except=*/clip,{}"),
        ("dtype=int8,float32", PASSING, "dtype=int8,float32 except={}"),
        ("cell=lstm_int8_tflm", TFLM[1:], "lstm-int8-tflm/plain"),
        ("cell=lstm_int8_tflm", TFLM, ""),
        ("lstm-int8-tflm/zero* dtype=int8", PASSING, ""),
        ("cell=gru,lstm_int8_tflm", TFLM, "cell=gru,lstm_int8_tflm except=*-int8"),
        ("cell=gru,lstm_int8_tflm dtype=int8,float32", TFLM, "cell=gru,lstm_int8_tflm dtype=float32"),
    ],
)
def test_an_entry_of_integer_goldens_is_narrowed_to_those_that_fail(
    read: Read, entry: str, passing: list[str], after: str
) -> None:
    text = f"{entry}  # as it was\n"
    results = results_of({name: "out of bounds" * (name not in passing) for name in TFLM}, ("int8",))
    found = [line for line in updated_list(text, read(text), ENTRIES, results).text.splitlines() if "as it" in line]
    assert found == ([f"{after.format(','.join(passing))}  # as it was"] if after else [])


def test_an_entry_keeps_integer_goldens_if_those_of_a_precision_pass(read: Read) -> None:
    text = "cell=gru,lstm_int8_tflm dtype=int8,float32  # as it was\n"
    right = results_of({entry.id: "" for entry in ENTRIES if entry.cell == "gru"})
    wrong = results_of(dict.fromkeys(TFLM, "out of bounds"), ("int8",))
    found = updated_list(text, read(text), ENTRIES, right + wrong)
    assert found == ("cell=gru,lstm_int8_tflm dtype=int8  # as it was\n", 0, 1, 0)


@pytest.mark.parametrize(
    ("cells", "entry"),
    [
        ({"lstm_int8_tflm": "int8"}, "cell=lstm_int8_tflm"),
        ({"lstm_int8_tflm": "int8", "gru": "float32"}, "cell=lstm_int8_tflm,gru dtype=float32,int8"),
    ],
)
def test_a_new_entry_covers_integer_goldens(cells: dict[str, str], entry: str) -> None:
    results = [
        result
        for cell, dtype in cells.items()
        for result in results_of({one.id: "out of bounds" for one in ENTRIES if one.cell == cell}, (dtype,))
    ]
    assert updated_list("", [], ENTRIES, results).text == f"{entry}  # not looked at yet: out of bounds\n"


def test_an_entry_is_replaced_by_its_failures_if_that_is_shorter(read: Read) -> None:
    text = "gru/[pl]*[ns] without=multilayer  # mine\ncell=lstm  # not mine\n"
    assert updated_list(text, read(text), ENTRIES, RESULTS).text == (
        "gru/[pl]*[ns] without=multilayer except=*-float32  # mine\n"
        "gru/lengths dtype=float32  # mine\n"
        "cell=lstm except=lstm/plain-float32  # not mine\n"
    )


@pytest.mark.parametrize("precisions", [("float32",), ("float64", "float32", "bfloat16", "float16")])
def test_a_new_entry_lists_all_goldens_that_fail_for_one_cause(precisions: tuple[str, ...]) -> None:
    failed = {e.id: f"unsupported lengths {n}" * ("lengths" in e.features) for n, e in enumerate(ENTRIES)}
    of_gru = {entry.id: failed[entry.id] for entry in ENTRIES if entry.cell == "gru"}
    supported = {(entry.id, dtype) for entry in ENTRIES for dtype in entry.precisions}
    results = [r for r in results_of(of_gru, precisions) if (r["golden"], r["dtype"]) in supported]
    text, _, reason = updated_list("", [], ENTRIES, results).text.partition("  # ")
    assert text == "cell=gru features=lengths" + (" dtype=float32" if len(precisions) == 1 else "")
    assert reason.startswith("not looked at yet: unsupported lengths ")
    assert reason.count("\n") == 1


def test_a_list_stays_as_it_was_if_the_run_is_interrupted_or_it_cannot_be_written(
    with_lengths: RunWith, project: pytest.Pytester
) -> None:
    result = with_lengths("cell=lstm  # all of it\n", UPDATE, "-x")
    assert project.path.joinpath("known.txt").read_text("utf-8") == "cell=lstm  # all of it\n"
    result.stdout.fnmatch_lines(["known.txt was not changed: the run did not check every selected golden"])
    result = with_lengths("", "--rnn-goldens-known-failures=nowhere/known.txt", UPDATE)
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
    options = "--rnn-goldens-corpus=v2", "--rnn-goldens-known-failures=known.txt", UPDATE, *workers
    for before in ("# none\n", "gru/plain  # all of it\n"):
        known.write_text(before, "utf-8")
        result = project.runpytest_inprocess(*options)
        assert known.read_text("utf-8") == before
        result.stdout.fnmatch_lines(
            ["  gru/plain in float32 passes in one test and fails in another, which a list cannot express*"]
        )


# Goldens that are not run.


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
    goldens = FOUR_GOLDENS[0], "--rnn-goldens-ids=gru/plain,gru/lengths", "--rnn-goldens-skip=skip.txt"
    result = project.runpytest_subprocess(*goldens, "--rnn-goldens-report=found.json", "-rx", *workers)
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
