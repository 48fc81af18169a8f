"""Goldens survive a round trip through HDF5 and JSON files, equal to the last bit."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from factories.goldens import MakeGolden

from rnn_goldens import Golden, InvalidFile, encoding
from rnn_goldens.encoding import golden_types, json_file
from rnn_goldens.encoding.tree import content_hash, from_tree, to_document, to_tree
from rnn_goldens.golden.shapes import STACKED, Layout

SHAPES: dict[str, dict[str, Any]] = {
    "plain": {"bias": False},
    "states": {"state": True},
    "deep both ways, ragged": {"num_layers": 2, "bidirectional": True, "lengths": [3, 1], "state": True},
    "unbatched": {"batch": ()},
}


@pytest.fixture(params=SHAPES)
def golden(request: pytest.FixtureRequest, make_golden: MakeGolden) -> Golden:
    cell = "lstm" if request.param.startswith("deep") else "gru"
    return make_golden(cell, dtype="float64", **SHAPES[request.param])


def written(golden: Golden, folder: Path) -> list[Path]:
    paths = []
    for suffix, content in encoding.encode(golden).items():
        path = folder / f"golden{suffix}"
        path.write_bytes(content)
        paths.append(path)
    return paths


def test_a_golden_survives_a_round_trip_through_both_files(golden: Golden, tmp_path: Path) -> None:
    for path in written(golden, tmp_path):
        np.testing.assert_equal(to_tree(encoding.read(path)), to_tree(golden))
        assert list(encoding.read(path).weights) == list(golden.weights)


def test_awkward_numbers_are_equal_to_the_last_bit_in_both_files(make_golden: MakeGolden, tmp_path: Path) -> None:
    golden = make_golden(dtype="float64")
    extremes = [5e-324, 2**-1022, 1.7976931348623157e308, -1e22, np.nextafter(1, 2)]
    awkward = np.array([0.1, -0.0, 1 / 3, *extremes, 3, 0, 7, 2])
    out = golden.stored.out
    out.flags.writeable = True
    out[...] = awkward.reshape(out.shape)
    for path in written(golden, tmp_path):
        assert encoding.read(path).stored.out.tobytes() == awkward.tobytes()


def test_the_content_hash_is_the_same_from_both_files_and_ignores_provenance(golden: Golden, tmp_path: Path) -> None:
    paths = written(golden, tmp_path)
    hashes = {content_hash(encoding.read(path)) for path in paths}
    object.__setattr__(golden, "provenance", {"torch": "another"})
    assert hashes == {content_hash(golden)}
    object.__setattr__(golden, "purpose", "Another.")
    assert content_hash(golden) not in hashes


def test_hdf5_has_the_groups_datasets_and_attributes_of_the_format(golden: Golden, tmp_path: Path) -> None:
    with h5py.File(written(golden, tmp_path)[0]) as file:
        assert file.attrs["id"].decode() == golden.id
        assert file.attrs["format"] == 1
        assert file["config"].attrs["hidden_size"] == golden.network.hidden_size
        assert file["weights/weight_ih_l0"].shape == golden.weights["weight_ih_l0"].shape
        assert file["expected/out"].dtype == np.float64
        assert ("lengths" in file["inputs"]) == (golden.lengths is not None)


def test_json_has_one_line_per_array_and_the_same_bytes_each_time(golden: Golden) -> None:
    text = encoding.encode(golden)[".json"].decode()
    data_lines = [line for line in text.splitlines() if '"data"' in line]
    assert len(data_lines) == text.count('"data"')
    assert all(
        re.fullmatch(r' +"\w+": {"shape":\[[\d,]+\],"dtype":"\w+","data":\[[^ ]+\]},?', line) for line in data_lines
    )
    assert text.endswith("}\n")
    assert encoding.encode(golden) == encoding.encode(golden)


def test_an_inconsistent_golden_is_neither_encoded_nor_decoded(make_golden: MakeGolden) -> None:
    golden = make_golden()
    object.__setattr__(golden, "purpose", " ")
    with pytest.raises(InvalidFile, match="made/for-a-test: purpose"):
        encoding.encode(golden)
    with pytest.raises(ValueError, match="weights: 0 arrays, the configuration requires 4"):
        from_tree({**to_tree(make_golden()), "weights": {}})


def test_json_with_keys_in_another_order_can_be_read(tmp_path: Path, make_golden: MakeGolden) -> None:
    path = tmp_path / "golden.json"
    document = json_file.read_document(written(make_golden(dtype="float64"), tmp_path)[1])
    path.write_bytes(json_file.encode(dict(reversed(document.items()))))
    assert encoding.read(path).id == "made/for-a-test"


@pytest.mark.parametrize("vectors", [(), ("peephole",)])
def test_a_golden_of_a_custom_cell_keeps_the_layout_of_the_cell(
    make_golden: MakeGolden, tmp_path: Path, vectors: tuple[str, ...]
) -> None:
    layout = Layout("h", ("h",), (*STACKED, *((name, "H") for name in vectors)))
    golden = replace(make_golden(bias=False, state=True), cell="mine:cell", custom_layout=layout)
    weights = {**golden.stored.weights, **{f"{name}_l0": np.ones(2) for name in vectors}}
    golden = replace(golden, stored=replace(golden.stored, weights=weights))
    for path in written(golden, tmp_path):
        assert encoding.read(path).custom_layout == layout
        assert content_hash(encoding.read(path)) == content_hash(golden)


@pytest.mark.parametrize(
    ("own_cell", "message"),
    [
        (None, "own_cell is required for a custom cell only"),
        ({"gates": "h", "states": ["c", "h"], "weights": {"p": "H"}}, "the first state must be h"),
        ({"gates": "h", "states": ["h", "c", "c"], "weights": {"p": "H"}}, "c is listed twice"),
        ({"gates": "h", "states": ["h"], "weights": {"p": "XY"}}, "own_cell/weights: Expected"),
    ],
)
def test_an_invalid_description_of_a_custom_cell_raises(
    make_golden: MakeGolden, own_cell: dict[str, Any] | None, message: str
) -> None:
    document = to_document(to_tree(make_golden())) | {"cell": "mine:cell"}
    document |= {"own_cell": own_cell} if own_cell else {}
    with pytest.raises(ValueError, match=message):
        golden_types.decode(json_file.encode(document), "golden")


def test_a_stacked_weight_with_other_axes_is_one_problem(make_golden: MakeGolden) -> None:
    layout = Layout("h", ("h",), (("weight_ih", "GI"), ("weight_hh", "GH")))
    golden = replace(make_golden(bias=False), cell="mine:cell", custom_layout=layout)
    with pytest.raises(InvalidFile, match="own_cell/weights/weight_hh: has the axes GH, but this name requires GP"):
        encoding.decode(json_file.encode(to_document(to_tree(golden))), Path("golden.json"))
