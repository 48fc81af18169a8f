"""One network checked with goldens and with ONNX's backend tests, and the number of lines of each test."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples/adapters"


def lines(name: str) -> int:
    """Return the number of lines of code, without blank lines, comments and docstrings."""
    text = re.sub(r'"""[^"]*"""', "", (FOLDER / name).read_text("utf-8"))
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in text.splitlines())


def test_both_files_pass_and_the_page_states_their_lines_and_tests() -> None:
    pytest.importorskip("onnx", reason="ONNX's backend tests come with onnx")
    passed = {}
    for name in ("test_with_rnn_goldens.py", "test_with_onnx_backend.py"):
        options = ["-q", "-c", "/dev/null", "-p", "no:cacheprovider", "-W", "ignore"]
        command = [sys.executable, "-m", "pytest", *options, name]
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
        passed[name] = re.findall(r"(\d+) passed", done.stdout)[-1]
    page = (ROOT / "docs/implementations.md").read_text("utf-8")
    for name, count in passed.items():
        assert f"[`{name}`](../examples/adapters/{name}) | {lines(name)} | {count} |" in page
