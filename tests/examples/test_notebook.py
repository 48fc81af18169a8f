"""The notebook runs from top to bottom, and its stored outputs are current."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples/notebook.ipynb"
MAX_BYTES = 40_000


@pytest.mark.slow
def test_the_notebook_runs_and_its_stored_outputs_are_current(tmp_path: Path) -> None:
    executed = tmp_path / "executed.ipynb"
    command = [sys.executable, str(ROOT / "examples/execute_notebook.py"), str(executed)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert printed(executed) == printed(NOTEBOOK), "update the outputs: python examples/execute_notebook.py"


def test_the_notebook_identifies_a_bug_and_is_small() -> None:
    text = "\n".join(printed(NOTEBOOK).values())
    assert "looks like w_hh_transposed: " in text
    assert NOTEBOOK.stat().st_size < MAX_BYTES


def printed(path: Path) -> dict[str, str]:
    """Return the output of each code cell as text."""
    cells = [cell for cell in json.loads(path.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    return {cell["id"]: "".join(map(text_of, cell["outputs"])) for cell in cells}


def text_of(output: dict[str, Any]) -> str:
    return "".join(output["text"] if "text" in output else output["data"]["text/plain"])
