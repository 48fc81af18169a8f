"""A marker, an option or the ini file selects the outputs to compare; the others are listed as not checked."""

import json

import pytest

HINT = 'To check out alone: --rnn-goldens-outputs=out or @pytest.mark.rnn_goldens(outputs=["out"])'


@pytest.fixture
def nets(project: pytest.Pytester) -> pytest.Pytester:
    project.makepyfile(
        nets="""
        import my_rnn

        def out(golden): return my_rnn.right(golden)[0]

        def wrong(golden): return my_rnn.forgetful(golden)[0]

        def wrong_state(golden):
            found, h_n = my_rnn.right(golden)
            return found, h_n + 1
        """
    )
    return project


@pytest.mark.slow
def test_the_error_for_a_single_array_has_a_hint(nets: pytest.Pytester) -> None:
    nets.makepyfile("""
        import nets
        def test_calls(rnn_golden): rnn_golden.check_calls(nets.out)
        def test_check(rnn_golden): rnn_golden.check(nets.out(rnn_golden))
    """)
    result = nets.runpytest_inprocess()
    result.assert_outcomes(failed=8)
    message = f"*TypeError: the implementation returned one array; (out, h_n) is expected, or *{HINT}"
    result.stdout.fnmatch_lines([message.replace("[", "[[]")])
    of_check = "the implementation returned nothing for it; to check out alone, outputs=[[]*"
    result.stdout.fnmatch_lines([f"*h_n is None: {of_check}"])


@pytest.mark.parametrize("source", ["marker", "option", "ini", "argument"])
def test_out_alone_is_compared_if_selected(nets: pytest.Pytester, workers: tuple[str, ...], source: str) -> None:
    if source == "ini":
        nets.makeini("[pytest]\nrnn_goldens_corpus = four\nrnn_goldens_outputs = out")
    marker = '@pytest.mark.rnn_goldens(outputs=["out"])' if source == "marker" else ""
    argument = ', outputs=["out"]' if source == "argument" else ""
    nets.makepyfile(f"""
        import pytest, nets, my_rnn
        {marker}
        def test_calls(rnn_golden): rnn_golden.check_calls(nets.out{argument})
        {marker}
        def test_check(rnn_golden): rnn_golden.check(nets.out(rnn_golden){argument})
        {marker}
        def test_more_than_out(rnn_golden): rnn_golden.check(nets.wrong_state(rnn_golden){argument})
        {marker}
        def test_calls_of_more(rnn_golden): rnn_golden.check_calls(nets.wrong_state{argument})
        {marker}
        def test_wrong(rnn_golden): rnn_golden.check(nets.wrong(rnn_golden){argument})
    """)
    options = ["--rnn-goldens-outputs=out"] if source == "option" else []
    result = nets.runpytest_inprocess("--rnn-goldens-report=results.json", *options, *workers)
    result.assert_outcomes(passed=16, failed=4)
    result.stdout.fnmatch_lines(["h_n not checked (outputs=out): 4 goldens"])
    entries = json.loads((nets.path / "results.json").read_text("utf-8"))["results"]
    assert {(tuple(e["outputs"]), tuple(e["not_checked"])) for e in entries} == {(("out",), ("h_n",))}


def test_the_cause_of_a_wrong_out_alone_is_identified(nets: pytest.Pytester) -> None:
    nets.makepyfile("import nets\ndef test_it(rnn_golden): rnn_golden.check_calls(nets.wrong)")
    result = nets.runpytest_inprocess("--rnn-goldens-outputs=out")
    result.stdout.fnmatch_lines(["*4 of 4 fail. *matches every one*", "  w_hh_ignored: *"])
    result.stdout.no_fnmatch_line("*h_n is missing*")


def test_the_nearest_marker_overrides_the_option(nets: pytest.Pytester) -> None:
    nets.makepyfile("""
        import pytest, my_rnn
        @pytest.mark.rnn_goldens(outputs=["out", "h_n", "c_n"])
        def test_all(rnn_golden): rnn_golden.check(my_rnn.right(rnn_golden))
    """)
    result = nets.runpytest_inprocess("--rnn-goldens-outputs=out")
    result.assert_outcomes(passed=4)
    result.stdout.no_fnmatch_line("*not checked*")


def test_an_output_left_out_of_one_comparison_may_be_in_another(nets: pytest.Pytester) -> None:
    nets.makepyfile("""
        import nets, my_rnn
        def test_it(rnn_golden):
            rnn_golden.check(nets.out(rnn_golden), outputs="out")
            rnn_golden.check(my_rnn.right(rnn_golden))
    """)
    result = nets.runpytest_inprocess()
    result.assert_outcomes(passed=4)
    result.stdout.no_fnmatch_line("*not checked*")


def test_the_call_pattern_chunks_needs_the_last_state(nets: pytest.Pytester) -> None:
    nets.makepyfile("import nets\ndef test_it(rnn_golden): rnn_golden.check_calls(nets.out)")
    options = "--rnn-goldens-outputs=out", "--rnn-goldens-calls=twice,rows,weights,views"
    nets.runpytest_inprocess(*options).assert_outcomes(passed=4)
    result = nets.runpytest_inprocess("--rnn-goldens-outputs=out", "--rnn-goldens-calls=chunks")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["calls=chunks was not run: no golden of this run supports it"])


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("output", "no output 'output'. Did you mean 'out'? Outputs: out, h_n, c_n"),
        ("h_n", "outputs=h_n: the outputs to compare must include out"),
    ],
)
def test_an_unknown_output_is_an_error_that_lists_valid_ones(nets: pytest.Pytester, output: str, message: str) -> None:
    nets.makepyfile(f"""
        import pytest, nets
        @pytest.mark.rnn_goldens(outputs=["{output}"])
        def test_it(rnn_golden): ...
    """)
    result = nets.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"rnn-goldens, *::test_it: {message}"])
    result = nets.runpytest_inprocess(f"--rnn-goldens-outputs={output}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: rnn-goldens: {message}"])
