"""A run that checked nothing, or not all selected goldens, does not pass."""

import json
from collections.abc import Callable

import pytest


def test_a_test_that_never_calls_check_fails(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest
        from my_rnn import right

        class TestForgotten:
            def test_in_a_class(self, rnn_golden):
                right(rnn_golden)

        def test_in_a_function(rnn_golden):
            rnn_golden.compare(*right(rnn_golden))

        @pytest.mark.usefixtures("rnn_golden")
        def test_by_name_only(): ...

        async def test_in_a_coroutine(rnn_golden):
            right(rnn_golden)
        """
    )
    result = project.runpytest_subprocess("-k", "single-sequence", "-pasyncio", "-oasyncio_mode=auto")
    assert result.parseoutcomes() == {"failed": 4, "deselected": 12}
    for name in ("TestForgotten.test_in_a_class", "test_in_a_function", "test_by_name_only", "test_in_a_coroutine"):
        result.stdout.fnmatch_lines([f"*_ {name}[[]*", "documented/single-sequence: *never called * check(*"])


@pytest.mark.parametrize("options", [[], pytest.param(["-pxdist", "-n1"], marks=pytest.mark.slow)])
def test_a_golden_that_a_thread_may_check_after_the_run_is_not_compared(
    project: pytest.Pytester, options: list[str]
) -> None:
    project.makepyfile(
        """
        import queue, threading
        from my_rnn import forgetful, right

        def later(check, outputs):
            threading.Event().wait()
            check(*outputs)

        def serve(inbox, outbox):
            while True:
                golden = inbox.get()
                outbox.put(right(golden))

        inbox, outbox = queue.Queue(), queue.Queue()
        threading.Thread(target=serve, args=(inbox, outbox), daemon=True).start()

        def test_it(rnn_golden):
            inbox.put(rnn_golden)
            rnn_golden.check(*outbox.get())
            if "single" in rnn_golden.id:
                arguments = rnn_golden.check, forgetful(rnn_golden)
                threading.Thread(target=later, args=arguments, daemon=True).start()
            threading.Thread(target=threading.Event().wait, daemon=True).start()
        """
    )
    result = project.runpytest_inprocess("--rnn-goldens-report=results.json", *options)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "1 of 4 goldens was selected and not compared: documented/single-sequence in float32",
            "documented/single-sequence in float32: a thread of its test still runs and may check it; join *",
        ]
    )
    results = json.loads(project.path.joinpath("results.json").read_text("utf-8"))
    assert results["why"] == "1 of 4 goldens was not compared"


def test_a_forgotten_check_is_not_a_known_failure(project: pytest.Pytester) -> None:
    project.path.joinpath("known.txt").write_text("*  # a reason\n", "utf-8")
    project.makepyfile(
        """
        def test_sync(rnn_golden): ...
        async def test_async(rnn_golden): ...
        """
    )
    result = project.runpytest_subprocess("--rnn-goldens-known-failures=known.txt", "-pasyncio", "-oasyncio_mode=auto")
    assert result.parseoutcomes() == {"failed": 8}
    result.stdout.fnmatch_lines(["documented/*: *never called * check(*"])


def test_a_check_in_another_precision_or_in_a_fixture_counts(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest
        from my_rnn import right

        def test_it(rnn_golden):
            golden = rnn_golden.in_precision("float64")
            golden.check(*right(golden))

        @pytest.fixture
        def checked(rnn_golden):
            rnn_golden.check(*right(rnn_golden))

        def test_fixture(checked): ...
        """
    )
    assert project.runpytest_inprocess().parseoutcomes() == {"passed": 8}


def test_a_skipped_test_need_not_check(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        def test_it(rnn_golden):
            pytest.skip("no GPU")
        """
    )
    assert project.runpytest_inprocess().parseoutcomes() == {"skipped": 4}


def test_requesting_the_golden_too_late_fails(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        def test_it(request):
            request.getfixturevalue("rnn_golden")
        """
    )
    result = project.runpytest_inprocess()
    assert result.parseoutcomes() == {"failed": 1}
    result.stdout.fnmatch_lines(["rnn_golden must be an argument *request.getfixturevalue*"])


