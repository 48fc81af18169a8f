"""Each carrier gives Python's verdicts on right and wrong implementations; a different verdict is reported."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from examples.compilation import lacking

from benchmarks.carriers.carriers import Result, carriers
from benchmarks.carriers.verdicts import differing, report, results, unexpected
from benchmarks.page import ROOT
from rnn_goldens.corpus import open_corpus
from rnn_goldens.deviations import deviation
from rnn_goldens.errors import Unsupported
from rnn_goldens.export.c_header import CHECKER, checker
from rnn_goldens.export.exported_golden import encode
from vectors.archive import FORMATS

GOLDENS = (
    "lstm/with-state",
    "lstm/unbatched-no-state",
    "exact/lengths-all-short",
    "gru/plain",
    "gated-delta/several-steps",
    "causal-conv/several-steps",
)

WRONG = tuple(
    map(
        deviation,
        (
            "bfloat16_accumulation",
            "h0_c0_swapped",
            "lengths_ignored",
            "out_time_major",
            "decay_left_out",
            "past_state_read_transposed",
        ),
    )
)

PRECISIONS_COMPARED = {
    "ONNX folders": {"float32", "float16"},
    "safetensors": {"float64", "float32", "bfloat16", "float16"},
    "npz": {"float64", "float32", "bfloat16", "float16"},
    "npm": {"float64", "float32", "bfloat16", "float16"},
    "C header": {"float64", "float32"},
}


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a few goldens, laid out as the archive."""
    folder, corpus = tmp_path_factory.mktemp("vectors"), open_corpus()
    files = {f"c/{CHECKER}": content for content in checker().files.values()}
    for entry in map(corpus.entry, GOLDENS):
        for to, precisions in FORMATS.items():
            for dtype in set(precisions).intersection(entry.precisions):
                try:
                    exported = encode(corpus.load(entry.id, dtype), to)
                except Unsupported:
                    continue
                place = Path(to, dtype, exported.place)
                files |= {str(place / path): content for path, content in exported.files.items()}
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def found() -> list[Result]:
    """The results of right and wrong implementations on the goldens, in every precision."""
    corpus = open_corpus()
    ids = [(name, dtype) for name in GOLDENS for dtype in corpus.entry(name).precisions]
    return list(results(["numpy"], WRONG, ids))


@pytest.fixture(scope="module")
def reference(found: list[Result]) -> list[bool | None]:
    """The verdicts of Python."""
    return carriers(Path(), Path())["Python"](found)


def test_python_tells_right_implementations_from_wrong_ones(found: list[Result], reference: list[bool | None]) -> None:
    assert unexpected(found, reference) == []
    assert {result.implementation for result in found} == {"numpy", *(one.name for one in WRONG)}
    assert sorted(unexpected(found, [True] * len(found))) == sorted(f"{one.name} in Python" for one in WRONG)
    assert "numpy in Python" in unexpected(found, [False] * len(found))


@pytest.mark.parametrize("name", PRECISIONS_COMPARED)
def test_a_carrier_gives_the_verdicts_of_python(
    name: str, found: list[Result], reference: list[bool | None], vectors: Path, tmp_path: Path
) -> None:
    if name == "npm" and not (shutil.which("node") and (ROOT / "javascript/data/index.js").is_file()):
        lacking("node is not installed, or make javascript was not run")
    if name == "C header" and not shutil.which("cc"):
        lacking("cc is not installed")
    verdicts = carriers(vectors, tmp_path)[name](found)
    assert differing(found, {"Python": reference, name: verdicts}) == []
    for is_right in (True, False):
        of_kind = [r.golden.dtype for r, verdict in zip(found, verdicts, strict=True) if verdict is is_right]
        assert set(of_kind) == PRECISIONS_COMPARED[name]


def test_outputs_of_a_wrong_shape_are_wrong_except_in_c_which_has_no_shapes(
    found: list[Result], vectors: Path, tmp_path: Path
) -> None:
    (shapeless,) = [
        result
        for result in found
        if result.implementation == "out_time_major"
        and result.golden.id == "lstm/with-state"
        and result.golden.dtype == "float32"
    ]
    assert shapeless.outputs["out"].shape != shapeless.golden.expected["out"].shape
    checked = carriers(vectors, tmp_path)
    verdicts = {name: checked[name]([shapeless]) for name in ("ONNX folders", "safetensors", "npz", "C header")}
    assert verdicts.pop("C header") == [None]
    assert all(verdict == [False] for verdict in verdicts.values())


def test_a_carrier_with_a_wrong_verdict_is_reported(
    found: list[Result], reference: list[bool | None], vectors: Path, tmp_path: Path
) -> None:
    shutil.copytree(vectors, tmp_path / "vectors")
    path = tmp_path / "vectors/npz/float32/lstm/with-state.npz"
    arrays = dict(np.load(path))
    np.savez(path, **{**arrays, "tolerance/out": arrays["tolerance/out"] * 0})
    checked = carriers(tmp_path / "vectors", tmp_path)
    verdicts = {"Python": reference, **{name: checked[name](found) for name in ("npz", "safetensors")}}
    assert differing(found, verdicts) == ["numpy on lstm/with-state in float32: npz"]
    text = report(found, verdicts)
    assert "Verdicts that differ: 1." in text
    assert "- numpy on lstm/with-state in float32: npz" in text


def test_an_output_beyond_its_tolerance_passes_in_an_onnx_folder_only_by_the_rounding_of_the_expected_value(
    found: list[Result], reference: list[bool | None], vectors: Path, tmp_path: Path
) -> None:
    verdicts = carriers(vectors, tmp_path)["ONNX folders"](found)
    (number,) = [k for k, (want, got) in enumerate(zip(reference, verdicts, strict=True)) if got not in (None, want)]
    close = found[number]
    assert (close.implementation, close.golden.id, close.golden.dtype) == (
        "bfloat16_accumulation",
        "gru/plain",
        "float16",
    )
    assert "1 outputs beyond their tolerance pass there" in report(
        found, {"Python": reference, "ONNX folders": verdicts}
    )
    further = close._replace(outputs={name: array + np.float32(1e-3) for name, array in close.outputs.items()})
    by_carrier: dict[str, list[bool | None]] = {"Python": [False], "ONNX folders": [True]}
    assert differing([further], by_carrier) == ["bfloat16_accumulation on gru/plain in float16: ONNX folders"]
