"""``rnn-goldens check --exhaustive`` as it is typed: what it says, and that an interrupted run goes on."""

import json
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
from rnn_goldens.exhaustive.progress import Progress
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


def test_a_killed_run_says_how_far_it_came_and_goes_on_from_there(tmp_path: Path) -> None:
    killed = run(tmp_path, "networks:killed_once", "--exhaustive", "-k", "rnn-tanh-tanh-float32")
    assert killed.returncode == 1
    assert "5 of all 396 parts were judged before the run ended; the same with --resume goes on" in killed.stderr
    resumed = run(tmp_path, "networks:killed_once", "--exhaustive", "--resume", "-k", "rnn-tanh-tanh-float32")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert "7 passed" in resumed.stdout
    assert "float32     48,214" in resumed.stdout
    assert not list(tmp_path.glob(".pytest_cache/**/exhaustive*"))


@pytest.mark.parametrize(
    ("network", "by"),
    [("slow", signal.SIGINT), ("slow", signal.SIGTERM), ("slow_and_wrong", signal.SIGINT), ("slow_no", signal.SIGINT)],
)
def test_an_interrupted_run_says_so_and_keeps_what_it_judged(tmp_path: Path, network: str, by: signal.Signals) -> None:
    (tmp_path / "networks.py").write_text(NETWORKS)
    asked = [*COMMAND, f"networks:{network}", "--exhaustive", "-k", "rnn-tanh"]
    process = subprocess.Popen(
        asked, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while not (kept := [p for p in tmp_path.glob(".pytest_cache/**/exhaustive*") if p.read_text().count("\n") > 1]):
        time.sleep(0.05)
    if by == signal.SIGINT:  # as a terminal does
        os.killpg(process.pid, by)
    else:
        process.send_signal(by)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    _, *judged = [json.loads(line) for line in kept[0].read_text().splitlines()]
    assert f"{len(judged)} of all 396 parts were judged before the run ended" in said


def test_a_run_goes_on_with_the_same_code_alone(tmp_path: Path) -> None:
    run(tmp_path, "networks:killed_once", "--exhaustive", "-k", "rnn-tanh-tanh-float32")
    (tmp_path / "another.py").write_text("a = 1")  # which networks.py may import
    resumed = run(tmp_path, "networks:killed_once", "--exhaustive", "--resume", "-k", "rnn-tanh-tanh-float32")
    assert resumed.returncode == 2
    assert "begin anew, without --resume" in resumed.stderr


def test_what_was_refused_is_not_asked_again_and_what_failed_is(tmp_path: Path) -> None:
    half = ("networks:refuses_odd_parts", "--exhaustive", "-k", "rnn-tanh-tanh-float32")
    first = run(tmp_path, *half)
    assert "8 of all 396 parts were judged before the run ended" in first.stderr
    resumed = run(tmp_path, *half, "--resume")
    assert "of 48,214: the others were refused" in resumed.stdout
    assert "deselected" in resumed.stdout


def test_implementations_whose_names_are_alike_or_long_are_told_apart(tmp_path: Path) -> None:
    alike = ["./net +1", "./net -1", "a_b:c", "a.b:c", "./net " + 300 * "x"]
    paths = [Progress.of(name, tmp_path).path for name in alike]
    assert len(set(paths)) == len(alike)
    assert all(len(path.name) < 100 for path in paths)


def test_there_has_to_be_a_run_to_go_on_with(tmp_path: Path) -> None:
    done = run(tmp_path, "numpy", "--exhaustive", "--resume")
    assert done.returncode == 2
    assert "there is nothing to go on with" in done.stderr
    done = run(tmp_path, "numpy", "--resume")
    assert done.returncode == 2
    assert "--resume goes on with a run of --exhaustive: give both" in done.stderr


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
