"""A program with a network of one layer in plain Python, which misbehaves on the requests that its arguments name.

    python tiny_rnn.py [REQUEST_ID=MISBEHAVIOUR]...

If the environment variable PIDS is the path of a file, each process appends its id to the file.
"""

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Message = dict[str, Any]
FOREVER = 1000

HELLO = {
    "answer": "hello", "protocol": 1, "name": "tiny_rnn", "cells": ["rnn_tanh", "rnn_relu"], "features": ["bias"],
    "precisions": ["float64", "float32", "bfloat16", "float16"],
}  # fmt: skip


def outputs(request: Message) -> Message:
    """Return the correct answer."""
    activation = math.tanh if request["cell"] == "rnn_tanh" else lambda z: max(z, 0.0)
    w_ih, w_hh = (rows(request["weights"][f"weight_{which}_l0"]) for which in ("ih", "hh"))
    biases = [request["weights"].get(f"bias_{which}_l0", {"data": [0.0] * len(w_hh)}) for which in ("ih", "hh")]
    batch, steps, size = request["inputs"]["x"]["shape"]
    inputs = iter(rows({"shape": [batch * steps, size], "data": request["inputs"]["x"]["data"]}))
    out: list[float] = []
    h_n: list[float] = []
    for _ in range(batch):
        h = [0.0] * len(w_hh)
        for _ in range(steps):
            terms = zip(product(w_ih, next(inputs)), product(w_hh, h), *(bias["data"] for bias in biases), strict=True)
            h = [activation(sum(z)) for z in terms]
            out += h
        h_n += h
    return {
        "answer": "outputs",
        "id": request["id"],
        "out": {"shape": [batch, steps, len(w_hh)], "data": out},
        "h_n": {"shape": [1, batch, len(w_hh)], "data": h_n},
    }


def rows(array: Message) -> list[list[float]]:
    count, size = array["shape"]
    return [array["data"][size * row :][:size] for row in range(count)]


def product(matrix: list[list[float]], vector: list[float]) -> list[float]:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def write(message: Message) -> None:
    print(json.dumps(message), flush=True)


def write_bytes(pipe: int, text: bytes) -> None:
    while text:
        text = text[os.write(pipe, text) :]


def log_process(pid: int) -> None:
    if "PIDS" in os.environ:
        with Path(os.environ["PIDS"]).open("a", encoding="utf-8") as file:
            file.write(f"{pid}\n")


Step = Callable[[Message], object]
"""A part of a misbehaviour, given the correct answer."""


def hang(_: Message) -> None:
    time.sleep(FOREVER)


def segfault(_: Message) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def start_child(_: Message) -> None:
    log_process(subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({FOREVER})"]).pid)


def ignore_signals(_: Message) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)


def start_daemon(right: Message) -> None:
    """Start a daemon that ignores signals, in its own session."""
    read, write_end = os.pipe()
    if child := os.fork():
        os.waitpid(child, 0)
        os.read(read, 1)  # the daemon has written its id
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    ignore_signals(right)
    for stream in range(3):
        os.dup2(os.open(os.devnull, os.O_RDWR), stream)
    log_process(os.getpid())
    os.write(write_end, b"1")
    time.sleep(FOREVER)
    os._exit(0)


def answer_the_next_request_twice(right: Message) -> None:
    request = json.loads(input())
    write(right)
    write(outputs(request))


def ends(code: int | str) -> Step:
    return lambda _: sys.exit(code)


def prints(text: bytes, pipe: int = 1) -> Step:
    return lambda _: write_bytes(pipe, text)


def floods(text: bytes, pipe: int = 1) -> Step:
    def flood(_: Message) -> None:
        while True:
            write_bytes(pipe, text * 10_000)

    return flood


def closes(stream: int) -> Step:
    return lambda _: os.close(stream)


def answers(**changes: Any) -> Step:
    """Return a step that writes the correct answer with some changes."""
    return lambda right: write(right | changes)


def answers_data(name: str, change: Callable[[list[float]], list[Any]]) -> Step:
    return lambda right: write(right | {name: right[name] | {"data": change(right[name]["data"])}})


def a_little_later(_: Message) -> None:
    time.sleep(0.3)


def wait_for_the_end_of_stdin(_: Message) -> None:
    sys.stdin.read()


WARNING, RUBBISH = b"warning\n", b"Epoch 1: loss 0.25\n"

