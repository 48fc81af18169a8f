"""A backward pass by hand in torch is right; each of three that are wrong is told what its page shows."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from examples.building import EXAMPLES

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).parents[2] / "docs/gradients.md").read_text("utf-8")


def check(name: str) -> "subprocess.CompletedProcess[str]":
    pytest.importorskip("torch", reason="the example is torch's")
    command = [sys.executable, "-m", "rnn_goldens", "check", f"my_rnn:{name}", "--rnn-goldens-gradients"]
    return subprocess.run(
        [*command, "-k", "rnn-tanh"], cwd=EXAMPLES / "gradients", capture_output=True, text=True, check=False
    )


def shown(name: str) -> list[str]:
    """The lines of the page below the command, without what stands for others."""
    listing = PAGE.partition(f"check my_rnn:{name} ")[2].partition("\n")[2].partition("```")[0]
    return [line for line in listing.splitlines() if line != "..."]


def without_digits_that_move(text: str) -> str:
    """Kernels of another processor round otherwise, in the last digits."""
    return re.sub(r"got -?\d+\.(\d\d)\d*", r"got .\1", text)


def test_the_one_that_is_right_gives_every_gradient() -> None:
    done = check("MyRNN")
    assert done.returncode == 0, done.stdout
    assert "not checked" not in done.stdout


@pytest.mark.parametrize("name", ["DropsThePath", "BiasOfOneStep", "IgnoresTheLastState"])
def test_one_that_is_wrong_is_told_what_the_page_shows(name: str) -> None:
    done = check(name)
    assert done.returncode == 1
    told = without_digits_that_move(done.stdout).splitlines()
    assert shown(name)
    assert [line for line in map(without_digits_that_move, shown(name)) if line not in told] == []
