"""A run that checked nothing, or not all selected goldens, does not pass."""

import json
from collections.abc import Callable

import pytest
from plugin.conftest import Case

RunCases = Callable[..., pytest.RunResult]

CASES = {
    "forgotten": Case(
        """
        class TestForgotten:
            def test_in_a_class(self, rnn_golden): right(rnn_golden)

        def test_in_a_function(rnn_golden): rnn_golden.compare(*right(rnn_golden))

        @pytest.mark.usefixtures("rnn_golden")
        def test_by_name_only(): ...
        """,
        "*_ TestForgotten.test_in_a_class[[]*",
        "*_ test_in_a_function[[]*",
        "*_ test_by_name_only[[]*",
        "documented/single-sequence: *never called * check(*",
        failed=12,
    ),
    "in_another_precision_or_a_fixture": Case(
        """
        def test_it(rnn_golden):
            golden = rnn_golden.in_precision("float64")
            golden.check(*right(golden))

        @pytest.fixture
        def checked(rnn_golden): rnn_golden.check(*right(rnn_golden))

        def test_fixture(checked): ...
        """,
        passed=8,
    ),
    "an_error_of_a_comparison": Case(
        """
        @ONE
        def test_it(rnn_golden, monkeypatch):
            outputs = forgetful(rnn_golden)
            with monkeypatch.context() as patch, contextlib.suppress(Exception):
                patch.setattr(np, "isfinite", None)  # used by the comparison
                rnn_golden.check(*outputs)
            rnn_golden.check(*right(rnn_golden))
        """,
        "*documented/mini-batch in float32: the comparison raised TypeError: 'NoneType' object is not*",
        failed=1,
    ),
    "a_copy_in_the_same_precision": Case(
        """
        @ONE
        def test_it(rnn_golden):
            copy = rnn_golden.in_precision("float32")
            rnn_golden.check(copy.out, copy.h_n)
        """,
        "*documented/mini-batch*own*",
        failed=1,
    ),
    "skipped": Case('def test_it(rnn_golden): pytest.skip("no GPU")', skipped=4),
    "late": Case(
        'def test_it(request): request.getfixturevalue("rnn_golden")',
        "rnn_golden must be an argument *request.getfixturevalue*",
        failed=1,
    ),
    "xfail": Case("@pytest.mark.xfail\n@ONE\ndef test_it(rnn_golden): pass", failed=1),
    "in_a_tear_down": Case(
        """
        @pytest.fixture
        def golden(rnn_golden):
            yield rnn_golden
            rnn_golden.check(*right(rnn_golden))

        def test_it(golden): ...
        """,
        failed=4,
    ),
    "skips_or_refuses_after_a_mismatch": Case(
        """
        def caught(golden):
            with contextlib.suppress(GoldenMismatch):
                golden.check(*forgetful(golden))

        def test_skips(rnn_golden):
            caught(rnn_golden)
            pytest.skip("no device")

        def test_refuses(rnn_golden):
            caught(rnn_golden)
            raise Unsupported("no device")
        """,
        "*_ test_skips[[]documented/mini-batch-float32[]] _*",
        "documented/mini-batch in float32: out is first wrong at time step 1*",
        failed=8,
    ),
    "beside_a_test_of_goldens": Case(
        """
        pytestmark = ONE

        class TestIt:
            def test_golden(self, rnn_golden): rnn_golden.check(*right(rnn_golden))

            def test_other(self): ...

        def test_another(): ...
        """,
        passed=3,
    ),
    "in_unittest": Case(
        """
        @pytest.mark.usefixtures("rnn_golden")
        class TestIt(unittest.TestCase):
            def test_it(self): ...
        """,
        "rnn_golden must be an argument of the test or fixture: *",
        error=1,
    ),
}


def test_a_test_passes_only_if_it_checks_its_golden(
    project: pytest.Pytester, run_cases: RunCases, workers: tuple[str, ...]
) -> None:
    run_cases(CASES, *workers)
    alone = project.runpytest_inprocess("test_beside_a_test_of_goldens.py::TestIt::test_other", *workers)
    assert alone.parseoutcomes() == {"passed": 1}


def test_a_forgotten_check_in_a_coroutine_or_on_the_list_of_known_failures_fails(
    project: pytest.Pytester, run_cases: RunCases
) -> None:
    project.path.joinpath("known.txt").write_text("*  # a reason\n", "utf-8")
    module = "def test_sync(rnn_golden): ...\nasync def test_async(rnn_golden): right(rnn_golden)"
    case = Case(module, "documented/*: *never called * check(*", failed=8)
    options = "-pasyncio", "-oasyncio_mode=auto", "--rnn-goldens-known-failures=known.txt"
    run_cases({"it": case}, *options, subprocess=True)


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


