"""``fuzz`` reports and stores failing goldens, and does not pass without comparisons."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from factories.killed_process import interruptible

from rnn_goldens import load
from rnn_goldens.fuzz.bounds import Sizes
from rnn_goldens.golden.features import INPUT_FEATURES

Run = Callable[..., "subprocess.CompletedProcess[str]"]
FINDING, WRONG_USE = 1, 2
SMALL = ("--max-time", "2", "--max-batch", "2", "--max-hidden", "1", "--max-input", "1")

pytestmark = pytest.mark.slow

NETS = """
import os, signal, time
import numpy as np
from rnn_goldens import Unsupported
from rnn_goldens.cells import Network, case_of
from rnn_goldens.deviations import deviation

def right(golden):
    return Network().run(case_of(golden, np.float64))

def wrong_gates(golden):
    if golden.cell != "lstm":
        raise Unsupported("LSTMs only")
    return deviation("lstm_gates_iofg").outputs(case_of(golden, np.float64))

def only_out(golden):
    return right(golden)[0]

def only_wrong_out(golden):
    return wrong_gates(golden)["out"]

def refuses(golden):
    raise Unsupported("no recurrent layers")

def crashes(golden):
    if golden.lengths is not None:
        raise KeyError("lengths")
    return right(golden)

def logs(golden):
    with open("log", "a") as file:
        print(golden.id, file=file)
    return right(golden)

wrong = 0

def once_wrong(golden):
    global wrong
    wrong += 1
    out, *states = right(golden)
    return (out + 1 if wrong == 3 else out), *states

def ignores_signals(golden):
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGALRM])
    with open("log", "w") as file:
        file.write(str(os.getpid()))
    time.sleep(1000)

def hangs(golden):
    if golden.config.bidirectional:
        time.sleep(1000)
    return right(golden)