def test_selecting_nothing_is_an_error_that_names_test_and_selection(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_empty="""
        import pytest

        @pytest.mark.rnn_goldens(cell="lstm", without=["exact"])
        def test_lstm(rnn_golden): ...
        """
    )
    result = project.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines(["*test_empty.py::test_lstm: no golden is selected by*"])
    result.stdout.fnmatch_lines(["*cell=[[]'lstm'[]]*without=[[]'exact'[]]*dtypes=[[]'float32'[]]*"])


MARKERS = {
    "ids": (
        "ids='documented/single-sequense'",
        "no golden 'documented/single-sequense'. Did you mean 'documented/single-sequence'? "
        "Goldens: documented/single-sequence, documented/mini-batch, ",
    ),
    "pattern": (
        "ids='nowhere/*'",
        "no golden 'nowhere/*'. Goldens: documented/single-sequence, documented/mini-batch, ",
    ),
    "cell": ("cell='ltsm'", "no cell 'ltsm'. Did you mean 'lstm'? Cells: rnn_tanh, rnn_relu, lstm, gru"),
    "features": (
        "features='multi-layer'",
        "no feature 'multi-layer'. Did you mean 'multilayer'? Features: bias, state, ",
    ),
    "without": ("without=['length']", "no feature 'length'. Did you mean 'lengths'? Features: bias, state, "),
    "dtypes": (
        "dtypes=['float64', 'float23']",
        "no precision 'float23'. Did you mean 'float32'? Precisions: float64, float32, bfloat16, float16",
    ),
    "argument": (
        "cells='lstm'",
        "no marker argument 'cells'. Did you mean 'cell'? Marker arguments: ids, cell, features, without, dtypes, ",
    ),
    "positional": (
        "'lstm'",
        "the marker takes only keyword arguments: ids, cell, features, without, dtypes, dtype, corpus, calls, "
        "outputs, profile, gradients; got 'lstm'",
    ),
    "number": ("ids=3", "ids takes a name or a list of names, not 3"),
}


