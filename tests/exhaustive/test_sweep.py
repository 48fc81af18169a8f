"""``rnn-goldens check --exhaustive``: every argument is visited, and where an implementation is wrong it says so."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnn_goldens import Unsupported
from rnn_goldens.checkable.golden import Question
from rnn_goldens.exhaustive.arguments import arguments
from rnn_goldens.exhaustive.findings import Finding
from rnn_goldens.exhaustive.networks import ACTIVATIONS, Activation
from rnn_goldens.exhaustive.sweep import ROWS, Visited, certified, exhaustive_check
from rnn_goldens.exhaustive.table import rows
from rnn_goldens.implementations import numpy_cells
from rnn_goldens.plugin.guard import ImplementationFailed

Outputs = Sequence[Any]


def named(cell: str, name: str) -> Activation:
    return next(one for one in ACTIVATIONS if (one.cell, one.name) == (cell, name))


def visited(run: Any, precision: str = "float32") -> Visited:
    """What it makes of the simplest activation."""
    (found,) = exhaustive_check(run, ["rnn_tanh"], [precision])
    return found


def off_between_4_and_5(question: Question) -> Outputs:
    out, _ = numpy_cells.run(question)
    size = np.abs(question.x)
    out = np.where((size > 4) & (size < 5), out + np.float32(1e-4), out)
    return out, out.swapaxes(0, 1)


def test_every_argument_is_visited_once() -> None:
    seen: list[float] = []

    def run(question: Question) -> Outputs:
        seen.extend(question.stored.x.ravel().tolist())
        assert len(question.x) <= ROWS
        return numpy_cells.run(question)

    found = visited(run, "float16")
    assert seen == arguments("float16").tolist()
    assert found.is_right
    assert found.finding is not None
    assert found.finding.visited == len(seen) == 63_488


def test_what_is_off_in_one_band_is_wrong_there() -> None:
    found = visited(off_between_4_and_5)
    assert not found.is_right
    assert found.finding is not None
    assert found.finding.wrong > 500
    assert found.finding.ulp > 1000
    assert 4 < abs(found.finding.at) < 5
    line = next(iter(rows(found)))
    assert line.split()[:3] == ["float32", "48,214", str(found.finding.wrong)]
    assert len(line) <= 80


def test_what_is_refused_is_counted_and_the_rest_is_visited() -> None:
    def refuses_negative(question: Question) -> Outputs:
        if (question.x < -1e-3).any():
            raise Unsupported("no negative numbers")
        return numpy_cells.run(question)

    found = visited(refuses_negative)
    assert found.is_right
    assert found.finding is not None
    assert found.refused > 0
    assert found.refused + found.finding.visited == 48_214
    assert f"of 48,214: {found.refused:,} were refused" in "\n".join(rows(found))


def test_what_is_refused_as_a_whole_is_said_to_be() -> None:
    def refuses(_: Question) -> Outputs:
        raise Unsupported("no half precision")

    found = visited(refuses, "bfloat16")
    assert [line.split() for line in rows(found)] == [["bfloat16", "refused"]]


def test_outputs_that_can_not_be_compared_are_a_failure_said_once() -> None:
    def without_batch(question: Question) -> Outputs:
        out, h_n = numpy_cells.run(question)
        return out[:, 0], h_n

    found = visited(without_batch)
    assert not found.is_right
    assert found.finding is None
    assert "\n".join(rows(found)).count("out has shape (4096, 1), want (4096, 1, 1)") == 1


def test_a_crash_is_a_failure_and_the_rest_is_visited() -> None:
    def crashes_at_zero(question: Question) -> Outputs:
        if (question.x == 0).any():
            raise ImplementationFailed("mine ended its process")
        return numpy_cells.run(question)

    found = visited(crashes_at_zero)
    assert not found.is_right
    assert found.finding is not None
    assert 40_000 < found.finding.visited < 48_214
    assert "mine ended its process" in "\n".join(rows(found))


@pytest.mark.parametrize(
    ("cell", "name"),
    [("rnn_tanh", "tanh"), ("lstm", "sigmoid of f"), ("lstm", "tanh of c"), ("gru", "sigmoid of r")],
)
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_the_definition_in_numpy_is_right_wherever_it_is_asked(cell: str, name: str, precision: str) -> None:
    golden = certified(named(cell, name), precision, arguments(precision)[5 * ROWS :][:ROWS])
    verdict = golden.compare(*numpy_cells.run(golden))
    assert verdict.passed, verdict.message
    assert verdict.largest_error < 0.7


def test_an_error_of_one_roundoff_is_counted_in_units_in_the_last_place() -> None:
    some = arguments("float32")[10 * ROWS :][:ROWS]
    golden = certified(named("rnn_tanh", "tanh"), "float32", some)
    right = golden.out.astype("float32")
    moved = right.copy()
    moved[7] = right[7] - 4 * abs(right[7] - np.nextafter(right[7], np.float32(0)))
    found = Finding.of(named("rnn_tanh", "tanh"), golden, (moved, moved.swapaxes(0, 1)))
    assert found is not None
    assert found.at == some[7]
    assert 3.5 <= found.ulp <= 4.5


NETWORKS = """
import os
from rnn_goldens.implementations import numpy_cells

