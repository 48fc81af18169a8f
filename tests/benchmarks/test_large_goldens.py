"""Large goldens of networks and recurrences are measured in processes of their own."""

import pytest

from benchmarks import large_goldens, page
from benchmarks.large_goldens import measured, scenario
from rnn_goldens import certify
from rnn_goldens.golden.recurrences import RECURRENCES


@pytest.mark.parametrize("cell", ["lstm", *RECURRENCES])
def test_each_cell_has_a_scenario_with_gradients_in_float32(cell: str) -> None:
    golden = certify(scenario(cell, 6, 4, gradients=True), confirm=False)
    assert "float32" in golden.precisions
    assert golden.gradients is not None
    assert golden.time == 6


def test_the_page_has_recurrences_and_leaves_out_what_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_goldens, "cost", lambda _, *golden: (f"{golden[1]}.25", "70"))
    text = measured(seconds=100).text
    assert "| lstm |   800 |     8 |           | 800.25 | 70 |\n" in text
    assert "| gated_delta      |    64 |   64 | yes       |  64.25 | 70 |\n" in text
    assert "| gated_delta      |   257 |  128 | yes       |        |    |\n" in text
    for cell in ("linear_attention", "selective_scan", "rg_lru"):
        assert f"| {cell:<16} |    16 |   16 |           |  16.25 | 70 |\n" in text
    one = measured(most=16, steps=129, only="rg").text
    assert "257" not in one
    assert "lstm" not in one.replace("LSTM", "")
    assert one.count("rg_lru") == 4


def test_a_golden_is_certified_in_a_process_of_its_own() -> None:
    seconds, megabytes = large_goldens.cost(str(page.ROOT), "rg_lru", 4, 2, False)
    assert 0 < float(seconds) < 10
    assert float(megabytes) > 20
