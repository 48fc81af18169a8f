"""``check`` and ``protocol`` for recurrences: a kernel by name, built-in implementations, and wrong use."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Run = Callable[..., "CompletedProcess[str]"]
FINDING, WRONG_USE = 1, 2

MY = """
import numpy as np

def min_gru(z, n, state):
    out, h = [], state.astype(np.float32)
    for t in range(z.shape[1]):
        gate = 1 / (1 + np.exp(-z[:, t]))
        h = (1 - gate) * h + gate * n[:, t]
        out.append(h)
    return np.stack(out, 1), h

def swapped(z, n, state):
    return min_gru(-z, n, state)

def without_n(z, state):
    return min_gru(z, z, state)
"""


@pytest.fixture
def my(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my.py").write_text(MY, "utf-8")
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("my")
def test_a_kernel_is_checked_by_name(run: Run) -> None:
    output = run("check", "my:min_gru", "--cell", "min_gru").stdout
    assert "    2  min_gru has no parameter offsets\n" in output
    assert "5 passed, 2 refused" in output


@pytest.mark.usefixtures("my")
def test_a_wrong_kernel_fails_with_the_deviation_that_explains_all_failures(run: Run) -> None:
    output = run("check", "my:swapped", "--cell", "min_gru", code=FINDING).stdout
    assert "min_gru: 5 of 5 fail. One known deviation matches every one" in output
    assert "to see the code: rnn-goldens explain " in output


@pytest.mark.slow
@pytest.mark.usefixtures("my")
def test_a_kernel_without_an_input_ends_the_run(run: Run) -> None:
    done = run("check", "my:without_n", "--cell", "min_gru", code=WRONG_USE)
    assert (
        "without_n has no parameter n: parameters of min_gru are z, n; where needed state, h0, offsets, state_indices, "
        in (done.stdout + done.stderr)
    )


@pytest.mark.slow
@pytest.mark.usefixtures("my")
def test_a_kernel_is_refused_for_networks_with_the_cells_to_select(run: Run) -> None:
    done = run("check", "my:min_gru", code=WRONG_USE)
    expected = "min_gru takes the arrays of a recurrence: select its goldens, --cell min_gru"
    assert expected in done.stdout + done.stderr


@pytest.mark.slow
def test_built_in_implementations_are_checked_or_refuse(run: Run) -> None:
    assert "27 passed" in run("check", "numpy", "--cell", "gated_delta").stdout
    assert "13 passed" in run("check", "numpy", "--cell", "gated_delta", "--gradients").stdout
    output = run("check", "torch-cells", "--cell", "slstm", code=FINDING).stdout
    assert "    7  torch-cells has no layer for slstm: check your own function\n" in output


def test_protocol_prints_the_messages_of_a_recurrence(run: Run) -> None:
    hello, supports, request, outputs = map(json.loads, run("protocol", "gated-delta/one-step").stdout.splitlines())
    assert (hello["protocol"], supports["protocol"]) == (1, 2)
    assert supports["cells"][-1] == "gated_delta"
    assert list(request["inputs"]) == ["q", "k", "v", "g", "beta", "S0"]
    assert list(outputs) == ["answer", "id", "o", "S_n"]
