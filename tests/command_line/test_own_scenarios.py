"""Scenarios of one's own as commands take them: a file becomes a corpus, and nothing is half-written."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]
FINDING, WRONG_USE = 1, 2

MAKE = ("generate", "--scenarios", "mine.py", "--into", "goldens")


@pytest.fixture(autouse=True)
def edited(monkeypatch: pytest.MonkeyPatch) -> None:
    """For files that a test edits: bytecode of what stood there in the same second would be run."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")


@pytest.fixture
def mine(run: Run, tmp_path: Path) -> Path:
    """The file that ``generate --new`` writes."""
    run("generate", "--new", "mine.py")
    return tmp_path / "mine.py"


@pytest.mark.slow
def test_the_file_to_start_from_makes_a_corpus_of_a_name_and_version_of_its_own(run: Run, mine: Path) -> None:
    assert "stays as it is" in run("generate", "--new", "mine.py", code=WRONG_USE).stderr
    made = run(*MAKE).stdout
    assert made.splitlines()[:2] == ["new       mine/gru", "1 golden in goldens: 1 written, 0 unchanged"]
    index = json.loads((mine.parent / "goldens/index.json").read_text("utf-8"))
    assert (index["corpus"], index["version"]) == ("mine", "1.0.0")
    assert "3 files: 3 valid" in run("validate", "goldens").stdout
    assert "is exactly what the scenarios make" in run(*MAKE, "--check").stdout
    assert "0 written, 1 unchanged" in run(*MAKE).stdout
    assert "corpus mine 1.0.0" in run("list", "--corpus", "goldens").stdout
    assert "1 passed" in run("check", "numpy", "--rnn-goldens-corpus=goldens").stdout


@pytest.mark.slow
def test_a_precision_that_falls_out_is_said(run: Run, mine: Path) -> None:
    loud = mine.read_text("utf-8").replace("* 128) / 128", "* 128) / 16").replace("drawn(2, 5, 3)", "drawn(2, 24, 3)")
    mine.write_text(loud, "utf-8")
    said = run(*MAKE).stdout.splitlines()
    assert said[0] == "new       mine/gru"
    assert re.fullmatch(r" {10}without bfloat16: tolerance \S+ in bfloat16, at most 0.1 is allowed", said[1])


@pytest.mark.slow
def test_a_golden_that_takes_long_has_a_bar_with_an_estimate_on_a_terminal(mine: Path) -> None:
    large = mine.read_text("utf-8").replace("4", "32").replace("drawn(2, 5, 3)", "drawn(2, 40, 3)")
    mine.write_text(large.replace("lengths=[5, 3],", ""), "utf-8")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {**os.environ, "TERM": "xterm"}
    for name in ("COLUMNS", "LINES", "NO_COLOR", "CI"):
        environment.pop(name, None)
    command = [sys.executable, "-m", "rnn_goldens", *MAKE]
    with subprocess.Popen(command, cwd=mine.parent, stdout=subprocess.DEVNULL, stderr=theirs, env=environment) as made:
        os.close(theirs)
        shown = b"".join(iter(lambda: read_all(ours), b"")).decode()
    os.close(ours)
    assert made.returncode == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
    bar, estimate = r" +\S+ +\d+ % ", r"\d:\d\d:\d\d"
    for part in ("Certifying", r"  exact values, \d+ bits", "  tolerance, part 1 of 1"):
        assert re.search(rf"^{part}{bar}({estimate}|-:--:--)", plain.replace("\r", "\n"), re.MULTILINE), plain
    assert re.search(bar + estimate, plain), "a part that takes no time has no estimate; all together do"


def read_all(terminal: int) -> bytes:
    """What is written next; nothing where nobody holds the other end any more."""
    try:
        return os.read(terminal, 100_000)
    except OSError:
        return b""


