"""A program in a user's project: selected by an option or the ini file, and closed when the run ends."""

import json
import sys
from pathlib import Path

import pytest
from programs.checking import TINY_RNN, process_ids, still_running

REPORT = "--rnn-goldens-report=results.json"
PROGRAM = f"-- {' '.join(TINY_RNN)}"


@pytest.fixture
def checked(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PIDS", str(project.path / "pids.txt"))
    project.makepyfile(
        test_it="""
        def test_it(rnn_golden, rnn_implementation):
            rnn_golden.check(*rnn_implementation(rnn_golden))

        def test_another(): ...
        """
    )
    return project


def processes_of(project: pytest.Pytester) -> list[int]:
    processes = process_ids(project.path / "pids.txt")
    assert not still_running(processes)
    return processes


def versions(project: pytest.Pytester) -> dict[str, str]:
    """Return the program's versions in the results file."""
    document = json.loads((project.path / "results.json").read_text("utf-8"))
    found: dict[str, str] = document["versions"]["implementation"]["versions"]
    return found


@pytest.mark.slow
def test_an_option_names_the_program(checked: pytest.Pytester) -> None:
    result = checked.runpytest_inprocess(f"--rnn-goldens-implementation={PROGRAM} 2=exits", REPORT)
    assert result.parseoutcomes() == {"passed": 4, "failed": 1}
    result.stdout.fnmatch_lines(
        [
            ">*rnn_golden.check(*rnn_implementation(rnn_golden))",
            "E *rnn_goldens.ProgramFailed: documented/mini-batch in float32: tiny_rnn exited with code 3 *",
        ]
    )
    assert "tiny_rnn" in versions(checked)
    assert len(processes_of(checked)) == 2


@pytest.mark.slow
def test_a_path_in_the_ini_file_is_relative_to_the_file(
    checked: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checked.path / "tiny.py").write_bytes(Path(TINY_RNN[1]).read_bytes())
    with (checked.path / "tox.ini").open("a", encoding="utf-8") as ini:
        ini.write(f"\nrnn_goldens_implementation = -- {sys.executable} tiny.py 1=hangs\nrnn_goldens_time_limit = 1")
    below = checked.mkdir("below")
    monkeypatch.chdir(below)
    result = checked.runpytest_inprocess("..")
    assert result.parseoutcomes() == {"passed": 4, "failed": 1}
    result.stdout.fnmatch_lines(["E *tiny_rnn printed no answer within 1 s"])
    assert len(processes_of(checked)) == 2


def test_a_golden_that_a_program_fails_can_be_a_known_failure(checked: pytest.Pytester) -> None:
    checked.path.joinpath("known.txt").write_text("documented/mini-batch  # it crashes\n", "utf-8")
    options = ("--rnn-goldens-known-failures=known.txt", "--junitxml=junit.xml")
    result = checked.runpytest_inprocess(f"--rnn-goldens-implementation={PROGRAM} 2=exits", *options)
    assert result.parseoutcomes() == {"passed": 4, "xfailed": 1}


def test_a_program_without_a_hello_is_one_error_per_golden(
    checked: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)  # with CI set, pytest's summary repeats whole messages
    checked.path.joinpath("dies.py").write_text("raise SystemExit('no device')", "utf-8")
    result = checked.runpytest_inprocess(f"--rnn-goldens-implementation=-- {sys.executable} dies.py")
    assert result.parseoutcomes() == {"passed": 1, "errors": 4}
    result.stdout.fnmatch_lines([f"rnn-goldens: {sys.executable} dies.py exited with code 1 before its hello"])
    assert len(result.outlines) < 45  # a long path of Python wraps
    assert "Traceback" not in result.stdout.str()
    assert "rnn_goldens/" not in result.stdout.str()
