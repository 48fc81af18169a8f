"""The pages show what the examples and commands print."""

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
from rnn_goldens.golden.recurrences import INTEGER_LSTMS, RECURRENCES
from rnn_goldens.report.page import page

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("example", "name"), [("derivation", "numerics"), ("conventions", "conventions"), ("backward", "numerics")]
)
def test_a_page_shows_the_output_of_its_example(example: str, name: str) -> None:
    command = [sys.executable, str(ROOT / f"examples/{example}.py")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"```\n{printed}```" in (ROOT / f"docs/{name}.md").read_text("utf-8")


def test_the_readme_has_the_figures_of_the_corpus_and_of_the_result_pages() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert readme_figures.with_figures(readme, readme_figures.figures(ROOT)) == readme, (
        "update the figures: make generate"
    )
    networks = [entry for entry in open_corpus().entries if entry.cell not in {*RECURRENCES, *INTEGER_LSTMS}]
    false_alarms = readme_figures.row(ROOT, "correctness.md", "false-alarms", "corpus ")
    assert (false_alarms[0], false_alarms[-1]) == (len(networks), 0)


def test_changed_figures_are_written_into_the_readme_and_a_missing_sentence_is_an_error() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    now = readme_figures.figures(ROOT)
    moved = {name: figure + 1000 for name, figure in now.items()}
    written = readme_figures.with_figures(readme, moved)
    assert all(f"{figure}" in written for figure in moved.values())
    assert readme_figures.with_figures(written, now) == readme
    with pytest.raises(readme_figures.MissingSentence, match=r"says 0 times: The \{goldens\} goldens detect"):
        readme_figures.with_figures(readme.replace("goldens\ndetect", "goldens\nfind"), now)


def test_every_number_in_the_readme_is_a_generated_figure() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    marked = {name: 10**9 + index for index, name in enumerate(readme_figures.figures(ROOT))}
    prose = re.sub(
        r"^```.*?^```|`[^`\n]+`|\(3\.11 or newer\)", "", readme_figures.with_figures(readme, marked), flags=re.M | re.S
    )
    assert [number for number in re.findall(r"\b\d+\b", prose) if int(number) < 10**9] == []


@pytest.fixture
def snippet(tmp_path: Path) -> Path:
    """The first snippet of the README, saved in an empty folder."""
    path = tmp_path / "test_my_rnn.py"
    path.write_text(blocks("A first test", "python")[0], "utf-8")
    return path


@pytest.fixture
def backward(tmp_path: Path) -> Path:
    """The snippet of the tutorial on backward passes, saved in an empty folder."""
    path = tmp_path / "test_my_backward.py"
    path.write_text(blocks("A backward pass by hand", "python", "docs/gradients.md")[0], "utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "page", "sentence"),
    [
        pytest.param("snippet", "README.md", "run `pytest` there: {}.", marks=pytest.mark.slow),
        ("backward", "docs/gradients.md", "run `pytest`: {}."),
    ],
)
def test_a_snippet_passes_as_typed(request: pytest.FixtureRequest, name: str, page: str, sentence: str) -> None:
    done = run_pytest(request.getfixturevalue(name).parent)
    assert done.returncode == 0, done.stdout
    (passed,) = re.findall(r"^=+ (.*) in .*$", done.stdout, re.MULTILINE)[-1:]
    assert sentence.format(passed) in (ROOT / page).read_text("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("backward", "hs[t + 1] ** 2", "hs[t + 1]"),
        ("backward", "d_b + d_z.sum(0)", "d_z.sum(0)"),
        ("snippet", " + h @ W_hh", ""),
    ],
)
def test_a_snippet_fails_when_broken(request: pytest.FixtureRequest, name: str, right: str, wrong: str) -> None:
    path: Path = request.getfixturevalue(name)
    assert right in path.read_text("utf-8")
    path.write_text(path.read_text("utf-8").replace(right, wrong), "utf-8")
    done = run_pytest(path.parent)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout
    assert "GoldenMismatch" in done.stdout


@pytest.mark.slow
def test_the_first_snippet_of_the_readme_fails_as_shown_when_broken(snippet: Path) -> None:
    right = snippet.read_text("utf-8")
    wrong = right.replace("h @ W_hh", "h @ W_hh.T")
    assert wrong != right
    snippet.write_text(wrong, "utf-8")
    done = run_pytest(snippet.parent)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout
    printed = without_actual_values(done.stdout)
    for line in blocks("What a failure looks like")[0].splitlines():
        assert without_actual_values(line) in printed


def test_the_readme_is_short_and_has_no_wide_lines() -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert len(lines) <= 155
    assert [line for line in lines if len(line) > 160] == []


def blocks(heading: str, language: str = "", page: str = "README.md") -> list[str]:
    """Return the code blocks below a heading of a page."""
    section = (ROOT / page).read_text("utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def run_pytest(folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run pytest as a user does, without the settings of these tests."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def without_actual_values(text: str) -> str:
    """Remove actual values: their last digits in float32 depend on the processor."""
    return re.sub(r"got [^ ,]+", "got …", text)


def test_the_page_on_conformance_is_generated_from_its_file() -> None:
    document = json_file.read_document(ROOT / "docs/conformance.json")
    assert page(document) == (ROOT / "docs/conformance.md").read_text("utf-8")
    of_page, of_corpus = (version.partition(".")[0] for version in (document["corpus"], open_corpus().version))
    assert of_page == of_corpus  # only the major version must be equal


@pytest.mark.slow
def test_the_page_on_explain_shows_the_output_of_its_commands(tmp_path: Path) -> None:
    text = (ROOT / "docs/explain.md").read_text("utf-8")
    golden = load("lstm/plain")
    outputs = deviation("lstm_gates_iofg").outputs(case_of(golden, "float64"))
    by_name = {name: array.tolist() for name, array in outputs.items()}
    (tmp_path / "mine.json").write_text(json.dumps(by_name))
    commands = re.findall(r"^\$ rnn-goldens (.*)$", text, re.MULTILINE)
    assert len(commands) == 5
    for command in commands:
        arguments = [sys.executable, "-m", "rnn_goldens", *command.split()]
        printed = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
        assert f"```\n$ rnn-goldens {command}\n{printed}```" in text


def test_the_snippet_on_the_format_reads_a_golden_without_this_package() -> None:
    page = (ROOT / "docs/format.md").read_text("utf-8")
    (by_json,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    alone = "import sys; assert not {'rnn_goldens', 'h5py'} & set(sys.modules)"
    program = f"{by_json}\nprint(h_n)\n{alone}"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "[[[33. 33.]]]\n", done.stderr
