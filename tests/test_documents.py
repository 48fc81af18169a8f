"""What the documents show is what the examples print."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rnn_goldens.cells import case_of
from rnn_goldens.corpus import load, open_corpus
from rnn_goldens.deviations import deviation
from rnn_goldens.encoding import json_file
from rnn_goldens.generator import readme_figures
from rnn_goldens.report.page import page

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("example", "name"), [("derivation", "numerics"), ("conventions", "conventions"), ("backward", "backward")]
)
def test_a_page_shows_what_its_example_prints(example: str, name: str) -> None:
    command = [sys.executable, str(ROOT / f"examples/{example}.py")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"```\n{printed}```" in (ROOT / f"docs/{name}.md").read_text("utf-8")


def test_the_readme_has_the_figures_of_the_corpus_and_the_pages() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert readme_figures.with_figures(readme, readme_figures.figures(ROOT)) == readme, (
        "make generate writes them again"
    )
    corpus = open_corpus("v1")
    false_alarms = readme_figures.row(ROOT, "false-alarms.md", "corpus ")
    assert (false_alarms[0], false_alarms[-1]) == (len(corpus.entries), 0)


def test_a_figure_of_the_readme_that_moves_is_written_and_a_sentence_that_is_lost_is_refused() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    now = readme_figures.figures(ROOT)
    moved = {name: figure + 1000 for name, figure in now.items()}
    written = readme_figures.with_figures(readme, moved)
    assert all(f"{figure}" in written for figure in moved.values())
    assert readme_figures.with_figures(written, now) == readme
    with pytest.raises(readme_figures.Lost, match=r"says 0 times: is the corpus: \{goldens\} goldens"):
        readme_figures.with_figures(readme.replace("is the corpus:", "was the corpus:"), now)


def test_every_count_in_the_readme_is_one_of_these() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    marked = {name: 10**9 + place for place, name in enumerate(readme_figures.figures(ROOT))}
    prose = re.sub(
        r"^```.*?^```|`[^`\n]+`|\(3\.11 or newer\)", "", readme_figures.with_figures(readme, marked), flags=re.M | re.S
    )
    assert [number for number in re.findall(r"\b\d+\b", prose) if int(number) < 10**9] == []


@pytest.fixture
def snippet(tmp_path: Path) -> Path:
    """The first snippet of the README, as its reader saves it: in an empty folder."""
    path = tmp_path / "test_my_rnn.py"
    path.write_text(blocks("Check your own RNN", "python")[0], "utf-8")
    return path


@pytest.mark.slow
def test_the_first_snippet_of_the_readme_passes_as_typed(snippet: Path) -> None:
    done = run_pytest(snippet.parent)
    assert done.returncode == 0, done.stdout
    (passed,) = re.findall(r"^=+ (.*) in .*$", done.stdout, re.MULTILINE)[-1:]
    assert f"run `pytest` there: {passed}." in (ROOT / "README.md").read_text("utf-8")


@pytest.fixture
def backward(tmp_path: Path) -> Path:
    """The snippet of a backward pass, likewise."""
    path = tmp_path / "test_my_backward.py"
    path.write_text(blocks("Check your backward pass", "python")[0], "utf-8")
    return path


def test_the_backward_pass_of_the_readme_passes_as_typed(backward: Path) -> None:
    done = run_pytest(backward.parent)
    assert done.returncode == 0, done.stdout
    (passed,) = re.findall(r"^=+ (\d+ passed) in .*$", done.stdout, re.MULTILINE)[-1:]
    assert f"run `pytest`: {passed}." in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(("right", "wrong"), [("hs[t + 1] ** 2", "hs[t + 1]"), ("d_b + d_z.sum(0)", "d_z.sum(0)")])
def test_the_backward_pass_of_the_readme_fails_once_it_is_broken(backward: Path, right: str, wrong: str) -> None:
    text = backward.read_text("utf-8")
    assert right in text
    backward.write_text(text.replace(right, wrong), "utf-8")
    done = run_pytest(backward.parent)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout
    assert "GoldenMismatch" in done.stdout


@pytest.mark.slow
def test_the_first_snippet_of_the_readme_fails_as_is_shown_once_it_is_broken(snippet: Path) -> None:
    right = snippet.read_text("utf-8")
    wrong = right.replace("h @ W_hh", "h @ W_hh.T")
    assert wrong != right
    snippet.write_text(wrong, "utf-8")
    done = run_pytest(snippet.parent)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout
    printed = without_what_rounds(done.stdout)
    for line in blocks("What a failure looks like")[0].splitlines():
        assert without_what_rounds(line) in printed


@pytest.mark.slow
def test_the_first_snippet_of_the_readme_fails_without_its_recurrence(snippet: Path) -> None:
    right = snippet.read_text("utf-8")
    assert " + h @ W_hh" in right
    snippet.write_text(right.replace(" + h @ W_hh", ""), "utf-8")
    done = run_pytest(snippet.parent)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout
    assert "GoldenMismatch" in done.stdout


def test_the_readme_has_no_line_that_has_to_be_scrolled() -> None:
    assert [line for line in (ROOT / "README.md").read_text("utf-8").splitlines() if len(line) > 160] == []


def blocks(heading: str, language: str = "") -> list[str]:
    """The blocks of code below a heading of the README."""
    readme = (ROOT / "README.md").read_text("utf-8")
    section = readme.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def run_pytest(folder: Path) -> "subprocess.CompletedProcess[str]":
    """As a reader runs it, whose environment has no settings of ours."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def without_what_rounds(text: str) -> str:
    """What a network got in float32 may differ in its last digits from processor to processor."""
    return re.sub(r"got [^ ,]+", "got …", text)


def test_the_page_of_conformance_is_that_of_its_file() -> None:
    document = json_file.read_document(ROOT / "docs/conformance.json")
    assert page(document) == (ROOT / "docs/conformance.md").read_text("utf-8")
    assert document["corpus"] == open_corpus("v1").version


@pytest.mark.slow
def test_the_page_on_explain_shows_what_it_prints(tmp_path: Path) -> None:
    text = (ROOT / "docs/explain.md").read_text("utf-8")
    golden = load("lstm/plain")
    outputs = deviation("lstm_gates_iofg").run(case_of(golden, "float64"))
    named = {name: array.tolist() for name, array in zip(("out", "h_n", "c_n"), outputs, strict=True)}
    (tmp_path / "mine.json").write_text(json.dumps(named))
    commands = re.findall(r"^\$ rnn-goldens (.*)$", text, re.MULTILINE)
    assert len(commands) == 5
    for command in commands:
        arguments = [sys.executable, "-m", "rnn_goldens", *command.split()]
        printed = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
        assert f"```\n$ rnn-goldens {command}\n{printed}```" in text


def test_the_page_of_the_format_reads_a_golden_without_this_package() -> None:
    page = (ROOT / "docs/format.md").read_text("utf-8")
    (by_json,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    alone = "import sys; assert not {'rnn_goldens', 'h5py'} & set(sys.modules)"
    program = f"{by_json}\nprint(h_n)\n{alone}"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "[[[33. 33.]]]\n", done.stderr
