"""A damaged file raises one error, which describes the problems and where they are."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from factories.for_each import for_each

from rnn_goldens import InvalidFile, encoding, schema
from rnn_goldens.corpus import find

JSON = "documented/mini-batch.json"
ARRAY = {"shape": [1], "dtype": "float64", "data": [1]}
HDF5 = "documented/mini-batch.h5"
CONTENT = (find() / JSON).read_text("utf-8")


def lengths(*data: float) -> dict[str, Any]:
    return {"shape": [2], "dtype": "int64", "data": list(data)}


def change(document: dict[str, Any], entry: str, value: Any) -> None:
    *groups, name = entry.split("/")
    for group in groups:
        document = document[group]
    if value is KeyError:
        del document[name]
    else:
        document[name] = value


DEFECTS: list[tuple[str, Any, str]] = [
    ("purpose", KeyError, "top level: 'purpose' is a required property"),
    ("expected/h_n", KeyError, "expected: 'h_n' is a required property"),
    ("colour", "red", "'colour' was unexpected"),
    ("weights/weight_ih_10", ARRAY, "'weight_ih_10' does not match"),
    ("format", 2, "golden format 2 is not known here: this version reads format 1; install a newer one"),
    ("format", "1", "golden format '1' is not known here"),
    ("kind", "index", "is a file of kind 'index', not of kind 'golden'"),
    ("cell", "rnn", "cell: 'rnn' is not one of"),
    ("purpose", "  ", "purpose: '  ' does not match"),
    ("inputs/x/shape", [2, 3, 4], "inputs/x: data holds 30 numbers, shape .2, 3, 4. needs 24"),
    ("inputs/x/data", [1.0] * 29, "inputs/x: data holds 29 numbers, shape .2, 3, 5. needs 30"),
    ("config/hidden_size", 3, "weights/weight_ih_l0: has shape .2, 5., the configuration requires .3, 5."),
    ("inputs/x/shape", [0, 3, 5], "inputs/x: is empty: write it with sizes of at least 1, also of sequences and time"),
    ("config/num_layers", 0, "config/num_layers: 0 is less than the minimum"),
    ("expected/out/dtype", "float32", "expected/out/dtype: 'float64' was expected"),
    ("inputs/lengths", lengths(1.5, 1), "data/0: 1.5 is not of type 'integer'"),
    ("expected/out/data", ["33"] * 12, "data/0: '33' is not of type 'number'"),
    ("expected/out/data", [10**400] * 12, "expected/out/data/0: Number out of range"),
    ("inputs/x/shape", [2.0, 3.0, 5.0], "inputs/x/shape/0: Expected `int`, got `float`"),
    ("inputs/x/shape", [10**30], f"inputs/x/shape/0: {10**30} is greater than the maximum of 1048576"),
    ("config/hidden_size", 2.0, "config/hidden_size: Expected `int`, got `float`"),
    ("config/num_layers", 10**30, f"config/num_layers: {10**30} is greater than the maximum of 1048576"),
    ("tolerance/bits", 6.0, "tolerance/bits: Expected `int`, got `float`"),
    ("format", 1.0, "format: Expected `int`, got `float`"),
    ("inputs/lengths", lengths(3.0, 3), "inputs/lengths/data/0: Expected `int`, got `float`"),
    ("inputs/lengths", lengths(2**64, 3), "inputs/lengths: data holds a number that its dtype cannot represent"),
    ("inputs/x/data", [1e5] * 30, "inputs/x: holds numbers that bfloat16, float16 cannot represent"),
]


@for_each(DEFECTS, lambda case: f"{case[0]}: {case[2]}")
def test_the_error_for_a_json_golden_describes_its_defect(entry: str, value: Any, message: str) -> None:
    document = json.loads(CONTENT)
    change(document, entry, value)
    with pytest.raises(InvalidFile, match=message) as caught:
        encoding.decode(json.dumps(document).encode(), Path("golden.json"))
    assert str(caught.value).startswith("golden.json: ")
    assert caught.value.path == Path("golden.json")


def test_empty_arrays_are_one_problem() -> None:
    document = json.loads(CONTENT)
    for entry in ("expected/h_n", "expected/out", "inputs/x"):
        change(document, f"{entry}/shape", [0, *document[entry.split("/")[0]][entry.split("/")[1]]["shape"][1:]])
    with pytest.raises(InvalidFile, match=r"^golden.json: inputs/x: is empty, as are 2 other arrays: write it with"):
        encoding.decode(json.dumps(document).encode(), Path("golden.json"))
    assert len(schema.problems(document, "golden")) == 1


@for_each(["expected/out", "expected/h_n", "weights/weight_hh_l0", "inputs/x"])
def test_a_number_beyond_the_largest_double_is_refused(entry: str) -> None:
    document = json.loads(CONTENT)
    change(document, f"{entry}/data", ["much"])
    content = json.dumps(document).replace('"much"', "-1e400")
    with pytest.raises(InvalidFile, match=f"{entry}/data/0: Number out of range"):
        encoding.decode(content.encode(), Path("golden.json"))


NOT_JSON = [
    (b"", "not JSON: Expecting value"),
    (b'{"kind": "golden",', "not JSON: Expecting property name"),
    (b"\x00\x01", "not JSON"),
    (b"[1, 2]", "holds a list, where a file of kind golden holds one JSON object"),
    (b'{"a": NaN}', "NaN is not a JSON number"),
    (b'{"a": 1, "a": 2}', "the key 'a' occurs twice in one object"),
    (b"[" * 100_000, "is nested in more than 32 levels"),
    ("\ufeff{}".encode(), "not JSON: Unexpected UTF-8 BOM"),
    *((content, "not JSON") for content in (b"\xff\xfe\xfa", "{}".encode("utf-16"), "{}".encode("utf-32-le"))),
]


@for_each(NOT_JSON, lambda case: case[1])
def test_a_file_that_is_not_json_raises_the_reason(content: bytes, message: str) -> None:
    with pytest.raises(InvalidFile, match=message):
        encoding.decode(content, Path("golden.json"))


@for_each([0, 1, 8, 100, 1000, 5000])
def test_a_truncated_hdf5_file_raises_an_error(keep: int) -> None:
    with pytest.raises(InvalidFile, match="not a readable HDF5 file"):
        encoding.decode((find() / HDF5).read_bytes()[:keep], Path("golden.h5"))


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


def replaced(value: Any) -> Callable[[h5py.File], None]:
    """Return a function that puts a value in place of the input."""

    def change(file: h5py.File) -> None:
        del file["inputs/x"]
        file["inputs/x"] = value

    return change


def too_large(file: h5py.File) -> None:
    del file["inputs/x"]
    file.create_dataset("inputs/x", shape=(10**6, 10**6, 10**3), dtype="f8")


DAMAGES: list[tuple[Callable[[h5py.File], object], str]] = [
    (replaced(h5py.SoftLink("/nowhere")), "not a readable HDF5 file: Unable to "),
    (lambda file: file.__setitem__("inputs/inputs", file["inputs"]), "not a readable HDF5 file: "),
    (replaced(h5py.Empty("f8")), "inputs/x: has shape None, but the file does not hold its numbers"),
    (too_large, r"inputs/x: has shape \(1000000, 1000000, 1000\), but the file does not hold its numbers"),
    (replaced(np.dtype("f8")), "inputs/x is neither a group nor a dataset"),
    (lambda file: file["expected/out"].__setitem__((0, 0, 0), np.nan), "expected/out: holds NaN or infinity"),
    (
        lambda file: file["weights/weight_hh_l0"].__setitem__((0, 0), -np.inf),
        "weights/weight_hh_l0: holds NaN or infinity",
    ),
    (lambda file: file["inputs/x"].__setitem__((0, 0, 0), np.inf), "inputs/x: holds NaN or infinity"),
    (lambda file: file.__delitem__("tolerance"), "top level: 'tolerance' is a required property"),
    (lambda file: file.attrs.__delitem__("cell"), "top level: 'cell' is a required property"),
    (lambda file: file.__setitem__("weights/extra", np.ones(3)), "'extra' does not match"),
    (replaced(np.ones((2, 3, 5), np.float32)), "inputs/x: holds float32, expected float64 or an integer type"),
    (replaced(np.zeros(3, [("a", "i4"), ("b", "f8")])), "inputs/x: holds .*, expected float64 or an integer type"),
]


@pytest.mark.parametrize(("damage", "message"), DAMAGES)
def test_the_error_for_an_hdf5_golden_describes_its_defect(
    corpus_copy: Path, damage: Callable[[h5py.File], None], message: str
) -> None:
    with h5py.File(corpus_copy / HDF5, "r+") as file:
        damage(file)
    with pytest.raises(InvalidFile, match=message):
        encoding.read(corpus_copy / HDF5)


def test_of_many_problems_the_first_twenty_are_listed() -> None:
    document = json.loads(CONTENT)
    document["expected"]["out"]["data"] = ["33"] * 12
    document["inputs"]["x"]["data"] = ["1"] * 30
    with pytest.raises(InvalidFile) as caught:
        encoding.decode(json.dumps(document).encode(), Path("golden.json"))
    first, *others, last = str(caught.value).splitlines()
    assert first == "golden.json: 42 problems, the first: expected/out/data/0: '33' is not of type 'number'"
    assert len(others) == 19
    assert last == "  … and 22 more"
    assert len(caught.value.problems) == 42


TWICE = [
    ('"kind": "golden"', '"kind": "golden", "kind": "golden"'),
    ('"kind": "golden"', '"kind": "golden", "kind" : "golden"'),
    ('"title": "Mini-batch"', '"title": "Mini-batch", "title": "\\": \\": "'),
    ('"hidden_size": 2', '"hidden_size": 2,\n"hidden_size"\n: 2'),
    ('"weights": {', '"weights": {"weight_hh_l0": {"shape": [1], "dtype": "float64", "data": []},'),
    ('"provenance": {', '"provenance": {"a": "1", "a": "2",'),
]


@for_each(TWICE, lambda case: case[1])
def test_a_duplicate_key_in_an_object_raises_an_error(text: str, twice: str) -> None:
    assert CONTENT.count(text) == 1
    with pytest.raises(InvalidFile, match=r"the key '.*' occurs twice in one object"):
        encoding.decode(CONTENT.replace(text, twice).encode(), Path("golden.json"))


def test_text_that_looks_like_keys_is_not_a_duplicate_key() -> None:
    content = CONTENT.replace('"title": "Mini-batch"', '"title": "\\"a\\": 1, \\"a\\": 2"')
    assert encoding.decode(content.encode(), Path("golden.json")).title == '"a": 1, "a": 2'
