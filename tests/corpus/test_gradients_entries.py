"""The gradients in a corpus are loaded on request, validated and compared."""

import json
from pathlib import Path
from typing import Any

import pytest

from rnn_goldens import InvalidFile, UnknownName, load, select
from rnn_goldens.corpus import open_corpus
from rnn_goldens.corpus.differences import corpus_differences
from rnn_goldens.corpus.validation import files_in, findings, listed_by
from rnn_goldens.encoding import untrusted_files
from rnn_goldens.golden.precision import PRECISIONS

ID = "lstm/lengths"


def index_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "index.json").read_text("utf-8"))
    return found


def entry_of(index: dict[str, Any], golden_id: str = ID) -> dict[str, Any]:
    (entry,) = (entry for entry in index["goldens"] if entry["id"] == golden_id)
    found: dict[str, Any] = entry
    return found


def write(folder: Path, index: dict[str, Any]) -> None:
    (folder / "index.json").write_text(json.dumps(index), "utf-8")


def all_findings(folder: Path) -> list[str]:
    return [finding for file in files_in(folder) for finding in findings(file)]


def test_gradients_are_loaded_only_on_request(corpus_with_gradients: Path) -> None:
    plain = load(ID, corpus=corpus_with_gradients)
    assert plain.gradients is None
    golden = load(ID, corpus=corpus_with_gradients, gradients=True)
    assert golden.gradients is not None
    actual = {name: PRECISIONS["float32"].round(array) for name, array in golden.gradients.expected.items()}
    assert golden.check_gradients(actual).not_checked == ()
    corpus = open_corpus(corpus_with_gradients)
    for gradients in (False, True, False, True):
        assert (corpus.load(ID, "float32", gradients=gradients).gradients is not None) == gradients


def test_checking_outputs_does_not_read_gradients_files(
    corpus_with_gradients: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    before = untrusted_files._opened

    def record(path: Path, below: Path | None) -> int:
        read.append(path.name)
        return before(path, below)

    monkeypatch.setattr(untrusted_files, "_opened", record)
    select(corpus=corpus_with_gradients)
    assert read
    assert not [name for name in read if "gradients" in name]
    load(ID, corpus=corpus_with_gradients, gradients=True)
    assert read[-1] == "lengths.gradients.json"


def test_goldens_with_gradients_are_selected_and_the_nearest_suggested(corpus_with_gradients: Path) -> None:
    found = select(corpus=corpus_with_gradients, gradients=True)
    assert [golden.id for golden in found] == ["documented/single-sequence", "documented/mini-batch", ID]
    assert all(golden.gradients is not None for golden in found)
    assert len(select(corpus=corpus_with_gradients)) > len(found)
    assert select(corpus=corpus_with_gradients, cell="gru", gradients=True) == []
    with pytest.raises(UnknownName, match=r"no golden with gradients .*Did you mean 'documented/mini-batch'"):
        load("documented/mini-batch-ascending", corpus=corpus_with_gradients, gradients=True)


def test_loading_gradients_in_an_unknown_precision_lists_the_known_ones(gradients_copy: Path) -> None:
    golden = load(ID, dtype="float64", corpus=gradients_copy, gradients=True)
    assert golden.gradients is not None
    change_file_and_entry(
        gradients_copy, lambda document: document.update(precisions=["float64"]), {"precisions": ["float64"]}
    )
    assert load(ID, dtype="float64", corpus=gradients_copy, gradients=True).gradients is not None
    with pytest.raises(UnknownName, match=f"Precisions of the gradients of {ID}: float64"):
        load(ID, dtype="float32", corpus=gradients_copy, gradients=True)
    assert ID not in [golden.id for golden in select(corpus=gradients_copy, gradients=True)]


def change_file_and_entry(folder: Path, change: Any, fields: dict[str, Any]) -> None:
    """Change a gradients file; set the fields of its entry in the index and update the hash of the file there."""
    import hashlib

    path = folder / f"{ID}.gradients.json"
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document))
    index = index_of(folder)
    entry_of(index)["gradients"] |= fields
    entry_of(index)["gradients"]["files"]["json"]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    write(folder, index)


