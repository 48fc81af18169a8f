"""A program as a function of a golden, without pytest."""

import json
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from factories.goldens import MakeGolden
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from programs.checking import TINY_RNN

import rnn_goldens
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.errors import ProgramFailed, Unsupported
from rnn_goldens.programs import conversation, messages
from rnn_goldens.programs.command import find_command
from rnn_goldens.programs.program import Program

Start = Callable[..., Program]

NAMES = ("single-sequence", "mini-batch", "identity-w-hh")
ANSWER = "its answer to id 2 (documented/mini-batch)"
HELLO = {"answer": "hello", "protocol": 1, "cells": ["lstm"], "features": ["bias"], "precisions": ["float32"]}
STEER = r"""
import sys
input(); print(sys.argv[1], flush=True); input()
sys.stderr.buffer.write(b"\x1b[31mred\x07 \xff\nends here\n")
sys.exit(1)
"""

REFUSES_AND_EXITS = """
import json, os
hello = {"answer": "hello", "protocol": 1, "cells": ["rnn_relu"], "features": [], "precisions": ["float32"]}
input(); print(json.dumps(hello), flush=True)
request = json.loads(input())
print(json.dumps({"answer": "unsupported", "id": request["id"], "reason": "not today"}), flush=True)
os._exit(0)  # at once: before the next request
"""

GREETS_TWICE = """
import os, subprocess, sys
if not os.path.exists("greeted"):
    open("greeted", "w").close()
    hello = subprocess.run(sys.argv[1:], input=input().encode(), capture_output=True).stdout
    os.write(1, hello)
    import time
    time.sleep(0.3)
    os.write(1, hello)
os.execv(sys.argv[1], sys.argv[1:])
"""

ENDLESS = """
import sys
input(); print(sys.argv[1], flush=True); input()
while True:
    sys.stdout.write("1," * 10_000)
"""

