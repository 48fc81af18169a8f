"""Comparison of two goldens and of two corpora."""

import json
from pathlib import Path

import rnn_goldens
from rnn_goldens.corpus import open_corpus
from rnn_goldens.corpus.differences import corpus_differences, golden_differences, not_compared


def test_differences_of_two_goldens_are_listed() -> None:
    first, second = rnn_goldens.load("documented/single-sequence"), rnn_goldens.load("documented/mini-batch")
    lines = golden_differences(first, second)
    assert "title: 'Single sequence' → 'Mini-batch'" in lines
    assert "inputs/x: shape (1, 3, 5) → (2, 3, 5)" in lines
    assert golden_differences(first, first.in_precision("float16")) == []


def test_a_changed_value_is_listed_with_its_index(small_corpus: Path, corpus_copy: Path) -> None:
    path = corpus_copy / "documented/mini-batch.json"
    path.write_text(path.read_text().replace("33.0, 9.0", "33.5, 9.0"))
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
