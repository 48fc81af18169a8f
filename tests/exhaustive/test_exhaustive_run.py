"""``rnn-goldens check --exhaustive`` as it is typed: what it says, and that a run that is cut short is none."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from networks_of_a_user import NETWORKS

from rnn_goldens.exhaustive.corpus import every_argument
from rnn_goldens.exhaustive.findings import Finding
from rnn_goldens.implementations import numpy_cells

pytestmark = pytest.mark.slow

COMMAND = (sys.executable, "-m", "rnn_goldens", "check")


def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    (folder / "networks.py").write_text(NETWORKS)
    return subprocess.run([*COMMAND, *arguments], cwd=folder, capture_output=True, text=True, check=False)


def test_it_says_the_largest_error_of_each_activation_in_each_precision_and_where(tmp_path: Path) -> None:
    done = run(tmp_path, "numpy", "--exhaustive", "-k", "rnn-tanh")
    assert done.returncode == 0, done.stdout + done.stderr
    table = done.stdout.partition("largest errors")[2].splitlines()
    assert [line.split()[:3] for line in table[3:6]] == [
        ["float16", "63,488", "0"],
        ["bfloat16", "65,280", "0"],
        ["float32", "48,214", "0"],
    ]
    assert all(len(line) <= 80 for line in table)


def test_a_tanh_that_is_off_in_one_band_fails_with_where_and_by_how_much(tmp_path: Path) -> None:
    done = run(tmp_path, "networks:off_between_4_and_5", "--exhaustive", "-k", "rnn-tanh and float32")
    assert done.returncode == 1
    wrong, ulp, at = next(line for line in done.stdout.splitlines() if "48,214" in line).split()[2:5]
    assert int(wrong) > 500
    assert float(ulp) > 1000
    assert 4 < abs(float(at)) < 5


def test_what_is_refused_is_said_and_the_rest_is_visited(tmp_path: Path) -> None:
    done = run(tmp_path, "networks:no_half", "--exhaustive", "-k", "rnn-tanh")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no half precision here" in done.stdout
    rows = {
        line.split()[0]: line.split()[1] for line in done.stdout.splitlines() if line.startswith("  ") and line.strip()
    }
    assert (rows["float16"], rows["bfloat16"], rows["float32"]) == ("refused", "refused", "48,214")


def test_outputs_that_can_not_be_compared_are_said_in_words(tmp_path: Path) -> None:
    done = run(tmp_path, "networks:without_batch", "--exhaustive", "-k", "rnn-tanh-tanh-float16")
    assert done.returncode == 1
    assert "15 parts not compared: rnn_tanh tanh float16: out has shape (4096, 1), want (4096, 1, 1)" in done.stdout


def test_a_program_is_asked_too(tmp_path: Path) -> None:
    program = Path(__file__).parents[1] / "programs" / "numpy_rnn.py"
    done = run(tmp_path, "--exhaustive", "-k", "rnn-tanh-tanh-float32-00", "--", sys.executable, str(program))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "of 48,214: the others were not visited" in done.stdout


def test_a_killed_run_is_none_and_nothing_of_it_is_left(tmp_path: Path) -> None:
    killed = run(tmp_path, "networks:killed_once", "--exhaustive", "-k", "rnn-tanh-tanh-float32")
    assert killed.returncode == 1
    assert "asked exhaustive/rnn-tanh-tanh-float32-05 in float32, the process that ran it was killed" in killed.stderr
    again = run(tmp_path, "networks:killed_once", "--exhaustive", "-k", "rnn-tanh-tanh-float32")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "12 passed" in again.stdout
    assert "float32     48,214" in again.stdout


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_so_and_what_it_found(tmp_path: Path, by: signal.Signals) -> None:
    (tmp_path / "networks.py").write_text(NETWORKS)
    asked = [*COMMAND, "networks:slow", "--exhaustive", "-k", "rnn-tanh"]
    process = subprocess.Popen(
        asked, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while not (tmp_path / "asked").exists():
        time.sleep(0.05)
    if by == signal.SIGINT:  # as a terminal does
        os.killpg(process.pid, by)
    else:
        process.send_signal(by)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "asked for and not judged" in printed
    assert "of 63,488: the others were not visited" in printed


def test_an_exhaustive_run_compares_all_outputs(tmp_path: Path) -> None:
    done = run(tmp_path, "numpy", "--exhaustive", "--outputs=out")
    assert done.returncode == 2
    assert "--exhaustive compares all outputs: leave --outputs out" in done.stderr


@pytest.mark.parametrize("name", ["rnn-tanh-tanh", "lstm-sigmoid-of-f", "lstm-tanh-of-c", "gru-sigmoid-of-r"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_the_definition_in_numpy_is_right_wherever_it_is_asked(name: str, precision: str) -> None:
    golden = every_argument().load(f"exhaustive/{name}-{precision}-05")
    verdict = golden.compare(*numpy_cells.run(golden))
    assert verdict.passed, verdict.message
    assert verdict.largest_error < 0.7


def test_an_error_of_one_roundoff_is_counted_in_units_in_the_last_place() -> None:
    golden = every_argument().load("exhaustive/rnn-tanh-tanh-float32-10")
    part = every_argument().parts[golden.id]
    right = golden.out.astype("float32")
    moved = right.copy()
    moved[7] = right[7] - 4 * abs(right[7] - float32_below(right[7]))
    found = Finding.of(part, golden, (moved, moved.swapaxes(0, 1)))
    assert found is not None
    assert found.at == part.arguments[7]
    assert 3.5 <= found.ulp <= 4.5


def float32_below(value: object) -> object:
    import numpy as np

    return np.nextafter(np.asarray(value, np.float32), np.float32(0))
