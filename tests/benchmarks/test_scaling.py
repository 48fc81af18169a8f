"""The costs of large corpora are measured on generated corpora, or extrapolated; the page marks extrapolated costs."""

from pathlib import Path

import pytest

from benchmarks.process_cost import Run
from benchmarks.scaling import Cost, beyond, cost, report


def artificial_cost(count: int) -> Cost:
    run = Run("", wall=10 + count / 100, cpu=count / 50, memory=100_000_000)
    return Cost(count, run, run, run, index=700 * count, folder=20_000 * count)


def test_extrapolated_rows_are_on_the_line_through_measured_ones() -> None:
    extrapolated = beyond(artificial_cost(1_000), artificial_cost(10_000), 100_000)["Certifying"]
    assert extrapolated == pytest.approx((1010, 2000, 100, 70, 2000))


def test_the_page_marks_extrapolated_rows() -> None:
    page = report([artificial_cost(1_000), artificial_cost(10_000)], cores=2)
    assert page.count("| 100,000, computed |") == 3
    assert "At 10,000 a golden costs 20 ms of CPU" in page
    assert "That is 50 per second and core" in page


@pytest.mark.slow
def test_a_corpus_is_generated_listed_and_checked(tmp_path: Path) -> None:
    measured = cost(3, tmp_path, cores=1)
    assert measured.listed.printed.count("drawn/") == 3
    assert 0 < measured.index < measured.folder
    assert min(measured.generate.cpu, measured.listed.cpu, measured.checked.cpu) > 0
