"""Finding and opening a corpus; selecting and loading its goldens."""

import ctypes
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import rnn_goldens
from rnn_goldens import Golden, InvalidFile, UnknownName, select
from rnn_goldens.corpus import find, open_corpora, open_corpus
from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.recurrences import RECURRENCES

DOCUMENTED = [
    "documented/single-sequence",
    "documented/mini-batch",
    "documented/mini-batch-ascending",
    "documented/identity-w-hh",
]


def test_every_golden_has_a_title_a_purpose_and_two_files_and_the_documented_outputs() -> None:
    for entry in open_corpus().entries:
        assert entry.title
        assert entry.purpose.endswith(".")
        assert set(entry.files) == {"h5", "json"}
    rising, falling = [[3, 3], [12, 12], [33, 33]], [[9, 9], [24, 24], [51, 51]]
    outputs = {
        "single-sequence": ([rising], [[[33, 33]]]),
        "mini-batch": ([rising, falling], [[[33, 33], [51, 51]]]),
        "mini-batch-ascending": ([rising, [[12, 12], [39, 39], [96, 96]]], [[[33, 33], [96, 96]]]),
        "identity-w-hh": ([[[3, 2], [9, 6], [18, 12]], [[9, 6], [15, 10], [18, 12]]], [[[18, 12], [18, 12]]]),
    }
    for name, (out, h_n) in outputs.items():
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
        ({"corpus": "v0"}, "no corpus 'v0'.* v2"),
    ],
)
def test_the_error_for_an_unknown_name_suggests_or_lists_known_ones(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UnknownName, match=message):
        rnn_goldens.select(**arguments)


def test_an_unknown_name_or_an_argument_of_a_wrong_type_is_a_clear_error() -> None:
    many = f"rnn-goldens list shows all {len(open_corpus().ids)}"
    with pytest.raises(UnknownName, match=rf"Did you mean 'documented/single-sequence'\? {many}$"):
        rnn_goldens.load("documented/single_sequence")
    with pytest.raises(TypeError, match="a golden's id is text, such as 'documented/single-sequence', not 3"):
        rnn_goldens.load(3)  # type: ignore[arg-type]
    for argument, value in (("ids", 3), ("cell", 3), ("features", ["exact", 3]), ("without", b"exact")):
        with pytest.raises(TypeError, match=rf"{argument} takes a name or a list of names, not "):
            rnn_goldens.select(**{argument: value})  # type: ignore[arg-type]


def test_a_corpus_is_a_version_or_a_folder(corpus_copy: Path) -> None:
    assert find() == find("v2")
    for where in (corpus_copy, str(corpus_copy)):
        assert rnn_goldens.load("documented/mini-batch", corpus=where).out.shape == (2, 3, 2)
    with pytest.raises(WrongUse, match=r"is not a corpus: it has no index\.json"):
        open_corpus(corpus_copy / "documented")
    with pytest.raises(WrongUse, match=r"^corpus v1 was never released: v2 has the same ids$"):
        rnn_goldens.load("documented/mini-batch", corpus="v1")


def test_a_changed_or_missing_file_is_not_loaded(corpus_copy: Path) -> None:
    path = corpus_copy / "documented/mini-batch.json"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(
        InvalidFile, match=r"mini-batch\.json: SHA-256 is .* the file was changed or damaged\nRestore the original"
    ):
        rnn_goldens.load("documented/mini-batch", corpus=corpus_copy)
    path.unlink()
    with pytest.raises(InvalidFile, match=r"is listed in index\.json but cannot be read"):
        rnn_goldens.load("documented/mini-batch", corpus=corpus_copy)


