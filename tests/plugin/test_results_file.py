"""--rnn-goldens-report writes the results of each golden as JSON."""

import json
import platform
from collections.abc import Callable
from importlib.metadata import version
from typing import Any
from xml.etree import ElementTree

import pytest

from rnn_goldens import schema

Report = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def report(project: pytest.Pytester) -> Report:
    """A function that runs tests with a results file, validates the file and returns its results."""

    def run(*options: str) -> list[dict[str, Any]]:
        project.runpytest_inprocess("--rnn-goldens-report=results.json", *options)
        document = json.loads((project.path / "results.json").read_text("utf-8"))
        assert schema.problems(document, "results") == []
        return sorted(document["results"], key=lambda result: result["test"])

    return run


def test_the_file_distinguishes_passed_failed_refused_known_and_skipped(
    project: pytest.Pytester, report: Report, workers: tuple[str, ...]
) -> None:
    project.path.joinpath("known.txt").write_text("documented/mini-batch-float32 # a reason\n", "utf-8")
    project.makepyfile(
        test_it="""
        import my_rnn, pytest

        def test_it(rnn_golden):
            if rnn_golden.dtype == "float64":
                pytest.skip("no float64")
            batched = my_rnn.refuses if "ascending" in rnn_golden.id else my_rnn.wrong_in_batches
            rnn_golden.check(*batched(rnn_golden))

        def test_without_a_golden(): ...
        """
    )
    results = report("--rnn-goldens-known-failures=known.txt", "--rnn-goldens-dtype=float32,float64", *workers)
    assert len(results) == 8
    assert [r["outcome"] for r in results if r["dtype"] == "float64"] == ["skipped"] * 4
    found = {r["golden"]: r for r in results if r["dtype"] == "float32"}
    assert {golden: result["outcome"] for golden, result in found.items()} == {
        "documented/single-sequence": "passed",
        "documented/mini-batch": "known-failure",
        "documented/mini-batch-ascending": "refused",
        "documented/identity-w-hh": "failed",
    }
    assert found["documented/single-sequence"] == {
        "golden": "documented/single-sequence",
        "dtype": "float32",
        "test": "test_it.py::test_it[documented/single-sequence-float32]",
        "outcome": "passed",
        "judged_by": "comparison",
        "largest_error": 0,
    }
    assert found["documented/mini-batch-ascending"]["reason"] == "no relu here"
    for wrong in ("documented/mini-batch", "documented/identity-w-hh"):
        assert found[wrong]["reason"].startswith(f"{wrong} in float32: out is first wrong at time step 1 ")


def test_every_failure_has_a_reason(project: pytest.Pytester, report: Report) -> None:
    project.path.joinpath("known.txt").write_text("documented/single-sequence # a reason\n", "utf-8")
    project.makepyfile(
        test_it="""
        import my_rnn, pytest

        @pytest.fixture
        def setup(rnn_golden):
            if rnn_golden.id.endswith("mini-batch"):
                raise RuntimeError("no memory")
            yield
            if rnn_golden.id.endswith("w-hh"):
                raise RuntimeError("not closed")

        def test_it(rnn_golden, setup):
            if not rnn_golden.id.endswith("ascending"):
                rnn_golden.check(*my_rnn.right(rnn_golden))
        """
    )
    results = report("--rnn-goldens-known-failures=known.txt")
    assert {r["outcome"] for r in results} == {"failed"}
    reasons = {r["golden"]: r.get("reason", "") for r in results}
    assert reasons["documented/mini-batch"] == "no memory"
    assert reasons["documented/identity-w-hh"] == "not closed"
    assert "never called" in reasons["documented/mini-batch-ascending"]
    assert "known.txt:1" in reasons["documented/single-sequence"]


@pytest.mark.slow
def test_the_file_contains_the_versions_of_the_run(project: pytest.Pytester, workers: tuple[str, ...]) -> None:
    project.makepyfile("def test_it(rnn_golden, rnn_implementation): rnn_golden.check(*rnn_implementation(rnn_golden))")
    options = ("--rnn-goldens-implementation=numpy", "--rnn-goldens-report=results.json")
    project.runpytest_inprocess(*options, *workers).assert_outcomes(passed=4)
    document = json.loads((project.path / "results.json").read_text("utf-8"))
    assert document["causes"] == []
    versions = document["versions"]
    assert versions["rnn-goldens"] == version("rnn-goldens")
    assert versions["python"] == platform.python_version()
    assert versions["numpy"] == version("numpy")
    assert versions["corpus"]
    assert versions["implementation"] == {"name": "numpy", "versions": {"numpy": version("numpy")}}


