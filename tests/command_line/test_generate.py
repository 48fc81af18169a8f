"""``generate`` turns a file of scenarios into a corpus, completely or not at all."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line.conftest import in_a_terminal

from rnn_goldens.generator import predicted_cost

Run = Callable[..., "subprocess.CompletedProcess[str]"]
FINDING, WRONG_USE = 1, 2

MAKE = ("generate", "--scenarios", "mine.py", "--into", "goldens")


@pytest.fixture(autouse=True)
def no_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disable bytecode: Python would run the old bytecode of a file that a test edits within one second."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")


@pytest.fixture
def mine(run: Run, tmp_path: Path) -> Path:
    """The path of a file of scenarios: the template that ``generate --new`` writes."""
    run("generate", "--new", "mine.py")
    return tmp_path / "mine.py"


@pytest.mark.slow
def test_the_template_generates_a_corpus_with_its_own_name_and_version(run: Run, mine: Path) -> None:
    assert "exists already and was not changed" in run("generate", "--new", "mine.py", code=WRONG_USE).stderr
    output = run(*MAKE).stdout
    assert output.splitlines()[:2] == ["new       mine/gru", "1 golden in goldens: 1 written, 0 unchanged"]
    index = json.loads((mine.parent / "goldens/index.json").read_text("utf-8"))
    assert (index["corpus"], index["version"]) == ("mine", "1.0.0")
    assert "3 files: 3 valid" in run("validate", "goldens").stdout
    assert "is exactly what the scenarios produce" in run(*MAKE, "--check").stdout
    assert "exactly the content that the scenarios produce" in run(*MAKE, "--check", "--values-only").stdout
    assert "0 written, 1 unchanged" in run(*MAKE).stdout
    assert "corpus mine 1.0.0" in run("list", "--corpus", "goldens").stdout
    assert "1 passed" in run("check", "numpy", "--rnn-goldens-corpus=goldens").stdout


def test_a_dropped_precision_is_reported(run: Run, mine: Path) -> None:
    loud = mine.read_text("utf-8").replace("* 128) / 128", "* 128) / 16").replace("drawn(2, 5, 3)", "drawn(2, 24, 3)")
    mine.write_text(loud, "utf-8")
    lines = run(*MAKE).stdout.splitlines()
    assert lines[0] == "new       mine/gru"
    assert re.fullmatch(r" {10}without bfloat16: tolerance \S+ in bfloat16, at most 0.1 is allowed", lines[1])


@pytest.mark.slow
def test_a_slow_golden_shows_a_progress_bar_on_a_terminal(mine: Path) -> None:
    large = mine.read_text("utf-8").replace("4", "32").replace("drawn(2, 5, 3)", "drawn(2, 120, 3)")
    mine.write_text(large.replace("lengths=[5, 3],", ""), "utf-8")
    shown = in_a_terminal(80, *MAKE, folder=mine.parent)
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
    bar, estimate = r" +\S+ +{} % ", r"\d:\d\d:\d\d"
    for part in ("Certifying", "  exact outputs", "  tolerance"):
        bar_of_any = bar.format(r"\d+")
        assert re.search(rf"^{part}{bar_of_any}({estimate}|-:--:--)", plain.replace("\r", "\n"), re.MULTILINE), plain
    assert re.search(bar.format(r"[1-9]\d?") + estimate, plain), "an unfinished part must have an estimate"


def test_a_long_time_is_said_in_80_columns(run: Run, mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predicted_cost, "predicted_seconds", lambda one: 4000.0 if "long" in one.id else 1000.0)
    monkeypatch.setattr(predicted_cost, "cores", lambda: 1)
    two = 'SCENARIOS = [*SCENARIOS, replace(SCENARIOS[0], id="mine/a-gru-with-a-long-name", h0=np.zeros((1, 2, 4)))]\n'
    mine.write_text(f"{mine.read_text('utf-8')}\nfrom dataclasses import replace\n\n{two}", "utf-8")
    shown = run(*MAKE)
    assert shown.stderr.splitlines() == [
        "certifying 2 goldens takes about 83 min; the largest,",
        "  mine/a-gru-with-a-long-name, about 67 min",
    ]
    assert "certifying" not in shown.stdout


def test_values_change_only_with_replace(run: Run, mine: Path) -> None:
    run(*MAKE)
    mine.write_text(mine.read_text("utf-8").replace("default_rng(0)", "default_rng(1)"), "utf-8")
    output = run(*MAKE, "--check", code=FINDING).stdout
    assert output.count("expected/out: ") == 1  # although both the HDF5 and the JSON file differ
    assert "is in the corpus with other values" in run(*MAKE, code=WRONG_USE).stderr
    assert "changed   mine/gru" in run(*MAKE, "--replace").stdout
    mine.write_text(mine.read_text("utf-8").replace('"1.0.0"', '"2.0.0"'), "utf-8")
    assert "index.json: is mine 1.0.0, the scenarios are mine 2.0.0" in run(*MAKE, "--check", code=FINDING).stdout


OFF = """
from rnn_goldens.implementations import resolve

