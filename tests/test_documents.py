"""What the documents show is what the examples print."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(("example", "page"), [("derivation", "numerics"), ("conventions", "conventions")])
def test_a_page_shows_what_its_example_prints(example: str, page: str) -> None:
    command = [sys.executable, str(ROOT / f"examples/{example}.py")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"```\n{printed}```" in (ROOT / f"docs/{page}.md").read_text("utf-8")
