"""The example programs pass every golden that they support, and fail when broken."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from examples.compilation import EXAMPLES, STRICT, Build, Need, lacking

from rnn_goldens import load

pytestmark = pytest.mark.slow

PROGRAMS = EXAMPLES / "programs"

Command = list[str | Path]
FindCommand = Callable[[str], Command]


@dataclass(frozen=True)
class Checked:
    """The results of ``rnn-goldens check``: exit code, output and entries of the results file."""

    code: int
    shown: str
    results: list[dict[str, Any]]

    def goldens(self, outcome: str) -> set[str]:
        return {result["golden"] for result in self.results if result["outcome"] == outcome}

    def reasons(self, outcome: str) -> set[str]:
        return {result["reason"] for result in self.results if result["outcome"] == outcome}


def check(folder: Path, command: Command, *options: str) -> Checked:
    report = folder / "results.json"
    start = [sys.executable, "-m", "rnn_goldens", "check", f"--rnn-goldens-report={report}", *options, "--"]
    done = subprocess.run([*start, *command], cwd=folder, capture_output=True, text=True, check=False, timeout=200)
    return Checked(done.returncode, done.stdout + done.stderr, json.loads(report.read_text("utf-8"))["results"])


@pytest.fixture(scope="module")
def c_programs(need: Need, build: Build) -> Path:
    """A folder with the program in C, built for float32 and for float64."""
    need("make", "cc", "pkg-config", library="jansson")
    return build("programs", "all")


@pytest.fixture
def find(request: pytest.FixtureRequest, need: Need) -> FindCommand:
    """A function that returns the command of a program."""

    def command(program: str) -> Command:
        if not Path(program).suffix:
            return [request.getfixturevalue("c_programs") / program]
        if program.endswith(".py"):
            return [sys.executable, PROGRAMS / program]
        need("node")
        if "tfjs" in program and not (PROGRAMS / "node_modules").exists():
            lacking("npm ci was not run in examples/programs")
        return ["node", PROGRAMS / program]

    return command


IN_C = ["rnn_tanh", "rnn_relu", "multilayer", "bidirectional", "unbatched", "more than 64 units"]


@pytest.mark.parametrize(
    ("program", "dtype", "refused"),
    [
        ("my_rnn", "float32", IN_C),
        ("my_rnn_double", "float64", IN_C),
        ("my_rnn.js", "float32,float64", []),
        ("my_rnn_tfjs.js", "float32", ["gru", "lengths", "unbatched"]),
        ("my_rnn.py", "float64", ["lstm", "gru", "multilayer", "bidirectional", "lengths", "unbatched"]),
    ],
)
def test_a_program_passes_every_golden_that_it_does_not_refuse(
    program: str, dtype: str, refused: list[str], find: FindCommand, tmp_path: Path
) -> None:
    checked = check(tmp_path, find(program), f"--rnn-goldens-dtype={dtype}")
    assert checked.code == 0, checked.shown
    assert not checked.goldens("failed")
    assert {reason.rpartition(" does not support ")[2] for reason in checked.reasons("refused")} == set(refused)


@pytest.mark.parametrize(
    ("program", "dtype", "cell", "least"),
    [("my_rnn", "float32", "lstm", 15), ("my_rnn_double", "float64", "lstm", 15), ("my_rnn.js", "float32", "gru", 30)],
)
def test_a_program_passes_the_gradients_of_one_cell_and_refuses_other_cells(
    program: str, dtype: str, cell: str, least: int, find: FindCommand, tmp_path: Path
) -> None:
    checked = check(tmp_path, find(program), f"--rnn-goldens-dtype={dtype}", "--rnn-goldens-gradients")
    assert checked.code == 0, checked.shown
    passed = checked.goldens("passed")
    assert len(passed) >= least
    assert {load(golden).cell for golden in passed} == {cell}
    assert not any(result["gradients"]["not_checked"] for result in checked.results if "gradients" in result)
    assert any(reason.startswith("gradients of a") for reason in checked.reasons("refused"))


WRONG_BACK = [
    ("backward.c", "d->bias[row] += d_z[row];", "d->bias[row] = d_z[row];", "bias_ih_l0"),
    ("backward.c", "c[unit] = d_c * f;", "c[unit] = 0;", "weight_hh_l0"),
    ("backward.js", "add(found.h, ds[t])", "ds[t]", "weight_hh_l0"),
    ("backward.js", "n: multiply(d_n, r) }", "n: d_n }", "bias_hh_l0"),
]


@pytest.mark.parametrize(("file", "right", "wrong", "found"), WRONG_BACK, ids=[w for _, _, w, _ in WRONG_BACK])
def test_a_broken_backward_pass_fails(
    file: str, right: str, wrong: str, found: str, need: Need, tmp_path: Path
) -> None:
    need("node", "make", "cc", "pkg-config", library="jansson")
    for source in (
        file for file in PROGRAMS.iterdir() if file.suffix in {".c", ".h", ".js"} or file.stem == "Makefile"
    ):
        shutil.copy(source, tmp_path)
    text = (tmp_path / file).read_text("utf-8")
    assert text.count(right) == 1
    (tmp_path / file).write_text(text.replace(right, wrong), "utf-8")
    command: Command = ["node", tmp_path / "my_rnn.js"]
    if file.endswith(".c"):
        subprocess.run(["make", "--no-print-directory", STRICT, "my_rnn"], cwd=tmp_path, check=True)
        command = [tmp_path / "my_rnn"]
    checked = check(tmp_path, command, "--rnn-goldens-gradients", "-k", "lstm or gru")
    assert checked.code == 1
    assert any(found in result["gradients"]["wrong"] for result in checked.results if "gradients" in result)


@pytest.mark.parametrize("program", ["my_rnn", "my_rnn.js"])
def test_an_unknown_argument_is_refused(program: str, find: FindCommand) -> None:
    done = subprocess.run([*find(program), "--gates=ifgo"], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "usage: " in done.stderr


@pytest.mark.parametrize("program", ["my_rnn", "my_rnn.js"])
def test_a_wrong_order_of_gates_fails_every_lstm_and_no_gru(program: str, find: FindCommand, tmp_path: Path) -> None:
    checked = check(tmp_path, [*find(program), "--gates=iofg"], "-k", "lstm or gru", "-vv")
    assert checked.code == 1
    assert {golden.partition("/")[0] for golden in checked.goldens("passed")} == {"gru", "sizes-gru"}
    assert {golden.partition("/")[0] for golden in checked.goldens("failed")} == {"lstm", "sizes-lstm"}
    want = load("lstm/plain", dtype="float32").out[0, 0, 0]
    where = "lstm/plain in float32, like lstm_gates_iofg: out is first wrong at time step 0 (batch 0, unit 0): got "
    assert re.search(rf"{re.escape(where)}\S+, want {want!s} \(24 of 24 elements wrong\)", checked.shown)
    assert (
        "  looks like lstm_gates_iofg: Reads the rows of the weights as the gates i, o, f, g instead of"
        in checked.shown
    )
