"""The cells of ``examples/cells`` are certified, and the definition passes their goldens."""

import subprocess
import sys
from pathlib import Path

import pytest
from examples.compilation import EXAMPLES

pytestmark = pytest.mark.slow

NAMES = ("layer_norm_lstm", "zoneout_gru", "minimal_gated_unit", "independent_rnn", "projected_lstm", "leaky_rnn")


def rnn_goldens(*arguments: str) -> str:
    command = [sys.executable, "-m", "rnn_goldens", *arguments]
    done = subprocess.run(command, cwd=EXAMPLES / "cells", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_each_cell_is_certified_and_the_definition_passes(tmp_path: Path) -> None:
    goldens = str(tmp_path / "goldens")
    assert "6 goldens" in rnn_goldens("generate", "--scenarios", "scenarios.py", "--into", goldens)
    cells = [f"--cell=cells:{name}" for name in NAMES]
    passed = rnn_goldens("check", "numpy", "--corpus", goldens, *cells, "--dtype", "float64,float32")
    assert "12 passed" in passed
    assert "12 passed" in rnn_goldens(
        "check", "numpy", "--corpus", goldens, *cells, "--dtype", "float64,float32", "--gradients"
    )
