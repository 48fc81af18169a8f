"""Comparison of two goldens and of two corpora; a corpus that is replaced while it is read."""

import json
import shutil
from hashlib import sha256
from pathlib import Path

import pytest

import rnn_goldens
from rnn_goldens import InvalidFile
from rnn_goldens.corpus import open_corpus, open_folder
from rnn_goldens.corpus.differences import corpus_differences, golden_differences, not_compared
from rnn_goldens.corpus.loading import read_consistently
from rnn_goldens.corpus.validation import findings
from rnn_goldens.encoding import json_file
from rnn_goldens.encoding.tree import to_document, to_tree
from rnn_goldens.generator.corpus_replacement import replacing


def test_differences_of_two_goldens_are_listed() -> None:
    first, second = rnn_goldens.load("documented/single-sequence"), rnn_goldens.load("documented/mini-batch")
    lines = golden_differences(first, second)
    assert "title: 'Single sequence' → 'Mini-batch'" in lines
    assert "inputs/x: shape (1, 3, 5) → (2, 3, 5)" in lines
    assert golden_differences(first, first.in_precision("float16")) == []


def test_a_changed_value_is_listed_with_its_index(small_corpus: Path, corpus_copy: Path) -> None:
    path = corpus_copy / "documented/mini-batch.json"
    path.write_text(path.read_text().replace("33.0,9.0", "33.5,9.0"))
    found = list(corpus_differences(open_corpus(small_corpus), open_corpus(corpus_copy)))
    assert found == [
        "documented/mini-batch.json: expected/out: 1 of 12 elements differ, first at (0, 2, 1): 33.0 → 33.5"
    ]


def test_where_the_wheel_does_not_carry_hdf5_only_json_is_compared(small_corpus: Path, corpus_copy: Path) -> None:
    (corpus_copy / "documented/mini-batch.h5").unlink()
    (corpus_copy / "not-in-wheel.txt").write_text("documented/mini-batch.h5\n")
    corpora = open_corpus(small_corpus), open_corpus(corpus_copy)
    assert list(corpus_differences(*corpora)) == []
    assert not_compared(*corpora) == ["not compared: HDF5 of 1 golden, which the wheel does not carry"]
    assert not_compared(*corpora, only=["*/identity-w-hh"]) == []
    (corpus_copy / "documented/mini-batch.json").write_text("{}")
    (found,) = corpus_differences(*corpora)
    assert found.startswith(f"{corpus_copy}/documented/mini-batch.json: ")


def test_provenance_is_not_compared(small_corpus: Path, corpus_copy: Path) -> None:
    path = corpus_copy / "documented/mini-batch.json"
    path.write_text(path.read_text().replace('"python": "3.', '"python": "4.'))
    found = list(corpus_differences(open_corpus(small_corpus), open_corpus(corpus_copy)))
    assert len(found) == 1
    assert "SHA-256" in found[0]


def test_a_missing_golden_and_another_order_are_differences(small_corpus: Path, corpus_copy: Path) -> None:
    path = corpus_copy / "index.json"
    index = json.loads(path.read_text())
    last = index["goldens"].pop()
    path.write_text(json.dumps(index))
    assert f"{last['id']}: only in {small_corpus}" in corpus_differences(
        open_corpus(small_corpus), open_corpus(corpus_copy)
    )
    index["goldens"].insert(0, last)
    path.write_text(json.dumps(index))
    assert "another order" in next(corpus_differences(open_corpus(small_corpus), open_corpus(corpus_copy)))


def test_only_the_selected_goldens_are_compared(small_corpus: Path, corpus_copy: Path) -> None:
    path = corpus_copy / "documented/mini-batch.json"
    path.write_text("{}")
    corpora = open_corpus(small_corpus), open_corpus(corpus_copy)
    assert list(corpus_differences(*corpora, only=["*/identity-w-hh"])) == []
    assert len(list(corpus_differences(*corpora, only=["*/mini-batch"]))) == 1


ID = "documented/single-sequence"


def replace(folder: Path) -> None:
    """Replace the golden ``ID`` of a corpus by a golden with other bytes, and update the index."""
    corpus = open_folder(folder)
    file = corpus.entry(ID).files["json"]
    tree = {**to_tree(corpus.load(ID)), "features": ["exact"], "provenance": {"made from": file.sha256}}
    content = json_file.encode(to_document(tree))
    index = (folder / "index.json").read_bytes()
    with replacing(folder) as files:
        files.write(file.path, content)
        files.write("index.json", index.replace(file.sha256.encode(), sha256_of(content)))


def sha256_of(content: bytes) -> bytes:
    return sha256(content).hexdigest().encode()


def test_a_corpus_that_is_replaced_while_it_is_read_is_read_again(corpus_copy: Path) -> None:
    opened = []

    def read() -> rnn_goldens.Golden:
        opened.append(open_folder(corpus_copy))
        if len(opened) < 3:
            replace(corpus_copy)
        return opened[-1].load(ID)

    assert read_consistently(corpus_copy, read).id == ID
    assert len(opened) == 3


def test_damage_is_reported_without_a_retry(corpus_copy: Path) -> None:
    (corpus_copy / f"{ID}.json").write_text("{}")
    reads = []

    def read() -> rnn_goldens.Golden:
        reads.append(ID)
        return open_folder(corpus_copy).load(ID)

    with pytest.raises(InvalidFile, match="the file was changed or damaged"):
        read_consistently(corpus_copy, read)
    assert len(reads) == 1
    assert [finding for finding in findings(corpus_copy / "index.json") if "changed or damaged" in finding]


def test_findings_are_discarded_if_the_corpus_was_replaced(corpus_copy: Path) -> None:
    found = [["a listed file is missing"], ["a listed file is missing"], []]

    def read() -> list[str]:
        replace(corpus_copy)
        return found.pop(0)

    assert read_consistently(corpus_copy, read, may_be_wrong=bool) == []


def test_a_corpus_that_is_replaced_after_it_was_opened_is_not_reported_as_damaged(corpus_copy: Path) -> None:
    opened = open_corpus(corpus_copy)
    replace(corpus_copy)
    with pytest.raises(InvalidFile, match=r"index\.json was replaced since it was read.*\n? *Retry"):
        opened.load(ID)
    assert rnn_goldens.load(ID, corpus=corpus_copy).id == ID
    assert opened.load("documented/mini-batch").id == "documented/mini-batch"


def test_a_file_removed_from_a_corpus_is_reported_as_missing(corpus_copy: Path) -> None:
    shutil.rmtree(corpus_copy / "documented")
    with pytest.raises(InvalidFile, match=r"is listed in index\.json but cannot be read"):
        rnn_goldens.load(ID, corpus=corpus_copy)