@pytest.mark.slow
def test_values_change_only_when_that_is_asked(run: Run, mine: Path) -> None:
    run(*MAKE)
    mine.write_text(mine.read_text("utf-8").replace("default_rng(0)", "default_rng(1)"), "utf-8")
    found = run(*MAKE, "--check", code=FINDING).stdout
    assert found.count("expected/out: ") == 1  # though both encodings have it
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
def test_a_command_that_is_proposed_can_be_typed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "off.py").write_text(OFF, "utf-8")
    make = ("generate", "--scenarios", "mine.py", "--into")
    assert run(*make, "v1").stdout.endswith("pytest --rnn-goldens-corpus=./v1\n")
    assert run(*make, "my goldens").stdout.endswith("pytest '--rnn-goldens-corpus=my goldens'\n")
    assert "v1 is exactly what the scenarios make" in run(*make, "v1", "--check").stdout
    assert (
        "rnn-goldens show mine/gru --corpus ./v1"
        in run("check", "off:run", "--rnn-goldens-corpus=./v1", code=FINDING).stdout
    )
    assert "a comma parts corpora" in run(*make, "a,b", code=WRONG_USE).stderr
    assert "no scenario 'nope'. Scenarios: mine/gru" in run(*make, "v1", "--only", "nope", code=WRONG_USE).stderr
    assert "name one that ends in .py" in run("generate", "--new", "x.txt", code=WRONG_USE).stderr
    assert "--new writes a file to start from" in run("generate", "--new", "x.py", "--check", code=WRONG_USE).stderr
    assert run(*make, "again").stderr == ""


@pytest.mark.slow
def test_several_corpora_are_checked_in_one_run(run: Run, mine: Path) -> None:
    run(*MAKE)
    shown = run("list", "--corpus", "v1,goldens", "documented/*", "mine/*").stdout
    assert "mine/gru" in shown
    assert ", mine 1.0.0" in shown
    both = "--rnn-goldens-corpus=v1,goldens/"
    assert "5 passed" in run("check", "numpy", both, "-k", "mine or documented", "--rnn-goldens-report=r.json").stdout
    assert json.loads((mine.parent / "r.json").read_text("utf-8"))["versions"]["corpus"].endswith(", mine 1.0.0")
    run("generate", "--scenarios", "mine.py", "--into", "again")
    twice = run("check", "numpy", "--rnn-goldens-corpus=goldens,again", code=WRONG_USE)
    said = twice.stdout + twice.stderr
    assert f"mine/gru stands in {mine.parent / 'goldens'} and in {mine.parent / 'again'}" in said


