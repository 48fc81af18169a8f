"""``rnn-goldens fuzz`` finds networks that are wrong or crash; the tests run with any version of Hypothesis."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

NETS = """
import numpy as np
from rnn_goldens.cells import case_of
from rnn_goldens.deviations import deviation

def wrong(name):
    return lambda golden: deviation(name).outputs(case_of(golden, np.float64))

gates_in_another_order = wrong("lstm_gates_iofg")
transposed = wrong("w_hh_transposed")
state_forgotten = wrong("h0_ignored")
padding_read = wrong("lengths_ignored")
reset_before = wrong("gru_reset_before_product")
"""

SMALL = ("--max-time", "3", "--max-batch", "2", "--max-hidden", "2", "--max-input", "1")


def fuzzed(folder: Path, network: str, *options: str) -> "subprocess.CompletedProcess[str]":
    (folder / "nets.py").write_text(NETS, "utf-8")
    command = [sys.executable, "-m", "rnn_goldens", "fuzz", f"nets:{network}", "--hypothesis-seed=0", *SMALL, *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "cell", "deviation"),
    [
        ("gates_in_another_order", "lstm", "lstm_gates_iofg"),
        ("transposed", "rnn_tanh", "w_hh_transposed"),
        ("state_forgotten", "gru", "h0_ignored"),
        ("padding_read", "lstm", "lengths_ignored"),
        ("reset_before", "gru", "gru_reset_before_product"),
    ],
)
def test_a_wrong_network_is_found_stored_and_explained(tmp_path: Path, network: str, cell: str, deviation: str) -> None:
    done = fuzzed(tmp_path, network, "--cell", cell)
    assert done.returncode == 1, done.stdout + done.stderr
    assert deviation in done.stdout
    assert len(list((tmp_path / ".rnn-goldens/found/drawn").glob("*.json"))) == 1


PUBLIC = {"hypothesis", "hypothesis.errors", "hypothesis.strategies"}
"""The documented modules of Hypothesis that this project uses."""


def test_only_public_modules_and_names_of_hypothesis_are_used() -> None:
    for path in (ROOT / "rnn_goldens").rglob("*.py"):
        if "hypothesis" not in (text := path.read_text("utf-8")):
            continue
        tree = ast.parse(text)
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        of_hypothesis = [node for node in imports if str(node.module).partition(".")[0] == "hypothesis"]
        assert {node.module for node in of_hypothesis} <= PUBLIC, path
        assert not [alias.name for node in of_hypothesis for alias in node.names if alias.name.startswith("_")], path
        if of_hypothesis:
            private = [n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and "_hypothesis" in n.attr]
            assert not private, path
