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
    lines.report("graph", 0, 1000)
    clock[0] += SECONDS
    lines.report("tolerance", 400, 1000)
    lines.report("tolerance", 410, 1000)
    clock[0] += SECONDS
    lines.report("confirmation of outputs", 1000, 1000)
    assert capsys.readouterr().err.splitlines() == [
        "Certifying: 1 of 10, 4 minutes left",
        "Certifying: 2 of 10, 4 minutes left",
        "Certifying: 3 of 10, 4 minutes left",
        "Certifying: 4 of 10, 3 minutes left",
        "Certifying: 4 of 10; the next: 40%, 1 minute left (tolerance)",
        "Certifying: 4 of 10; the next: 100%, less than a minute left (confirmation of outputs)",
    ]


def test_nothing_is_predicted_before_anything_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    clock = [0.0]
    lines = ProgressLines("Certifying", 2, now=lambda: clock[0])
    clock[0] += SECONDS
    lines.report("graph", 0, 1000)
    assert capsys.readouterr().err == "Certifying: 0 of 2; the next: 0% (graph)\n"