MARKERS = {
    "ids": ("ids='documented/single-sequense'", "no golden 'documented/single-sequense'. Did you mean "),
    "pattern": ("ids='nowhere/*'", "no golden 'nowhere/*'. Goldens: documented/single-sequence, "),
    "cell": ("cell='ltsm'", "no cell 'ltsm'. Did you mean 'lstm'? Cells: rnn_tanh, rnn_relu, lstm, gru"),
    "features": ("features='multi-layer'", "no feature 'multi-layer'. Did you mean 'multilayer'? Features: bias, "),
    "without": ("without=['length']", "no feature 'length'. Did you mean 'lengths'? Features: bias, state, "),
    "dtypes": ("dtypes=['float64', 'float23']", "no precision 'float23'. Did you mean 'float32'? Precisions: "),
    "argument": ("cells='lstm'", "no marker argument 'cells'. Did you mean 'cell'? Marker arguments: ids, cell, "),
    "positional": ("'lstm'", "the marker takes only keyword arguments: ids, cell, features, without, dtypes, dtype, "),
    "number": ("ids=3", "ids takes a name or a list of names, not 3"),
    "no_ids": ("ids=[]", "ids is empty, which selects no golden"),
    "no_dtypes": ("dtypes=()", "dtypes is empty, which selects no golden"),
    "no_cell": ("cell=[]", "cell is empty, which selects no golden"),
    "thrice": ("calls='thrice'", "no call pattern 'thrice'. Did you mean 'twice'? Call patterns: twice, rows, "),
    "output": ("outputs=['output']", "no output 'output'. Did you mean 'out'? Outputs: out, h_n, c_n"),
    "h_n": ("outputs=['h_n']", "outputs=h_n: the outputs to compare must include out"),
    "nothing": ("cell='lstm', without=['exact']", "no golden is selected by cell=['lstm'], without=['exact'] with "),
    "both": ("dtype='float64', dtypes='float32'", "dtype and dtypes mean the same: give one of them"),
    "profile": ("profile='tf33'", "no profile 'tf33'. Did you mean 'tf32'? Profiles:"),
    "profiles": ("profile=['tf32', 'wgsl']", "profile: tf32 and wgsl exclude each other"),
    "wgsl": ("profile='wgsl', dtypes=['float32', 'float64']", "profile wgsl: the functions of WebGPU are defined in "),
    "gradients": ("gradients=1", "gradients is True or False, not 1"),
    "no_gradients": ("gradients=True, cell='gru'", "no golden is selected by cell=['gru'], gradients=True"),
}

MARKED = {
    "marked": Case(
        """
        class TestOfUnittest(unittest.TestCase):
            @ONE
            def test_method(self): ...

        @ONE
        def test_function(): ...

        @ONE
        class TestNone:
            def test_none(self): ...
        """,
        "*test_marked.py::test_function: marked with rnn_goldens, but takes no rnn_golden argument",
        "*test_marked.py::TestOfUnittest::test_method: marked with rnn_goldens, but takes no rnn_golden argument",
        "*test_marked.py::TestNone: marked with rnn_goldens, but no test in it takes an rnn_golden argument",
        error=3,
    ),
    "module": Case(
        "pytestmark = ONE\ndef test_in_module(): ...",
        "*test_module.py: marked with rnn_goldens, but no test in it takes an rnn_golden argument",
        error=1,
    ),
}


def test_a_marker_that_selects_nothing_is_an_error_with_valid_names(
    project: pytest.Pytester, subtests: pytest.Subtests
) -> None:
    for name, (arguments, _) in MARKERS.items():
        test = f"import pytest\n@pytest.mark.rnn_goldens({arguments})\ndef test_it(rnn_golden): ..."
        project.makepyfile(**{f"test_{name}": test})
    result = project.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert result.parseoutcomes() == {"errors": len(MARKERS)}
    for name, (_, message) in MARKERS.items():
        with subtests.test(name):
            assert f"rnn-goldens, test_{name}.py::test_it: {message}" in result.stdout.str()


def test_a_marker_without_a_test_that_has_an_rnn_golden_argument_is_an_error(
    run_cases: RunCases, workers: tuple[str, ...]
) -> None:
    run_cases(MARKED, *workers)