def test_the_remedy_for_a_damaged_file_depends_on_the_corpus(
    corpus_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = corpus_copy.rename(corpus_copy.with_name("my goldens"))
    monkeypatch.chdir(corpus.parent)
    (corpus / "documented/mini-batch.json").write_bytes(b"")
    with pytest.raises(InvalidFile, match="or run 'rnn-goldens generate' in a checkout of rnn-goldens"):
        rnn_goldens.load("documented/mini-batch", corpus=corpus)
    index = json.loads((corpus / "index.json").read_text())
    (corpus / "index.json").write_text(json.dumps({**index, "corpus": "mine"}))
    remedy = "from its scenarios: rnn-goldens generate --scenarios FILE --into 'my goldens'$"
    with pytest.raises(InvalidFile, match=remedy):
        rnn_goldens.load("documented/mini-batch", corpus="my goldens")
    (corpus / "index.json").write_text(json.dumps({**index, "corpus": "mine", "goldens": [{}]}))
    with pytest.raises(InvalidFile, match=remedy):
        open_corpus(corpus)


def show_commands(golden: Golden) -> list[str]:
    message = golden.compare(golden.out + 1, golden.h_n).message
    return [line for line in message.splitlines() if "to see the golden" in line]


def test_a_failure_prints_the_command_that_shows_the_golden(corpus_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    show = "  to see the golden: rnn-goldens show documented/mini-batch"
    golden_id = "documented/mini-batch"
    assert (
        show_commands(rnn_goldens.load(golden_id)) == show_commands(rnn_goldens.load(golden_id, corpus="v2")) == [show]
    )
    assert show_commands(rnn_goldens.load(golden_id, corpus=corpus_copy)) == [f"{show} --corpus {corpus_copy}"]
    monkeypatch.chdir(corpus_copy.parent)
    corpus_copy.rename("my goldens")
    assert show_commands(rnn_goldens.load(golden_id, corpus="my goldens")) == [f"{show} --corpus 'my goldens'"]
    found = open_corpora("my goldens").load(golden_id)
    assert show_commands(found.in_precision("float32")) == [f"{show} --corpus 'my goldens'"]


def test_a_failure_of_a_golden_outside_a_corpus_prints_no_show_command(corpus_copy: Path) -> None:
    assert show_commands(rnn_goldens.read(corpus_copy / "documented/mini-batch.json")) == []


def in_entry(**changed: Any) -> Callable[[dict[str, Any]], None]:
    return lambda index: index["goldens"][1].update(changed)


def with_path(path: object) -> Callable[[dict[str, Any]], None]:
    return lambda index: index["goldens"][1]["files"]["h5"].update(path=path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda index: index.pop("version"), "'version' is a required property"),
        (lambda index: index.update(format=2), "index format 2 is not known here"),
        (lambda index: index["goldens"][1].pop("files"), "goldens/1: 'files' is a required property"),
        (lambda index: index.update(goldens={}), "goldens: .* is not of type 'array'"),
        (in_entry(precisions=["float33"]), "goldens/1/precisions/0: 'float33' is not one of"),
        (in_entry(features=[["exact"]]), "goldens/1/features/0: "),
        (in_entry(cell="rnn"), "goldens/1/cell: 'rnn' is not one of"),
        (in_entry(id=3), "goldens/1/id: 3 is not of type 'string'"),
        (with_path("/etc/passwd"), "goldens/1/files/h5/path: '/etc/passwd' does not match"),
        (with_path("../mini-batch.h5"), "goldens/1/files/h5/path: '../mini-batch.h5' does not match"),
    ],
)
def test_the_error_for_a_damaged_index_describes_the_problem(
    corpus_copy: Path, damage: Callable[[dict[str, Any]], object], message: str
) -> None:
    path = corpus_copy / "index.json"
    index = json.loads(path.read_text())
    damage(index)
    path.write_text(json.dumps(index))
    with pytest.raises(InvalidFile, match=message):
        open_corpus(corpus_copy)


