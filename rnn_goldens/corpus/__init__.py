"""Corpora of goldens: index, selection, loading, validation and comparison."""

from rnn_goldens.corpus.corpus import Corpora, Corpus
from rnn_goldens.corpus.index import INDEX, KERNELS, OURS, Entry, File
from rnn_goldens.corpus.loading import (
    corpus_option,
    find,
    load,
    open_corpora,
    open_corpus,
    open_folder,
    packaged,
    select,
)
from rnn_goldens.corpus.selection import names, some_names, split_at_commas

__all__ = [
    "INDEX",
    "KERNELS",
    "OURS",
    "Corpora",
    "Corpus",
    "Entry",
    "File",
    "corpus_option",
    "find",
    "load",
    "names",
    "open_corpora",
    "open_corpus",
    "open_folder",
    "packaged",
    "select",
    "some_names",
    "split_at_commas",
]