MISBEHAVIOURS: dict[str, tuple[Step, ...]] = {
    "exits": (prints(b"allocating\nout of memory\n", 2), ends(3)),
    "segfaults": (segfault,),
    "exits_but_its_child_does_not": (start_child, ends(3)),
    "exits_after_its_answer": (write, ends(0)),
    "crashes_after_its_answer": (write, ends("double free")),
    "segfaults_after_its_answer": (write, segfault),
    "exits_in_the_middle_of_a_line": (lambda right: write_bytes(1, json.dumps(right)[:40].encode()), ends(4)),
    "hangs": (hang,),
    "hangs_with_a_child": (start_child, hang),
    "hangs_with_a_daemon": (start_daemon, hang),
    "hangs_and_ignores_signals": (ignore_signals, start_child, hang),
    "answers_and_leaves_a_daemon": (start_daemon, write),
    "exits_and_leaves_a_daemon": (start_daemon, ends(3)),
    "forgets_the_newline": (lambda right: write_bytes(1, json.dumps(right).encode()), hang),
    "prints_an_empty_line": (prints(b"\n"), hang),
    "closes_stdout": (closes(1), hang),
    "closes_stdout_after_its_answer": (write, closes(1), hang),
    "closes_stdin_after_its_answer": (closes(0), write, hang),
    "stops_reading_after_its_answer": (write, hang),
    "prints_rubbish": (prints(RUBBISH),),
    "prints_rubbish_after_its_answer": (write, a_little_later, prints(RUBBISH), hang),
    "prints_no_utf_8": (prints(b'{"answer": "\xff"}\n'),),
    "prints_a_deep_nest": (prints(b"[" * 50_000 + b"\n"),),
    "prints_a_nest_of_940": (prints(b'{"answer": "outputs", "id": ' + b"[" * 940 + b"]" * 940 + b"}\n"),),
    "prints_no_object": (prints(b"[1, 2]\n"),),
    "prints_without_end": (floods(b"1,"),),
    "prints_without_end_after_its_answer": (write, a_little_later, floods(b"1,")),
    "prints_without_end_when_its_stdin_ends": (write, wait_for_the_end_of_stdin, floods(b"1,")),
    "prints_lines_without_end": (floods(b"Epoch 1\n"),),
    "floods_stderr": (floods(WARNING, 2),),
    "floods_stderr_after_its_answer": (write, floods(WARNING, 2)),
    "floods_stderr_when_its_stdin_ends": (write, wait_for_the_end_of_stdin, floods(WARNING, 2)),
    "floods_stderr_and_answers": (prints(WARNING * 1_500_000, 2), write),
    "writes_a_megabyte_to_stderr": (prints(WARNING * 125_000, 2), write),
    "writes_blank_lines": (prints(b"\n\r\n"), lambda right: write_bytes(1, f"{json.dumps(right)}\r\n\n".encode())),
    "leaves_out_h_n": (lambda right: write({name: value for name, value in right.items() if name != "h_n"}),),
    "nests_its_data": (answers(out=[[1.0]]),),
    "prints_too_few_numbers": (answers_data("out", lambda _: [1.0]),),
    "prints_text_for_numbers": (answers_data("h_n", lambda data: ["1.0"] * len(data)),),
    "answers_nan": (answers_data("out", lambda data: [None, "NaN", math.nan, *data[3:]]),),
    "answers_another_shape": (lambda r: write(r | {"out": {**r["out"], "shape": [len(r["out"]["data"])]}}),),
    "answers_another_id": (answers(id=999),),
    "answers_the_id_before": (lambda right: write(right | {"id": right["id"] - 1}),),
    "answers_hello": (lambda _: write(HELLO),),
    "answers_twice": (lambda right: write_bytes(1, f"{json.dumps(right)}\n".encode() * 2),),
    "answers_again_a_little_later": (write, a_little_later, write),
    "answers_again_at_the_next_request": (write, answer_the_next_request_twice),
    "says_unsupported": (lambda r: write({"answer": "unsupported", "id": r["id"], "reason": "not today"}),),
}


def main() -> None:
    log_process(os.getpid())
    instructions = dict(argument.split("=") for argument in sys.argv[1:])
    for line in sys.stdin:
        request = json.loads(line)
        if request["request"] == "hello":
            write(HELLO)
        elif misbehaviour := instructions.get(str(request["id"])):
            for step in MISBEHAVIOURS[misbehaviour]:
                step(outputs(request))
        else:
            write(outputs(request))


if __name__ == "__main__":
    main()