ECHO = """
import json, sys
hello = {"answer": "hello", "protocol": 1, "cells": ["rnn_relu"], "features": [], "precisions": ["float64", "float32"]}
for line in sys.stdin:
    request = json.loads(line)
    if request["request"] == "run":
        x = {name: request["inputs"]["x"][name] for name in ("shape", "data")}
        if request["precision"] == "float32":
            print('{"answer":"outputs","id":%d,"out":{"shape":%s,"data":[%s]},"h_n":{"shape":[1],"data":[0]}}' % (
                request["id"], x["shape"], ",".join("%.9g" % number for number in x["data"])), flush=True)
        else:
            print(json.dumps({"answer": "outputs", "id": request["id"], "out": x, "h_n": x}), flush=True)
    else:
        print(json.dumps(hello), flush=True)
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started = []

    def run(*arguments: str, time_limit: float = 10.0) -> Program:
        command = find_command(f"-- {shlex.join(arguments)}", tmp_path)
        started.append(Program(command, time_limit))
        return started[-1]

    yield run
    for program in started:
        program.close()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_floats_are_exchanged_exactly(start: Start, make_golden: MakeGolden, tmp_path: Path, dtype: str) -> None:
    (tmp_path / "echo.py").write_text(ECHO)
    program, golden = start(sys.executable, "echo.py"), make_golden(bias=False, dtype=dtype)
    one = st.floats(width=64 if dtype == "float64" else 32, allow_nan=False, allow_infinity=False)

    @settings(suppress_health_check=[HealthCheck.differing_executors])
    @given(st.lists(one, min_size=18, max_size=18))
    def check_exchange(numbers: list[float]) -> None:
        x = np.array(numbers).reshape(golden.x.shape)
        out, *_ = program(replace(golden, stored=replace(golden.stored, inputs={"x": x})))
        assert out.tobytes() == x.astype(dtype).tobytes()

    check_exchange()


def goldens() -> list[Golden]:
    return [rnn_goldens.load(f"documented/{name}", dtype="float32") for name in NAMES]


def assert_right(program: Program, golden: Golden) -> None:
    assert golden.compare(*program(golden)).passed


LATE = [
    ("answers_again_a_little_later", f'answered twice: after {ANSWER} it printed \'{{"answer": "outputs"*'),
    ("prints_rubbish_after_its_answer", f"answered twice: after {ANSWER} it printed 'Epoch 1: loss 0.25'*"),
    ("exits_after_its_answer", f"exited with code 0 after {ANSWER}\n  a program must read requests until *"),
    ("crashes_after_its_answer", f"exited with code 1 after {ANSWER}\n  its last lines on stderr:\n    double free"),
    ("segfaults_after_its_answer", f"was killed by signal SIGSEGV after {ANSWER}"),
    ("closes_stdout_after_its_answer", "closed its stdout but did not exit"),
    ("closes_stdin_after_its_answer", f"closed its stdin after {ANSWER}"),
    ("stops_reading_after_its_answer", f"read no further request within 1.5 s after {ANSWER}"),
    ("prints_without_end_after_its_answer", "printed more than 10*,* bytes without ending the line\n  no answer to *"),
    ("floods_stderr_after_its_answer", "wrote more than 10,000,000 bytes to stderr\n  its last lines on stderr:\n*"),
]


@pytest.mark.slow
@pytest.mark.parametrize("pause", [0, 1], ids=["at-once", "later"])
@pytest.mark.parametrize(("how", "what"), LATE, ids=[how for how, _ in LATE])
def test_a_late_violation_is_recorded_for_its_golden_and_does_not_affect_the_next(
    start: Start, how: str, what: str, pause: float
) -> None:
    program = start(*TINY_RNN, f"2={how}", time_limit=1.5)
    first, second, third = goldens()
    assert_right(program, first)
    try:
        assert_right(program, second)
    except ProgramFailed as error:  # on a busy machine the violation may be detected before the answer is read
        assert fnmatch(str(error), "documented/mini-batch in float32: tiny_rnn *")
        assert_right(program, third)
        assert program.late == []
        return
    assert program.late == []
    time.sleep(pause)
    assert_right(program, third)
    [late] = program.late
    assert (late["golden"], late["dtype"]) == ("documented/mini-batch", "float32")
    assert fnmatch(late["reason"], f"tiny_rnn {what.replace('[', '[[]')}\n  to reproduce: *"), late["reason"]
    assert f"rnn-goldens protocol documented/mini-batch --dtype=float32 --requests | {sys.executable}" in late["reason"]
    assert_right(program, first)
    assert len(program.late) == 1


@pytest.mark.slow
@pytest.mark.parametrize("pause", [0, 0.5], ids=["at-once", "later"])
def test_a_program_that_crashes_after_each_answer_fails_each_golden(start: Start, pause: float) -> None:
    program = start(*TINY_RNN, *(f"{request}=crashes_after_its_answer" for request in range(1, 10)))
    requested = goldens() * 2
    for golden in requested:
        assert_right(program, golden)
        time.sleep(pause)
    assert [late["golden"] for late in program.late] == [golden.id for golden in requested[:-1]]
    assert all("exited with code 1 after its answer to id" in late["reason"] for late in program.late)
    with pytest.raises(ProgramFailed, match=r"exited with code 1 after its last answer"):
        program.close()


def test_a_late_violation_and_the_failure_of_the_next_golden_are_both_reported(start: Start) -> None:
    program = start(*TINY_RNN, "2=crashes_after_its_answer", "3=prints_rubbish")
    first, second, third = goldens()
    assert_right(program, first)
    assert_right(program, second)
    with pytest.raises(ProgramFailed, match="identity-w-hh in float32: tiny_rnn printed a line that is not JSON"):
        program(third)
    assert [late["golden"] for late in program.late] == ["documented/mini-batch"]


def test_a_violation_after_a_refusal_is_recorded(start: Start, tmp_path: Path) -> None:
    (tmp_path / "refuses.py").write_text(REFUSES_AND_EXITS)
    program = start(sys.executable, "refuses.py")
    for golden in goldens():
        with pytest.raises(Unsupported, match="not today"):
            program(golden)
    assert [late["golden"] for late in program.late] == ["documented/single-sequence", "documented/mini-batch"]


def test_output_between_hello_and_the_first_golden_fails_that_golden(start: Start, tmp_path: Path) -> None:
    (tmp_path / "greets.py").write_text(GREETS_TWICE)
    program = start(sys.executable, "greets.py", *TINY_RNN)
    time.sleep(1)
    first, second, _ = goldens()
    with pytest.raises(
        ProgramFailed, match=r"single-sequence in float32: .* answered twice: after its hello it printed"
    ):
        program(first)
    assert_right(program, second)
    assert program.late == []


def test_a_late_answer_is_not_used_for_the_next_golden(start: Start) -> None:
    program = start(*TINY_RNN, "1=answers_again_at_the_next_request")
    first, second, third = goldens()
    assert_right(program, first)
    assert_right(program, second)
    assert_right(program, third)
    assert [late["golden"] for late in program.late] == ["documented/single-sequence"]


@pytest.mark.parametrize("error", [RecursionError, KeyboardInterrupt])
@pytest.mark.parametrize("continues", [True, False])
def test_an_interrupted_program_is_not_reported_and_restarted_for_the_next_golden(
    start: Start, monkeypatch: pytest.MonkeyPatch, error: type[BaseException], *, continues: bool
) -> None:
    def read(*_: object) -> None:
        raise error

    program = start(*TINY_RNN)
    first, second, third = goldens()
    assert_right(program, first)
    with monkeypatch.context() as patch:
        patch.setattr(messages, "read", read)
        with pytest.raises(error):
            program(second)
    if continues:
        assert_right(program, third)
    assert program.late == []
    program.close()


def test_a_program_can_run_inputs_without_expected_values(start: Start) -> None:
    golden = goldens()[1]
    assert golden.compare(*start(*TINY_RNN)(golden.for_implementation())).passed


@pytest.mark.parametrize(
    "shape",
    [
        {"cell": "rnn_tanh"},
        {"cell": "lstm", "num_layers": 2, "bidirectional": True, "state": True},
        {"cell": "gru", "batch": (), "time": 5},
        {"cell": "lstm", "lengths": [1, 3], "hidden_size": 7},
    ],
    ids=str,
)
def test_the_maximum_line_length_follows_from_the_requested_arrays(
    start: Start, make_golden: MakeGolden, shape: dict[str, Any]
) -> None:
    golden = make_golden(**shape)
    numbers = sum(array.size for array in (golden.out, golden.h_n, golden.stored.c_n) if array is not None)
    program = start(sys.executable, "-c", ENDLESS, json.dumps(messages.correct_hello()))
    with pytest.raises(ProgramFailed, match=f"printed more than {100_000 + 64 * numbers:,} bytes without ending the"):
        program(golden.for_implementation())


def test_a_crash_when_stdin_ends_is_reported_at_the_end(start: Start, tmp_path: Path) -> None:
    (tmp_path / "crashes.py").write_text(f"{ECHO}\nraise SystemExit('double free')")
    program = start(sys.executable, "crashes.py")
    program(rnn_goldens.load("exact/no-bias", dtype="float32"))
    with pytest.raises(ProgramFailed, match=r"(?s)exited with code 1 after its last answer, when .*double free"):
        program.close()


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("stops_reading_after_its_answer", "did not end within 0.3 s after its stdin ended"),
        ("closes_stdout_after_its_answer", "did not end within 0.3 s after its stdin ended"),
        ("closes_stdin_after_its_answer", "did not end within 0.3 s after its stdin ended"),
        ("prints_without_end_when_its_stdin_ends", "printed more than 1.* bytes without ending the line"),
        ("floods_stderr_when_its_stdin_ends", "wrote more than 10,000,000 bytes to stderr"),
    ],
)
def test_a_violation_after_the_last_answer_is_reported_at_the_end(
    start: Start, monkeypatch: pytest.MonkeyPatch, how: str, message: str
) -> None:
    monkeypatch.setattr(conversation, "_GOODBYE_SECONDS", 0.3)
    program = start(*TINY_RNN, f"1={how}")
    assert_right(program, goldens()[0])
    with pytest.raises(ProgramFailed, match=f"^tiny_rnn {message}"):
        program.close()


def test_program_output_cannot_control_a_terminal(start: Start, tmp_path: Path) -> None:
    (tmp_path / "steers.py").write_text(STEER)
    program = start(sys.executable, "steers.py", json.dumps(HELLO | {"name": "a\x1b[2Jb\n\ud800"}))
    with pytest.raises(ProgramFailed) as failed:
        program(rnn_goldens.load("lstm/one-step", dtype="float32"))
    assert str(failed.value).splitlines()[:4] == [
        r"lstm/one-step in float32: a\x1b[2Jb\n\ud800 exited with code 1 before its answer",
        "  its last lines on stderr:",
        r"    \x1b[31mred\x07 \xff",
        "    ends here",
    ]
