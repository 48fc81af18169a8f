"""The costs of large corpora are measured on generated corpora."""

from pathlib import Path

import pytest

from benchmarks.process_cost import Run
from benchmarks.scaling import Cost, cost, report


def test_the_page_has_the_cost_of_each_command_and_of_a_golden() -> None:
    run = Run("", wall=30, cpu=20, memory=100_000_000)
    text = report([Cost(1_000, run, run, run, index=700_000, folder=20_000_000)], cores=2)
    assert "| 1,000   | generate |    30.0 |   20.0 |        100 |\n" in text
    assert "| 1,000   |      0.70 |       20.0 |\n" in text
    assert "At 1,000 a golden costs 20 ms of CPU" in text


@pytest.mark.slow
def test_a_corpus_is_generated_listed_and_checked(tmp_path: Path) -> None:
    measured = cost(3, tmp_path, cores=1)
    assert measured.list.printed.count("drawn/") == 3
    assert 0 < measured.index < measured.folder
    assert min(measured.generate.cpu, measured.list.cpu, measured.check.cpu) > 0
