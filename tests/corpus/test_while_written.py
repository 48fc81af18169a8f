"""A corpus that is replaced while it is read: what is read is of one corpus; what is damaged is said to be."""

import shutil
from hashlib import sha256
from pathlib import Path

import pytest

import rnn_goldens
from rnn_goldens import InvalidFile
from rnn_goldens.corpus import open_corpus, open_folder
from rnn_goldens.corpus.validating import findings
from rnn_goldens.corpus.while_written import of_one_corpus
from rnn_goldens.encoding import json_file
from rnn_goldens.encoding.tree import to_document, to_tree
from rnn_goldens.generator.folder import replacing

ID = "documented/single-sequence"


def replace(folder: Path) -> None:
    """Write a corpus in which the golden has other bytes, and the index says so."""
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


def test_what_is_replaced_while_it_is_read_is_read_again(corpus_copy: Path) -> None:
    opened = []

    def read() -> rnn_goldens.Golden:
        opened.append(open_folder(corpus_copy))
        if len(opened) < 3:
            replace(corpus_copy)
        return opened[-1].load(ID)

    assert of_one_corpus(corpus_copy, read).id == ID
    assert len(opened) == 3


def test_what_is_damaged_is_said_to_be_at_once(corpus_copy: Path) -> None:
    (corpus_copy / f"{ID}.json").write_text("{}")
    reads = []

    def read() -> rnn_goldens.Golden:
        reads.append(ID)
        return open_folder(corpus_copy).load(ID)

    with pytest.raises(InvalidFile, match="the file was changed or damaged"):
        of_one_corpus(corpus_copy, read)
    assert len(reads) == 1
    assert [finding for finding in findings(corpus_copy / "index.json") if "changed or damaged" in finding]


def test_findings_of_a_corpus_that_was_replaced_are_none(corpus_copy: Path) -> None:
    found = [["it lists what is not there"], ["it lists what is not there"], []]

    def read() -> list[str]:
        replace(corpus_copy)
        return found.pop(0)

    assert of_one_corpus(corpus_copy, read, doubtful=bool) == []


def test_a_corpus_that_is_replaced_after_it_was_opened_is_not_called_damaged(corpus_copy: Path) -> None:
    opened = open_corpus(corpus_copy)
    replace(corpus_copy)
    with pytest.raises(InvalidFile, match=r"index\.json was written anew since it was read.*\n? *Run it again"):
        opened.load(ID)
    assert rnn_goldens.load(ID, corpus=corpus_copy).id == ID
    assert opened.load("documented/mini-batch").id == "documented/mini-batch"


def test_a_file_that_is_gone_from_a_corpus_that_stands_is_missing(corpus_copy: Path) -> None:
    shutil.rmtree(corpus_copy / "documented")
    with pytest.raises(InvalidFile, match=r"is listed in index\.json but can not be read"):
        rnn_goldens.load(ID, corpus=corpus_copy)
