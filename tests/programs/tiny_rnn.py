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
from pathlib import Path
from typing import Any

Message = dict[str, Any]
FOREVER = 1000

HELLO = {
    "answer": "hello",
    "protocol": 1,
    "name": "tiny_rnn",
    "cells": ["rnn_tanh", "rnn_relu"],
    "features": ["bias"],
    "precisions": ["float64", "float32", "bfloat16", "float16"],
}


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


def write(message: Message, times: int = 1) -> None:
    sys.stdout.write(f"{json.dumps(message)}\n" * times)
    sys.stdout.flush()


def write_bytes(pipe: int, text: bytes) -> None:
    while text:
        text = text[os.write(pipe, text) :]


def start_child() -> None:
    log_process(subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({FOREVER})"]).pid)


def start_daemon() -> None:
    """Start a daemon that ignores signals, in its own session."""
    read, write_end = os.pipe()
    if child := os.fork():
        os.waitpid(child, 0)
        os.read(read, 1)  # the daemon has written its id
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    for stream in range(3):
        os.dup2(os.open(os.devnull, os.O_RDWR), stream)
    log_process(os.getpid())
    os.write(write_end, b"1")
    time.sleep(FOREVER)
    os._exit(0)


def log_process(pid: int) -> None:
    if "PIDS" in os.environ:
        with Path(os.environ["PIDS"]).open("a", encoding="utf-8") as file:
            file.write(f"{pid}\n")


class Misbehaving:
    """The ways to misbehave at a request, given the correct answer."""

    def __init__(self, right: Message) -> None:
        self.right = right

    def exits(self) -> None:
        print("allocating\nout of memory", file=sys.stderr)
        sys.exit(3)

    def segfaults(self) -> None:
        os.kill(os.getpid(), signal.SIGSEGV)

    def exits_but_its_child_does_not(self) -> None:
        start_child()
        os._exit(3)

    def exits_after_its_answer(self) -> None:
        write(self.right)
        sys.exit(0)

    def crashes_after_its_answer(self) -> None:
        write(self.right)
        sys.exit("double free")

    def segfaults_after_its_answer(self) -> None:
        write(self.right)
        self.segfaults()

    def exits_in_the_middle_of_a_line(self) -> None:
        sys.stdout.write(json.dumps(self.right)[:40])
        sys.exit(4)

    def hangs(self) -> None:
        time.sleep(FOREVER)

    def hangs_with_a_child(self) -> None:
        start_child()
        time.sleep(FOREVER)

    def hangs_with_a_daemon(self) -> None:
        start_daemon()
        time.sleep(FOREVER)

    def answers_and_leaves_a_daemon(self) -> None:
        start_daemon()
        write(self.right)

    def exits_and_leaves_a_daemon(self) -> None:
        start_daemon()
        os._exit(3)

    def hangs_and_ignores_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        self.hangs_with_a_child()

    def forgets_the_newline(self) -> None:
        sys.stdout.write(json.dumps(self.right))
        sys.stdout.flush()
        time.sleep(FOREVER)

    def prints_an_empty_line(self) -> None:
        write_bytes(1, b"\n")
        time.sleep(FOREVER)

    def closes_stdout(self) -> None:
        os.close(1)
        time.sleep(FOREVER)

    def closes_stdout_after_its_answer(self) -> None:
        write(self.right)
        self.closes_stdout()

    def closes_stdin_after_its_answer(self) -> None:
        os.close(0)
        write(self.right)
        time.sleep(FOREVER)

    def stops_reading_after_its_answer(self) -> None:
        write(self.right)
        time.sleep(FOREVER)

    def prints_rubbish(self) -> None:
        print("Epoch 1: loss 0.25", flush=True)

    def prints_no_utf_8(self) -> None:
        write_bytes(1, b'{"answer": "\xff"}\n')

    def prints_a_deep_nest(self) -> None:
        print("[" * 50_000, flush=True)

    def prints_a_nest_of_940(self) -> None:
        print(f'{{"answer": "outputs", "id": {"[" * 940}{"]" * 940}}}', flush=True)

    def prints_no_object(self) -> None:
        print("[1, 2]", flush=True)

    def leaves_out_h_n(self) -> None:
        write({name: value for name, value in self.right.items() if name != "h_n"})

    def nests_its_data(self) -> None:
        write(self.right | {"out": [[1.0]]})

    def prints_too_few_numbers(self) -> None:
        write(self.right | {"out": self.right["out"] | {"data": [1.0]}})

    def prints_text_for_numbers(self) -> None:
        write(self.right | {"h_n": self.right["h_n"] | {"data": ["1.0"] * len(self.right["h_n"]["data"])}})

    def answers_another_id(self) -> None:
        write(self.right | {"id": 999})

    def answers_the_id_before(self) -> None:
        write(self.right | {"id": self.right["id"] - 1})

    def answers_hello(self) -> None:
        write(HELLO)

    def answers_twice(self) -> None:
        write(self.right, times=2)

    def answers_again_a_little_later(self) -> None:
        write(self.right)
        time.sleep(0.3)
        write(self.right)

    def answers_again_at_the_next_request(self) -> None:
        write(self.right)
        request = json.loads(input())
        write(self.right)
        write(outputs(request))

    def prints_rubbish_after_its_answer(self) -> None:
        write(self.right)
        time.sleep(0.3)
        self.prints_rubbish()
        time.sleep(FOREVER)

    def prints_without_end_after_its_answer(self) -> None:
        write(self.right)
        time.sleep(0.3)
        self.prints_without_end()

    def prints_without_end_when_its_stdin_ends(self) -> None:
        write(self.right)
        sys.stdin.read()
        self.prints_without_end()

    def prints_without_end(self) -> None:
        while True:
            write_bytes(1, b"1," * 10_000)

    def prints_lines_without_end(self) -> None:
        while True:
            write_bytes(1, b"Epoch 1\n" * 10_000)

    def floods_stderr(self) -> None:
        while True:
            write_bytes(2, b"warning\n" * 10_000)

    def floods_stderr_after_its_answer(self) -> None:
        write(self.right)
        self.floods_stderr()

    def floods_stderr_when_its_stdin_ends(self) -> None:
        write(self.right)
        sys.stdin.read()
        self.floods_stderr()

    def floods_stderr_and_answers(self) -> None:
        write_bytes(2, b"warning\n" * 1_500_000)
        write(self.right)

    def writes_a_megabyte_to_stderr(self) -> None:
        write_bytes(2, b"warning\n" * 125_000)
        write(self.right)

    def writes_blank_lines(self) -> None:
        sys.stdout.write(f"\n\r\n{json.dumps(self.right)}\r\n\n")
        sys.stdout.flush()

    def answers_nan(self) -> None:
        write(
            self.right | {"out": self.right["out"] | {"data": [None, "NaN", math.nan, *self.right["out"]["data"][3:]]}}
        )

    def answers_another_shape(self) -> None:
        write(self.right | {"out": {"shape": [len(self.right["out"]["data"])], "data": self.right["out"]["data"]}})

    def says_unsupported(self) -> None:
        write({"answer": "unsupported", "id": self.right["id"], "reason": "not today"})


def main() -> None:
    log_process(os.getpid())
    instructions = dict(argument.split("=") for argument in sys.argv[1:])
    for line in sys.stdin:
        request = json.loads(line)
        if request["request"] == "hello":
            write(HELLO)
        elif misbehaviour := instructions.get(str(request["id"])):
            getattr(Misbehaving(outputs(request)), misbehaviour)()
        else:
            write(outputs(request))


if __name__ == "__main__":
    main()