def test_an_unknown_name_in_a_marker_is_an_error_that_lists_valid_names(project: pytest.Pytester) -> None:
    for name, (arguments, _) in MARKERS.items():
        test = f"import pytest\n@pytest.mark.rnn_goldens({arguments})\ndef test_it(rnn_golden): ..."
        project.makepyfile(**{f"test_{name}": test})
    result = project.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert result.parseoutcomes() == {"errors": len(MARKERS)}
    for name, (_, message) in MARKERS.items():
        assert f"rnn-goldens, test_{name}.py::test_it: {message}" in result.stdout.str()


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (
            "dtype=float23",
            "no precision 'float23'. Did you mean 'float32'? Precisions: float64, float32, bfloat16, float16",
        ),
        ("corpus=v11", "no corpus 'v11'. Did you mean 'v1'? Corpora (or a folder with an index.json): v1"),
        ("corpus=.", "is not a corpus: it has no index.json"),
        (
            "implementation=nunpy",
            "no implementation 'nunpy'. Did you mean 'numpy'? Implementations (or package.module:thing, FILE.onnx, or ",
        ),
        (
            "known-failures=known.txt",
            "'documented/mini-bach'. Did you mean 'documented/mini-batch'? Goldens: documented/single-sequence, ",
        ),
        ("known-failures=missing.txt", "missing.txt: does not exist; --rnn-goldens-update-known-failures creates it"),
        ("calls=thrice", "no call pattern 'thrice'. Did you mean 'twice'? Call patterns: twice, rows, chunks, "),
        ("cell=gru,lstn", "no cell 'lstn'. Did you mean 'lstm'? Cells: rnn_tanh, rnn_relu, lstm, gru"),
        ("without=lenghts", "no feature 'lenghts'. Did you mean 'lengths'? Features: bias, state, "),
        ("features=state,", "features 'state,': an entry in the comma-separated list of names is empty"),
        ("dtype=float32,", "dtype 'float32,': an entry in the comma-separated list of precisions is empty"),
    ],
)
def test_an_invalid_setting_is_an_error_before_any_test_runs(
    project: pytest.Pytester, option: str, message: str
) -> None:
    project.path.joinpath("known.txt").write_text("\n# typo\ndocumented/mini-bach  # a reason\n", "utf-8")
    project.makepyfile("def test_it(): ...")
    result = project.runpytest_inprocess(f"--rnn-goldens-{option}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "ERROR: rnn-goldens: " in result.stderr.str()
    assert message in result.stderr.str()
    assert "passed" not in result.stdout.str()


def test_an_unknown_name_in_the_ini_file_is_an_error(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\nrnn_goldens_dtype = float23")
    result = project.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "no precision 'float23'. Did you mean 'float32'?" in result.stderr.str()


def test_a_damaged_or_missing_golden_is_an_error_even_if_listed_as_known_failure(project: pytest.Pytester) -> None:
    with (project.path / "four/documented/mini-batch.json").open("ab") as file:
        file.write(b"?")
    (project.path / "four/documented/identity-w-hh.json").unlink()
    project.path.joinpath("known.txt").write_text("*/mini-batch # a reason\n*/identity* # a reason\n", "utf-8")
    project.makepyfile(
        """
        import pytest
        from my_rnn import right

        @pytest.mark.rnn_goldens(ids=["documented/mini-batch", "documented/identity-w-hh"])
        def test_it(rnn_golden):
            rnn_golden.check(*right(rnn_golden))
        """
    )
    result = project.runpytest_inprocess("--rnn-goldens-known-failures=known.txt")
    assert result.parseoutcomes() == {"errors": 2}
    result.stdout.fnmatch_lines_random(
        ["*mini-batch.json: SHA-256 is *: the file was changed or damaged*", "*identity-w-hh.json: is listed in*"]
    )


def test_an_xfail_marker_does_not_excuse_a_test_that_checks_nothing(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        @pytest.mark.xfail
        @pytest.mark.rnn_goldens(ids="documented/single-sequence")
        def test_it(rnn_golden):
            pass
        """
    )
    project.runpytest_inprocess().assert_outcomes(failed=1)


def test_a_marker_without_a_test_that_has_an_rnn_golden_argument_is_an_error(
    project: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    project.makepyfile(
        test_it="""
        import pytest, unittest

        goldens = pytest.mark.rnn_goldens(ids="documented/*")

        @goldens
        def test_function(): ...

        class TestOfUnittest(unittest.TestCase):
            @goldens
            def test_method(self): ...

        @goldens
        class TestNone:
            def test_none(self): ...
        """,
        test_module="""
        import pytest

        pytestmark = pytest.mark.rnn_goldens(ids="documented/*")

        def test_in_module(): ...
        """,
    )
    result = project.runpytest_inprocess(*workers)
    assert result.parseoutcomes() == {"errors": 4}
    result.stdout.fnmatch_lines_random(
        [
            "*test_it.py::test_function: marked with rnn_goldens, but takes no rnn_golden argument",
            "*test_it.py::TestOfUnittest::test_method: marked with rnn_goldens, but takes no rnn_golden argument",
            "*test_it.py::TestNone: marked with rnn_goldens, but no test in it takes an rnn_golden argument",
            "*test_module.py: marked with rnn_goldens, but no test in it takes an rnn_golden argument",
        ]
    )


def test_tests_beside_a_test_of_goldens_need_no_golden(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_it="""
        import my_rnn, pytest

        pytestmark = pytest.mark.rnn_goldens(ids="*/mini-batch")

        class TestIt:
            def test_golden(self, rnn_golden):
                rnn_golden.check(*my_rnn.right(rnn_golden))

            def test_other(self): ...

        def test_another(): ...
        """
    )
    assert project.runpytest_inprocess().parseoutcomes() == {"passed": 3}
    assert project.runpytest_inprocess("test_it.py::TestIt::test_other").parseoutcomes() == {"passed": 1}


def test_a_run_in_which_every_golden_was_refused_fails(
    project: pytest.Pytester, check_with: Callable[[str], None], workers: tuple[str, ...]
) -> None:
    check_with("refuses")
    project.makepyfile(test_other="def test_without_a_golden(): ...")
    result = project.runpytest_inprocess(*workers)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes() == {"refused": 4, "passed": 1}
    result.stdout.fnmatch_lines(["nothing was checked: all 4 goldens were refused"])
    assert project.runpytest_inprocess("test_other.py", *workers).ret == pytest.ExitCode.OK


def test_a_check_in_a_tear_down_does_not_count(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest
        from my_rnn import right

        @pytest.fixture
        def golden(rnn_golden):
            yield rnn_golden
            rnn_golden.check(*right(rnn_golden))

        def test_it(golden): ...
        """
    )
    assert project.runpytest_inprocess().parseoutcomes() == {"failed": 4}


@pytest.mark.parametrize("argument", ["ids=[]", "dtypes=()", "cell=[]"])
def test_an_empty_marker_argument_selects_nothing(project: pytest.Pytester, argument: str) -> None:
    project.makepyfile(
        f"""
        import pytest

        @pytest.mark.rnn_goldens({argument})
        def test_it(rnn_golden):
            rnn_golden.check(rnn_golden.out.copy(), rnn_golden.h_n.copy())
        """
    )
    result = project.runpytest_inprocess()
    assert result.ret != pytest.ExitCode.OK
    result.stdout.fnmatch_lines([f"*test_it: {argument.partition('=')[0]} is empty, which selects no golden*"])


def test_a_test_that_skips_or_refuses_after_a_caught_mismatch_fails(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import contextlib, pytest
        from my_rnn import forgetful
        from rnn_goldens import GoldenMismatch, Unsupported

        def caught(golden):
            with contextlib.suppress(GoldenMismatch):
                golden.check(*forgetful(golden))

        def test_skips(rnn_golden):
            caught(rnn_golden)
            pytest.skip("no device")

        def test_refuses(rnn_golden):
            caught(rnn_golden)
            raise Unsupported("no device")
        """
    )
    result = project.runpytest_inprocess("-k", "mini-batch-ascending")
    assert result.parseoutcomes() == {"failed": 2, "deselected": 6}
    assert (
        result.stdout.str().count("documented/mini-batch-ascending in float32: out is first wrong at time step 1") >= 2
    )


def test_a_swallowed_error_of_a_comparison_fails(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import contextlib
        import numpy as np
        from my_rnn import forgetful, right

        def test_it(rnn_golden, monkeypatch):
            outputs = forgetful(rnn_golden)
            with monkeypatch.context() as patch, contextlib.suppress(Exception):
                patch.setattr(np, "isfinite", None)  # used by the comparison
                rnn_golden.check(*outputs)
            rnn_golden.check(*right(rnn_golden))
        """
    )
    result = project.runpytest_inprocess("-k", "mini-batch-ascending")
    assert result.parseoutcomes() == {"failed": 1, "deselected": 3}
    result.stdout.fnmatch_lines(
        ["*documented/mini-batch-ascending in float32: the comparison raised TypeError: 'NoneType' object is not*"]
    )


def test_getfixturevalue_of_a_golden_is_an_error(project: pytest.Pytester) -> None:
    project.makepyfile("def test_it(request): request.getfixturevalue('rnn_golden')")
    result = project.runpytest_inprocess()
    assert result.parseoutcomes() == {"failed": 1}
    result.stdout.fnmatch_lines(["rnn_golden must be an argument of the test or fixture: *"])


def test_goldens_of_an_overridden_fixture_are_reported_as_not_compared(
    project: pytest.Pytester,
) -> None:
    project.makepyfile(
        """
        import pytest

        @pytest.fixture
        def rnn_golden():
            return 7

        def test_it(rnn_golden):
            assert rnn_golden == 7
        """
    )
    result = project.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["4 of 4 goldens were selected and not compared: documented/single-sequence in *"])


def test_a_unittest_test_case_that_uses_rnn_golden_is_an_error(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest, unittest

        @pytest.mark.usefixtures("rnn_golden")
        class TestIt(unittest.TestCase):
            def test_it(self): ...
        """
    )
    result = project.runpytest_inprocess()
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines(["rnn_golden must be an argument of the test or fixture: *"])
