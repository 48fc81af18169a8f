"""A damaged file raises one error, which describes the problems and where they are."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from rnn_goldens import InvalidFile, encoding

JSON = "documented/mini-batch.json"
ARRAY = {"shape": [1], "dtype": "float64", "data": [1]}
HDF5 = "documented/mini-batch.h5"


def change(document: dict[str, Any], entry: str, value: Any) -> None:
    *groups, name = entry.split("/")
    for group in groups:
        document = document[group]
    if value is KeyError:
        del document[name]
    else:
        document[name] = value


@pytest.mark.parametrize(
    ("entry", "value", "message"),
    [
        ("purpose", KeyError, "top level: 'purpose' is a required property"),
        ("expected/h_n", KeyError, "expected: 'h_n' is a required property"),
        ("colour", "red", "'colour' was unexpected"),
        ("inputs/y", ARRAY, "inputs: 'y' does not match"),
        ("weights/weight_ih_10", ARRAY, "'weight_ih_10' does not match"),
        ("format", 2, "golden format 2 is not known here: this version reads format 1; install a newer one"),
        ("format", "1", "golden format '1' is not known here"),
        ("kind", "index", "is a file of kind 'index', not of kind 'golden'"),
        ("cell", "rnn", "cell: 'rnn' is not one of"),
        ("purpose", "  ", "purpose: '  ' does not match"),
        ("inputs/x/shape", [2, 3, 4], "inputs/x: data holds 30 numbers, shape .2, 3, 4. needs 24"),
        ("inputs/x/data", [1.0] * 29, "inputs/x: data holds 29 numbers, shape .2, 3, 5. needs 30"),
        ("inputs/x/shape", [3, 2, 5], "expected/out: has shape .2, 3, 2., the configuration requires .3, 2, 2."),
        (
            "weights/weight_hh_l0/shape",
            [4, 1],
            "weights/weight_hh_l0: has shape .4, 1., the configuration requires .2, 2.",
        ),
        ("config/hidden_size", 3, "weights/weight_ih_l0: has shape .2, 5., the configuration requires .3, 5."),
        ("config/bias", True, "weights: bias_ih_l0 is missing, the configuration requires it"),
        ("config/num_layers", 0, "config/num_layers: 0 is less than the minimum"),
        ("expected/out/dtype", "float32", "expected/out/dtype: 'float64' was expected"),
        (
            "inputs/c0",
            {"shape": [1, 2, 2], "dtype": "float64", "data": [0] * 4},
            "inputs/c0: not part of this configuration",
        ),
        (
            "inputs/lengths",
            {"shape": [2], "dtype": "int64", "data": [3, 4]},
            "lengths: .3, 4. must be between 1 and 3",
        ),
        ("inputs/lengths", {"shape": [2], "dtype": "int64", "data": [1.5, 1]}, "data/0: 1.5 is not of type 'integer'"),
        ("features", [], "features: lists .., the content implies .'exact'."),
        ("tolerance/bits", 9, "precisions: bfloat16 has 8 significant bits, the tolerance needs 9"),
        ("expected/out/data", ["33"] * 12, "data/0: '33' is not of type 'number'"),
        ("expected/out/data", [10**400] * 12, "expected/out/data/0: Number out of range"),
        ("inputs/x/shape", [2.0, 3.0, 5.0], "inputs/x/shape/0: Expected `int`, got `float`"),
        ("inputs/x/shape", [10**30], f"inputs/x/shape/0: {10**30} is greater than the maximum of 1048576"),
        ("config/hidden_size", 2.0, "config/hidden_size: Expected `int`, got `float`"),
        ("config/num_layers", 10**30, f"config/num_layers: {10**30} is greater than the maximum of 1048576"),
        ("tolerance/bits", 6.0, "tolerance/bits: Expected `int`, got `float`"),
        ("format", 1.0, "format: Expected `int`, got `float`"),
        (
            "inputs/lengths",
            {"shape": [2], "dtype": "int64", "data": [3.0, 3]},
            "inputs/lengths/data/0: Expected `int`, got `float`",
        ),
        (
            "weights/weight_hh_l0/data",
            [1.0, 0.0, 0.0, 1.0009765625],
            "weights/weight_hh_l0: holds numbers that bfloat16 cannot represent",
        ),
        ("inputs/x/data", [1e5] * 30, "inputs/x: holds numbers that bfloat16, float16 cannot represent"),
    ],
)
def test_the_error_for_a_json_golden_describes_its_defect(
    corpus_copy: Path, entry: str, value: Any, message: str
) -> None:
    path = corpus_copy / JSON
    document = json.loads(path.read_text())
    change(document, entry, value)
    path.write_text(json.dumps(document))
    with pytest.raises(InvalidFile, match=message) as caught:
        encoding.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON: Expecting value"),
        ('{"kind": "golden",', "not JSON: Expecting property name"),
        ("\x00\x01", "not JSON"),
        ("[1, 2]", "holds a list, where a file of kind golden holds one JSON object"),
        ('{"a": NaN}', "NaN is not a JSON number"),
        ('{"a": 1, "a": 2}', "the key 'a' occurs twice in one object"),
        ("[" * 100_000, "is nested in more than 32 levels"),
        ("\ufeff{}", "not JSON: Unexpected UTF-8 BOM"),
    ],
)
def test_a_file_that_is_not_json_raises_the_reason(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "golden.json"
    path.write_text(text)
    with pytest.raises(InvalidFile, match=message):
        encoding.read(path)


@pytest.mark.parametrize("content", [b"\xff\xfe\xfa", "{}".encode("utf-16"), "{}".encode("utf-32-le")])
def test_bytes_that_are_not_utf_8_raise_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "golden.json"
    path.write_bytes(content)
    with pytest.raises(InvalidFile, match="not JSON"):
        encoding.read(path)


@pytest.mark.parametrize("keep", [0, 1, 8, 100, 1000, 5000])
def test_a_truncated_hdf5_file_raises_an_error(corpus_copy: Path, keep: int) -> None:
    path = corpus_copy / HDF5
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InvalidFile, match="not a readable HDF5 file"):
        encoding.read(path)


def test_a_file_that_is_not_hdf5_raises_an_error(corpus_copy: Path) -> None:
    path = corpus_copy / HDF5
    path.write_text("no HDF5 at all")
    with pytest.raises(InvalidFile, match=r"not a readable HDF5 file: .*file signature not found"):
        encoding.read(path)


@pytest.mark.parametrize("suffix", [".h5", ".json"])
def test_a_file_that_cannot_be_opened_raises_the_system_error_in_words(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"golden{suffix}"
    with pytest.raises(InvalidFile, match=r"cannot be read: No such file or directory$"):
        encoding.read(path)
    path.symlink_to(path)
    with pytest.raises(InvalidFile, match=r"cannot be read: Too many levels of symbolic links$"):
        encoding.read(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(InvalidFile, match=r"cannot be read: Is a directory$"):
        encoding.read(path)


def test_a_file_with_an_unknown_suffix_raises_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match=r"a golden file ends in \.h5 or \.json"):
        encoding.read(tmp_path / "golden.npz")


def in_hdf5(change: Callable[[h5py.File], None], corpus: Path) -> Path:
    path = corpus / HDF5
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def set_nan(file: h5py.File) -> None:
    file["expected/out"][0, 0, 0] = np.nan


def drop_group(file: h5py.File) -> None:
    del file["tolerance"]


def drop_attribute(file: h5py.File) -> None:
    del file.attrs["cell"]


def add_dataset(file: h5py.File) -> None:
    file["weights/extra"] = np.ones(3)


def narrow(file: h5py.File) -> None:
    del file["inputs/x"]
    file["inputs/x"] = np.ones((2, 3, 5), np.float32)


def table(file: h5py.File) -> None:
    del file["inputs/x"]
    file["inputs/x"] = np.zeros(3, [("a", "i4"), ("b", "f8")])


def broken_link(file: h5py.File) -> None:
    del file["inputs/x"]
    file["inputs/x"] = h5py.SoftLink("/nowhere")


def link_to_itself(file: h5py.File) -> None:
    file["inputs/inputs"] = file["inputs"]


def empty(file: h5py.File) -> None:
    del file["inputs/x"]
    file["inputs/x"] = h5py.Empty("f8")


def too_large(file: h5py.File) -> None:
    del file["inputs/x"]
    file.create_dataset("inputs/x", shape=(10**6, 10**6, 10**3), dtype="f8")


def named_type(file: h5py.File) -> None:
    del file["inputs/x"]
    file["inputs/x"] = np.dtype("f8")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (broken_link, "not a readable HDF5 file: Unable to "),
        (link_to_itself, "not a readable HDF5 file: "),
        (empty, "inputs/x: has shape None, but the file does not hold its numbers"),
        (
            too_large,
            r"inputs/x: has shape \(1000000, 1000000, 1000\), but the file does not hold its numbers",
        ),
        (named_type, "inputs/x is neither a group nor a dataset"),
        (set_nan, "expected/out: holds NaN or infinity"),
        (drop_group, "top level: 'tolerance' is a required property"),
        (drop_attribute, "top level: 'cell' is a required property"),
        (add_dataset, "'extra' does not match"),
        (narrow, "inputs/x: holds float32, expected float64 or int64"),
        (table, "inputs/x: holds .*, expected float64 or int64"),
    ],
)
def test_the_error_for_an_hdf5_golden_describes_its_defect(
    corpus_copy: Path, damage: Callable[[h5py.File], None], message: str
) -> None:
    with pytest.raises(InvalidFile, match=message):
        encoding.read(in_hdf5(damage, corpus_copy))


def test_of_many_problems_the_first_twenty_are_listed(corpus_copy: Path) -> None:
    path = corpus_copy / JSON
    document = json.loads(path.read_text())
    document["expected"]["out"]["data"] = ["33"] * 12
    document["inputs"]["x"]["data"] = ["1"] * 30
    path.write_text(json.dumps(document))
    with pytest.raises(InvalidFile) as caught:
        encoding.read(path)
    first, *others, last = str(caught.value).splitlines()
    assert first == f"{path}: 42 problems, the first: expected/out/data/0: '33' is not of type 'number'"
    assert len(others) == 19
    assert last == "  … and 22 more"
    assert len(caught.value.problems) == 42


@pytest.mark.parametrize(
    ("text", "twice"),
    [
        ('"kind": "golden"', '"kind": "golden", "kind": "golden"'),
        ('"kind": "golden"', '"kind": "golden", "kind" : "golden"'),
        ('"title": "Mini-batch"', '"title": "Mini-batch", "title": "\\": \\": "'),
        ('"hidden_size": 2', '"hidden_size": 2,\n"hidden_size"\n: 2'),
        ('"weights": {', '"weights": {"weight_hh_l0": {"shape": [1], "dtype": "float64", "data": []},'),
        ('"provenance": {', '"provenance": {"a": "1", "a": "2",'),
    ],
)
def test_a_duplicate_key_in_an_object_raises_an_error(corpus_copy: Path, text: str, twice: str) -> None:
    path = corpus_copy / JSON
    content = path.read_text()
    assert content.count(text) == 1
    path.write_text(content.replace(text, twice))
    with pytest.raises(InvalidFile, match=r"the key '.*' occurs twice in one object"):
        encoding.read(path)


def test_text_that_looks_like_keys_is_not_a_duplicate_key(corpus_copy: Path) -> None:
    path = corpus_copy / JSON
    path.write_text(path.read_text().replace('"title": "Mini-batch"', '"title": "\\"a\\": 1, \\"a\\": 2"'))
    assert encoding.read(path).title == '"a": 1, "a": 2'
