"""The handwritten backward pass in torch passes; three wrong ones fail with the messages on the page."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from examples.compilation import EXAMPLES

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).parents[2] / "docs/gradients.md").read_text("utf-8")


def check(name: str) -> "subprocess.CompletedProcess[str]":
    pytest.importorskip("torch", reason="the example needs torch")
    command = [sys.executable, "-m", "rnn_goldens", "check", f"my_rnn:{name}", "--rnn-goldens-gradients"]
    return subprocess.run(
        [*command, "-k", "rnn-tanh"], cwd=EXAMPLES / "gradients", capture_output=True, text=True, check=False
    )


def shown(name: str) -> list[str]:
    """Return the lines of the page below the command, without the ellipsis."""
    listing = PAGE.partition(f"check my_rnn:{name} ")[2].partition("\n")[2].partition("```")[0]
    return [line for line in listing.splitlines() if line != "..."]


def without_last_digits(text: str) -> str:
    """Remove the last digits of actual values, which depend on the processor."""
    return re.sub(r"got -?\d+\.(\d\d)\d*", r"got .\1", text)


def test_the_correct_class_passes_every_gradient() -> None:
    done = check("MyRNN")
    assert done.returncode == 0, done.stdout
    assert "not checked" not in done.stdout


@pytest.mark.parametrize("name", ["DropsThePath", "BiasOfOneStep", "IgnoresTheLastState"])
def test_a_wrong_class_fails_as_shown_on_the_page(name: str) -> None:
    done = check(name)
    assert done.returncode == 1
    lines = without_last_digits(done.stdout).splitlines()
    assert shown(name)
    assert [line for line in map(without_last_digits, shown(name)) if line not in lines] == []
