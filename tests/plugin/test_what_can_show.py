"""How much of what may be wrong a run can show, said at its end for each cell."""

import re
import shutil

import pytest

from rnn_goldens.corpus import packaged

pytest.importorskip("torch", reason="the networks here are torch's")

TITLE = "rnn-goldens: what this run can show"

NETWORK = """
import torch
from rnn_goldens import Unsupported

def refusing(*features):
    def run(golden):
        for feature in features:
            if feature in golden.features:
                raise Unsupported(f"no {feature}")
        config = {**golden.config, "batch_first": True}
        layer = torch.nn.LSTM(**config)
        layer.load_state_dict({name: torch.tensor(array) for name, array in golden.weights.items()})
        state = golden.initial_state
        return layer(torch.tensor(golden.x), None if state is None else tuple(map(torch.tensor, state)))
    return run

def one_layer(golden):
    return refusing("multilayer", "bidirectional", "lengths", "state")(golden)
"""

SOME = "ids=['lstm/plain', 'lstm/one-step', 'lstm/two-layers', 'lstm/one-step-with-state']"


@pytest.fixture
def lstm(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with an LSTM and the corpus of the package."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p rnn_goldens -p no:cacheprovider -W ignore")
    pytester.makepyfile(nets=NETWORK)
    return pytester


def lines(result: pytest.RunResult) -> list[str]:
    """Those of the section."""
    text = result.stdout.str()
    if TITLE not in text:
        return []
    section = text.split(TITLE)[1].split("\n", 1)[1]
    return re.split(r"\n(?:=|\n)", section)[0].splitlines()


def as_one(told: list[str]) -> str:
    """What is wrapped, in one line."""
    return re.sub(r"\s+", " ", " ".join(told))


def test_a_run_ends_with_what_can_show(lstm: pytest.Pytester, workers: tuple[str, ...]) -> None:
    lstm.makepyfile(f"""
        import pytest, nets
        @pytest.mark.rnn_goldens({SOME})
        def test_it(rnn_golden): rnn_golden.check(nets.one_layer(rnn_golden))
    """)
    result = lstm.runpytest_subprocess(*workers)
    assert result.parseoutcomes() == {"passed": 2, "refused": 2}
    told = lines(result)
    assert all(len(line) <= 80 for line in told)
    (said,) = re.findall(r"^lstm, float32: 2 goldens; (.*)", as_one(told))
    assert re.match(r"\d+ of \d+ known deviations can show\. .*To ask more: accept [a-z ]+ \(\+\d+\), ", said)


def test_what_several_tests_ask_is_told_apart(lstm: pytest.Pytester) -> None:
    lstm.makepyfile(
        test_it="""
        import pytest, nets
        @pytest.mark.rnn_goldens(cell="lstm", features="core", without="lengths")
        def test_core(rnn_golden): rnn_golden.check(nets.refusing()(rnn_golden))
        @pytest.mark.rnn_goldens(ids="lstm/plain")
        def test_one(rnn_golden): rnn_golden.check(nets.refusing()(rnn_golden))
    """
    )
    said = as_one(lines(lstm.runpytest_subprocess()))
    in_core, in_one = re.findall(r"lstm in test_it\.py::(\w+, float32: \d+ goldens?; \d+ of \d+)", said)
    assert in_core.startswith("test_core, ")
    assert in_one.startswith("test_one, float32: 1 golden; ")
    assert "accept lengths (+" in said


def test_goldens_of_the_same_kind_that_were_deselected_are_told(lstm: pytest.Pytester) -> None:
    lstm.makepyfile("""
        import pytest, nets
        @pytest.mark.rnn_goldens(cell="lstm", without=["multilayer", "bidirectional", "lengths"])
        def test_it(rnn_golden): rnn_golden.check(nets.refusing()(rnn_golden))
    """)
    whole, some = (as_one(lines(lstm.runpytest_subprocess(*of))) for of in ((), ("-k", "one")))
    assert "left out" not in whole
    assert re.search(r"\d+ goldens of the same kind were left out \(\+\d+\)\.", some)


def test_gradients_are_counted_apart(lstm: pytest.Pytester) -> None:
    lstm.makepyfile("""
        import pytest, nets
        @pytest.mark.rnn_goldens(ids="lstm/plain")
        def test_forward(rnn_golden): rnn_golden.check(nets.one_layer(rnn_golden))
        @pytest.mark.rnn_goldens(ids="lstm/plain", gradients=True)
        def test_backward(rnn_golden):
            rnn_golden.check_gradients({name: a.copy() for name, a in right(rnn_golden).items()})
        def right(golden):
            import rnn_goldens
            return rnn_goldens.load(golden.id, dtype="float32", gradients=True).gradients.expected
    """)
    told = lines(lstm.runpytest_subprocess())
    assert [line.partition(":")[0] for line in told if not line.startswith(" ")] == [
        "lstm, float32",
        "lstm gradients, float32",
    ]


def test_a_corpus_without_a_kill_matrix_says_nothing_and_one_with_one_is_counted(project: pytest.Pytester) -> None:
    project.makepyfile("import my_rnn\ndef test_it(rnn_golden): rnn_golden.check(my_rnn.right(rnn_golden))")
    assert lines(project.runpytest_inprocess()) == []
    shutil.copy(packaged()["v1"] / "kill-matrix.json", project.path / "four")
    (told, *more) = lines(project.runpytest_inprocess())
    assert told.startswith("rnn_relu, float32: 4 goldens; all ")
    assert not any(more)
    (project.path / "four" / "kill-matrix.json").write_text("{}", "utf-8")
    assert lines(project.runpytest_inprocess()) == []


def test_a_run_that_compared_nothing_says_nothing(project: pytest.Pytester) -> None:
    shutil.copy(packaged()["v1"] / "kill-matrix.json", project.path / "four")
    project.makepyfile("import my_rnn\ndef test_it(rnn_golden): rnn_golden.check(my_rnn.refuses(rnn_golden))")
    assert lines(project.runpytest_inprocess()) == []


def test_check_says_it_too(lstm: pytest.Pytester) -> None:
    import sys

    command = [sys.executable, "-m", "rnn_goldens", "check", "nets:one_layer", "--ids", "lstm/plain"]
    result = lstm.run(*command)
    assert lines(result)[0].startswith("lstm, float32: 1 golden; ")