def run(golden):
    out, *states = resolve("numpy")(golden)
    return out + 1, *states
"""


@pytest.mark.slow
@pytest.mark.usefixtures("mine")
def test_suggested_commands_name_the_folder_and_wrong_use_is_an_error(run: Run, tmp_path: Path) -> None:
    (tmp_path / "off.py").write_text(OFF, "utf-8")
    make = ("generate", "--scenarios", "mine.py", "--into")
    assert run(*make, "v2").stdout.endswith("pytest --rnn-goldens-corpus=./v2\n")
    assert run(*make, "my goldens").stdout.endswith("pytest '--rnn-goldens-corpus=my goldens'\n")
    assert "v2 is exactly what the scenarios produce" in run(*make, "v2", "--check").stdout
    assert (
        "rnn-goldens show mine/gru --corpus ./v2"
        in run("check", "off:run", "--rnn-goldens-corpus=./v2", code=FINDING).stdout
    )
    assert "a comma separates corpora" in run(*make, "a,b", code=WRONG_USE).stderr
    assert "no scenario 'nope'. Scenarios: mine/gru" in run(*make, "v2", "--only", "nope", code=WRONG_USE).stderr
    assert "its name must end in .py" in run("generate", "--new", "x.txt", code=WRONG_USE).stderr
    assert "--values-only belongs to --check" in run(*MAKE, "--values-only", code=WRONG_USE).stderr
    assert "--new only writes a template" in run("generate", "--new", "x.py", "--check", code=WRONG_USE).stderr
    assert run(*make, "again").stderr == ""


@pytest.mark.slow
def test_several_corpora_are_checked_in_one_run(run: Run, mine: Path) -> None:
    run(*MAKE)
    shown = run("list", "--corpus", "v2,goldens", "documented/*", "mine/*").stdout
    assert "mine/gru" in shown
    assert ", mine 1.0.0" in shown
    both = "--rnn-goldens-corpus=v2,goldens/"
    assert "5 passed" in run("check", "numpy", both, "-k", "mine or documented", "--rnn-goldens-report=r.json").stdout
    assert json.loads((mine.parent / "r.json").read_text("utf-8"))["versions"]["corpus"].endswith(", mine 1.0.0")
    run("generate", "--scenarios", "mine.py", "--into", "again")
    twice = run("check", "numpy", "--rnn-goldens-corpus=goldens,again", code=WRONG_USE)
    output = twice.stdout + twice.stderr
    assert f"mine/gru is in {mine.parent / 'goldens'} and in {mine.parent / 'again'}" in output


def test_generate_does_not_overwrite_another_corpus(run: Run, mine: Path) -> None:
    run(*MAKE)
    assert "has the corpus mine, but these scenarios are of rnn-goldens" in (
        run("generate", "--only", "documented/*", "--into", "goldens", code=WRONG_USE).stderr
    )
    mine.write_text(f"{mine.read_text('utf-8')}\nCORPUS = 'rnn-goldens'\n", "utf-8")
    assert "rnn-goldens is the built-in corpus" in run(*MAKE, code=WRONG_USE).stderr
    assert "--scenarios needs --into" in run("generate", "--scenarios", "mine.py", code=WRONG_USE).stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("VERSION = '1.0.0'", "mine.py: does not declare SCENARIOS"),
        ("x = 1", "mine.py: does not declare SCENARIOS or VERSION"),
        ("VERSION = '1.0.0'\nSCENARIOS = []", "mine.py: SCENARIOS is empty"),
        ("VERSION = '1.0.0'\nSCENARIOS = [3]", "SCENARIOS[0] must be a rnn_goldens.Scenario, not int"),
        ("VERSION = '1'\nSCENARIOS = [3]", "VERSION '1' is not a version such as '1.0.0'"),
        ("VERSION = '1.0.0'\nSCENARIOS = [3]\nCORPUS = 'A B'", "CORPUS 'A B' must be lower-case letters and digits"),
    ],
)
def test_an_invalid_scenario_file_is_one_error(run: Run, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mine.py").write_text(text, "utf-8")
    assert message in run(*MAKE, code=WRONG_USE).stderr
    assert not (tmp_path / "goldens").exists()


def test_a_scenario_file_that_raises_shows_only_its_own_traceback(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from rnn_goldens.command_line import main

    (tmp_path / "mine.py").write_text("def half(n):\n    return 1 / n\n\nhalf(0)\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["rnn-goldens", *MAKE])
    with pytest.raises(SystemExit):
        main()
    lines = capfd.readouterr().err.splitlines()
    assert lines[0] == "Error: mine.py cannot be run:"
    assert f'  File "{tmp_path}/mine.py", line 4, in <module>' in lines
    assert f'  File "{tmp_path}/mine.py", line 2, in half' in lines
    assert lines[-1] == "ZeroDivisionError: division by zero"
    assert not any("scenario_file.py" in line for line in lines)


def test_a_refused_scenario_does_not_change_the_folder(run: Run, mine: Path) -> None:
    run(*MAKE)
    before = {path: path.read_bytes() for path in (mine.parent / "goldens").rglob("*.*")}
    more = 'SCENARIOS.append(Scenario(id="mine/bad", purpose="Bad.", cell="gru", weights={}, x=[[[0.1]]]))\n'
    mine.write_text(f"{mine.read_text('utf-8')}\n{more}", "utf-8")
    assert "mine/bad: the weights have no weight_ih_l0 (names: none)" in run(*MAKE, code=WRONG_USE).stderr
    assert {path: path.read_bytes() for path in (mine.parent / "goldens").rglob("*.*")} == before


def test_a_renamed_scenario_file_keeps_its_corpus_if_it_declares_the_corpus_name(run: Run, mine: Path) -> None:
    run(*MAKE)
    mine = mine.rename(mine.parent / "renamed.py")
    again = ("generate", "--scenarios", "renamed.py", "--into", "goldens")
    output = run(*again, code=WRONG_USE).stderr
    assert "the file was renamed, set CORPUS = 'mine' in it" in " ".join(output.split())
    mine.write_text(f"{mine.read_text('utf-8')}\nCORPUS = 'mine'\n", "utf-8")
    assert "0 written, 1 unchanged" in run(*again).stdout


def test_removing_a_scenario_does_not_remove_its_golden(run: Run, mine: Path) -> None:
    run(*MAKE)
    mine.write_text(mine.read_text("utf-8").replace('"mine/gru"', '"mine/other"'), "utf-8")
    assert "mine/gru: is in the corpus, but has no scenario" in run(*MAKE, code=WRONG_USE).stderr
    assert "mine/other: only in the scenarios" in run(*MAKE, "--check", code=FINDING).stdout


@pytest.fixture(scope="module")
def corpus_of_a_custom_cell(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a custom cell and a corpus of one golden of the cell."""
    folder = tmp_path_factory.mktemp("custom")
    (folder / "cells.py").write_text(
        "from rnn_goldens.cells.notation import relu\n\n"
        "def own(x, h, w):\n    return (relu(w.W_ia @ x + w.b_ia + w.W_ha @ h + w.b_ha + w.p * h),)\n",
        "utf-8",
    )
    (folder / "mine.py").write_text(
        "from rnn_goldens import Scenario\n"
        "VERSION = '1.0.0'\n"
        "weights = {'weight_ih_l0': [[1]], 'weight_hh_l0': [[2]], 'bias_ih_l0': [1], 'bias_hh_l0': [0], 'p_l0': [3]}\n"
        "SCENARIOS = [Scenario(id='own/one', purpose='A unit.', cell='cells:own', weights=weights, x=[[[1], [2]]])]\n",
        "utf-8",
    )
    subprocess.run([sys.executable, "-m", "rnn_goldens", *MAKE], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def custom_cell(corpus_of_a_custom_cell: Path, tmp_path: Path) -> Path:
    """The file of a custom cell, in a folder that a test may change."""
    shutil.copytree(corpus_of_a_custom_cell, tmp_path, dirs_exist_ok=True)
    return tmp_path / "cells.py"


@pytest.mark.slow
def test_a_corpus_of_custom_cells_is_listed_selected_checked_and_refused(
    run: Run, run_apart: Run, custom_cell: Path
) -> None:
    assert "cells:own" in run("list", "--corpus", "goldens", "--cell", "cells:own").stdout
    assert "3 files: 3 valid" in run("validate", "goldens").stdout
    assert "13.0" in run("show", "own/one", "--corpus", "goldens").stdout  # relu(2 + 1 + 2 * 2 + 3 * 2)
    checked = run_apart(
        "check", "numpy", "--cell=cells:own", "--rnn-goldens-corpus=goldens", "--rnn-goldens-report=report.html"
    )
    assert "1 passed" in checked.stdout
    assert "cells:own" in (custom_cell.parent / "report.html").read_text("utf-8")
    refused = run_apart("check", "torch-cells", "--rnn-goldens-corpus=goldens", code=FINDING).stdout
    assert "torch has no cell cells:own" in refused


CUSTOM = ("--cell=cells:own", "--rnn-goldens-corpus=goldens")

WRONG = "def wrong(golden):\n    return golden.x * 0 + 5, golden.x[:, 1] * 0 + 5\n"


@pytest.mark.slow
def test_without_equations_a_run_says_that_no_deviation_was_compared(run_apart: Run, custom_cell: Path) -> None:
    custom_cell.unlink()
    (custom_cell.parent / "wrong.py").write_text(WRONG, "utf-8")
    done = run_apart("check", "wrong:wrong", *CUSTOM, "--rnn-goldens-report=r.json", code=FINDING)
    reason = "the equations of cells:own are not available: no module 'cells', looked in "
    assert f"It was not compared with any deviation: {reason}" in " ".join(done.stdout.split())
    assert "No known deviation" not in done.stdout
    (cause,) = json.loads((custom_cell.parent / "r.json").read_text("utf-8"))["causes"]
    assert cause["no_equations"].startswith(reason)
    assert "r.json" not in run_apart("validate", "r.json").stdout
    assert reason in run_apart("explain", "own/one", "--corpus", "goldens", "--cell=cells:own", code=WRONG_USE).stderr


@pytest.mark.slow
def test_a_golden_file_cannot_cause_an_import(run_apart: Run, custom_cell: Path) -> None:
    custom_cell.write_text("raise SystemExit('imported')\n", "utf-8")
    (custom_cell.parent / "wrong.py").write_text(WRONG, "utf-8")
    message = "the equations of cells:own are not available: a golden file cannot cause an import; to use its equations"
    explained = run_apart("explain", "own/one", "--corpus", "goldens", code=WRONG_USE)
    assert message in " ".join(explained.stderr.split())
    checked = run_apart("check", "wrong:wrong", "--rnn-goldens-corpus=goldens", code=FINDING)
    assert message in " ".join(checked.stdout.split())


@pytest.mark.slow
def test_a_cell_that_only_a_marker_selects_is_available_in_xdists_controller(custom_cell: Path) -> None:
    folder = custom_cell.parent
    (folder / "test_it.py").write_text(
        f"import pytest\n\n{WRONG}\n@pytest.mark.rnn_goldens(cell='cells:own')\n"
        "def test_it(rnn_golden):\n    rnn_golden.check(*wrong(rnn_golden))\n",
        "utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-n", "2", "-q", "--rnn-goldens-corpus=goldens"]
    output = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout
    assert "1 failed" in output
    assert "are not available" not in output


@pytest.mark.slow
def test_a_golden_whose_cell_was_edited_is_not_explained(run_apart: Run, custom_cell: Path) -> None:
    custom_cell.write_text(custom_cell.read_text("utf-8").replace("w.p * h", "w.p * x"), "utf-8")
    output = run_apart("explain", "own/one", "--corpus=goldens", "--cell=cells:own", code=WRONG_USE).stderr
    assert "own/one: the equations of cells:own are not those that own/one was certified with; if the change" in output


MORE = """
SCENARIOS += [Scenario(id="mine/{}", purpose="One more.", cell="gru", weights=SCENARIOS[0].weights, x=drawn(1, {}, 3))]
"""


def test_adding_a_golden_without_a_new_version_is_reported(run: Run, mine: Path) -> None:
    assert "added to version" not in run(*MAKE).stderr
    more = mine.read_text("utf-8") + MORE.format("more", 2)
    mine.write_text(more, "utf-8")
    done = run(*MAKE)
    assert "new       mine/more" in done.stdout
    assert "1 golden added to version 1.0.0, which exists already" in done.stderr
    mine.write_text(more.replace('"1.0.0"', '"1.1.0"') + MORE.format("most", 3), "utf-8")
    done = run(*MAKE)
    assert "new       mine/most" in done.stdout
    assert "added to version" not in done.stderr
