"""Whatever an implementation does, exit code 0 means: outputs were compared, and are correct or known failures."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from factories.killed_process import interruptible

pytestmark = pytest.mark.slow

Run = Callable[..., "subprocess.CompletedProcess[str]"]
FINDING, WRONG_USE = 1, 2
ONLY = ("-k", "documented")

ENDING = """
import os, pytest, signal, sys, threading, time, unittest
from users_nets import right

def leaves(golden): os._exit(0)
def is_killed(golden): os.kill(os.getpid(), signal.SIGKILL)
def leaves_on_batches(golden): return right(golden) if len(golden.x) == 1 else os._exit(0)
def skips(golden): raise unittest.SkipTest("no device")
def skips_batches(golden): return right(golden) if len(golden.x) == 1 else pytest.skip("no batches")
def xfails(golden): pytest.xfail("known to be wrong")
def ends_the_session(golden): pytest.exit("enough", returncode=0)
def exits(golden): sys.exit(0)
def knows(golden): return golden.out, golden.h_n
class Lazy:
    def __array__(self, dtype=None, copy=None): pytest.xfail("no device")
def xfails_later(golden): return Lazy(), Lazy()
def raises(golden): raise ImportError("no such kernel")
def leaves_a_thread(golden):
    threading.Thread(target=threading.Event().wait).start()
    return right(golden)
def loops(golden):
    while True: pass
def ignores_exceptions(golden):
    while True:
        try: time.sleep(1)
        except BaseException: pass
"""


@pytest.fixture(autouse=True)
def ending(tmp_path: Path) -> None:
    (tmp_path / "ending.py").write_text(ENDING)
    (tmp_path / "at_import.py").write_text("import os; os._exit(0)")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("ending:leaves", "exit code 0 while it ran documented/single-sequence in float32"),
        ("ending:is_killed", "the process was killed by signal SIGKILL while it ran documented/single-sequence in "),
        ("ending:leaves_on_batches", "exit code 0 while it ran documented/mini-batch in float32"),
        ("at_import:run", "nothing was checked: the checking process ended with exit code 0 before it ran"),
        ("ending:ignores_exceptions", "the implementation did not return for documented/single-sequence in float32"),
    ],
)
def test_a_process_that_ends_is_detected_and_its_golden_reported(run: Run, function: str, message: str) -> None:
    done = run("check", function, *ONLY, "--rnn-goldens-time-limit=0.3", code=FINDING)
    assert message in done.stderr


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("xfails", "the implementation called pytest.xfail('known to be wrong')"),
        ("xfails_later", "the implementation called pytest.xfail('no device')"),
        ("ends_the_session", "the implementation called pytest.exit('enough')"),
        ("exits", "the implementation called sys.exit(0)"),
        ("loops", "the implementation returned no outputs within 0.3 s"),
        ("knows", "out of documented/single-sequence is an expected value, which an implementation does not receive"),
    ],
)
def test_each_misbehaviour_fails_every_golden_and_the_run_continues(run: Run, function: str, message: str) -> None:
    done = run("check", f"ending:{function}", *ONLY, "--rnn-goldens-time-limit=0.3", code=FINDING)
    assert message in done.stdout
    assert "4 failed" in done.stdout


def test_known_failures_pass_only_if_outputs_were_compared(run: Run, tmp_path: Path) -> None:
    (tmp_path / "known.txt").write_text("*  # all of them\n")
    done = run("check", "ending:raises", *ONLY, "--rnn-goldens-known-failures=known.txt", code=FINDING)
    assert "no output was compared" in done.stderr
    run("check", "users_nets:stale", *ONLY, "--rnn-goldens-known-failures=known.txt")


def test_the_argument_of_check_overrides_the_option_implementation(run: Run) -> None:
    run("check", "users_nets:stale", *ONLY, "--rnn-goldens-implementation=users_nets:right", code=FINDING)


def test_an_endless_thread_does_not_block_the_end_of_a_run(run: Run) -> None:
    assert "4 passed" in run("check", "ending:leaves_a_thread", *ONLY).stdout


def test_a_skip_is_a_refusal_with_its_reason(run: Run) -> None:
    done = run("check", "ending:skips", *ONLY, code=FINDING)
    assert "4  no device" in done.stdout
    assert "nothing was checked: all 4 goldens were refused" in done.stdout
    assert "1 passed" in run("check", "ending:skips_batches", *ONLY).stdout


def test_a_run_that_only_collects_tests_fails(run: Run) -> None:
    done = run("check", "users_nets:right", *ONLY, "--collect-only", code=FINDING)
    assert "Error: not all goldens were compared: 4 of 4 goldens were not compared" in done.stderr


def test_a_report_fails_for_an_incomplete_run(run: Run, tmp_path: Path) -> None:
    done = run("report", "ending:leaves", "users_nets:right", *ONLY, code=FINDING)
    found = json.loads((tmp_path / "conformance.json").read_text("utf-8"))["implementations"]
    passed = {i["name"]: sum(result["passed"] for result in i["results"]) for i in found}
    assert passed == {"users_nets:right": 16}
    assert "Error: ending:leaves could not be checked: not all goldens were compared: the process ended" in done.stderr


@pytest.mark.parametrize("command", ["check", "report"])
def test_an_internal_error_of_pytest_is_a_failure_not_wrong_use(run: Run, tmp_path: Path, command: str) -> None:
    (tmp_path / "breaking.py").write_text(
        "import _pytest.runner\n_pytest.runner.runtestprotocol = None\ndef run(g): pass"
    )
    done = run(command, "breaking:run", *ONLY, code=FINDING)
    assert "not all goldens were compared: pytest had an internal error" in done.stderr


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_no_process_outlives_the_supervisor(tmp_path: Path, by: signal.Signals) -> None:
    (tmp_path / "slow.py").write_text(
        "import os, time\ndef run(golden):\n    open('pid', 'w').write(str(os.getpid()))\n    time.sleep(60)\n"
    )
    command = interruptible(sys.executable, "-m", "rnn_goldens", "check", "slow:run", *ONLY)
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    pid = tmp_path / "pid"
    until(lambda: pid.exists() and pid.read_text() != "")
    if by == signal.SIGINT:  # as a terminal does
        os.killpg(process.pid, by)
    else:
        process.send_signal(by)
    assert process.wait(20) != 0
    until(lambda: not Path("/proc", pid.read_text()).exists())


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
