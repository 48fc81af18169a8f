"""The page on linear recurrences: its kernel, test and scenario run as printed; its names are those of the data."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from rnn_goldens import Golden
from rnn_goldens.golden.recurrences import RECURRENCES

PAGE = (Path(__file__).parent.parent / "docs/linear-recurrences.md").read_text("utf-8")
KERNEL, TEST, SCENARIO = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def run(folder: Path, kernel: str) -> str:
    (folder / "my.py").write_text(kernel)
    (folder / "test_my.py").write_text(TEST)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_my.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


def test_the_kernel_written_from_the_page_passes(tmp_path: Path) -> None:
    assert re.search(r"^\d+ passed in", run(tmp_path, KERNEL), re.MULTILINE)


@pytest.mark.slow
def test_the_kernel_without_its_scale_fails_with_one_cause(tmp_path: Path) -> None:
    output = run(tmp_path, KERNEL.replace(" * scale  #", "  #"))
    assert "no other does: scale_left_out" in " ".join(output.split())


def test_the_scenario_is_certified() -> None:
    names: dict[str, object] = {}
    exec(SCENARIO, names)
    assert isinstance(names["golden"], Golden)


@pytest.mark.parametrize("cell", RECURRENCES)
def test_the_page_has_the_names_of_every_array(cell: str) -> None:
    recurrence = RECURRENCES[cell]
    assert f"`{cell}`" in PAGE
    for name in (*recurrence.inputs, *recurrence.weights, *recurrence.outputs):
        assert re.search(rf"\b{name}\b", PAGE), name
