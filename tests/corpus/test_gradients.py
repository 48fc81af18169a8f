"""A corpus in which some goldens have gradients: loading them only when they are asked, validating and comparing."""

import json
from pathlib import Path
from typing import Any

import pytest

from rnn_goldens import InvalidFile, UnknownName, load, select
from rnn_goldens.corpus import open_corpus
from rnn_goldens.corpus.comparing import corpus_differences
from rnn_goldens.corpus.validating import files_in, findings, listed_by
from rnn_goldens.encoding import file_bytes
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


def test_a_golden_is_loaded_with_gradients_only_where_they_are_asked(corpus_with_gradients: Path) -> None:
    plain = load(ID, corpus=corpus_with_gradients)
    assert plain.gradients is None
    golden = load(ID, corpus=corpus_with_gradients, gradients=True)
    assert golden.gradients is not None
    given = {name: PRECISIONS["float32"].round(array) for name, array in golden.gradients.expected.items()}
    assert golden.check_gradients(given).not_checked == ()


def test_who_checks_outputs_reads_no_byte_of_gradients(
    corpus_with_gradients: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    before = file_bytes._opened

    def noted(path: Path, below: Path | None) -> int:
        read.append(path.name)
        return before(path, below)

    monkeypatch.setattr(file_bytes, "_opened", noted)
    select(corpus=corpus_with_gradients)
    assert read
    assert not [name for name in read if "gradients" in name]
    load(ID, corpus=corpus_with_gradients, gradients=True)
    assert read[-1] == "lengths.gradients.json"


def test_the_same_corpus_gives_a_golden_with_and_without_one_after_the_other(corpus_with_gradients: Path) -> None:
    corpus = open_corpus(corpus_with_gradients)
    for gradients in (False, True, False, True):
        assert (corpus.load(ID, "float32", gradients=gradients).gradients is not None) == gradients


def test_goldens_with_gradients_are_selected(corpus_with_gradients: Path) -> None:
    found = select(corpus=corpus_with_gradients, gradients=True)
    assert [golden.id for golden in found] == ["documented/single-sequence", "documented/mini-batch", ID]
    assert all(golden.gradients is not None for golden in found)
    assert len(select(corpus=corpus_with_gradients)) > len(found)
    assert select(corpus=corpus_with_gradients, cell="gru", gradients=True) == []


def test_a_golden_without_gradients_is_an_error_that_names_those_that_have_some(corpus_with_gradients: Path) -> None:
    with pytest.raises(UnknownName, match=r"no golden with gradients .*Did you mean 'documented/mini-batch'"):
        load("documented/mini-batch-ascending", corpus=corpus_with_gradients, gradients=True)


def test_a_precision_that_gradients_have_not_is_an_error_that_names_those_there_are(gradients_copy: Path) -> None:
    golden = load(ID, dtype="float64", corpus=gradients_copy, gradients=True)
    assert golden.gradients is not None
    relisted(gradients_copy, lambda document: document.update(precisions=["float64"]), {"precisions": ["float64"]})
    assert load(ID, dtype="float64", corpus=gradients_copy, gradients=True).gradients is not None
    with pytest.raises(UnknownName, match=f"Precisions of the gradients of {ID}: float64"):
        load(ID, dtype="float32", corpus=gradients_copy, gradients=True)
    assert ID not in [golden.id for golden in select(corpus=gradients_copy, gradients=True)]


def relisted(folder: Path, change: Any, listed: dict[str, Any]) -> None:
    """Change a file of gradients, and what the index says of it."""
    import hashlib

    path = folder / f"{ID}.gradients.json"
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document))
    index = index_of(folder)
    entry_of(index)["gradients"] |= listed
    entry_of(index)["gradients"]["files"]["json"]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    write(folder, index)


