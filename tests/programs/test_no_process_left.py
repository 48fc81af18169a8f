"""The program and its child processes end with the run, even if the run is interrupted or killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from factories.killed_process import interruptible
from programs.checking import TINY_RNN, check_program, process_ids, still_running, watchdogs

pytestmark = pytest.mark.slow

HANGING = ["hangs_with_a_child", "hangs_and_ignores_signals", "hangs_with_a_daemon"]


@pytest.mark.parametrize("misbehaviour", HANGING)
@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["one-process", "xdist"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill-9"])
def test_a_run_that_is_interrupted_leaves_no_process(
    tmp_path: Path, number: signal.Signals, workers: tuple[str, ...], misbehaviour: str
) -> None:
    pids = tmp_path / "pids.txt"
    running = start_checking(tmp_path, "-k", "documented/single", *workers, misbehaviours=(f"1={misbehaviour}",))
    started = 3 if workers else 2  # the program of xdist's controller, the hanging program, and its child
    wait_for(pids, started)
    if number is signal.SIGINT:
        os.killpg(running.pid, number)  # as a terminal does
    else:
        running.send_signal(number)
    running.communicate(timeout=30)
    assert len(process_ids(pids)) >= started
    assert not still_running(process_ids(pids), seconds=20)
    assert not watchdogs(pids, seconds=20)


@pytest.mark.parametrize(
    "misbehaviour", ["answers_and_leaves_a_daemon", "exits_and_leaves_a_daemon", "hangs_with_a_daemon"]
)
def test_a_finished_run_leaves_no_daemon(tmp_path: Path, misbehaviour: str) -> None:
    checked = check_program(
        tmp_path, ("-k", "documented/single", "--rnn-goldens-time-limit=2"), (*TINY_RNN, f"1={misbehaviour}")
    )
    assert len(checked.processes) == 2  # check_program checks that no process is left
    assert checked.outcomes == ["passed" if misbehaviour.startswith("answers") else "failed"]


def test_ctrl_c_ends_a_run_without_blaming_the_program(tmp_path: Path) -> None:
    running = start_checking(tmp_path, "-k", "documented", misbehaviours=("2=hangs_with_a_child",))
    wait_for(tmp_path / "pids.txt", 2)
    os.killpg(running.pid, signal.SIGINT)
    shown, _ = running.communicate(timeout=30)
    assert running.returncode == 2
    assert "1 passed" in shown
    for word in ("Traceback", "INTERNALERROR", "SIGKILL", "tiny_rnn was killed"):
        assert word not in shown, shown


def start_checking(folder: Path, *options: str, misbehaviours: tuple[str, ...]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "rnn_goldens", "check", *options, "--rnn-goldens-time-limit=60"]
    return subprocess.Popen(
        interruptible(*command, "--", *TINY_RNN, *misbehaviours),
        env=os.environ | {"PIDS": str(folder / "pids.txt")},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wait_for(pids: Path, count: int) -> None:
    end = time.monotonic() + 60
    while len(process_ids(pids)) < count:
        assert time.monotonic() < end, "the program was not started"
        time.sleep(0.05)
