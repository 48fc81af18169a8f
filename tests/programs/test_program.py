"""A program as a function of a golden, without pytest around it."""

import json
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from making import MakeGolden
from programs.checking import TINY_RNN

import rnn_goldens
from rnn_goldens.errors import ProgramFailed
from rnn_goldens.programs.command import find_command
from rnn_goldens.programs.program import Program

Start = Callable[..., Program]

NAMES = ("single-sequence", "mini-batch", "identity-w-hh")
LATE = "identity-w-hh in float32: tiny_rnn answered twice: after its answer to id 2 .documented/mini-batch. it printed"
HELLO = {"answer": "hello", "protocol": 1, "cells": ["lstm"], "features": ["bias"], "precisions": ["float32"]}
STEER = r"""
import sys
input(); print(sys.argv[1], flush=True); input()
sys.stderr.buffer.write(b"\x1b[31mred\x07 \xff\nends here\n")
sys.exit(1)
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
def test_floats_come_through_it_to_the_last_bit(
    start: Start, make_golden: MakeGolden, tmp_path: Path, dtype: str
) -> None:
    (tmp_path / "echo.py").write_text(ECHO)
    program, made = start(sys.executable, "echo.py"), make_golden(bias=False, dtype=dtype)
    one = st.floats(width=64 if dtype == "float64" else 32, allow_nan=False, allow_infinity=False)

    @settings(suppress_health_check=[HealthCheck.differing_executors], deadline=None)
    @given(st.lists(one, min_size=18, max_size=18))
    def come_through(numbers: list[float]) -> None:
        x = np.array(numbers).reshape(made.x.shape)
        out, *_ = program(replace(made, stored=replace(made.stored, x=x)))
        assert out.tobytes() == x.astype(dtype).tobytes()

    come_through()


def test_a_second_answer_that_comes_late_fails_the_next_golden_and_names_the_one_before(start: Start) -> None:
    program = start(*TINY_RNN, "2=answers_again_a_little_later")
    first, second, third = (rnn_goldens.load(f"documented/{name}", dtype="float32") for name in NAMES)
    assert first.compare(*program(first)).passed
    assert second.compare(*program(second)).passed
    time.sleep(1)
    with pytest.raises(ProgramFailed, match=LATE):
        program(third)
    assert third.compare(*program(third)).passed


def test_a_golden_is_asked_again_after_any_failure(start: Start) -> None:
    program = start(*TINY_RNN, "1=exits", "2=hangs", "3=prints_rubbish", time_limit=1)
    golden = rnn_goldens.load("documented/mini-batch", dtype="float32")
    begin = time.monotonic()
    for message in ("exited with code 3", "gave no answer within 1 s", "not JSON"):
        with pytest.raises(ProgramFailed, match=f"documented/mini-batch in float32: tiny_rnn .*{message}"):
            program(golden)
    assert 1 < time.monotonic() - begin < 5
    assert golden.compare(*program(golden)).passed
    program.close()
    program.close()


def test_a_program_that_crashes_when_its_stdin_ends_is_told_at_the_end(start: Start, tmp_path: Path) -> None:
    (tmp_path / "crashes.py").write_text(f"{ECHO}\nraise SystemExit('double free')")
    program = start(sys.executable, "crashes.py")
    program(rnn_goldens.load("exact/no-bias", dtype="float32"))
    with pytest.raises(ProgramFailed, match=r"(?s)exited with code 1 after its last answer, when .*double free"):
        program.close()


def test_what_a_program_says_can_not_steer_a_terminal(start: Start, tmp_path: Path) -> None:
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
