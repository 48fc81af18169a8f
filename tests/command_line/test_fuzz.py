"""``fuzz`` as it is typed: what it ends with, what it keeps, and that nothing passes for good that was not compared."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rnn_goldens.fuzzing.bounds import Sizes
from rnn_goldens.golden.features import ASKED_FEATURES

Run = Callable[..., "subprocess.CompletedProcess[str]"]
FINDING, WRONG_USE = 1, 2
SMALL = ("--max-time", "2", "--max-batch", "1", "--max-hidden", "1", "--max-input", "1", "--seconds", "120")
SOON = ("--examples", "100")
"""Of so few, processes that draw are not started; what is found here is found by then."""

NETS = """
import os, signal, time
import numpy as np
from rnn_goldens import Unsupported
from rnn_goldens.cells import Network, case_of
from rnn_goldens.deviations import deviation

def right(golden):
    return Network().run(case_of(golden, np.float64))

def wrong_gates(golden):
    if golden.cell != "lstm":
        raise Unsupported("LSTMs only")
    return deviation("lstm_gates_iofg").run(case_of(golden, np.float64))

def unable(golden):
    raise Unsupported("no recurrent layers")

def crashes(golden):
    if golden.lengths is not None:
        raise KeyError("lengths")
    return right(golden)

def dies(golden):
    if golden.config.bidirectional:
        os._exit(0)
    return right(golden)

def interrupts(golden):
    os.kill(os.getpid(), 2)
    return wrong_gates(golden)

def marks(golden):
    open("asked", "w").close()
    return right(golden)

def moves(golden):
    os.chdir("/")
    return wrong_gates(golden)

def says_much(golden):
    raise ValueError("\\ud800" + golden.id)

def does_not_end(golden):
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGALRM])
    open("asked", "w").close()
    time.sleep(1000)

def hangs(golden):
    if golden.config.bidirectional:
        does_not_end(golden)
    return right(golden)