@pytest.mark.slow
def test_one_corpus_never_becomes_another(run: Run, mine: Path) -> None:
    run(*MAKE)
    assert "holds the corpus mine, and these scenarios make rnn-goldens" in (
        run("generate", "--only", "documented/*", "--into", "goldens", code=WRONG_USE).stderr
    )
    mine.write_text(f"{mine.read_text('utf-8')}\nCORPUS = 'rnn-goldens'\n", "utf-8")
    assert "rnn-goldens is the corpus that this package carries" in run(*MAKE, code=WRONG_USE).stderr
    assert "--scenarios needs --into" in run("generate", "--scenarios", "mine.py", code=WRONG_USE).stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("VERSION = '1.0.0'", "mine.py: declares no SCENARIOS"),
        ("x = 1", "mine.py: declares no SCENARIOS and no VERSION"),
        ("VERSION = '1.0.0'\nSCENARIOS = []", "mine.py: SCENARIOS is empty"),
        ("VERSION = '1.0.0'\nSCENARIOS = [3]", "SCENARIOS[0] is no rnn_goldens.Scenario, but of type int"),
        ("VERSION = '1'\nSCENARIOS = [3]", "VERSION '1' is no version such as '1.0.0'"),
        ("VERSION = '1.0.0'\nSCENARIOS = [3]\nCORPUS = 'A B'", "CORPUS 'A B' is no name"),
    ],
)
def test_a_file_that_declares_something_else_is_one_error(run: Run, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mine.py").write_text(text, "utf-8")
    assert message in run(*MAKE, code=WRONG_USE).stderr
    assert not (tmp_path / "goldens").exists()


def test_a_file_that_raises_shows_its_own_traceback_and_no_other(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from rnn_goldens.command_line import main

    (tmp_path / "mine.py").write_text("def half(n):\n    return 1 / n\n\nhalf(0)\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["rnn-goldens", *MAKE])
    with pytest.raises(SystemExit):
        main()
    lines = capfd.readouterr().err.splitlines()
    assert lines[0] == "Error: mine.py can not be run:"
    assert f'  File "{tmp_path}/mine.py", line 4, in <module>' in lines
    assert f'  File "{tmp_path}/mine.py", line 2, in half' in lines
    assert lines[-1] == "ZeroDivisionError: division by zero"
    assert not any("scenario_file.py" in line for line in lines)


@pytest.mark.slow
def test_a_refused_scenario_leaves_the_folder_as_it_was(run: Run, mine: Path) -> None:
    run(*MAKE)
    before = {path: path.read_bytes() for path in (mine.parent / "goldens").rglob("*.*")}
    more = 'SCENARIOS.append(Scenario(id="mine/bad", purpose="Bad.", cell="gru", weights={}, x=[[[0.1]]]))\n'
    mine.write_text(f"{mine.read_text('utf-8')}\n{more}", "utf-8")
    assert "mine/bad: the weights hold no weight_ih_l0, but none" in run(*MAKE, code=WRONG_USE).stderr
    assert {path: path.read_bytes() for path in (mine.parent / "goldens").rglob("*.*")} == before


@pytest.mark.slow
def test_a_file_that_is_renamed_is_still_of_its_corpus_if_it_says_so(run: Run, mine: Path) -> None:
    run(*MAKE)
    mine = mine.rename(mine.parent / "renamed.py")
    again = ("generate", "--scenarios", "renamed.py", "--into", "goldens")
    said = run(*again, code=WRONG_USE).stderr
    assert "the file has another name now, write CORPUS = 'mine' into it" in " ".join(said.split())
    mine.write_text(f"{mine.read_text('utf-8')}\nCORPUS = 'mine'\n", "utf-8")
    assert "0 written, 1 unchanged" in run(*again).stdout


@pytest.mark.slow
def test_a_scenario_that_is_no_more_is_not_taken_away(run: Run, mine: Path) -> None:
    run(*MAKE)
    mine.write_text(mine.read_text("utf-8").replace('"mine/gru"', '"mine/other"'), "utf-8")
    assert "mine/gru: is in the corpus but no scenario declares it" in run(*MAKE, code=WRONG_USE).stderr
    assert "mine/other: only in the scenarios" in run(*MAKE, "--check", code=FINDING).stdout


@pytest.fixture
def own_cell(run: Run, tmp_path: Path) -> Path:
    """The file of a cell that a corpus is made of."""
    (tmp_path / "cells.py").write_text(
        "from rnn_goldens.cells.notation import relu\n\n"
        "def own(x, h, w):\n    return (relu(w.W_ia @ x + w.b_ia + w.W_ha @ h + w.b_ha + w.p * h),)\n",
        "utf-8",
    )
    (tmp_path / "mine.py").write_text(
        "from rnn_goldens import Scenario\n"
        "VERSION = '1.0.0'\n"
        "weights = {'weight_ih_l0': [[1]], 'weight_hh_l0': [[2]], 'bias_ih_l0': [1], 'bias_hh_l0': [0], 'p_l0': [3]}\n"
        "SCENARIOS = [Scenario(id='own/one', purpose='A unit.', cell='cells:own', weights=weights, x=[[[1], [2]]])]\n",
        "utf-8",
    )
    run(*MAKE)
    return tmp_path / "cells.py"


@pytest.mark.slow
def test_a_corpus_of_own_cells_is_listed_selected_reported_and_refused_by_who_has_no_such_cell(
    run: Run, own_cell: Path
) -> None:
    assert "cells:own" in run("list", "--corpus", "goldens", "--cell", "cells:own").stdout
    assert "3 files: 3 valid" in run("validate", "goldens").stdout
    assert "13.0" in run("show", "own/one", "--corpus", "goldens").stdout  # relu(2 + 1 + 2 * 2 + 3 * 2)
    checked = run(
        "check", "numpy", "--cell=cells:own", "--rnn-goldens-corpus=goldens", "--rnn-goldens-report=report.html"
    )
    assert "1 passed" in checked.stdout
    assert "cells:own" in (own_cell.parent / "report.html").read_text("utf-8")
    refused = run("check", "torch-cells", "--rnn-goldens-corpus=goldens", code=FINDING).stdout
    assert "torch has no cell cells:own" in refused


OWN = ("--cell=cells:own", "--rnn-goldens-corpus=goldens")

WRONG = "def wrong(golden):\n    return golden.x * 0 + 5, golden.x[:, 1] * 0 + 5\n"


@pytest.mark.slow
def test_who_has_no_equations_is_told_that_nothing_was_compared(run: Run, own_cell: Path) -> None:
    own_cell.unlink()
    (own_cell.parent / "wrong.py").write_text(WRONG, "utf-8")
    found = run("check", "wrong:wrong", *OWN, "--rnn-goldens-report=r.json", code=FINDING)
    reason = "the equations of cells:own are not here: no module 'cells', looked in "
    assert f"It was compared with no deviation: {reason}" in " ".join(found.stdout.split())
    assert "No known deviation" not in found.stdout
    (cause,) = json.loads((own_cell.parent / "r.json").read_text("utf-8"))["causes"]
    assert cause["no_equations"].startswith(reason)
    assert "r.json" not in run("validate", "r.json").stdout
    assert reason in run("explain", "own/one", "--corpus", "goldens", "--cell=cells:own", code=WRONG_USE).stderr


@pytest.mark.slow
def test_a_file_does_not_decide_what_is_imported(run: Run, own_cell: Path) -> None:
    own_cell.write_text("raise SystemExit('imported')\n", "utf-8")
    (own_cell.parent / "wrong.py").write_text(WRONG, "utf-8")
    said = "the equations of cells:own are not here: a file does not decide what is imported; to use the equations"
    explained = run("explain", "own/one", "--corpus", "goldens", code=WRONG_USE)
    assert said in " ".join(explained.stderr.split())
    checked = run("check", "wrong:wrong", "--rnn-goldens-corpus=goldens", code=FINDING)
    assert said in " ".join(checked.stdout.split())


@pytest.mark.slow
def test_a_cell_that_only_a_marker_names_is_known_to_the_controller_of_xdist(own_cell: Path) -> None:
    folder = own_cell.parent
    (folder / "test_it.py").write_text(
        f"import pytest\n\n{WRONG}\n@pytest.mark.rnn_goldens(cell='cells:own')\n"
        "def test_it(rnn_golden):\n    rnn_golden.check(*wrong(rnn_golden))\n",
        "utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-n", "2", "-q", "--rnn-goldens-corpus=goldens"]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout
    assert "1 failed" in said
    assert "are not here" not in said


@pytest.mark.slow
def test_a_cell_that_was_edited_is_not_explained(run: Run, own_cell: Path) -> None:
    own_cell.write_text(own_cell.read_text("utf-8").replace("w.p * h", "w.p * x"), "utf-8")
    said = run("explain", "own/one", "--corpus=goldens", "--cell=cells:own", code=WRONG_USE).stderr
    assert "own/one: the equations of cells:own are not those that own/one was certified with; if they are" in said


MORE = """
SCENARIOS += [Scenario(id="mine/{}", purpose="One more.", cell="gru", weights=SCENARIOS[0].weights, x=drawn(1, {}, 3))]
"""


@pytest.mark.slow
def test_a_golden_that_is_added_without_another_version_is_noticed(run: Run, mine: Path) -> None:
    assert "more in version" not in run(*MAKE).stderr
    more = mine.read_text("utf-8") + MORE.format("more", 2)
    mine.write_text(more, "utf-8")
    said = run(*MAKE)
    assert "new       mine/more" in said.stdout
    assert "1 golden more in version 1.0.0, which stood here before" in said.stderr
    mine.write_text(more.replace('"1.0.0"', '"1.1.0"') + MORE.format("most", 3), "utf-8")
    said = run(*MAKE)
    assert "new       mine/most" in said.stdout
    assert "more in version" not in said.stderr
