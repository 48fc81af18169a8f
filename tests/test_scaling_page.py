"""The section on large corpora and clusters: its snippet runs, and its commands use existing options."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from rnn_goldens.corpus import open_corpus

PAGE = (
    (Path(__file__).parents[1] / "docs/own-goldens.md")
    .read_text("utf-8")
    .partition("\n## Large corpora and clusters\n")[2]
)


@pytest.mark.slow
def test_the_snippet_generates_a_corpus(tmp_path: Path) -> None:
    new = [sys.executable, "-m", "rnn_goldens", "generate", "--new", "my_scenarios.py"]
    subprocess.run(new, cwd=tmp_path, check=True, capture_output=True)
    (snippet,) = re.findall(r"^```python\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
    (tmp_path / "make.py").write_text(snippet, "utf-8")
    done = subprocess.run([sys.executable, "make.py"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout == "new mine/gru\n"
    assert open_corpus(tmp_path / "goldens").ids == ["mine/gru"]


def test_the_commands_use_existing_options() -> None:
    from rnn_goldens.command_line.generate import generate

    options = {option for parameter in generate.params for option in parameter.opts}
    for command in re.findall(r"^rnn-goldens generate (.*)$", PAGE, re.MULTILINE):
        assert set(re.findall(r"--[a-z]+", command)) <= options
