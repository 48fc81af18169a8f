"""The page on many goldens and machines, followed by a reader."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from rnn_goldens.corpus import open_corpus

PAGE = (Path(__file__).parents[1] / "docs/scaling.md").read_text("utf-8")


@pytest.mark.slow
def test_the_snippet_makes_a_corpus(tmp_path: Path) -> None:
    new = [sys.executable, "-m", "rnn_goldens", "generate", "--new", "my_scenarios.py"]
    subprocess.run(new, cwd=tmp_path, check=True, capture_output=True)
    (snippet,) = re.findall(r"^```python\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
    (tmp_path / "make.py").write_text(snippet, "utf-8")
    done = subprocess.run([sys.executable, "make.py"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout == "new mine/gru\n"
    assert open_corpus(tmp_path / "goldens").ids == ["mine/gru"]


def test_its_commands_have_the_options_that_there_are() -> None:
    from rnn_goldens.command_line.generate import generate

    options = {option for parameter in generate.params for option in parameter.opts}
    for command in re.findall(r"^rnn-goldens generate (.*)$", PAGE, re.MULTILINE):
        assert set(re.findall(r"--[a-z]+", command)) <= options
