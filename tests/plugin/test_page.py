"""--rnn-goldens-report=FILE.html writes a page in every kind of run, even in interrupted runs."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from html import escape
from typing import Any

import pytest

Write = Callable[[str], None]


def data(project: pytest.Pytester) -> dict[str, Any]:
    """Return the data of the page's script."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text(project), re.DOTALL)
    assert found is not None
    document: dict[str, Any] = json.loads(found[1])
    return document


def text(project: pytest.Pytester) -> str:
    return (project.path / "report.html").read_text("utf-8")


def run(project: pytest.Pytester, *options: str) -> pytest.RunResult:
    return project.runpytest_inprocess("--rnn-goldens-report=report.html", *options)


def test_the_page_has_a_picture_of_each_failure(
    project: pytest.Pytester, check_with: Write, workers: tuple[str, ...]
) -> None:
    check_with("wrong_in_batches")
    result = run(project, *workers)
    result.assert_outcomes(passed=1, failed=3)
    shown = data(project)
    assert shown["entries"][3::4].count(shown["outcomes"].index("failed")) == 3
    worst = shown["pictures"][0]
    assert worst["output"] == "out"
    assert worst["in_tolerances"] is False
    assert worst["errors"][0][0] == 0
    assert max(worst["errors"][worst["line"]]) == max(
        abs(a - b) for a, b in zip(worst["got"], worst["want"], strict=True)
    )
    assert len(shown["pictures"]) == 3
    assert "largest error" in text(project)
    assert "pytest &#39;test_my_rnn.py::test_my_rnn[documented/mini-batch-float32]&#39;" in text(project)


@pytest.mark.parametrize(
    ("golden_id", "deviation"),
    [
        ("lstm-int8-tflm/recurrent-saturation", "definition_of_cmsis"),
        ("gated-delta/several-steps", "decay_not_seen_by_delta_rule"),
    ],
)
def test_a_failure_of_a_recurrence_has_a_picture_and_its_cause(
    project: pytest.Pytester, golden_id: str, deviation: str
) -> None:
    project.makepyfile(
        f"""
        import numpy as np
        from rnn_goldens.cells import golden_case
        from rnn_goldens.deviations import deviation

        def test_it(rnn_golden):
            rnn_golden.check(deviation("{deviation}").outputs(golden_case(rnn_golden, np.float64)))
        """
    )
    result = run(project, "--rnn-goldens-corpus=v2", f"--rnn-goldens-ids={golden_id}")
    result.assert_outcomes(failed=1)
    assert f"{deviation}: " in result.stdout.str().partition("rnn-goldens: what is wrong")[2]
    assert f"<strong><code>{deviation}</code></strong>: " in text(project)
    assert len(data(project)["pictures"]) == 1


@pytest.mark.slow
def test_a_failure_without_comparison_has_no_picture(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import my_rnn

        FUNCTIONS = {"single-sequence": "returns_none", "mini-batch": "time_major", "mini-batch-ascending": "crashes"}

        def test_it(rnn_golden):
            name = FUNCTIONS.get(rnn_golden.id.partition("/")[2], "returns_nan")
            rnn_golden.check(*getattr(my_rnn, name)(rnn_golden))
        """
    )
    run(project).assert_outcomes(failed=4)
    (nan,) = data(project)["pictures"]
    assert nan["errors"][0][0] is None
    for message in (
        "out is None",
        "it looks time-major",
        "kernel launch failed",
        "failed before outputs were compared",
    ):
        assert message in text(project)


@pytest.mark.slow
def test_each_test_of_a_golden_has_the_picture_of_its_first_mismatch(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import contextlib, my_rnn, pytest

        @pytest.mark.parametrize("off", [1, 2])
        @pytest.mark.rnn_goldens(ids="documented/mini-batch")
        def test_it(rnn_golden, off):
            out, h_n = my_rnn.right(rnn_golden)
            for more in (0, 5):
                with contextlib.suppress(AssertionError):
                    rnn_golden.check(out + off + more, h_n)
        """
    )
    run(project).assert_outcomes(failed=2)
    assert [picture["errors"][0][0] for picture in data(project)["pictures"]] == [1, 2]


ENDS = """
import os, signal
from my_rnn import right

def test_it(rnn_golden):
    rnn_golden.check(*right(rnn_golden))
    if rnn_golden.id == "documented/mini-batch":
        signal.signal(signal.SIGINT, signal.default_int_handler)  # background processes ignore SIGINT
        os.kill(os.getpid(), signal.SIGINT)
"""


@pytest.mark.slow
def test_the_page_of_an_interrupted_run_is_not_complete(project: pytest.Pytester) -> None:
    (project.path / "report.html").write_text("of an earlier run")
    project.makepyfile(test_it=ENDS)
    command = [sys.executable, "-m", "pytest", "--rnn-goldens-report=report.html"]
    subprocess.run(command, cwd=project.path, capture_output=True, check=False, timeout=60)
    assert "<b>Not complete.</b>" in text(project)
    assert "interrupted" in text(project)
    assert "earlier run" not in text(project)


def test_without_the_extra_the_error_names_what_to_install(project: pytest.Pytester, check_with: Write) -> None:
    check_with("right")
    project.makepyfile(without_jinja="import sys; sys.modules['jinja2'] = None")
    result = project.runpytest_subprocess("--rnn-goldens-report=report.html", "-p", "without_jinja")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    message = "an HTML page needs jinja2, which is not installed: pip install 'rnn-goldens[html]'"
    assert [line for line in result.errlines if line] == [f"ERROR: rnn-goldens: {message}"]
    assert not (project.path / "report.html").exists()


@pytest.mark.slow
def test_a_page_of_check_has_the_command_of_check(project: pytest.Pytester) -> None:
    command = [sys.executable, "-m", "rnn_goldens", "check", "my_rnn:forgetful", "-k", "documented"]
    done = subprocess.run([*command, "--rnn-goldens-report=report.html"], cwd=project.path, check=False)
    assert done.returncode == 1
    again = "rnn-goldens check my_rnn:forgetful -k '[documented/mini-batch-float32]' --rnn-goldens-dtype=float32"
    assert escape(again) in text(project).replace("&#39;", "&#x27;")
    repeated = [sys.executable, "-m", *shlex.split(again.replace("rnn-goldens", "rnn_goldens", 1))]
    printed = subprocess.run(repeated, cwd=project.path, capture_output=True, text=True, check=False).stdout
    assert "1 failed" in printed.splitlines()[-1]
    assert "<dt><code>my_rnn:forgetful</code></dt>" in text(project)
    assert len(data(project)["pictures"]) == 4