def ends_its_process(golden):
    if golden.cell == "rnn_tanh" and (golden.x == 1).any():
        os._exit(0)
    return numpy_cells.run(golden)

def unable(golden):
    import rnn_goldens
    raise rnn_goldens.Unsupported("nothing")
"""


def check(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    (folder / "networks.py").write_text(NETWORKS, "utf-8")
    command = [sys.executable, "-m", "rnn_goldens", "check", "--exhaustive", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_command_says_the_largest_error_of_each_activation_in_each_precision_and_where(tmp_path: Path) -> None:
    done = check(tmp_path, "numpy", "--cell", "rnn_tanh,gru", "--dtype", "float16,float32")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert [line for line in lines if ": " in line and not line.startswith(" ")][:4] == [
        "rnn_tanh: tanh",
        "gru: sigmoid of r",
        "gru: sigmoid of z",
        "gru: tanh of n",
    ]
    assert sum(line.split()[:3] == ["float16", "63,488", "0"] for line in lines) == 4
    assert sum(line.split()[:3] == ["float32", "48,214", "0"] for line in lines) == 4
    assert all(len(line) <= 80 for line in lines)


@pytest.mark.slow
def test_the_command_says_that_a_process_was_ended(tmp_path: Path) -> None:
    done = check(tmp_path, "networks:ends_its_process", "--cell", "rnn_tanh", "--dtype", "float32")
    assert done.returncode == 1
    assert "networks:ends_its_process ended its process, which exited with code 0" in done.stdout


@pytest.mark.slow
def test_a_program_is_asked_too(tmp_path: Path) -> None:
    program = Path(__file__).parents[1] / "programs" / "numpy_rnn.py"
    done = check(tmp_path, "--cell", "rnn_tanh", "--dtype", "float32", "--", sys.executable, str(program))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "48,214       0" in done.stdout


@pytest.mark.slow
def test_all_refused_is_not_good(tmp_path: Path) -> None:
    assert check(tmp_path, "networks:unable", "--cell", "rnn_tanh").returncode == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("numpy", "--outputs=out"), "--exhaustive takes --cell, --dtype and --time-limit, and no other option"),
        (("numpy", "-k", "tanh"), "--exhaustive takes --cell, --dtype and --time-limit, and no other option"),
        (("numpy", "--dtype", "float64"), "no precision that is visited 'float64'"),
        (("numpy", "--cell", "rnn_relu"), "no cell that is visited 'rnn_relu'"),
        (("numpy", "--time-limit", "soon"), "'soon' is no number of seconds"),
        (("numpy", "--time-limit", "0"), "0 seconds for one golden: say a number above 0"),
        (("nmpy",), "Did you mean 'numpy'"),
    ],
)
def test_wrong_use_is_one_error(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    done = check(tmp_path, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""
