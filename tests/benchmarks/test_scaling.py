"""What a large corpus costs is measured on a real one, and what is computed is said to be."""

from pathlib import Path

import pytest

from benchmarks.process_cost import Run
from benchmarks.scaling import Cost, beyond, cost, report


def made_up(count: int) -> Cost:
    run = Run("", wall=10 + count / 100, cpu=count / 50, memory=100_000_000)
    return Cost(count, run, run, run, index=700 * count, folder=20_000 * count)


def test_what_is_computed_is_on_the_line_through_what_is_measured() -> None:
    found = beyond(made_up(1_000), made_up(10_000), 100_000)["Certifying"]
    assert found == pytest.approx((1010, 2000, 100, 70, 2000))


def test_the_page_says_which_row_is_computed() -> None:
    page = report([made_up(1_000), made_up(10_000)], cores=2)
    assert page.count("| 100,000, computed |") == 3
    assert "At 10,000 a golden costs 20 ms of CPU" in page
    assert "That is 50 a second and core" in page


@pytest.mark.slow
def test_a_corpus_is_made_listed_and_checked(tmp_path: Path) -> None:
    found = cost(3, tmp_path, cores=1)
    assert found.listed.printed.count("drawn/") == 3
    assert 0 < found.index < found.folder
    assert min(found.generate.cpu, found.listed.cpu, found.checked.cpu) > 0
