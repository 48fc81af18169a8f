"""The page on fuzzing: its files are written and its commands run in an empty folder."""

import re
from pathlib import Path

import pytest
from test_own_goldens_page import COMMANDS, FILE, run

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/fuzzing.md").read_text("utf-8")


def test_commands_print_the_output_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--hypothesis-profile=ci")  # deterministic, without a deadline
    files = dict(FILE.findall(PAGE))
    assert list(files) == ["my_lstm.py", "test_my_lstm.py"]
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
    program = (ROOT / "examples/programs/my_rnn.py").read_text("utf-8")
    assert "math.tanh" in program
    (tmp_path / "my_rnn.py").write_text(program, "utf-8")
    blocks = COMMANDS.findall(PAGE)
    assert len(blocks) == 5
    for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", "".join(blocks), re.MULTILINE):
        printed = run(command, tmp_path)
        for lines in output.split("…\n"):
            assert f"\n{lines}" in f"\n{printed}", f"{command} printed\n{printed}"


def test_the_sizes_on_the_page_are_the_defaults() -> None:
    from rnn_goldens.fuzz.bounds import Sizes
    from rnn_goldens.fuzz.sizes import SMALL

    defaults = ", ".join(str(size) for size in vars(Sizes()).values())
    *others, last = (str(size) for size in vars(SMALL).values())
    assert f"| {defaults} by default. Most goldens have at most {', '.join(others)} and {last};" in PAGE
