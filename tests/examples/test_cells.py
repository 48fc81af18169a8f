"""The cells of ``examples/cells`` are certified, and the definition passes their goldens."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from examples.compilation import EXAMPLES

pytestmark = pytest.mark.slow

NAMES = (
    *("layer_norm_lstm", "zoneout_gru", "minimal_gated_unit", "independent_rnn", "projected_lstm", "leaky_rnn"),
    *("slstm", "rg_lru", "min_gru"),
)


def rnn_goldens(*arguments: str) -> str:
    command = [sys.executable, "-m", "rnn_goldens", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(command, cwd=EXAMPLES / "cells", capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_recurrences_that_are_written_from_their_papers_pass(tmp_path: Path) -> None:
    goldens = str(tmp_path / "goldens")
    rnn_goldens("generate", "--scenarios", "scenarios.py", "--into", goldens)
    for name in ("slstm", "rg_lru", "min_gru"):
        of_cell = ("--corpus", goldens, f"--cell=cells:{name}", "--dtype", "float64,float32")
        assert "2 passed" in rnn_goldens("check", f"factories.recurrence_steps:{name}", *of_cell)
    with pytest.raises(AssertionError, match="1 failed"):
        rnn_goldens("check", "factories.recurrence_steps:rg_lru_without_root", "--cell=cells:rg_lru", *of_cell[:2])


def test_each_cell_is_certified_and_the_definition_passes(tmp_path: Path) -> None:
    goldens = str(tmp_path / "goldens")
    assert "9 goldens" in rnn_goldens("generate", "--scenarios", "scenarios.py", "--into", goldens)
    cells = [f"--cell=cells:{name}" for name in NAMES]
    passed = rnn_goldens("check", "numpy", "--corpus", goldens, *cells, "--dtype", "float64,float32")
    assert "18 passed" in passed
    assert "18 passed" in rnn_goldens(
        "check", "numpy", "--corpus", goldens, *cells, "--dtype", "float64,float32", "--gradients"
    )