@pytest.mark.slow
def test_a_contradicted_cause_is_in_the_file(project: pytest.Pytester, check_with: Callable[[str], None]) -> None:
    check_with("wrong_in_batches")
    project.runpytest_inprocess("--rnn-goldens-report=results.json")
    document = json.loads((project.path / "results.json").read_text("utf-8"))
    assert schema.problems(document, "results") == []
    (cause,) = document["causes"]
    assert (cause["cell"], cause["failed"], cause["passed"]) == ("rnn_relu", 3, 1)
    assert cause["certainty"] == "consistent with"
    assert [(candidate["deviations"], candidate["against"]) for candidate in cause["candidates"]] == [
        (["w_hh_ignored"], [{"golden": "documented/single-sequence", "dtype": "float32"}])
    ]
    assert cause["few"] == {"goldens": ["documented/single-sequence"], "more": 0, "fail": False}
    assert cause["simplest"] == {"golden": "documented/mini-batch", "dtype": "float32"}


def test_partly_readable_outputs_fail_with_facts_and_without_a_cause(project: pytest.Pytester, report: Report) -> None:
    project.makepyfile(
        test_it="""
        import my_rnn, pytest
        import numpy as np

        @pytest.mark.parametrize("how", range(4))
        def test_it(rnn_golden, how):
            out, h_n = my_rnn.wrong_in_batches(rnn_golden)
            if len(rnn_golden.x) > 1:
                masked = np.ma.masked_equal(out, out.max())
                out, h_n = [(None, h_n), (out + 1j, h_n), (masked, h_n), (out, "text")][how]
            rnn_golden.check(out, h_n)
        """
    )
    results = report()
    failed = [result for result in results if result["outcome"] == "failed"]
    assert [result["golden"] for result in results if result not in failed] == ["documented/single-sequence"] * 4
    assert len(failed) == 12
    assert all("explained_by" not in result and result["facts"] for result in failed)


@pytest.mark.skipif(pytest.version_tuple < (9,), reason="pytest has subtests since 9")
def test_the_worst_outcome_of_several_subtests_counts(project: pytest.Pytester, report: Report) -> None:
    project.makepyfile(
        test_it="""
        import pytest
        from my_rnn import refuses, right, wrong_in_batches

        @pytest.mark.parametrize("functions", [[refuses, wrong_in_batches], [wrong_in_batches, refuses]])
        def test_it(rnn_golden, functions, subtests):
            for function in (right, *functions, right):
                with subtests.test(function.__name__):
                    rnn_golden.check(*function(rnn_golden))
        """
    )
    found = report()
    refused = [r for r in found if r["outcome"] == "refused"]
    assert [r["golden"] for r in refused] == ["documented/single-sequence"] * 2
    assert {r["reason"] for r in refused} == {"no relu here"}
    failed = [r for r in found if r["outcome"] == "failed"]
    assert len(failed) == 6
    assert all("out is first wrong at time step 1" in r["reason"] for r in failed)


def test_junit_xml_contains_the_same_results_as_json(
    project: pytest.Pytester, report: Report, workers: tuple[str, ...]
) -> None:
    project.makepyfile(
        test_it="""
        import my_rnn

        def test_it(rnn_golden):
            function = my_rnn.refuses_batches if "ascending" in rnn_golden.id else my_rnn.wrong_in_batches
            rnn_golden.check(*function(rnn_golden))
        """
    )
    results = report("--junitxml=junit.xml", *workers)
    assert [r["outcome"] for r in results] == ["failed", "refused", "failed", "passed"]
    properties = ElementTree.parse(project.path / "junit.xml").iterfind(".//property[@name='rnn_goldens']")
    shown = [json.loads(str(each.get("value"))) for each in properties]
    assert sorted(shown, key=lambda result: str(result["test"])) == results


