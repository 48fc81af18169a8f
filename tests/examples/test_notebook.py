"""The notebook runs from top to bottom, and prints what is stored in it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples/notebook.ipynb"
MOST_BYTES = 40_000


@pytest.mark.slow
def test_the_notebook_runs_and_prints_what_is_stored(tmp_path: Path) -> None:
    fresh = tmp_path / "fresh.ipynb"
    command = [sys.executable, str(ROOT / "examples/execute_notebook.py"), str(fresh)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert printed(fresh) == printed(NOTEBOOK), "python examples/execute_notebook.py stores it again"


def test_the_notebook_names_a_mistake_and_is_small() -> None:
    shown = "\n".join(printed(NOTEBOOK).values())
    assert "looks like w_hh_transposed: " in shown
    assert NOTEBOOK.stat().st_size < MOST_BYTES


def printed(path: Path) -> dict[str, str]:
    """What each cell of code shows, as text."""
    cells = [cell for cell in json.loads(path.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    return {cell["id"]: "".join(map(text_of, cell["outputs"])) for cell in cells}


def text_of(output: dict[str, Any]) -> str:
    return "".join(output["text"] if "text" in output else output["data"]["text/plain"])
