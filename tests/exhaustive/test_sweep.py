"""``rnn-goldens check --exhaustive`` checks an activation at every listed argument and reports where it is wrong."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnn_goldens import Unsupported
from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.command_line import main
from rnn_goldens.exhaustive.sweep import (
    ACTIVATIONS,
    ROWS,
    Activation,
    ActivationErrors,
    SweepResult,
    arguments,
    certified,
    exhaustive_check,
    measured,
    rows,
)
from rnn_goldens.implementations import numpy_cells
from rnn_goldens.plugin.implementation import ImplementationFailed

Outputs = Sequence[Any]


def activation_named(cell: str, name: str) -> Activation:
    return next(a for a in ACTIVATIONS if (a.cell, a.name) == (cell, name))


def sweep(run: Any, precision: str = "float32") -> SweepResult:
    """Check the tanh of rnn_tanh, and return the result."""
    (result,) = exhaustive_check(run, ["rnn_tanh"], [precision])
    return result


def wrong_between_4_and_5(inputs: Inputs) -> Outputs:
    out, _ = numpy_cells.run(inputs)
    magnitude = np.abs(inputs.x)
    out = np.where((magnitude > 4) & (magnitude < 5), out + np.float32(1e-4), out)
    return out, out.swapaxes(0, 1)


def test_every_argument_is_visited_once() -> None:
    visited_numbers: list[float] = []

    def run(inputs: Inputs) -> Outputs:
        visited_numbers.extend(inputs.stored.x.ravel().tolist())
        assert len(inputs.x) <= ROWS
        return numpy_cells.run(inputs)

    result = sweep(run, "float16")
    assert visited_numbers == arguments("float16").tolist()
    assert result.is_right
    assert result.errors is not None
    assert result.errors.visited == len(visited_numbers) == 63_488


def test_an_error_in_one_range_is_reported_there() -> None:
    result = sweep(wrong_between_4_and_5)
    assert not result.is_right
    assert result.errors is not None
    assert result.errors.wrong > 500
    assert result.errors.ulp > 1000
    assert 4 < abs(result.errors.at) < 5
    line = next(iter(rows(result)))
    assert line.split()[:3] == ["float32", "48,214", str(result.errors.wrong)]
    assert len(line) <= 80


def test_refused_arguments_are_counted_and_all_others_are_visited() -> None:
    def refuses_negative(inputs: Inputs) -> Outputs:
        if (inputs.x < -1e-3).any():
            raise Unsupported("no negative numbers")
        return numpy_cells.run(inputs)

    result = sweep(refuses_negative)
    assert result.is_right
    assert result.errors is not None
    assert result.refused > 0
    assert result.refused + result.errors.visited == 48_214
    assert f"{result.refused:,} of 48,214 refused" in "\n".join(rows(result))


def test_a_refused_precision_and_outputs_of_another_shape_are_reported_once() -> None:
    def refuse(_: Inputs) -> Outputs:
        raise Unsupported("no half precision")

    result = sweep(refuse, "bfloat16")
    assert [line.split() for line in rows(result)] == [["bfloat16", "refused"]]

    def without_batch(inputs: Inputs) -> Outputs:
        out, h_n = numpy_cells.run(inputs)
        return out[:, 0], h_n

    result = sweep(without_batch)
    assert not result.is_right
    assert result.errors is None
    assert "\n".join(rows(result)).count("out has shape (4096, 1), want (4096, 1, 1)") == 1


def test_a_crash_is_a_failure_and_other_arguments_are_visited() -> None:
    def crashes_at_zero(inputs: Inputs) -> Outputs:
        if (inputs.x == 0).any():
            raise ImplementationFailed("my_rnn ended its process")
        return numpy_cells.run(inputs)

    result = sweep(crashes_at_zero)
    assert not result.is_right
    assert result.errors is not None
    assert 40_000 < result.errors.visited < 48_214
    assert "my_rnn ended its process" in "\n".join(rows(result))


@pytest.mark.parametrize(
    ("cell", "name"), [("rnn_tanh", "tanh"), ("lstm", "sigmoid of f"), ("lstm", "tanh of c"), ("gru", "sigmoid of r")]
)
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_the_definition_in_numpy_passes(cell: str, name: str, precision: str) -> None:
    golden = certified(activation_named(cell, name), precision, arguments(precision)[5 * ROWS :][:ROWS])
    verdict = golden.compare(*numpy_cells.run(golden))
    assert verdict.passed, verdict.message
    assert verdict.largest_error < 0.7


def test_an_error_of_four_units_in_the_last_place_is_measured() -> None:
    chunk = arguments("float32")[10 * ROWS :][:ROWS]
    golden = certified(activation_named("rnn_tanh", "tanh"), "float32", chunk)
    right = golden.out.astype("float32")
    wrong = right.copy()
    wrong[7] = right[7] - 4 * abs(right[7] - np.nextafter(right[7], np.float32(0)))
    part = measured(activation_named("rnn_tanh", "tanh"), golden, (wrong, wrong.swapaxes(0, 1)))
    assert part is not None
    result = ActivationErrors.of([part])
    assert result.at == chunk[7]
    assert 3.5 <= result.ulp <= 4.5


NETWORKS = """
import os
from rnn_goldens.implementations import numpy_cells

def ends_its_process(golden):
    if golden.cell == "rnn_tanh" and (golden.x == 1).any():
        os._exit(0)
    return numpy_cells.run(golden)

def refuses_everything(golden):
    import rnn_goldens
    raise rnn_goldens.Unsupported("nothing")
"""


def check(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    (folder / "networks.py").write_text(NETWORKS, "utf-8")
    command = [sys.executable, "-m", "rnn_goldens", "check", "--exhaustive", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_command_prints_the_largest_error_of_each_activation_and_precision(tmp_path: Path) -> None:
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
def test_the_command_fails_if_a_process_ends_or_everything_is_refused(tmp_path: Path) -> None:
    done = check(tmp_path, "networks:ends_its_process", "--cell", "rnn_tanh", "--dtype", "float32")
    assert done.returncode == 1
    assert "networks:ends_its_process ended its process, which exited with code 0" in done.stdout
    assert check(tmp_path, "networks:refuses_everything", "--cell", "rnn_tanh").returncode == 1


@pytest.mark.slow
def test_a_program_can_be_checked(tmp_path: Path) -> None:
    program = Path(__file__).parents[1] / "programs" / "numpy_rnn.py"
    done = check(tmp_path, "--cell", "rnn_tanh", "--dtype", "float32", "--", sys.executable, str(program))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "48,214       0" in done.stdout


OTHER = "--exhaustive takes --cell, --dtype and --time-limit, and no other option"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("numpy --outputs=out", OTHER),
        ("numpy -k tanh", OTHER),
        ("numpy --dtype float64", "no exhaustive check of precision 'float64'"),
        ("numpy --cell rnn_relu", "no exhaustive check of cell 'rnn_relu'"),
        ("numpy --time-limit soon", "'soon' is not a number of seconds"),
        ("numpy --time-limit 0", "a time limit of 0 s per golden: it must be above 0"),
        ("nmpy", "Did you mean 'numpy'"),
    ],
)
def test_wrong_use_is_one_error(
    arguments: str, message: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["rnn-goldens", "check", "--exhaustive", *arguments.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capfd.readouterr()
    assert ended.value.code == 2
    assert message in printed.err
    assert printed.out == ""
