"""Files of goldens of recurrences: both formats hold the same, and damaged files are refused with the place."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from factories.recurrences import recurrence_scenario, with_all_cotangents

from rnn_goldens import Golden, InvalidFile, certify, encoding, read, save
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.recurrences import RECURRENCES
from rnn_goldens.golden.rounding_profile import ALGORITHMS, Profile
from rnn_goldens.golden.tolerance import in_use

FLOAT64 = PRECISIONS["float64"]


def written(scenario: Any) -> tuple[Golden, dict[str, bytes]]:
    golden = certify(scenario)
    return golden, encoding.encode(golden)


@pytest.mark.parametrize("cell", RECURRENCES)
def test_json_and_hdf5_hold_the_golden_and_its_gradients(cell: str, tmp_path: Path) -> None:
    golden = certify(with_all_cotangents(recurrence_scenario(cell, offsets=(0, 2, 5))))
    for suffix in (".json", ".h5"):
        save(golden, tmp_path / f"golden{suffix}")
        again = read(tmp_path / f"golden{suffix}", gradients=True)
        assert encoding.content_hash(again) == encoding.content_hash(golden)
        assert encoding.gradients_hash(again) == encoding.gradients_hash(golden)
        assert again.offsets is not None
        assert again.offsets.tolist() == [0, 2, 5]


@pytest.mark.parametrize("suffix", [".json", pytest.param(".h5", marks=pytest.mark.slow)])
def test_a_file_has_the_tolerance_of_each_algorithm(suffix: str, tmp_path: Path) -> None:
    golden = certify(recurrence_scenario("gated_delta", time=130, d_k=1, d_v=1, heads=1))
    save(golden, tmp_path / f"golden{suffix}")
    again = read(tmp_path / f"golden{suffix}")
    smaller = np.zeros_like(golden.expected["o"])
    for algorithm in ALGORITHMS:
        before, after = (
            in_use(of.tolerance, Profile(algorithm=algorithm), "float64").allowed("o", of.expected["o"], FLOAT64)
            for of in (golden, again)
        )
        assert (before == after).all()
        assert (after > smaller).any()
        smaller = after


_, FILES = written(recurrence_scenario("gated_delta", scale=1.25))
_, PACKED = written(recurrence_scenario("gated_delta", offsets=(0, 2, 5)))


def damaged(files: dict[str, bytes], change: Callable[[Any], object]) -> bytes:
    document = json.loads(files[".json"])
    change(document)
    return json.dumps(document).encode()


def short(array: Any) -> None:
    array["shape"][0], array["data"] = 1, array["data"][: len(array["data"]) // array["shape"][0]]


@pytest.mark.parametrize(
    ("files", "change", "message"),
    [
        (FILES, lambda d: d.update(cell="lstm"), "cell"),
        (FILES, lambda d: d.update(kind="golden"), "config"),
        (FILES, lambda d: d["config"].update(heads=3), "query_heads, 2, is not a multiple of heads, 3"),
        (FILES, lambda d: d["config"].update(hidden_size=3), "hidden_size"),
        (FILES, lambda d: d["config"].update(scale="large"), "scale"),
        (FILES, lambda d: d["inputs"].pop("beta"), "inputs: beta is missing"),
        (FILES, lambda d: d["inputs"].pop("q"), "inputs: q is missing, the configuration requires it"),
        (FILES, lambda d: d["inputs"].update(x=d["inputs"]["q"]), "inputs/x: not part of this configuration"),
        (FILES, lambda d: short(d["inputs"]["k"]), "inputs/k: has shape"),
        (
            FILES,
            lambda d: d["inputs"]["q"].update(shape=[len(d["inputs"]["q"]["data"])]),
            r"q: has shape .*; expected \(batch, time, query_heads, d_k\)",
        ),
        (FILES, lambda d: d["expected"].pop("S_n"), "expected: S_n is missing"),
        (FILES, lambda d: d["tolerance"]["step"].pop("state"), "state"),
        (FILES, lambda d: d["tolerance"]["chunk=16"]["state"].pop("o"), "tolerance/chunk=16/state: o is missing"),
        (
            FILES,
            lambda d: d["tolerance"].pop("chunk=16"),
            "tolerance: has step; these sequences require step, chunk=16$",
        ),
        (
            FILES,
            lambda d: d["tolerance"].update({"chunk=32": d["tolerance"]["chunk=16"]}),
            "has step, chunk=16, chunk=32; these sequences require step, chunk=16$",
        ),
        (
            FILES,
            lambda d: d["tolerance"]["step"]["state"]["o"]["data"].__setitem__(0, 1e6),
            "tolerance/chunk=16/state/o: is smaller than that of step",
        ),
        (
            FILES,
            lambda d: d["tolerance"]["chunk=16"]["accumulation"]["o"]["data"].__setitem__(0, 1e15),
            r"tolerance: allows errors of .* in float32, at most 0\.1 is allowed",
        ),
        (FILES, lambda d: d["tolerance"]["step"]["storage"]["o"]["data"].__setitem__(0, -1.0), "is negative"),
        (FILES, lambda d: d.update(features=["state", "packed"]), "features: lists"),
        (PACKED, lambda d: d["inputs"]["offsets"].update(data=[0, 3, 3]), "must increase"),
        (PACKED, lambda d: d["inputs"]["q"].update(shape=[5, 1, 2, 4]), "packed sequences have a batch of 1, not of 5"),
        (
            PACKED,
            lambda d: d["inputs"]["offsets"].update(data=[0, 2, 4]),
            r"offsets \[0, 2, 4\] must increase from 0 to 5",
        ),
        (PACKED, lambda d: d["inputs"]["offsets"].update(dtype="float64"), "offsets"),
    ],
)
def test_a_damaged_file_is_refused(files: dict[str, bytes], change: Any, message: str) -> None:
    with pytest.raises(InvalidFile, match=message):
        encoding.decode(damaged(files, change), Path("golden.json"))
