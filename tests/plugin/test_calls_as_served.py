"""Call patterns of serving through the plugin: causes in the summary, and patterns that were refused."""

from pathlib import Path

import pytest

OPTIONS = ("--rnn-goldens-cell=gated_delta", "--rnn-goldens-dtype=float32", "--rnn-goldens-corpus=v2", "-k", "packed")
PAGED = (Path(__file__).parents[2] / "examples/serving/paged.py").read_text("utf-8")
TEST = "def test_it(rnn_golden, rnn_implementation): rnn_golden.check_calls(rnn_implementation)"


def run(project: pytest.Pytester, source: str, calls: str) -> pytest.RunResult:
    project.makepyfile(paged=source, test_it=TEST)
    named = "--rnn-goldens-implementation=paged:run"
    return project.runpytest_inprocess(*OPTIONS, named, f"--rnn-goldens-calls={calls}")


def test_a_right_runner_passes(project: pytest.Pytester) -> None:
    result = run(project, PAGED, "pool,mixed,drafts,snapshots,padding,empty")
    assert result.parseoutcomes().keys() == {"passed", "deselected"}
    result.stdout.no_fnmatch_line("*refused call patterns*")


def test_the_summary_names_the_cause_of_a_pattern_that_fails(project: pytest.Pytester) -> None:
    result = run(project, PAGED.replace("if places[0] < 0:", "if False:"), "pool")
    assert result.parseoutcomes().keys() == {"failed", "deselected"}
    result.stdout.fnmatch_lines(
        [
            "*gated-delta/packed in float32, like place_of_padding_is_last: a call changed place 9 of the pool, *",
            "*what is wrong*",
            "gated_delta: 3 of 3 fail. One known deviation matches every one, and no other",
            "  place_of_padding_is_last: Takes the place -1 of a row of padding for the last",
        ]
    )


def test_patterns_without_a_parameter_are_listed_as_refused(project: pytest.Pytester) -> None:
    without = PAGED.replace("num_accepted_tokens: Integers | None = None,", "").replace(
        "    rows, time = q.shape[:2]", "    num_accepted_tokens = None\n    rows, time = q.shape[:2]"
    )
    result = run(project, without, "pool,drafts,stateful")
    assert result.parseoutcomes().keys() == {"passed", "deselected"}
    result.stdout.fnmatch_lines(
        [
            "*refused call patterns*",
            "drafts was refused for 3 of 3 goldens: run has no parameter num_accepted_tokens",
            "calls=drafts was not run: it was refused",
            "calls=stateful was not run: no golden of this run supports it",
        ]
    )