def test_gradients_that_are_not_as_the_index_says_are_not_loaded(gradients_copy: Path) -> None:
    path = gradients_copy / f"{ID}.gradients.json"
    path.write_bytes(path.read_bytes() + b" ")
    assert load(ID, corpus=gradients_copy).gradients is None
    with pytest.raises(InvalidFile, match=r"lengths.gradients.json: SHA-256 is"):
        load(ID, corpus=gradients_copy, gradients=True)
    path.unlink()
    with pytest.raises(InvalidFile, match=r"is listed in index.json but can not be read"):
        load(ID, corpus=gradients_copy, gradients=True)


def test_gradients_of_another_purpose_than_the_index_says_are_not_loaded(gradients_copy: Path) -> None:
    relisted(gradients_copy, lambda document: document.update(purpose="Another."), {})
    with pytest.raises(InvalidFile, match=r"purpose: is 'Another\.', index\.json says"):
        load(ID, corpus=gradients_copy, gradients=True)


def test_gradients_of_a_golden_that_only_the_index_calls_theirs_are_not_loaded(gradients_copy: Path) -> None:
    relisted(gradients_copy, lambda document: document.update(golden="0" * 64), {})
    index = index_of(gradients_copy)
    entry_of(index)["content"] = "0" * 64
    write(gradients_copy, index)
    with pytest.raises(InvalidFile, match=r"golden: they are gradients of 000000000000…, and lstm/lengths holds"):
        load(ID, corpus=gradients_copy, gradients=True)


def test_a_corpus_with_gradients_is_valid(corpus_with_gradients: Path) -> None:
    assert all_findings(corpus_with_gradients) == []
    listed = listed_by(corpus_with_gradients / "index.json")
    assert corpus_with_gradients / f"{ID}.gradients.h5" in listed


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda entry: entry["gradients"].update(content="0" * 64), "gradients: content hash is 000000000000… here"),
        (lambda entry: entry["gradients"].update(purpose="Another."), "gradients: purpose is 'Another.' here"),
        (lambda entry: entry["gradients"].pop("content"), "'content' is a required property"),
        (lambda entry: entry["gradients"].update(more=1), "Additional properties are not allowed"),
        (lambda entry: entry.update(gradients=None), "None is not of type 'object'"),
        (lambda entry: entry.pop("gradients"), "lengths.gradients.h5: is not listed in"),
    ],
)
def test_an_index_that_says_other_of_gradients_is_found(gradients_copy: Path, change: Any, said: str) -> None:
    index = index_of(gradients_copy)
    change(entry_of(index))
    write(gradients_copy, index)
    assert any(said in finding for finding in findings(gradients_copy / "index.json"))


def test_a_file_of_gradients_is_validated_with_the_golden_beside_it(gradients_copy: Path) -> None:
    for suffix in (".h5", ".json"):
        path = gradients_copy / f"{ID}.gradients{suffix}"
        assert findings(path) == []
        (gradients_copy / f"{ID}{suffix}").unlink()
    assert "is to stand beside it" in findings(path)[0]


def test_files_that_differ_between_hdf5_and_json_are_found(gradients_copy: Path) -> None:
    relisted(gradients_copy, lambda document: document["expected"]["x"]["data"].__setitem__(0, 7.0), {})
    assert any("gradients: content hash is" in finding for finding in findings(gradients_copy / "index.json"))


def test_two_corpora_are_compared_with_their_gradients(corpus_with_gradients: Path, gradients_copy: Path) -> None:
    same = open_corpus(corpus_with_gradients)
    assert list(corpus_differences(same, open_corpus(gradients_copy))) == []
    relisted(gradients_copy, lambda document: document["expected"]["x"]["data"].__setitem__(0, 7.0), {})
    (line,) = corpus_differences(same, open_corpus(gradients_copy))
    assert line.startswith(f"{ID}.json: gradients/expected/x: 1 of 48 elements differ, first at (0, 0, 0):")


def test_gradients_that_only_one_corpus_has_are_a_difference(small_corpus: Path, corpus_with_gradients: Path) -> None:
    found = list(corpus_differences(open_corpus(small_corpus), open_corpus(corpus_with_gradients)))
    assert f"{ID}: gradients: only in the second" in found
    assert len(found) == 3