"""

PROGRAM = Path(__file__).parents[2] / "examples" / "programs" / "my_rnn.py"


@pytest.fixture
def run_here(run: Run) -> Run:
    return run


@pytest.fixture
def run(run_apart: Run) -> Run:
    """Run a command in a process of its own, whose working directory Hypothesis uses."""
    return run_apart


@pytest.fixture(autouse=True)
def nets(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(NETS)


def test_a_failing_golden_is_printed_stored_and_checked_by_the_printed_command(run: Run, tmp_path: Path) -> None:
    done = run("fuzz", "nets:wrong_gates", *SMALL, "--hypothesis-seed=1", code=FINDING)
    (stored_id,) = (path.stem for path in (tmp_path / ".rnn-goldens/found/drawn").glob("*.json"))
    lines = done.stdout.splitlines()
    assert any(line.startswith(f"drawn/{stored_id} in float32: out is") for line in lines)
    assert any(line.startswith("  lstm_gates_iofg: Reads the rows") for line in lines)
    assert f"to see the golden: rnn-goldens show drawn/{stored_id} --corpus .rnn-goldens/found" in lines
    assert "test_drawn.py:" not in done.stdout.replace("test_drawn.py::test_drawn:", "")
    command = next(line for line in lines if line.startswith("  rnn-goldens check ")).split()
    assert command == ["rnn-goldens", "check", "nets:wrong_gates", *command[3:]]
    assert "1 failed" in run(*command[1:], code=FINDING).stdout
    assert f"drawn/{stored_id}" in run("show", f"drawn/{stored_id}", "--corpus", ".rnn-goldens/found").stdout


def test_the_next_run_starts_with_stored_goldens_of_the_same_network(run: Run, tmp_path: Path) -> None:
    run("fuzz", "nets:wrong_gates", *SMALL, code=FINDING)
    shutil.rmtree(tmp_path / ".hypothesis")
    run("fuzz", "nets:wrong_gates", *SMALL, "--examples", "1", code=FINDING)
    shutil.rmtree(tmp_path / ".hypothesis")
    (found,) = (tmp_path / ".rnn-goldens/found/drawn").glob("*.json")
    assert "nets:wrong_gates" in found.read_text("utf-8")
    again = run("fuzz", "nets:logs", *SMALL, "--examples", "20")
    assert "1 passed" in again.stdout
    assert f"drawn/{found.stem}" not in (tmp_path / "log").read_text("utf-8").splitlines()[:1]


def test_a_correct_implementation_passes_and_a_seed_determines_its_goldens(run: Run, tmp_path: Path) -> None:
    options = ("--examples", "12", "--cell", "gru", "--dtype", "float64")
    seeds = []
    for seed in ("7", "7", "8"):
        done = run("fuzz", "nets:logs", *options, f"--hypothesis-seed={seed}")
        assert "Stopped because settings.max_examples=12" in done.stdout
        seeds.append((tmp_path / "log").read_text("utf-8"))
        (tmp_path / "log").unlink()
    assert seeds[0] == seeds[1] != seeds[2]
    assert not (tmp_path / ".rnn-goldens").exists()


def test_out_alone_is_compared(run: Run) -> None:
    options = ("--outputs", "out", *SMALL, "--cell", "lstm")
    assert "1 passed" in run("fuzz", "nets:only_out", "--examples", "5", *options).stdout
    done = run("fuzz", "nets:only_wrong_out", *options, code=FINDING)
    command = next(line for line in done.stdout.splitlines() if line.startswith("  rnn-goldens check ")).split()
    assert "lstm: 1 of 1 fails" in run(*command[1:], code=FINDING).stdout


def test_refusals_are_printed_and_refusing_everything_fails(run: Run) -> None:
    done = run("fuzz", "nets:refuses", "--examples", "1", *SMALL, code=FINDING)
    assert "refused: no recurrent layers" in done.stdout
    assert "nothing was compared, so nothing passed" in done.stdout


def test_a_crash_fails_and_is_reported_once(run: Run) -> None:
    done = run("fuzz", "nets:crashes", *SMALL, code=FINDING)
    assert done.stdout.count("nets:crashes raised KeyError: 'lengths'") == 1
    assert "nets.py" in done.stdout
    assert "fuzzing/worker.py" not in done.stdout
    assert "kept in .rnn-goldens/found" in done.stdout


def test_a_call_that_hangs_is_ended_and_fails(run: Run) -> None:
    nothing_smaller = ("--max-time", "1", "--max-batch", "1", "--max-layers", "1", "--cell", "rnn_relu")
    only_such = ("--features", "bidirectional", "--without", "state,bias,lengths,unbatched", "--time-limit", "0.5")
    done = run("fuzz", "nets:hangs", *SMALL, *nothing_smaller, *only_such, code=FINDING)
    assert "nets:hangs returned no outputs within 0.5 s" in done.stdout
    assert "kept in .rnn-goldens/found" in done.stdout


def test_a_flaky_implementation_is_reported_as_flaky(run: Run) -> None:
    done = run("fuzz", "nets:once_wrong", *SMALL, code=FINDING)
    assert "Flaky" in done.stdout
    assert "kept in .rnn-goldens/found" in done.stdout


def test_a_program_is_checked_with_the_features_that_it_supports(run: Run, tmp_path: Path) -> None:
    right = PROGRAM.read_text("utf-8")
    (tmp_path / "right.py").write_text(right, "utf-8")
    arguments = ("fuzz", "--cell", "rnn_tanh", "--dtype", "float64")
    done = run(*arguments, "--examples", "15", "--", sys.executable, "right.py")
    first = "my_rnn.py does not support bidirectional, lengths, multilayer, unbatched: not drawn"
    assert done.stdout.splitlines()[0] == first
    assert "Stopped because settings.max_examples=15" in done.stdout
    (tmp_path / "wrong.py").write_text(right.replace("math.tanh", "math.sin"), "utf-8")
    assert "math.sin" in (tmp_path / "wrong.py").read_text("utf-8")
    done = run(*arguments, "--", sys.executable, "wrong.py", code=FINDING)
    (found,) = (tmp_path / ".rnn-goldens/found/drawn").glob("*.json")
    assert load(f"drawn/{found.stem}", corpus=tmp_path / ".rnn-goldens/found").x.shape == (1, 1, 1)
    assert f" -k {found.stem} -- {sys.executable} wrong.py\n" in done.stdout


WRONG_USES = [
    (("nets:right", "--examples", "0"), "0 is not in the range x>=1"),
    (("nets:right", "--time-limit", "nan"), "a time limit of nan s per golden: it must be above 0"),
    (("--time-limit", "inf", "--", "cat"), "a time limit of inf s per golden: it must be above 0"),
    (("nets:right", "--seconds", "3"), "unrecognized arguments: --seconds"),
    (("nets:right", "--cell", "lsmt"), "Did you mean 'lstm'"),
    (("nets:right", "--dtype", "float8"), "no precision 'float8'"),
    (("nets:right", "--cell", "slstm"), "slstm is a recurrence, and only networks are drawn: rnn-goldens check "),
    (("nets:right", "--cell", "lstm_int8_cmsis"), "lstm_int8_cmsis is an integer LSTM, and only networks are drawn: "),
    (("nets:right", "--outputs", "h_n"), "the outputs to compare must include out"),
    (("nets:right", "--features", "lengths", "--max-time", "1"), "max_time is 1, but lengths"),
    (("nets:right", "--found", "nets.py"), "nets.py is a file"),
    (("nmpy",), "Did you mean 'numpy'"),
    (("--", "./no-such-program"), "no-such-program"),
]


def test_wrong_use_is_one_error(run_here: Run, subtests: pytest.Subtests) -> None:
    for arguments, message in WRONG_USES:
        with subtests.test(message):
            done = run_here("fuzz", *arguments, code=WRONG_USE)
            assert message in done.stderr
            assert done.stdout == ""


def test_a_running_search_can_be_interrupted(tmp_path: Path) -> None:
    command = interruptible(sys.executable, "-m", "rnn_goldens", "fuzz", "nets:ignores_signals")
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        while not (tmp_path / "log").exists():
            assert process.poll() is None
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        out, err = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in out
    assert "Traceback" not in err
    assert process.returncode == FINDING  # the search did not finish


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_a_hanging_implementation_ends_with_the_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rnn_goldens", "fuzz", "nets:ignores_signals"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
        while not (tmp_path / "log").exists() or not (tmp_path / "log").read_text("utf-8"):
            assert process.poll() is None
            time.sleep(0.1)
        process.kill()
    pid = int((tmp_path / "log").read_text("utf-8"))
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    raise AssertionError(f"process {pid} is still running")


def test_help_lists_features_and_default_sizes(run: Run) -> None:
    output = " ".join(run("fuzz", "--help").stdout.split())
    assert ", ".join(INPUT_FEATURES) in output
    for name, size in vars(Sizes()).items():
        assert re.search(rf"--max-{name} INTEGER Maximum [a-z ]+ \(default: {size}\)", output)