"""

PROGRAM = Path(__file__).parents[2] / "examples" / "programs" / "my_rnn.py"


@pytest.fixture(autouse=True)
def nets(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(NETS)


@pytest.mark.slow
def test_what_is_found_is_told_kept_and_checked_by_the_command_that_is_printed(run: Run, tmp_path: Path) -> None:
    done = run("fuzz", "nets:wrong_gates", *SOON, "--seed", "1", code=FINDING)
    (kept,) = (path.stem for path in (tmp_path / ".rnn-goldens/found/drawn").glob("*.json"))
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"drawn/{kept} in float32")
    assert any(line.startswith("  lstm_gates_iofg: Takes the rows") for line in lines)
    assert "1 layer, 1 step, 1 row, 1 unit, 1 input" in done.stdout
    command = lines[-1].split()
    assert command == ["rnn-goldens", "check", "nets:wrong_gates", *command[3:]]
    assert "1 failed" in run(*command[1:], code=FINDING).stdout
    assert f"drawn/{kept}" in run("show", f"drawn/{kept}", "--corpus", ".rnn-goldens/found").stdout
    assert "a golden that was found before fails" in run("fuzz", "nets:wrong_gates", *SOON, code=FINDING).stdout
    assert run("fuzz", "nets:wrong_gates", *SOON, "--seed", "1", "--found", "new", code=FINDING).stdout.splitlines()[
        :-2
    ] == ([line.replace(".rnn-goldens/found", "new") for line in lines[:-2]])


@pytest.mark.slow
def test_nothing_is_found_in_what_is_right(run: Run, tmp_path: Path) -> None:
    done = run("fuzz", "nets:right", "--examples", "30", "--seed", "7", "--cell", "gru", "--dtype", "float64")
    assert done.stdout == "30 goldens of seed 7: 30 right\n"
    assert not (tmp_path / ".rnn-goldens").exists()


@pytest.mark.slow
def test_what_is_refused_is_counted_and_all_refused_is_not_good(run: Run) -> None:
    done = run("fuzz", "nets:unable", "--examples", "10", "--seed", "0", code=FINDING)
    assert "10 goldens of seed 0: 0 right, 10 refused\n  refused 10: no recurrent layers\n" in done.stdout
    assert "nothing was compared" in done.stdout


@pytest.mark.slow
def test_a_crash_is_a_finding_that_is_said_once(run: Run) -> None:
    done = run("fuzz", "nets:crashes", *SOON, "--seed", "0", code=FINDING)
    assert done.stdout.count("raised KeyError: 'lengths'") == 1
    assert "nets.py" in done.stdout
    assert "fuzzing/search.py" not in done.stdout
    assert "kept in .rnn-goldens/found" in done.stdout


@pytest.mark.slow
def test_an_implementation_that_ends_the_process_is_found_out_and_made_small(run: Run) -> None:
    while_others_draw = ("--examples", "1000", "--seed", "0")
    done = run("fuzz", "nets:dies", *while_others_draw, "--cell", "rnn_tanh", *SMALL, code=FINDING)
    assert done.stderr == ""
    assert "the process that was asked exited with code 0" in done.stdout
    assert "1 layer in 2 directions" in done.stdout


@pytest.mark.slow
def test_what_hangs_and_can_not_be_interrupted_is_killed_and_found(run: Run) -> None:
    limits = ("--time-limit", "1.5", "--seconds", "8")
    done = run("fuzz", "nets:hangs", *SOON, "--seed", "0", "--cell", "gru", *limits, code=FINDING)
    assert "the process that was asked hung for 3 s" in done.stdout
    assert "kept in .rnn-goldens/found" in done.stdout


@pytest.mark.slow
def test_an_interrupted_search_ends_cleanly_with_what_was_found(run: Run) -> None:
    done = run("fuzz", "nets:interrupts", *SOON, "--seed", "1", code=FINDING)
    assert "interrupted" in done.stdout


@pytest.mark.slow
def test_what_is_found_stands_where_the_command_was_typed(run: Run, tmp_path: Path) -> None:
    run("fuzz", "nets:moves", *SOON, "--seed", "1", "--cell", "lstm", code=FINDING)
    assert list((tmp_path / ".rnn-goldens/found/drawn").glob("*.json"))
    done = run("fuzz", "nets:moves", "--seed", "1", "--examples", "10", code=FINDING)
    assert "a golden that was found before fails" in done.stdout
    done = run("fuzz", "nets:right", "--seed", "1", "--examples", "10")
    assert done.stdout == "10 goldens of seed 1: 10 right\n"


@pytest.mark.slow
def test_whatever_ends_the_process_what_was_found_says_how_it_ends(run: Run, tmp_path: Path) -> None:
    begin = "import atexit, os\nfrom nets import *\n"
    (tmp_path / "good_end.py").write_text(f"{begin}atexit.register(os._exit, 0)\n", "utf-8")
    assert (
        "kept in .rnn-goldens/found"
        in run("fuzz", "good_end:wrong_gates", *SOON, "--cell", "lstm", code=FINDING).stdout
    )
    (tmp_path / "no_begin.py").write_text(f"{begin}os._exit(0)\n", "utf-8")
    said = run("fuzz", "no_begin:right", *SOON, code=FINDING).stderr
    assert "the process that draws and asks exited with code 0 while it asked nothing" in said


@pytest.mark.slow
def test_text_that_no_terminal_takes_is_told_all_the_same(run: Run) -> None:
    assert "raised ValueError: \\ud800drawn/" in run("fuzz", "nets:says_much", "--examples", "10", code=FINDING).stdout


@pytest.mark.slow
def test_a_program_that_answers_twice_is_wrong_at_the_golden_it_answered(run: Run, tmp_path: Path) -> None:
    once = PROGRAM.read_text("utf-8")
    print_it = "print(json.dumps("
    again = "run(request))) if request.get('config', {}).get('hidden_size', 0) > 1 else None"
    twice = once.replace(print_it, f"{print_it}{again}\n        {print_it}")
    assert twice != once
    (tmp_path / "twice.py").write_text(twice, "utf-8")
    done = run(
        "fuzz",
        *SOON,
        "--cell",
        "rnn_tanh",
        "--dtype",
        "float64",
        "--seed",
        "1",
        "--",
        sys.executable,
        "twice.py",
        code=FINDING,
    )
    assert "asked once more it was right" not in done.stdout
    assert ", 1 unit, " not in done.stdout  # of which it answers once
    run(*done.stdout.splitlines()[-1].split()[1:], code=FINDING)


@pytest.mark.slow
def test_a_program_is_asked_as_check_asks_it(run: Run, tmp_path: Path) -> None:
    right = PROGRAM.read_text("utf-8")
    (tmp_path / "right.py").write_text(right, "utf-8")
    asked = ("fuzz", "--cell", "rnn_tanh", "--dtype", "float64", "--seed", "0", *SOON)
    done = run(*asked, "--examples", "15", "--", sys.executable, "right.py")
    assert done.stdout.splitlines() == [
        "my_rnn.py supports no bidirectional, lengths, multilayer, unbatched: none is drawn",
        "15 goldens of seed 0: 15 right",
    ]
    (tmp_path / "wrong.py").write_text(right.replace("math.tanh", "math.sin"), "utf-8")
    assert "math.sin" in (tmp_path / "wrong.py").read_text("utf-8")
    done = run(*asked, "--", sys.executable, "wrong.py", code=FINDING)
    assert "1 layer, 1 step, 1 row, 1 unit, 1 input" in done.stdout
    assert done.stdout.splitlines()[-1].endswith(f" -- {sys.executable} wrong.py")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nets:right", "--examples", "0"), "0 examples: nothing would be asked"),
        (("nets:right", "--seconds", "0"), "0 seconds: say a number above 0"),
        (("nets:right", "--time-limit", "nan"), "nan seconds for one golden: say a number above 0"),
        (("--time-limit", "inf", "--", "cat"), "inf seconds for one golden: say a number above 0"),
        (("nets:right", "--cell", "lsmt"), "Did you mean 'lstm'"),
        (("nets:right", "--dtype", "float8"), "no precision 'float8'"),
        (("nets:right", "--features", "lengths", "--max-time", "1"), "max_time is 1, and lengths"),
        (("nets:right", "--found", "nets.py"), "nets.py is a file"),
        (("nmpy",), "Did you mean 'numpy'"),
        (("--", "./no-such-program"), "no-such-program"),
    ],
)
@pytest.mark.slow
def test_wrong_use_is_one_error(run: Run, arguments: tuple[str, ...], message: str) -> None:
    done = run("fuzz", *arguments, code=WRONG_USE)
    assert message in done.stderr
    assert done.stdout == ""


@pytest.mark.slow
@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGTERM])
def test_a_running_search_can_be_interrupted(tmp_path: Path, way: signal.Signals) -> None:
    out, err, code = interrupted(tmp_path, "nets:marks", way)
    assert ", when it was interrupted: " in out
    assert err == ""
    assert code == FINDING  # it did not come to its end


@pytest.mark.slow
def test_being_told_to_end_is_no_finding_of_what_would_not_let_it(tmp_path: Path) -> None:
    out, err, code = interrupted(tmp_path, "nets:does_not_end", signal.SIGTERM)
    assert out == ""
    assert re.fullmatch(r"Error: ended while drawn/\S+ in float32 was asked: what was found before is lost\n", err)
    assert code == FINDING
    assert not (tmp_path / ".rnn-goldens").exists()


def interrupted(folder: Path, net: str, way: signal.Signals) -> tuple[str, str, int]:
    """What a search prints that is told to end once it has asked something; SIGINT goes to all, as from a terminal."""
    command = [sys.executable, "-m", "rnn_goldens", "fuzz", net, "--examples", "1000000", "--seed", "0"]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        while not (folder / "asked").exists():
            assert process.poll() is None
            time.sleep(0.1)
        if way == signal.SIGINT:
            os.killpg(process.pid, way)
        else:
            process.send_signal(way)
        out, err = process.communicate()
    return out, err, process.returncode


def test_help_names_the_features_and_what_is_drawn_by_default(run: Run) -> None:
    said = " ".join(run("fuzz", "--help").stdout.split())
    assert ", ".join(ASKED_FEATURES) in said
    for name, size in vars(Sizes()).items():
        assert re.search(rf"--max-{name} INTEGER At most so many [a-z ]+ \(default: {size}\)", said)
