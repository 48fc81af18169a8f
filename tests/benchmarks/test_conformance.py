"""The reports of the project: networks of every framework, and recurrences of those that have them."""

import subprocess
from collections.abc import Sequence

import pytest

from benchmarks import conformance, engines, page
from rnn_goldens.golden.recurrences import RECURRENCES


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """The arguments of the reports of a measurement that runs nothing."""
    ran: list[Sequence[str]] = []
    monkeypatch.setattr(conformance, "_succeeds", ran.append)
    monkeypatch.setattr(page, "commit", lambda: "0123abcd")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: None)
    conformance.measured()
    return [arguments for arguments in ran if arguments[0] == "report"]


def test_the_page_has_the_recurrences_of_implementations_that_have_them_and_the_rows_of_all_others(
    reports: list[Sequence[str]],
) -> None:
    networks, every = reports
    assert {"numpy", "onnxruntime", "onnx-reference"} == {*conformance.BUILT_IN} & {*every}
    assert {*conformance.BUILT_IN} - {*every} == {*conformance.BUILT_IN} & {*networks}
    assert {*RECURRENCES} < {*every[every.index("--cell") + 1].split(",")}
    assert "--cell" not in networks
    assert every[every.index("--with") + 1] == networks[networks.index("--output") + 1]


def test_every_function_of_an_engine_of_recurrences_has_a_row_with_its_cells_and_contract() -> None:
    assert {*engines.OF_RECURRENCES} < {*engines.ENGINES}
    assert {cell for of in engines.OF_RECURRENCES.values() for one in of for cell in one.cells} < {*RECURRENCES}
    rows = {path.name: arguments for path, arguments in engines.rows_of("transformers").items()}
    assert rows["transformers-gated_delta.json"] == ["conformance.transformers:gated_delta", "--cell", "gated_delta"]
    assert rows["transformers-selective_scan.json"][-2:] == ["--profile", "step,all-stored"]
    assert len(rows) == len(engines.OF_RECURRENCES["transformers"])


def test_an_engine_of_networks_has_one_row() -> None:
    assert {path.name: of for path, of in engines.rows_of("mlx").items()} == {"mlx.json": ["conformance.mlx:run"]}
    assert [*engines.rows_of("keras-tensorflow").values()] == [["keras-tensorflow"]]
