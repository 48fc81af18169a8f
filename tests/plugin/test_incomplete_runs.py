"""The results file of a run that ended early lists the goldens that were not compared as unchecked."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from rnn_goldens.schema import problems

Document = dict[str, Any]
Run = Callable[..., tuple[int, Document]]

ENDS = """
import os, pytest, signal
from my_rnn import forgetful, right

def ends(how):
    if how == "exit":
        os._exit(0)
    elif how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "interrupt":
        raise KeyboardInterrupt
    elif how == "pytest.exit":
        pytest.exit("enough", returncode=0)

@pytest.fixture
def checked(rnn_golden):
    rnn_golden.check(*right(rnn_golden))  # a check in the setup does not replace the test

def test_it(rnn_golden, checked):
    rnn_golden.check(*right(rnn_golden))
    if rnn_golden.id == "documented/mini-batch":
        ends(os.environ["HOW"])
"""


def results(project: pytest.Pytester) -> Document:
    document: Document = json.loads((project.path / "results.json").read_text("utf-8"))
    assert problems(document, "results") == []
    return document


@pytest.fixture
def run(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A function that runs ``test_it.py`` of the project and returns the exit code and the results file."""

    def run(how: str, *options: str) -> tuple[int, Document]:
        monkeypatch.setenv("HOW", how)
        (project.path / "results.json").write_text('{"kind": "results", "results": ["of an earlier run"]}')
        project.makepyfile(test_it=ENDS)
        command = [sys.executable, "-m", "pytest", "--rnn-goldens-report=results.json", *options]
        done = subprocess.run(command, cwd=project.path, capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, results(project)

    return run


def counts(entries: list[Document]) -> Counter[str]:
    return Counter(entry["outcome"] for entry in entries)


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("exit", "the run has not ended: it is still running, or its process was killed"),
        pytest.param(
            "kill", "the run has not ended: it is still running, or its process was killed", marks=pytest.mark.slow
        ),
        ("interrupt", "the run was interrupted"),
        ("pytest.exit", "3 of 4 goldens were not compared"),
    ],
)
def test_selected_goldens_that_were_not_compared_are_unchecked(run: Run, how: str, why: str) -> None:
    code, document = run(how)
    assert code != 0 or how == "exit"  # os._exit(0) ends pytest with exit code 0
    assert document["complete"] is False
    assert "results" not in document
    so_far = {entry["golden"]: entry["outcome"] for entry in document["results_so_far"]}
    assert len(so_far) == 4
    assert so_far["documented/mini-batch"] == "unchecked"
    assert so_far["documented/identity-w-hh"] == "unchecked"
    assert document["why"] == why


@pytest.mark.slow
@pytest.mark.parametrize("how", ["exit", "kill"])
def test_a_golden_whose_worker_died_counts_as_failed(run: Run, how: str) -> None:
    code, document = run(how, "-pxdist", "-n2", "--max-worker-restart=4")
    assert code == 1
    by_golden = {entry["golden"]: entry for entry in document["results"]}
    assert counts(document["results"]) == {"passed": 3, "failed": 1}
    assert by_golden["documented/mini-batch"]["judged_by"] == "crash"
    assert "the process that ran it died: worker " in by_golden["documented/mini-batch"]["reason"]


@pytest.mark.slow
def test_goldens_without_a_remaining_worker_are_unchecked(run: Run) -> None:
    code, document = run("kill", "-pxdist", "-n1", "--max-worker-restart=0")
    assert code != 0
    assert counts(document["results_so_far"]) == {"passed": 1, "failed": 1, "unchecked": 2}


@pytest.mark.slow
def test_goldens_that_were_only_collected_or_set_up_are_unchecked(run: Run) -> None:
    code, document = run("", "-x", "--deselect=test_it.py::test_it[documented/single-sequence-float32]", "--co")
    assert code == 0  # nothing was to be run
    assert counts(document["results_so_far"]) == {"unchecked": 3}
    assert counts(run("", "--setup-only")[1]["results_so_far"]) == {"unchecked": 4}


