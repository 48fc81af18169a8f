"""The rnn_implementation fixture: the option or the ini file selects the implementation."""

from importlib.util import find_spec

import pytest


@pytest.fixture
def checked(project: pytest.Pytester) -> pytest.Pytester:
    project.makepyfile(
        test_it="""
        def test_it(rnn_golden, rnn_implementation):
            rnn_golden.check(*rnn_implementation(rnn_golden))
        """
    )
    return project


def test_the_option_names_a_function_of_a_golden_and_overrides_the_ini_file(checked: pytest.Pytester) -> None:
    with (checked.path / "tox.ini").open("a", encoding="utf-8") as ini:
        ini.write("\nrnn_goldens_implementation = my_rnn:forgetful\n")
    assert checked.runpytest_inprocess().parseoutcomes() == {"failed": 4}
    result = checked.runpytest_inprocess("--rnn-goldens-implementation=my_rnn:right")
    assert result.parseoutcomes() == {"passed": 4}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["numpy", "torch"])
def test_a_built_in_implementation_is_selected_by_name(checked: pytest.Pytester, name: str) -> None:
    if find_spec(name) is None:  # not importorskip: pytester unloads what is imported here, and torch loads only once
        pytest.skip(f"the implementation {name} needs {name}")
    result = checked.runpytest_inprocess(f"--rnn-goldens-implementation={name}")
    assert result.parseoutcomes() == {"passed": 4}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "the rnn_implementation fixture needs --rnn-goldens-implementation, or rnn_goldens_implementation*"),
        (["--rnn-goldens-implementation=no_rnn:run"], "implementation 'no_rnn:run': no module 'no_rnn', *"),
        (["--rnn-goldens-implementation=my_rnn:run"], "implementation 'my_rnn:run': my_rnn has no 'run'*"),
        (["--rnn-goldens-implementation=my_rnn:np"], "implementation 'my_rnn:np': np is a module, not a callable"),
    ],
)
def test_an_implementation_that_cannot_be_found_is_an_error(
    checked: pytest.Pytester, options: list[str], message: str
) -> None:
    result = checked.runpytest_inprocess(*options)
    assert result.parseoutcomes() == {"errors": 4}
    result.stdout.fnmatch_lines([f"*rnn-goldens: {message}"])