def rewrite(corpus: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the file of the mini-batch golden, and its hash in the index."""
    path = corpus / "documented/mini-batch.json"
    document = json.loads(path.read_text())
    del document["$schema"]
    change(document)
    path.write_text(json.dumps(document))
    index = json.loads((corpus / "index.json").read_text())
    index["goldens"][1]["files"]["json"]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (corpus / "index.json").write_text(json.dumps(index))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda golden: golden.update(id="documented/other"),
            "id: is 'documented/other', index.json lists 'documented/mi",
        ),
        (lambda golden: golden.update(purpose="Another."), "purpose: is 'Another.', index.json lists 'Two seq"),
        (lambda golden: golden.update(precisions=["float64"]), "precisions: is .*, index.json lists "),
        (lambda golden: golden.update(features=["exact", "long"]), "features: is .*, index.json lists "),
        (lambda golden: golden.update(features=["bias"]), "features: lists .'bias'., the content implies"),
        (lambda golden: golden.pop("expected"), "top level: 'expected' is a required property"),
        (lambda golden: golden["config"].update(num_layers=10**6), "the configuration requires 2000000"),
    ],
)
def test_the_error_for_an_invalid_file_with_a_correct_hash_describes_the_problem(
    corpus_copy: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    rewrite(corpus_copy, change)
    with pytest.raises(InvalidFile, match=f"mini-batch.json: .*{message}"):
        rnn_goldens.load("documented/mini-batch", corpus=corpus_copy)


def test_loaded_goldens_do_not_share_arrays() -> None:
    corpus = open_corpus()
    first = corpus.load("lstm/lengths", "float32")
    for array in (first.lengths, first.stored.x, *first.stored.weights.values(), first.stored.out):
        assert array is not None
        ctypes.memset(array.ctypes.data, 0, array.nbytes)  # torch.from_numpy allows such writes
    assert not first.stored.out.any()
    again = corpus.load("lstm/lengths", "float16")
    assert again.lengths is not None
    assert again.lengths.all()
    assert all(array.any() for array in (again.stored.x, *again.stored.weights.values(), again.stored.out))


def test_a_loaded_golden_has_its_own_copy_of_its_provenance() -> None:
    corpus = open_corpus()
    golden = corpus.load("documented/mini-batch")
    assert golden.provenance["rnn-goldens"]
    assert isinstance(golden.provenance, dict)
    golden.provenance.clear()
    assert corpus.load("documented/mini-batch").provenance["numpy"]


@pytest.mark.parametrize("argument", ["ids", "cell"])
def test_an_empty_list_is_an_error_and_does_not_select_everything(argument: str) -> None:
    with pytest.raises(WrongUse, match=f"{argument} is empty, which selects no golden; omit it to select by other"):
        rnn_goldens.select(**{argument: []})  # type: ignore[arg-type]
    assert len(rnn_goldens.select(ids="documented/*", features=[], without=[])) == 4


def test_an_index_has_a_line_for_each_golden() -> None:
    corpus = open_corpus()
    lines = (corpus.folder / "index.json").read_text("utf-8").splitlines()
    assert [line for line in lines if line.startswith('{"id":')] == lines[-len(corpus.ids) :]
    assert all(
        f'"id":"{golden_id}"' in line for golden_id, line in zip(corpus.ids, lines[-len(corpus.ids) :], strict=True)
    )


def test_a_large_invalid_index_is_rejected_at_its_first_problem(corpus_copy: Path) -> None:
    path = corpus_copy / "index.json"
    head = path.read_text().partition("[")[0]
    path.write_text(f"{head}[{','.join(['[]'] * 900_000)}]}}")
    with pytest.raises(InvalidFile, match=r"index.json: goldens/0: Expected `object`, got `array`"):
        open_corpus(corpus_copy)


def test_recurrences_are_selected_by_cell_or_folder_only() -> None:
    assert not {entry.cell for entry in open_corpus().select()} & set(RECURRENCES)
    assert not {golden.cell for golden in select(features="exact")} & set(RECURRENCES)
    by_cell = open_corpus().select(cell="gated_delta")
    assert by_cell
    assert by_cell == open_corpus().select("gated-delta/*")
    assert {"packed"} <= {feature for entry in by_cell for feature in entry.features}
    assert open_corpus().select(cell="gated_delta", without="packed") != by_cell