def test_gradients_with_another_hash_than_the_index_lists_are_not_loaded(gradients_copy: Path) -> None:
    path = gradients_copy / f"{ID}.gradients.json"
    path.write_bytes(path.read_bytes() + b" ")
    assert load(ID, corpus=gradients_copy).gradients is None
    with pytest.raises(InvalidFile, match=r"lengths.gradients.json: SHA-256 is"):
        load(ID, corpus=gradients_copy, gradients=True)
    path.unlink()
    with pytest.raises(InvalidFile, match=r"is listed in index.json but cannot be read"):
        load(ID, corpus=gradients_copy, gradients=True)


def test_gradients_of_another_golden_or_purpose_are_not_loaded(gradients_copy: Path) -> None:
    change_file_and_entry(gradients_copy, lambda document: document.update(purpose="Another."), {})
    with pytest.raises(InvalidFile, match=r"purpose: is 'Another\.', index\.json lists"):
        load(ID, corpus=gradients_copy, gradients=True)
    change_file_and_entry(gradients_copy, lambda document: document.update(golden="0" * 64), {})
    index = index_of(gradients_copy)
    entry_of(index)["content"] = "0" * 64
    write(gradients_copy, index)
    with pytest.raises(InvalidFile, match=r"golden: the gradients are of content 000000000000…, lstm/lengths has"):
        load(ID, corpus=gradients_copy, gradients=True)


def test_a_corpus_with_gradients_is_valid(corpus_with_gradients: Path) -> None:
    assert all_findings(corpus_with_gradients) == []
    listed = listed_by(corpus_with_gradients / "index.json")
    assert corpus_with_gradients / f"{ID}.gradients.h5" in listed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda entry: entry["gradients"].update(content="0" * 64), f"index.json lists '{'0' * 64}'"),
        (lambda entry: entry["gradients"].update(purpose="Another."), "index.json lists 'Another.'"),
        (lambda entry: entry["gradients"].pop("content"), "'content' is a required property"),
        (lambda entry: entry["gradients"].update(more=1), "Additional properties are not allowed"),
        (lambda entry: entry.update(gradients=None), "None is not of type 'object'"),
        (lambda entry: entry.pop("gradients"), "lengths.gradients.h5: is not listed in"),
    ],
)
def test_an_index_that_differs_from_the_gradients_is_reported(gradients_copy: Path, change: Any, message: str) -> None:
    index = index_of(gradients_copy)
    change(entry_of(index))
    write(gradients_copy, index)
    assert any(message in finding for finding in findings(gradients_copy / "index.json"))


def test_a_gradients_file_is_validated_with_the_golden_beside_it(gradients_copy: Path) -> None:
    for suffix in (".h5", ".json"):
        path = gradients_copy / f"{ID}.gradients{suffix}"
        assert findings(path) == []
        (gradients_copy / f"{ID}{suffix}").unlink()
    assert "requires the golden of these gradients beside it" in findings(path)[0]


def test_gradients_of_one_corpus_are_compared_with_those_of_another(
    corpus_with_gradients: Path, gradients_copy: Path, small_corpus: Path
) -> None:
    same = open_corpus(corpus_with_gradients)
    assert list(corpus_differences(same, open_corpus(gradients_copy))) == []
    change_file_and_entry(gradients_copy, lambda document: document["expected"]["x"]["data"].__setitem__(0, 7.0), {})
    assert any("content hash: is" in finding for finding in findings(gradients_copy / "index.json"))
    (line,) = corpus_differences(same, open_corpus(gradients_copy))
    assert line.startswith(f"{ID}.json: gradients/expected/x: 1 of 48 elements differ, first at (0, 0, 0):")
    found = list(corpus_differences(open_corpus(small_corpus), open_corpus(corpus_with_gradients)))
    assert f"{ID}: gradients: only in the second golden" in found
    assert len(found) == 3
