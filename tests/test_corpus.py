import json
from pathlib import Path

import pytest

import rnn_goldens
from rnn_goldens import InvalidFile, UnknownName
from rnn_goldens.corpus import find, open_corpus

DOCUMENTED = [
    "documented/single-sequence",
    "documented/mini-batch",
    "documented/mini-batch-ascending",
    "documented/identity-w-hh",
]


def test_every_golden_says_what_it_is_and_is_there_for() -> None:
    for entry in open_corpus().entries:
        assert entry.title
        assert entry.purpose.endswith(".")
        assert set(entry.files) == {"h5", "json"}


def test_the_documented_scenarios_have_the_answers_of_their_document() -> None:
    rising, falling = [[3, 3], [12, 12], [33, 33]], [[9, 9], [24, 24], [51, 51]]
    answers = {
        "single-sequence": ([rising], [[[33, 33]]]),
        "mini-batch": ([rising, falling], [[[33, 33], [51, 51]]]),
        "mini-batch-ascending": ([rising, [[12, 12], [39, 39], [96, 96]]], [[[33, 33], [96, 96]]]),
        "identity-w-hh": ([[[3, 2], [9, 6], [18, 12]], [[9, 6], [15, 10], [18, 12]]], [[[18, 12], [18, 12]]]),
    }
    for name, (out, h_n) in answers.items():
        golden = rnn_goldens.load(f"documented/{name}")
        assert golden.out.tolist() == out
        assert golden.h_n.tolist() == h_n
        assert golden.precisions == ("float64", "float32", "bfloat16", "float16")
        assert "exact" in golden.features


def test_goldens_are_selected_by_id_pattern_cell_and_features() -> None:
    assert [g.id for g in rnn_goldens.select(ids="documented/*")] == DOCUMENTED
    assert [g.id for g in rnn_goldens.select(ids=["*/mini-batch"], cell="rnn_relu", dtype="float16")] == DOCUMENTED[1:2]
    assert rnn_goldens.select(ids="documented/*", features="bidirectional") == []
    assert rnn_goldens.select(ids="documented/*", without=["exact"]) == []
    assert rnn_goldens.select(ids="documented/*", cell=["lstm", "gru"]) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ids": "documented/minibatch"}, "no golden 'documented/minibatch'. Did you mean 'documented/mini-batch'"),
        ({"cell": "rnn"}, "no cell 'rnn'.* Cells: rnn_tanh, rnn_relu, lstm, gru"),
        ({"features": "biases"}, "no feature 'biases'. Did you mean 'bias'"),
        ({"without": "biases"}, "no feature 'biases'"),
        ({"dtype": "half"}, "no precision 'half'.* Precisions: float64, float32, bfloat16, float16"),
        ({"corpus": "v0"}, "no corpus 'v0'.* v1"),
    ],
)
def test_a_name_that_does_not_exist_lists_those_that_do(arguments: dict[str, str], message: str) -> None:
    with pytest.raises(UnknownName, match=message):
        rnn_goldens.select(**arguments)


def test_an_id_that_does_not_exist_suggests_the_nearest() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'documented/single-sequence'"):
        rnn_goldens.load("documented/single_sequence")


def test_a_corpus_is_a_version_or_a_folder(corpus_copy: Path) -> None:
    assert find() == find("v1")
    for where in (corpus_copy, str(corpus_copy)):
        assert rnn_goldens.load("documented/mini-batch", corpus=where).out.shape == (2, 3, 2)
    with pytest.raises(InvalidFile, match=r"is no corpus: it holds no index\.json"):
        open_corpus(corpus_copy / "documented")


def test_a_file_that_is_not_the_one_the_index_describes_is_not_loaded(corpus_copy: Path) -> None:
    path = corpus_copy / "documented/mini-batch.h5"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(InvalidFile, match=r"mini-batch\.h5: SHA-256 is .* the file was changed or damaged\nRestore it"):
        rnn_goldens.load("documented/mini-batch", corpus=corpus_copy)
    path.unlink()
    with pytest.raises(InvalidFile, match=r"is listed in index\.json but can not be read"):
        rnn_goldens.load("documented/mini-batch", corpus=corpus_copy)


def without_version(index: dict[str, object]) -> None:
    del index["version"]


def format_two(index: dict[str, object]) -> None:
    index["format"] = 2


def entry_without_files(index: dict[str, list[dict[str, object]]]) -> None:
    del index["goldens"][1]["files"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (without_version, "'version' is a required property"),
        (format_two, "index format 2 is not known here"),
        (entry_without_files, "goldens/1: 'files' is a required property"),
        (None, "not JSON"),
    ],
)
def test_a_damaged_index_says_what_is_wrong_with_it(corpus_copy: Path, damage: object, message: str) -> None:
    path = corpus_copy / "index.json"
    index = json.loads(path.read_text())
    if callable(damage):
        damage(index)
    path.write_text(json.dumps(index) if damage else "{")
    with pytest.raises(InvalidFile, match=message):
        open_corpus(corpus_copy)
