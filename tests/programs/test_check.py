"""``rnn-goldens check -- COMMAND``: starts, results and violations of programs, and programs that cannot be started."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from programs.checking import TINY_RNN
from programs.conftest import Check

HELLO = (
    '{"answer": "hello", "protocol": 1, "cells": ["lstm"], "features": ["bias", "state"], "precisions": ["float32"]}'
)
DOCUMENTED = ("-k", "documented")
NUMPY_RNN = (sys.executable, str(Path(__file__).with_name("numpy_rnn.py")))


def script(path: Path, text: str, interpreter: str = "/bin/sh") -> None:
    path.write_text(f"#!{interpreter}\n{text}\n")
    path.chmod(0o755)


@pytest.mark.slow
def test_a_program_is_started_once(check: Check) -> None:
    checked = check(*DOCUMENTED)
    assert checked.outcomes == ["passed"] * 4
    assert checked.code == 0
    assert len(checked.processes) == 1


@pytest.mark.slow
def test_each_xdist_worker_starts_one_program(check: Check) -> None:
    checked = check(*DOCUMENTED, "-n2", misbehaviours=("1=exits",))
    assert sorted(checked.outcomes) == ["failed"] * 2 + ["passed"] * 2
    assert len(checked.processes) == 1 + 2 + 2  # one to test the start, one per worker, one restart per failure


@pytest.mark.slow
def test_a_correct_program_passes_every_golden(check: Check) -> None:
    checked = check("--rnn-goldens-dtype=float64,float16", command=NUMPY_RNN)
    assert set(checked.outcomes) == {"passed"}
    assert len(checked.outcomes) > 250
    assert checked.code == 0


@pytest.mark.slow
def test_goldens_that_the_hello_excludes_are_refused_without_a_request(check: Check) -> None:
    checked = check("-k", "exact or plain", "--rnn-goldens-dtype=float32")
    assert set(checked.outcomes) == {"passed"}
    for what in ("lstm", "gru", "state", "multilayer", "bidirectional", "lengths"):
        assert f"  tiny_rnn does not support {what}\n" in checked.shown
    assert checked.code == 0


@pytest.mark.slow
def test_a_program_without_a_name_is_named_after_its_command(check: Check, tmp_path: Path) -> None:
    script(tmp_path / "my_rnn", f"exec {' '.join(NUMPY_RNN)}")
    checked = check("-k", "documented/single", "--rnn-goldens-dtype=float32,bfloat16", command=("./my_rnn", "--fast"))
    assert "1  ./my_rnn --fast does not support bfloat16\n" in checked.shown


@pytest.mark.slow
def test_a_failure_shows_the_output_of_the_program_and_how_to_reproduce_it(check: Check) -> None:
    checked = check(*DOCUMENTED, misbehaviours=("2=exits",))
    message = [line[1:].strip() for line in checked.shown.splitlines() if line.startswith("E ")]
    assert message == [
        "rnn_goldens.ProgramFailed: documented/mini-batch in float32: tiny_rnn exited with code 3 before its answer",
        "its last lines on stderr:",
        "allocating",
        "out of memory",
        "to reproduce: rnn-goldens protocol documented/mini-batch --dtype=float32 --requests "
        f"| {' '.join(TINY_RNN)} 2=exits",
    ]
    assert "program.py" not in checked.shown


@pytest.mark.slow
def test_a_failure_in_larger_sizes_is_reproduced_in_these(check: Check) -> None:
    checked = check(*DOCUMENTED, "--rnn-goldens-embed=hidden_size=16,batch=4", misbehaviours=("2=exits",))
    (reproduction,) = re.findall(r"^E +to reproduce: .*", checked.shown, re.MULTILINE)
    assert "--dtype=float32 --embed=hidden_size=16,batch=4 --requests |" in reproduction


@pytest.mark.slow
@pytest.mark.parametrize("how", ["answers_again_a_little_later", "crashes_after_its_answer"])
def test_a_late_violation_fails_only_its_own_golden(check: Check, how: str) -> None:
    checked = check(*DOCUMENTED, misbehaviours=(f"2={how}",))
    assert checked.outcomes == ["passed", "failed", "passed", "passed"]
    assert "after its answer to id 2 (documented/mini-batch)" in checked.results[1]["reason"]
    assert checked.code == 1
    assert len(checked.processes) == 2


@pytest.mark.slow
def test_a_program_that_hangs_after_its_last_answer_fails_the_run(check: Check) -> None:
    checked = check(*DOCUMENTED, misbehaviours=("4=stops_reading_after_its_answer",))
    assert checked.code == 1
    assert "tiny_rnn did not end within 10 s after its stdin ended" in checked.shown


def test_the_requests_that_the_protocol_command_prints_can_be_piped_into_a_program(tmp_path: Path) -> None:
    rnn_goldens = [sys.executable, "-m", "rnn_goldens", "protocol", "--requests"]
    requests = subprocess.run(rnn_goldens, cwd=tmp_path, capture_output=True, check=True).stdout
    answers = subprocess.run(TINY_RNN, input=requests, capture_output=True, check=True).stdout.decode()
    hello, outputs = answers.splitlines()
    assert '"hello"' in hello
    assert "[3.0, 3.0, 12.0, 12.0, 33.0, 33.0]" in outputs


@pytest.mark.slow
def test_a_program_that_does_not_read_its_stdin_is_reported(check: Check) -> None:
    deaf = (sys.executable, "-c", f"import time; input(); print({HELLO!r}, flush=True); time.sleep(1000)")
    checked = check("-k", "sizes-lstm/hidden-64", "--rnn-goldens-time-limit=1", command=deaf)
    [result] = checked.results
    assert re.search(r" does not read its stdin: it printed no answer within 1 s, [\d,]+ bytes of ", result["reason"])


@pytest.mark.slow
def test_a_program_that_repeatedly_fails_to_start_is_not_restarted(check: Check, tmp_path: Path) -> None:
    script(tmp_path / "once", f"mkdir started 2>/dev/null || exit 7\nexec {' '.join(TINY_RNN)} 2=exits")
    checked = check(*DOCUMENTED, "--rnn-goldens-dtype=float64,float32", command=("./once",))
    reasons = [result.get("reason", "").partition("tiny_rnn ")[2] for result in checked.results]
    assert reasons == [
        "",
        "exited with code 3 before its answer",
        *["exited with code 7 before its hello"] * 3,
        *["is not restarted: it failed to start 3 times in a row"] * 3,
    ]
    assert len(checked.processes) == 1


ERRORS = [
    ((), "-- is followed by the command to check: -- ./my_rnn --flags"),
    (("no_such_program",), "the program 'no_such_program' cannot be started: it is not on the PATH"),
    (("./no_such_program",), "cannot be started: there is no file FOLDER/no_such_program"),
    (
        ("./my_rnn.py",),
        "my_rnn.py is not executable; make it executable, or name its interpreter: -- python ./my_rnn.py",
    ),
    ((sys.executable, "-c", "exit('no device')"), "exited with code 1 before its hello"),
    ((sys.executable, "-c", "print('Loading')"), "printed a line that is not JSON (*): 'Loading'"),
    (("echo", HELLO.replace("1", "3")), "speaks protocol 3; this version of rnn-goldens speaks 1 and 2"),
]

MORE_ERRORS = [
    (("my_rnn.py",), "it is not on the PATH; for the one in FOLDER write ./my_rnn.py"),
    (("/",), "the program '/' cannot be started: / is a folder"),
    (("./no_first_line",), "cannot be started: Exec format error; does its first line name an interpreter"),
    (("./no_interpreter",), "cannot be started: the interpreter after #! in its first line, or a library"),
    (("echo", HELLO.replace("lstm", "lsmt")), "(cells/0: 'lsmt' is not one of ['rnn_tanh', "),
    (("echo", HELLO.replace("hello", "bye")), "(answer: 'bye' is not one of ['hello', 'outputs', 'unsupported'])"),
    (("cat",), '(top level: \'answer\' is a required property): \'{"request":"hello","protocol":1}\''),
    (("sleep", "1000"), "sleep 1000 printed no hello within 3 s"),
]
"""More errors of the same kinds, for the slow tests."""


@pytest.mark.sampled(every=4)
@pytest.mark.parametrize(
    ("command", "message"),
    [*ERRORS, *(pytest.param(*each, marks=pytest.mark.slow) for each in MORE_ERRORS)],
)
def test_a_program_that_cannot_be_started_is_reported_once(
    check: Check, tmp_path: Path, command: tuple[str, ...], message: str
) -> None:
    (tmp_path / "my_rnn.py").write_text("import torch")
    (tmp_path / "no_first_line").write_text("import torch")
    (tmp_path / "no_first_line").chmod(0o755)
    script(tmp_path / "no_interpreter", "", interpreter="/no/such/python")
    checked = check("--rnn-goldens-time-limit=1", command=command)
    for part in message.replace("FOLDER", str(tmp_path)).split("*"):
        assert checked.shown.count(part) == 1, checked.shown
    assert checked.shown.lower().startswith("error: ")
    assert "Traceback" not in checked.shown
    assert checked.code == 2
    assert not checked.results


@pytest.mark.slow
def test_a_program_that_cannot_be_started_is_reported_once_with_xdist(check: Check) -> None:
    checked = check("-n2", command=(sys.executable, "-c", "exit('no device')"))
    assert checked.shown.count("exited with code 1 before its hello") == 1
    assert checked.code == 2
