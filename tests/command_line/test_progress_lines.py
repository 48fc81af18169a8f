"""Without a terminal, long work prints a line now and then, with an estimate of the whole run."""

import re
import subprocess
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from rnn_goldens import RecurrenceScenario, certify
from rnn_goldens.command_line import terminal
from rnn_goldens.command_line.terminal import SECONDS, ProgressLines
from rnn_goldens.generator.pool import WORTH_A_POOL

Run = Callable[..., "subprocess.CompletedProcess[str]"]

WIDTH = 80


def test_a_line_appears_only_after_a_while_and_estimates_the_whole_run(capsys: pytest.CaptureFixture[str]) -> None:
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
    lines.report("confirmation of outputs", 999, 1000)
    assert capsys.readouterr().err.splitlines() == [
        "Certifying: 1 of 10, 4 minutes left",
        "Certifying: 2 of 10, 4 minutes left",
        "Certifying: 3 of 10, 4 minutes left",
        "Certifying: 4 of 10, 3 minutes left",
        "Certifying: 4 of 10 + 40% (tolerance), 4 minutes left",
        "Certifying: 4 of 10 + 99% (confirmation of outputs), 3 minutes left",
    ]


def test_nothing_is_predicted_before_anything_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    clock = [0.0]
    lines = ProgressLines("Certifying", 2, now=lambda: clock[0])
    clock[0] += SECONDS
    lines.report("graph", 0, 1000)
    assert capsys.readouterr().err == "Certifying: 0 of 2 + 0% (graph)\n"


def test_a_golden_begins_when_the_one_before_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    clock = [0.0]
    lines = ProgressLines("Certifying", 1, now=lambda: clock[0])
    lines.report("graph", 0, 1000)
    clock[0] += 600
    lines.report("exact outputs", 0, 1000)
    clock[0] += 600
    lines.report("tolerance", 500, 1000)
    lines.report("done", 1000, 1000)
    clock[0] += 600
    lines.report("done", 1000, 1000)
    assert capsys.readouterr().err.splitlines() == [
        "Certifying: 0 of 1 + 0% (exact outputs)",
        "Certifying: 0 of 1 + 50% (tolerance), 20 minutes left",
    ]


def test_the_longest_line_of_a_process_fits_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    inputs = {name: np.full((1, 65, 1, 2), 0.25) for name in "qkv"} | {"beta": np.full((1, 65, 1), 0.375)}
    delta = RecurrenceScenario(
        id="made/for-a-test", purpose="To be certified.", gradient_purpose="Its gradients.", cell="delta_rule",
        config={"heads": 1, "query_heads": 1, "d_k": 2, "d_v": 2}, inputs=inputs, cotangents={"d_o": inputs["q"]},
    )  # fmt: skip
    parts = set[str]()
    certify(delta, progress=lambda part, *_: parts.add(part))
    clock = [0.0]
    lines = ProgressLines("Certifying", 15, now=lambda: clock[0])
    lines.count(14)
    for part in parts:
        clock[0] += SECONDS
        lines.report(part, 999, 1000)
    printed = capsys.readouterr().err.splitlines()
    assert len(printed) == len(parts)
    assert {"less than a minute left" in line for line in printed} == {True}
    assert max(map(len, printed)) <= WIDTH


MORE = """
from dataclasses import replace

SCENARIOS += [replace(SCENARIOS[0], id=f"mine/gru-{number}", x=drawn(2, 5, 3)) for number in range(1, MORE)]
"""


def lines_of_generate(run: Run, folder: Path, goldens: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return all lines of progress of generating some goldens."""
    run("generate", "--new", "mine.py")
    mine = folder / "mine.py"
    mine.write_text(mine.read_text("utf-8") + MORE.replace("MORE", str(goldens)), "utf-8")
    monkeypatch.setattr(terminal, "SECONDS", 0)
    return run("generate", "--scenarios", "mine.py", "--into", "goldens").stderr.splitlines()


def test_generate_prints_how_much_of_each_golden_is_done_and_the_time_that_the_run_takes(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = lines_of_generate(run, tmp_path, 3, monkeypatch)
    within = r"( \+ [1-9]?\d% \((graph|(exact|confirmation of) outputs|tolerance)\))?"
    left = r", (less than a minute|\d+ minutes?) left"
    pattern = re.compile(rf"Certifying: (\d) of 3{within}(?P<left>{left})?")
    found = [pattern.fullmatch(line) for line in printed]
    assert all(found), printed
    assert [key for key, _ in groupby(match[1] for match in found if match)] == ["0", "1", "2", "3"]
    unknown = [match[0] for match in found if match and match["left"] is None]
    assert set(unknown) == {"Certifying: 0 of 3 + 0% (graph)"}


@pytest.mark.slow
def test_where_worker_processes_certify_only_goldens_are_counted(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = lines_of_generate(run, tmp_path, WORTH_A_POOL, monkeypatch)
    estimated = re.compile(r"(Certifying: \d+ of 16), (less than a minute|\d+ minutes?) left")
    assert [match[1] for line in printed if (match := estimated.fullmatch(line))] == [
        f"Certifying: {done} of {WORTH_A_POOL}" for done in range(1, WORTH_A_POOL + 1)
    ]
    assert len(printed) == WORTH_A_POOL
