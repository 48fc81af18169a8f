"""The table of contents of an HDF5 file: what is read by it is what HDF5 reads, and a table that lies is found out."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from rnn_goldens import Golden, InvalidFile, encoding, load
from rnn_goldens.encoding import contents, golden_document, hdf5_file
from rnn_goldens.encoding.gradients import decode_gradients, decode_gradients_at_once, encode_gradients
from rnn_goldens.encoding.gradients_tree import gradients_hash
from rnn_goldens.encoding.tree import content_hash

NAME = Path("golden.h5")
GRADIENTS = Path("golden.gradients.h5")
IDS = ["documented/mini-batch", "lstm/lengths", "gru/bidirectional-two-layers-unbatched"]


def stored(golden_id: str, *, gradients: bool = False) -> Golden:
    """A golden as its file has it."""
    golden = load(golden_id, dtype="float64", gradients=gradients)
    return replace(golden, features=tuple(feature for feature in golden.features if feature != "core"))


def split(content: bytes) -> tuple[bytes, dict[str, Any]]:
    """What HDF5 has of a file, and the table that stands behind."""
    length = int.from_bytes(content[-16:-8], "little")
    return content[: -16 - length], json.loads(content[-16 - length : -16])


def changed(content: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    hdf5, table = split(content)
    change(table)
    return contents.with_table(hdf5, table)


@pytest.fixture(scope="module")
def content() -> bytes:
    return encoding.encode(stored("lstm/lengths"))[".h5"]


@pytest.mark.parametrize("golden_id", IDS)
def test_what_is_read_by_the_table_is_what_hdf5_and_json_hold(golden_id: str) -> None:
    files = encoding.encode(stored(golden_id))
    by_table = encoding.decode_at_once(files[".h5"], NAME)
    for suffix, content in files.items():
        other = encoding.decode(content, NAME.with_suffix(suffix))
        assert content_hash(other) == content_hash(by_table)
        assert dict(other.provenance) == dict(by_table.provenance)


def test_gradients_are_read_by_their_table_likewise() -> None:
    golden = stored("lstm/lengths", gradients=True)
    files = encode_gradients(golden)
    by_table = decode_gradients_at_once(files[".gradients.h5"], GRADIENTS, golden, content_hash(golden))
    in_json = decode_gradients(files[".gradients.json"], GRADIENTS.with_suffix(".json"), golden)
    assert gradients_hash(replace(golden, gradients=by_table)) == gradients_hash(replace(golden, gradients=in_json))


def test_each_place_that_the_table_names_is_where_h5py_finds_the_numbers(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "golden.h5"
    path.write_bytes(content)
    table = split(content)[1]
    with h5py.File(path) as file:
        for name, place in table["weights"].items():
            there = np.frombuffer(content, "<f8", offset=place["data"], count=int(np.prod(place["shape"])))
            assert (there == file["weights"][name][:].ravel()).all()


def test_hdf5_ends_where_the_table_begins(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "golden.h5"
    path.write_bytes(split(content)[0])
    assert content_hash(encoding.read(path)) == content_hash(encoding.decode(content, NAME))


def test_a_file_without_a_table_can_be_read_and_not_loaded(content: bytes) -> None:
    hdf5 = split(content)[0]
    assert encoding.decode(hdf5, NAME).id == "lstm/lengths"
    with pytest.raises(
        InvalidFile, match=r"golden\.h5: has no table of contents at its end, by which goldens are loaded"
    ):
        encoding.decode_at_once(hdf5, NAME)


def reshaped(shape: Callable[[int, int], list[int]]) -> Callable[[dict[str, Any]], object]:
    """A weight of another shape, of as many numbers."""

    def change(table: dict[str, Any]) -> None:
        weight = table["weights"]["weight_ih_l0"]
        weight["shape"] = shape(*weight["shape"])

    return change


OTHERWISE: dict[str, Callable[[dict[str, Any]], object]] = {
    "turned": reshaped(lambda rows, columns: [columns, rows]),
    "flat": reshaped(lambda rows, columns: [rows * columns]),
    "fewer precisions": lambda table: table.update(precisions=table["precisions"][:1]),
    "another title": lambda table: table.update(title="zzz"),
    "another version": lambda table: table["provenance"].update(numpy="0.1"),
    "more provenance": lambda table: table["provenance"].update(more="1.0"),
    "less provenance": lambda table: table["provenance"].pop("numpy"),
}


@pytest.mark.parametrize("first", [0, 255])
def test_a_number_that_differs_in_its_lowest_bits_is_found_by_whoever_reads_both(first: int, content: bytes) -> None:
    hdf5, table = split(content)
    place = table["expected"]["out"]
    numbers = bytearray(np.ndarray(place["shape"], "<f8", content, place["data"]).tobytes())
    assert numbers[0] != first
    numbers[0] = first
    place["data"] = len(hdf5)
    with pytest.raises(InvalidFile, match="table of contents at its end says otherwise than HDF5 does"):
        encoding.decode(contents.with_table(hdf5 + numbers, table), NAME)


def test_a_zero_of_another_sign_is_another_number(content: bytes) -> None:
    hdf5, table = split(content)
    place = table["expected"]["out"]
    numbers = np.ndarray(place["shape"], "<f8", content, place["data"]).copy()
    assert (numbers == 0).any()
    numbers[numbers == 0] = -0.0
    place["data"] = len(hdf5)
    with pytest.raises(InvalidFile, match="table of contents at its end says otherwise than HDF5 does"):
        encoding.decode(contents.with_table(hdf5 + numbers.tobytes(), table), NAME)


@pytest.mark.parametrize("change", OTHERWISE.values(), ids=OTHERWISE)
def test_a_table_that_says_otherwise_than_hdf5_is_found_by_whoever_reads_both(
    change: Callable[[dict[str, Any]], object], content: bytes
) -> None:
    with pytest.raises(InvalidFile, match="table of contents at its end says otherwise than HDF5 does"):
        encoding.decode(changed(content, change), NAME)


def of_gradients_otherwise(table: dict[str, Any]) -> None:
    table["expected"]["x"]["data"] += 8


def test_a_table_of_gradients_that_says_otherwise_is_found_likewise() -> None:
    golden = stored("lstm/lengths", gradients=True)
    content = changed(encode_gradients(golden)[".gradients.h5"], of_gradients_otherwise)
    with pytest.raises(InvalidFile, match="table of contents at its end says otherwise than HDF5 does"):
        decode_gradients(content, GRADIENTS, golden)


def test_gradients_of_another_golden_are_refused_by_their_table_too() -> None:
    golden = stored("lstm/lengths", gradients=True)
    content = encode_gradients(golden)[".gradients.h5"]
    with pytest.raises(InvalidFile, match="golden: they are gradients of"):
        decode_gradients_at_once(content, GRADIENTS, golden, "0" * 64)


def in_x(**what: object) -> Callable[[dict[str, Any]], object]:
    return lambda table: table["inputs"]["x"].update(what)


def a_weight_again(table: dict[str, Any]) -> None:
    """Each name is of few bytes, and claims all of them: read one after the other they are more than the file holds."""
    table["weights"] |= {f"w{number}": {"shape": [1000], "dtype": "float64", "data": 0} for number in range(20)}


BAD_TABLES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "beyond the end": (in_x(data=2**40), "inputs/x: claims the shape .*, of which the file does not hold the numbers"),
    "before the beginning": (in_x(data=-8), "inputs/x/data: Expected `int` >= 0"),
    "more than there is": (
        in_x(shape=[2**20, 2**20, 2**20]),
        "inputs/x: with it the arrays hold more numbers",
    ),
    "the same again and again": (a_weight_again, "weights/w.*: with it the arrays hold more numbers than this file"),
    "a list": (in_x(data=[1.0]), "inputs/x: data is a list of numbers, and no place in a file"),
    "another type": (in_x(dtype="float16"), "inputs/x/dtype: Invalid enum value 'float16'"),
    "another shape": (in_x(shape=[2, 3]), "at its end says otherwise than HDF5 does"),
    "something missing": (lambda table: table.pop("config"), "table of contents: top level: Object missing required"),
    "something unknown": (lambda table: table.update(more=1), "table of contents: top level: Object contains unknown"),
    "half a number": (in_x(data=1), "at its end says otherwise than HDF5 does"),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_a_table_that_is_wrong_says_what_and_where(name: str, content: bytes) -> None:
    change, said = BAD_TABLES[name]
    with pytest.raises(InvalidFile, match=said) as raised:
        encoding.decode_at_once(changed(content, change), NAME)
    assert str(raised.value).startswith("golden.h5: ")


def test_numbers_that_begin_in_the_file_and_end_behind_it_are_not_there(content: bytes) -> None:
    with pytest.raises(InvalidFile, match=r"inputs/x: claims the shape \(3, 4, 4\), of which the file does not hold"):
        encoding.decode_at_once(changed(content, in_x(data=len(content) - 8)), NAME)


@pytest.mark.parametrize("tail", [b"RNN-TOC1", b"\xff" * 8 + b"RNN-TOC1", (5).to_bytes(8, "little") + b"RNN-TOC1"])
def test_an_end_that_only_looks_like_a_tables_is_one_error(tail: bytes, content: bytes) -> None:
    for damaged in (tail, content[:-16] + tail):
        for decode in (encoding.decode, encoding.decode_at_once):
            with pytest.raises(InvalidFile):
                decode(damaged, NAME)


@pytest.mark.parametrize(("more", "said"), [(0, "JSON"), (1, "is said to be longer"), (2**63, "is said to be longer")])
def test_a_length_of_more_than_the_whole_file_is_told(more: int, said: str, content: bytes) -> None:
    end = (len(content) - 16 + more).to_bytes(8, "little") + b"RNN-TOC1"
    with pytest.raises(InvalidFile, match=f"table of contents: .*{said}"):
        encoding.decode(content[:-16] + end, NAME)


def test_a_table_of_no_length_is_told(content: bytes) -> None:
    with pytest.raises(InvalidFile, match="table of contents: top level: Input data was truncated"):
        encoding.decode(content[:-16] + bytes(8) + b"RNN-TOC1", NAME)


def of_so_many(rows: int) -> bytes:
    """A file that agrees in itself, of a batch of so many sequences; its numbers are the longest in JSON."""
    tree = encoding.to_tree(stored("documented/mini-batch"))
    tree["precisions"] = ["float64"]
    for group, name, shape in (
        ("inputs", "x", (rows, 3, 5)),
        ("expected", "out", (rows, 3, 2)),
        ("expected", "h_n", (1, rows, 2)),
    ):
        tree[group][name] = np.full(shape, -1.1111111111111111e-200)
    return hdf5_file.encode(tree, "h")


def test_both_ways_of_reading_bound_numbers_alike() -> None:
    content = of_so_many(45_000)
    assert encoding.decode(content, NAME).stored.x.shape == encoding.decode_at_once(content, NAME).stored.x.shape
    content = of_so_many(46_000)
    with pytest.raises(InvalidFile, match="no file of this kind holds more than 1048576"):
        encoding.decode(content, NAME)
    with pytest.raises(InvalidFile, match="no file of this kind holds more than 1048576"):
        encoding.decode_at_once(content, NAME)


def test_a_table_that_holds_more_than_any_is_refused_before_it_is_read(content: bytes) -> None:
    with pytest.raises(InvalidFile, match=r"table of contents: holds .* no file of this kind holds more than 1048576"):
        encoding.decode_at_once(changed(content, lambda table: table.update(features=[0] * 2**20)), NAME)


def test_a_table_in_which_a_key_stands_twice_is_refused(content: bytes) -> None:
    hdf5, table = split(content)
    twice = json.dumps(table, separators=(",", ":")).replace('"kind"', '"kind":"golden","kind"', 1).encode()
    damaged = hdf5 + twice + len(twice).to_bytes(8, "little") + b"RNN-TOC1"
    with pytest.raises(InvalidFile, match="the key 'kind' stands twice"):
        encoding.decode_at_once(damaged, NAME)


def test_json_has_lists_of_numbers_and_no_places() -> None:
    document = json.loads(encoding.encode(stored("lstm/lengths"))[".json"])
    document["inputs"]["x"]["data"] = 0
    with pytest.raises(ValueError, match="inputs/x: data is a place in a file, and no list of numbers"):
        golden_document.decode(json.dumps(document).encode())
    with pytest.raises(InvalidFile, match="inputs/x/data: 0 is not of type 'array'"):
        encoding.decode(json.dumps(document).encode(), NAME.with_suffix(".json"))


@pytest.fixture
def nothing_is_wrong() -> bytes:
    """A file that is all of one piece, and whose tolerance nobody can miss."""
    tree = encoding.to_tree(stored("lstm/lengths"))
    tree["tolerance"]["storage"]["out"] = np.full_like(tree["expected"]["out"], np.finfo(np.float64).max)
    tree["tolerance"]["accumulation"]["out"] = -tree["tolerance"]["storage"]["out"]
    return hdf5_file.encode(tree, "ifgo")


def test_numbers_that_do_not_agree_are_refused_where_hdf5_has_them_too(nothing_is_wrong: bytes) -> None:
    for decode in (encoding.decode, encoding.decode_at_once):
        with pytest.raises(InvalidFile, match="tolerance/accumulation/out: holds a number that is no bound: negative"):
            decode(nothing_is_wrong, NAME)


def test_what_is_known_to_agree_is_not_looked_at_again(nothing_is_wrong: bytes) -> None:
    assert encoding.decode_at_once(nothing_is_wrong, NAME, known=True).id == "lstm/lengths"


def another_weight(table: dict[str, Any]) -> None:
    table["weights"]["w"] = table["weights"].pop("weight_ih_l0")


@pytest.mark.parametrize("change", [another_weight, lambda table: table["weights"].pop("weight_ih_l0")])
def test_what_is_known_to_agree_and_does_not_is_one_error(
    change: Callable[[dict[str, Any]], object], content: bytes
) -> None:
    with pytest.raises(InvalidFile, match=r"^golden\.h5: "):
        encoding.decode_at_once(changed(content, change), NAME, known=True)
