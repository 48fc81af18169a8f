"""The LSTM in C passes its own check and fails it when broken; its header equals the exported header."""

import subprocess
from pathlib import Path

import pytest
from examples.compilation import EXAMPLES, Need

from rnn_goldens import load
from rnn_goldens.export.exported_golden import encode

PAGE = (EXAMPLES / "c/README.md").read_text("utf-8")
FLAGS = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic")
RIGHT = (EXAMPLES / "c/check_lstm.c").read_text("utf-8")


def compiled_and_run(folder: Path, source: str) -> "subprocess.CompletedProcess[str]":
    (folder / "check_lstm.c").write_text(source, "utf-8")
    folders = [f"-I{EXAMPLES / 'c'}", f"-I{EXAMPLES.parent / 'c'}"]
    command = ["cc", *FLAGS, *folders, "-o", "check_lstm", "check_lstm.c", "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    return subprocess.run(["./check_lstm"], cwd=folder, capture_output=True, text=True, check=False)


def test_the_lstm_in_c_passes(need: Need, tmp_path: Path) -> None:
    need("cc")
    done = compiled_and_run(tmp_path, RIGHT)
    assert (done.returncode, done.stdout) == (0, "lstm/plain passed\n")
    assert f"```\n$ make\n./check_lstm\n{done.stdout}```" in PAGE


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (
            "i = sigmoid(gate(u, x, before)), f = sigmoid(gate(H + u,",
            "i = sigmoid(gate(H + u, x, before)), f = sigmoid(gate(u,",
        ),
        ("bias_ih_l0[row] + lstm_plain_bias_hh_l0[row]", "bias_ih_l0[row]"),
        ("        before[u] = h[u];", "        before[u] = 0;"),
        ("f * c[u] + i * g", "f * c[u] + i * g + 0.00002f"),
        ("o * tanhf(c[u])", "o * tanhf(c[u]) * NAN"),
    ],
)
def test_a_broken_lstm_in_c_fails(right: str, wrong: str, need: Need, tmp_path: Path) -> None:
    need("cc")
    assert RIGHT.count(right) == 1
    done = compiled_and_run(tmp_path, RIGHT.replace(right, wrong))
    assert done.returncode == 1
    assert "lstm/plain: out: " in done.stdout


def test_the_page_shows_the_output_for_swapped_gates(need: Need, tmp_path: Path) -> None:
    need("cc")
    swapped = RIGHT.replace("sigmoid(gate(u,", "sigmoid(gate(H+u,").replace("sigmoid(gate(H + u,", "sigmoid(gate(u,")
    printed = compiled_and_run(tmp_path, swapped).stdout
    shown = PAGE.partition("With the gates i and f swapped")[2].partition("```\n")[2].partition("```")[0]
    places = [[line.partition(": got ")[0] for line in text.splitlines()] for text in (printed, shown)]
    assert places[0] == places[1]  # the last digits of what was got depend on the C library


def test_the_header_equals_the_exported_one() -> None:
    (content,) = encode(load("lstm/plain", dtype="float32"), "c").files.values()
    assert (EXAMPLES / "c/lstm_plain.h").read_bytes() == content
