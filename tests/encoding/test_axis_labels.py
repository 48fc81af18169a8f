"""Axis labels and gate order as attributes of the arrays in an HDF5 file, for users of other tools."""

import io
from pathlib import Path

import h5py
import pytest

import rnn_goldens
from rnn_goldens import encoding
from rnn_goldens.corpus import open_corpus


def attributes_of(golden_id: str) -> dict[str, dict[str, list[str]]]:
    """Return the attributes of each array by name."""
    golden = rnn_goldens.load(golden_id, dtype="float64")
    found: dict[str, dict[str, list[str]]] = {}
    with h5py.File(io.BytesIO(encoding.encode(golden)[".h5"])) as file:
        for group in ("weights", "inputs", "expected"):
            for name, array in file[group].items():
                found[name] = {key: [text.decode() for text in texts] for key, texts in array.attrs.items()}
                assert len(found[name]["axes"]) == array.ndim
    return found


def test_each_array_has_its_axes_and_gate_order() -> None:
    lstm = attributes_of("lstm/lengths")
    assert lstm["weight_ih_l0"] == {"axes": ["gate*hidden", "input of the layer"], "gates": ["i", "f", "g", "o"]}
    assert lstm["bias_hh_l0"] == {"axes": ["gate*hidden"], "gates": ["i", "f", "g", "o"]}
    assert lstm["x"] == {"axes": ["batch", "time", "input"]}
    assert lstm["c0"] == lstm["h_n"] == {"axes": ["layer*direction", "batch", "hidden"]}
    assert lstm["lengths"] == {"axes": ["batch"]}
    assert attributes_of("gru/plain")["weight_hh_l0"]["gates"] == ["r", "z", "n"]


def test_an_unbatched_golden_has_no_batch_axis() -> None:
    found = attributes_of("gru/unbatched")
    assert found["x"] == {"axes": ["time", "input"]}
    assert found["out"] == {"axes": ["time", "direction*hidden"]}
    assert found["h0"] == {"axes": ["layer*direction", "hidden"]}


def all_have_axes(path: Path) -> bool:
    found: list[bool] = []
    with h5py.File(path) as file:
        file.visititems(lambda _, item: found.append("axes" in item.attrs) if isinstance(item, h5py.Dataset) else None)
    return bool(found) and all(found)


@pytest.mark.parametrize("golden_id", ["rnn-tanh/bidirectional-two-layers", "lstm/back-through-time"])
def test_all_arrays_of_a_golden_in_the_corpus_have_axes(golden_id: str) -> None:
    corpus = open_corpus()
    for file in corpus.entry(golden_id).all_files:
        if file.path.endswith(".h5"):
            assert all_have_axes(corpus.folder / file.path)
