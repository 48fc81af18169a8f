"""Without a terminal, long work prints a line now and then, with an estimate."""

import pytest

from rnn_goldens.command_line.progress_lines import SECONDS, ProgressLines


def test_a_line_appears_only_after_a_while_and_has_an_estimate(capsys: pytest.CaptureFixture[str]) -> None:
    clock = [0.0]
    lines = ProgressLines("Certifying", 10, now=lambda: clock[0])
    for done in range(1, 5):
        clock[0] += SECONDS
        lines.count(done)
        lines.count(done)
    lines.report("tolerance", 0, 100)
    clock[0] += SECONDS
    lines.report("tolerance", 40, 100)
    clock[0] += SECONDS
    lines.report("nothing to do", 0, 0)
    assert capsys.readouterr().err.splitlines() == [
        "Certifying: 1 of 10, 4 minutes left",
        "Certifying: 2 of 10, 4 minutes left",
        "Certifying: 3 of 10, 4 minutes left",
        "Certifying: 4 of 10, 3 minutes left",
        "Certifying: 4 of 10, tolerance: 40 %, 1 minute left of this part",
        "Certifying: 4 of 10",
    ]
