"""Ratios of the times of interleaved commands are compared with their goals."""

import sys
from pathlib import Path

import pytest

from benchmarks.performance.measurement import at_most, interleaved, median, ratio

PAGE = Path(__file__).parents[2] / "docs/results/cost.md"


def test_a_ratio_is_a_median_over_interleaved_runs_with_or_without_startup() -> None:
    seconds = {"a": [3.0, 5.0, 9.0], "b": [2.0, 3.0, 5.0], "begin": [1.0, 1.0, 1.0]}
    assert ratio(seconds, "a", "b") == pytest.approx(5 / 3)
    assert ratio(seconds, "a", "b", above="begin") == 2
    assert median(seconds, "a", above="begin") == 4


def test_a_figure_that_rounds_to_its_goal_meets_it() -> None:
    assert at_most("x", 1.004, "times", 1.0).met
    assert not at_most("x", 1.006, "times", 1.0).met
    assert at_most("x", 1.006, "times", 1.0).goal == "≤ 1.00 times"


def test_cpu_time_includes_child_processes(tmp_path: Path) -> None:
    spin = "import time\nwhile time.process_time() < 0.3: pass"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {spin!r}])"
    seconds = interleaved({"child": [sys.executable, "-c", child]}, tmp_path, 1)
    assert seconds["child"][0] > 0.3


def test_a_failing_command_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no such thing"):
        interleaved({"fails": [sys.executable, "-c", "raise SystemExit('no such thing')"]}, tmp_path, 1)


def test_the_page_explains_figures_above_their_goal() -> None:
    page = PAGE.read_text("utf-8")
    assert "| no " not in page or "### Figures above their goal" in page