SETTINGS = [
    ("dtype=float23", "no precision 'float23'. Did you mean 'float32'? Precisions: float64, float32, bfloat16, "),
    ("corpus=v22", "no corpus 'v22'. Did you mean 'v2'? Corpora (or a folder with an index.json): kernels, v2"),
    ("corpus=.", "is not a corpus: it has no index.json"),
    ("implementation=nunpy", "no implementation 'nunpy'. Did you mean 'numpy'? Implementations (or "),
    ("known-failures=known.txt", "'documented/mini-bach'. Did you mean 'documented/mini-batch'? Goldens: "),
    ("known-failures=missing.txt", "missing.txt: does not exist; --rnn-goldens-update-known-failures creates it with"),
    ("update-known-failures", "update-known-failures writes the file that known-failures names: give both"),
    ("calls=thrice", "no call pattern 'thrice'. Did you mean 'twice'? Call patterns: twice, rows, chunks, "),
    ("cell=gru,lstn", "no cell 'lstn'. Did you mean 'lstm'? Cells: rnn_tanh, rnn_relu, lstm, gru"),
    ("without=lenghts", "no feature 'lenghts'. Did you mean 'lengths'? Features: bias, state, "),
    ("features=state,", "features 'state,': an entry in the comma-separated list of names is empty"),
    ("dtype=float32,", "dtype 'float32,': an entry in the comma-separated list of precisions is empty"),
    ("outputs=output", "no output 'output'. Did you mean 'out'? Outputs: out, h_n, c_n"),
    ("outputs=h_n", "outputs=h_n: the outputs to compare must include out"),
    ("profile=tf33", "no profile 'tf33'. Did you mean 'tf32'? Profiles:"),
    ("profile=tf33", "\n  wgsl: functions have the errors that WebGPU allows"),
    ("profile=tf32,wgsl", "profile: tf32 and wgsl exclude each other"),
    ("profile=wgsl --rnn-goldens-dtype=float32,float64", "defined in float32 only, not in float64"),
    ("implementation=-- ./no_such_program", "the program './no_such_program' cannot be started: "),
    ("implementation=-- ", "-- is followed by the command to check: -- ./my_rnn --flags"),
    ("implementation=-- 'my_rnn", " cannot be split into arguments: No closing quotation"),
    ("time-limit=soon", "time-limit 'soon' is not a number of seconds, such as 10 or 0.5"),
    ("time-limit=0", "time-limit '0' is not a number of seconds, "),
    ("at-least=all", "at-least 'all' is not a number of goldens, such as 30"),
    ("time-limit=nan", "time-limit 'nan' is not a number of seconds, "),
]


def test_an_invalid_setting_is_an_error_before_any_test_runs(
    project: pytest.Pytester, subtests: pytest.Subtests
) -> None:
    project.path.joinpath("known.txt").write_text("\n# typo\ndocumented/mini-bach  # a reason\n", "utf-8")
    project.makepyfile("def test_it(rnn_golden, rnn_implementation): ...")
    for option, message in SETTINGS:
        with subtests.test(option):
            arguments = f"--rnn-goldens-{option}".split(" --") if " --rnn" in option else [f"--rnn-goldens-{option}"]
            result = project.runpytest_inprocess(arguments[0], *(f"--{more}" for more in arguments[1:]))
            assert result.ret == pytest.ExitCode.USAGE_ERROR
            assert "ERROR: rnn-goldens: " in result.stderr.str()
            assert message in result.stderr.str()
            assert "passed" not in result.stdout.str()


def test_an_unknown_name_in_the_ini_file_is_an_error(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\nrnn_goldens_dtype = float23")
    result = project.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "no precision 'float23'. Did you mean 'float32'?" in result.stderr.str()


def test_a_damaged_or_missing_golden_is_an_error_even_if_listed_as_known_failure(
    project: pytest.Pytester, check_with: Callable[[str], None]
) -> None:
    with (project.path / "four/documented/mini-batch.json").open("ab") as file:
        file.write(b"?")
    (project.path / "four/documented/identity-w-hh.json").unlink()
    project.path.joinpath("known.txt").write_text("*/mini-batch # a reason\n*/identity* # a reason\n", "utf-8")
    check_with("right")
    result = project.runpytest_inprocess("--rnn-goldens-known-failures=known.txt")
    assert result.parseoutcomes() == {"passed": 2, "errors": 2}
    result.stdout.fnmatch_lines_random(
        ["*mini-batch.json: SHA-256 is *: the file was changed or damaged*", "*identity-w-hh.json: is listed in*"]
    )


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


def test_a_run_that_compares_fewer_goldens_than_required_fails(
    project: pytest.Pytester, check_with: Callable[[str], None], workers: tuple[str, ...]
) -> None:
    check_with("right")
    selected = ("--rnn-goldens-dtype=float32,float64", *workers)
    result = project.runpytest_inprocess(*selected, "--rnn-goldens-at-least=4")
    result.assert_outcomes(passed=8)
    result.stdout.fnmatch_lines("4 goldens were compared, of at least 4")
    result = project.runpytest_inprocess(*selected, "--rnn-goldens-at-least=5")
    result.stdout.fnmatch_lines("only 4 goldens were compared, of at least 5")
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_goldens_of_an_overridden_fixture_are_reported_as_not_compared(project: pytest.Pytester) -> None:
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