def test_the_path_is_relative_to_the_working_directory_and_a_run_without_tests_writes_a_file_too(
    project: pytest.Pytester, check_with: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, report: Report
) -> None:
    assert report() == []
    check_with("right")
    monkeypatch.chdir(project.mkdir("below"))
    project.runpytest_inprocess("--rnn-goldens-report=../results.json", "..", "-o", "pythonpath=.")
    assert len(json.loads((project.path / "results.json").read_text("utf-8"))["results"]) == 4


def test_a_report_that_cannot_be_written_does_not_lose_results(
    project: pytest.Pytester, check_with: Callable[[str], None], subtests: pytest.Subtests
) -> None:
    check_with("right")
    for name in ("missing/results.json", "/proc/results.json", ".", "missing/report.html", "/dev/null"):
        with subtests.test(name):
            result = project.runpytest_inprocess(f"--rnn-goldens-report={name}")
            output = result.stdout.str()
            assert result.ret not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
            begin, end = (find(output, " cannot be written: ") for find in (str.index, str.rindex))
            assert begin < output.index("collected ") < end
            assert output.count(" cannot be written: ") == 2
            assert " passed" in output
            assert "Traceback" not in output + result.stderr.str()


def test_a_file_of_an_earlier_run_that_cannot_be_replaced_is_reported(
    project: pytest.Pytester, check_with: Callable[[str], None]
) -> None:
    check_with("right")
    (project.path / "results.json").write_text("{}")
    project.makeconftest(
        """
        import rnn_goldens.plugin.report_file as results

        def full(path, content):
            raise OSError(28, "No space left on device", str(path))

        results.write_whole = full
        """
    )
    output = project.runpytest_subprocess("--rnn-goldens-report=results.json").stdout.str()
    assert "results.json cannot be written: No space left on device; the file there is of an earlier run" in output


def test_a_report_that_cannot_be_written_at_the_end_fails_the_run(
    project: pytest.Pytester, check_with: Callable[[str], None]
) -> None:
    check_with("right")
    project.makeconftest(
        """
        def pytest_runtest_teardown(item):
            results = item.path.parent / "results.json"
            if results.is_file():
                results.unlink()
                results.mkdir()
        """
    )
    result = project.runpytest_inprocess("--rnn-goldens-report=results.json")
    assert result.ret not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    assert "results.json cannot be written: Is a directory" in result.stdout.str() + result.stderr.str()
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    assert not list(project.path.glob(".results*"))


def test_outputs_computed_in_a_higher_precision_pass_and_are_reported(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_it="""
        import numpy as np
        import pytest
        from rnn_goldens.cells import Network, case_of
        from rnn_goldens.golden.precision import PRECISIONS

        @pytest.mark.rnn_goldens(corpus="v2", ids=["lstm/one-step", "gru/one-step"], dtypes=["bfloat16", "float32"])
        def test_it(rnn_golden):
            outputs = Network().run(case_of(rnn_golden, np.float64))
            if rnn_golden.cell == "gru":
                outputs = [PRECISIONS[rnn_golden.dtype].round(part) for part in outputs]
            rnn_golden.check(*outputs)
        """
    )
    result = project.runpytest_inprocess("--rnn-goldens-report=results.json")
    result.assert_outcomes(passed=4)
    document = json.loads((project.path / "results.json").read_text("utf-8"))
    assert schema.problems(document, "results") == []
    found = {(r["golden"], r["dtype"]): r.get("higher_precision", False) for r in document["results"]}
    assert [golden for golden, is_higher in found.items() if is_higher] == [("lstm/one-step", "bfloat16")]
    result.stdout.fnmatch_lines(["bfloat16: 1 of 2 goldens was computed in a higher precision than requested"])


def test_versions_of_imported_frameworks_are_listed(project: pytest.Pytester) -> None:
    project.makepyfile(
        keras="__version__ = '3.2.1'",
        test_it="import keras, my_rnn\ndef test_it(rnn_golden): rnn_golden.check(*my_rnn.right(rnn_golden))",
    )
    project.runpytest_subprocess("--rnn-goldens-report=results.json").assert_outcomes(passed=4)
    document = json.loads((project.path / "results.json").read_text("utf-8"))
    assert schema.problems(document, "results") == []
    assert document["versions"]["keras"] == "3.2.1"
    assert "torch" not in document["versions"]
