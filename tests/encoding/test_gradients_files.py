"""Gradients files have the same content in HDF5 and JSON; a damaged file is rejected with its problem."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from factories.for_each import for_each
from factories.gradients import with_gradients

from rnn_goldens import Golden, InvalidFile, load
from rnn_goldens.encoding import decode, encode, golden_beside, gradients_hash, read, to_gradients_tree
from rnn_goldens.golden.expected import Gradients

IDS = ["documented/single-sequence", "lstm/lengths", "gru/unbatched", "lstm/bidirectional-two-layers"]


@pytest.fixture(params=IDS)
def golden(request: pytest.FixtureRequest) -> Golden:
    return with_gradients(request.param, "float64")


def written(golden: Golden, folder: Path) -> list[Path]:
    paths = []
    for suffix, content in encode(golden).items():
        paths.append(folder / f"golden{suffix}")
        paths[-1].write_bytes(content)
    return [path for path in paths if ".gradients" in path.name]


def test_gradients_survive_a_round_trip_through_both_files(golden: Golden, tmp_path: Path) -> None:
    paths = written(golden, tmp_path)
    assert [path.name for path in paths] == ["golden.gradients.h5", "golden.gradients.json"]
    plain = replace(golden, gradients=None)
    for path in paths:
        again = read(path, of=plain, by_schema=True)
        np.testing.assert_equal(to_gradients_tree(again), to_gradients_tree(golden))
        assert gradients_hash(again) == gradients_hash(golden)
        assert again.gradients is not None and golden.gradients is not None
        assert list(again.gradients.expected) == list(golden.gradients.expected)


def test_awkward_numbers_are_equal_to_the_last_bit_in_both_files(tmp_path: Path) -> None:
    golden = with_gradients("lstm/lengths", "float64")
    assert golden.gradients is not None
    awkward = np.resize([0.1, -0.0, 1 / 3, 5e-324, 1.7976931348623157e308, np.nextafter(1, 2)], (12, 3))
    expected = {**golden.gradients.expected, "weight_hh_l0": awkward}
    golden = replace(golden, gradients=replace(golden.gradients, expected=expected))
    for path in written(golden, tmp_path):
        gradients = read(path, of=golden).gradients
        assert gradients is not None
        assert gradients.expected["weight_hh_l0"].tobytes() == awkward.tobytes()


def test_gradients_have_files_only_if_there_are_any_with_the_same_bytes_each_time(golden: Golden) -> None:
    assert encode(golden) == encode(golden)
    files = encode(golden)
    assert list(files) == [".h5", ".json", ".gradients.h5", ".gradients.json"]
    assert encode(replace(golden, gradients=None)) == {suffix: files[suffix] for suffix in (".h5", ".json")}


def test_the_hash_ignores_provenance_only(golden: Golden) -> None:
    gradients = golden.gradients
    assert gradients is not None

    def hashed(**changes: Any) -> str:
        return gradients_hash(replace(golden, gradients=replace(gradients, **changes)))

    assert hashed(provenance={"torch": "another"}) == gradients_hash(golden)
    assert hashed(purpose="Another.") != gradients_hash(golden)
    assert hashed(expected={**gradients.expected, "x": gradients.expected["x"] + 1}) != gradients_hash(golden)


def test_the_golden_file_is_found_beside_the_gradients_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").touch()
    assert golden_beside(tmp_path / "a.gradients.json") == tmp_path / "a.json"
    assert golden_beside(tmp_path / "a.gradients.h5") == tmp_path / "a.json"
    (tmp_path / "a.h5").touch()
    assert golden_beside(tmp_path / "a.gradients.h5") == tmp_path / "a.h5"


def zero(arrays: dict[str, Any]) -> None:
    for array in arrays.values():
        array["data"] = [0.0] * len(array["data"])


def first(array: dict[str, Any], number: float) -> None:
    array["data"][0] = number


OTHER = [4, 3, 4]
DAMAGES: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda d: d.pop("golden"), "'golden' is a required property"),
    (lambda d: d.update(golden="0" * 64), "gradients are of content 000000000000…, lstm/lengths"),
    (lambda d: d.update(id="gru/plain"), "id: is gru/plain, the golden is lstm/lengths"),
    (lambda d: d.update(cotangents={}), "cotangents"),
    (lambda d: zero(d["cotangents"]), "cotangents: all are zero"),
    (lambda d: zero(d["expected"]), "expected: all are zero"),
    (lambda d: first(d["cotangents"]["d_out"], 0.1), "cannot represent"),
    (lambda d: d["expected"].pop("h0"), "expected: h0 is missing, the configuration requires it"),
    (lambda d: d["expected"].update(p_l0=d["expected"]["bias_ih_l0"]), "p_l0: not part of this configuration"),
    (lambda d: d["expected"]["x"].update(shape=OTHER), "expected/x: has shape (4, 3, 4)"),
    (lambda d: d["tolerance"]["storage"]["x"].update(shape=OTHER), "tolerance/storage/x: has shape (4, 3, 4)"),
    (lambda d: first(d["tolerance"]["storage"]["x"], -1.0), "holds a bound that is negative"),
    (lambda d: d["expected"]["x"]["data"].pop(), "data holds 47 numbers"),
    (lambda d: d.update(precisions=["float64", "float64"]), "precisions"),
    (lambda d: d.update(tolerance={"kind": "exact", "bits": 20}), "the tolerance needs 20"),
    (lambda d: d.update(notes="none"), "Additional properties are not allowed"),
    (lambda d: d.update(kind="golden"), "is a file of kind 'golden', not of kind 'gradients'"),
    (lambda d: d.update(format=2), "gradients format 2 is not known here"),
]


@pytest.fixture(scope="module")
def lengths() -> Golden:
    return with_gradients("lstm/lengths", "float64")


@pytest.mark.parametrize(("change", "message"), DAMAGES)
def test_a_damaged_file_is_rejected_with_its_problem(
    lengths: Golden, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    document = json.loads(encode(lengths)[".gradients.json"])
    change(document)
    with pytest.raises(InvalidFile) as raised:
        decode(json.dumps(document).encode(), Path("golden.gradients.json"), of=lengths)
    assert message in str(raised.value)
    assert str(raised.value).startswith("golden.gradients.json: ")


def test_gradients_of_another_golden_or_precision_are_rejected(lengths: Golden) -> None:
    document = encode(lengths)[".gradients.json"]
    content = json.loads(document)["golden"]
    with pytest.raises(InvalidFile) as raised:
        decode(document, Path("golden.gradients.json"), of=lengths, of_content="0123456789abcdef")
    assert raised.value.problems == (
        f"golden: the gradients are of content {content[:12]}…, lstm/lengths has content 0123456789ab…",
    )
    less = replace(lengths, precisions=("float64",))
    with pytest.raises(InvalidFile, match="float32 is not a precision of the golden: float64"):
        decode(document, Path("golden.gradients.json"), of=less, of_content=content)


NOT_GRADIENTS = [b"", b"{", b"[]", b"null", b"\xff", b"{" * 20_000, b'{"kind":"gradients","kind":"gradients"}']


@for_each([(content, suffix) for content in NOT_GRADIENTS for suffix in (".gradients.json", ".gradients.h5")])
def test_bytes_that_are_not_a_gradients_file_raise_an_error(content: bytes, suffix: str) -> None:
    with pytest.raises(InvalidFile):
        decode(content, Path(f"golden{suffix}"), of=load("documented/single-sequence"))


def test_hdf5_with_an_inverted_byte_is_read_or_raises_an_error() -> None:
    golden = with_gradients("documented/single-sequence", "float64")
    for at in range(9, 2700, 269):
        content = bytearray(encode(golden)[".gradients.h5"])
        content[at] ^= 0xFF
        try:
            decoded = decode(bytes(content), Path("golden.gradients.h5"), of=golden)
        except InvalidFile as error:
            assert "golden.gradients.h5" in str(error)
        else:
            assert isinstance(decoded.gradients, Gradients)


def test_a_file_of_another_suffix_or_with_too_many_values_is_not_read(tmp_path: Path) -> None:
    golden = with_gradients("documented/single-sequence", "float64")
    path = tmp_path / "golden.gradients.json"
    path.write_text(f'{{"expected": [{"0," * 2**20}0]}}')
    with pytest.raises(InvalidFile, match="the limit for this kind of file is 1048576"):
        read(path, of=golden)
    path = tmp_path / "golden.json"
    path.write_bytes(encode(golden)[".gradients.json"])
    with pytest.raises(InvalidFile, match=r"golden\.json: a gradients file ends in \.gradients\.h5 or \.gradients"):
        read(path, of=golden)


def test_gradients_that_do_not_fit_their_golden_are_not_written(lengths: Golden) -> None:
    golden = lengths
    assert golden.gradients is not None
    some = {**golden.gradients.cotangents, "d_out": 0 * golden.gradients.cotangents["d_out"]}
    encode(replace(golden, gradients=replace(golden.gradients, cotangents=some)))  # one may be zero, not all
    less = {name: array for name, array in golden.gradients.expected.items() if name != "c0"}
    with pytest.raises(InvalidFile, match="c0 is missing"):
        encode(replace(golden, gradients=replace(golden.gradients, expected=less)))
    with pytest.raises(InvalidFile, match="purpose"):
        encode(replace(golden, gradients=replace(golden.gradients, purpose=" ")))


@pytest.mark.parametrize("group", ["expected", "cotangents"])
def test_a_nested_array_is_one_error(group: str) -> None:
    golden = with_gradients("lstm/lengths")
    document = json.loads(encode(golden)[".gradients.json"])
    document[group]["d_out" if group == "cotangents" else "x"]["data"] = "nested"
    content = json.dumps(document).replace('"nested"', 10_000 * "[" + 10_000 * "]").encode()
    with pytest.raises(InvalidFile, match="is nested in more than"):
        decode(content, Path("golden.gradients.json"), of=golden)