@pytest.mark.parametrize("processes", [pytest.param(("-pxdist", "-n2"), marks=pytest.mark.slow), ()], ids=str)
def test_a_right_run_is_complete(run: Run, processes: tuple[str, ...]) -> None:
    code, document = run("", *processes)
    assert code == 0
    assert document["complete"] is True
    assert counts(document["results"]) == {"passed": 4}
    assert {entry["judged_by"] for entry in document["results"]} == {"comparison"}


@pytest.mark.slow
def test_a_golden_that_fails_after_its_test_has_not_passed(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import contextlib, threading, pytest
        from my_rnn import forgetful, right

        ended, threads = threading.Event(), []

        @pytest.fixture(scope="session", autouse=True)
        def last():
            yield
            ended.set()
            for thread in threads:
                thread.join()

        def test_it(rnn_golden):
            def late():
                ended.wait()
                with contextlib.suppress(AssertionError):
                    rnn_golden.check(*outputs)

            outputs = forgetful(rnn_golden)
            rnn_golden.check(*right(rnn_golden))
            threads.append(threading.Thread(target=late))
            threads[-1].start()
        """
    )
    result = project.runpytest_subprocess("--rnn-goldens-report=results.json", "--junitxml=junit.xml")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["after its test had ended: documented/single-sequence in float32: out is first wrong *"]
    )
    assert counts(results(project)["results"]) == {"failed": 4}
    assert (project.path / "junit.xml").read_text("utf-8").count('<failure message="after its test had ended') == 3


@pytest.mark.slow
@pytest.mark.parametrize("what", ["option", "conftest", "collection"])
def test_a_run_that_cannot_start_removes_earlier_results(
    project: pytest.Pytester, check_with: Callable[[str], None], what: str
) -> None:
    check_with("right")
    project.runpytest_inprocess("--rnn-goldens-report=results.json")
    assert results(project)["complete"] is True
    options = {"option": ["--rnn-goldens-dtype=float31"], "collection": ["--continue-on-collection-errors"]}
    if what == "conftest":
        project.makeconftest("import no_such_module")
    if what == "collection":
        project.makepyfile(test_broken="import no_such_module\ndef test_it(rnn_golden): ...")
    project.runpytest_subprocess("--rnn-goldens-report=results.json", *options.get(what, ()))
    assert results(project)["complete"] is False


@pytest.mark.slow
def test_a_check_of_a_copy_counts_and_a_check_in_another_process_does_not(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_it="""
        import copy, multiprocessing
        from my_rnn import right

        def test_right(rnn_golden):
            copy.deepcopy(rnn_golden).check(*right(rnn_golden))

        def check(golden):
            golden.check(*right(golden))

        def test_in_another_process(rnn_golden):
            process = multiprocessing.get_context("spawn").Process(target=check, args=(rnn_golden,))
            process.start()
            process.join()
            assert process.exitcode == 0
        """
    )
    result = project.runpytest_subprocess("-k", "single-sequence", "-p", "no:warnings")
    assert result.parseoutcomes() == {"passed": 1, "failed": 1, "deselected": 6}
    result.stdout.fnmatch_lines(["*documented/single-sequence: nothing was checked: the test requested rnn_golden*"])


@pytest.mark.slow
def test_one_failure_of_a_test_collected_twice_counts(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_it="""
        from my_rnn import forgetful, right

        called = []

        def test_it(rnn_golden):
            called.append(rnn_golden.id)
            rnn_golden.check(*(forgetful if called.count(rnn_golden.id) == 1 else right)(rnn_golden))
        """
    )
    twice = ("--rnn-goldens-report=results.json", "--keep-duplicates", "test_it.py", "test_it.py")
    assert project.runpytest_subprocess(*twice).ret == pytest.ExitCode.TESTS_FAILED
    assert counts(results(project)["results"]) == {"failed": 4}
