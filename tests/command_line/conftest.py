"""The fixture ``run``, which runs commands in a user's folder."""

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rnn_goldens.command_line import main

Run = Callable[..., "subprocess.CompletedProcess[str]"]
GOOD = 0

USERS_NETS = """
import numpy as np
import rnn_goldens
from rnn_goldens.cells import case_of
from rnn_goldens.deviations import deviation
from rnn_goldens.implementations import numpy_cells

def right(golden, back=1):
    w, states = golden.weights_as("textbook"), [golden.h0[0]] * 2
    for t in range(golden.x.shape[1]):
        states.append(np.maximum(golden.x[:, t] @ w["W_xh"] + states[-back] @ w["W_hh"], 0))
    return np.stack(states[2:], axis=1), states[-1][None]

def stale(golden):
    return right(golden, back=2)

def reversed_steps(golden):
    return deviation("x_reversed").outputs(case_of(golden, np.float64))

def other_gates(golden):
    return deviation("lstm_gates_igfo").outputs(case_of(golden, np.float64))

def changed_gradients(change):
    def net(golden):
        return change(dict(numpy_cells.gradients(golden))) if golden.has_cotangents else numpy_cells.run(golden)
    return net

halves = changed_gradients(lambda g: {name: g[name] / (1 + (name == "x")) for name in g if name != "weight_hh_l0"})
zero = changed_gradients(lambda g: {**g, "weight_hh_l0": 0 * g["weight_hh_l0"]})
half_of_x = changed_gradients(lambda g: {"x": g["x"] / 2})

def unable(golden):
    raise rnn_goldens.Unsupported("no recurrent layers")

def skips(golden):  # must count as a refusal
    import pytest
    pytest.skip("no device")

class Renamed:
    def __init__(self, input_size, hidden_size, **more): ...
    def state_dict(self): return {"W": None, "U": None}
    def load_state_dict(self, weights): ...
    def __call__(self, x, h0): ...

def unable_in_batches(golden):
    if len(golden.x) > 1:
        raise rnn_goldens.Unsupported("one sequence at a time")
    return right(golden)
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run a command in this process, in the folder of ``users_nets.py``; require its exit code and no traceback."""
    (tmp_path / "users_nets.py").write_text(USERS_NETS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # Python would run it for a file edited in the same second
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")

    def run(*arguments: object, code: int = GOOD) -> "subprocess.CompletedProcess[str]":
        command = ["rnn-goldens", *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", command)
        capfd.readouterr()
        with contextlib.chdir(tmp_path), pytest.raises(SystemExit) as ended:
            main()
        printed = capfd.readouterr()
        assert (ended.value.code or GOOD) == code, printed.out + printed.err
        assert "Traceback" not in printed.err
        return subprocess.CompletedProcess(command, code, printed.out, printed.err)

    yield run
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def run_apart(tmp_path: Path) -> Run:
    """Run a command as ``run`` does, in a process of its own, where modules of other commands are not imported."""
    (tmp_path / "users_nets.py").write_text(USERS_NETS)

    def run(*arguments: object, code: int = GOOD) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "rnn_goldens", *map(str, arguments)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    return run


def in_a_terminal(width: int, *arguments: str, folder: Path) -> str:
    """Run a command on a terminal of ``width`` columns; return its output."""
    controller, tty = pty.openpty()
    fcntl.ioctl(tty, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    command = [sys.executable, "-m", "rnn_goldens", *arguments]
    without = ("COLUMNS", "LINES", "NO_COLOR", "CI")
    environment = {name: value for name, value in os.environ.items() if name not in without} | {"TERM": "xterm"}
    with subprocess.Popen(command, cwd=folder, stdin=tty, stdout=tty, stderr=tty, env=environment) as process:
        os.close(tty)
        written = b""
        while True:
            try:
                read = os.read(controller, 100_000)
            except OSError:  # the other end of the terminal is closed
                break
            if not read:
                break
            written += read
        assert process.wait() == 0
    os.close(controller)
    return written.decode()
