"""A corpus: its index, selecting without opening, loading, validating, comparing two."""

from rnn_goldens.corpus.corpus import Corpus, names
from rnn_goldens.corpus.index import INDEX, Entry, File
from rnn_goldens.corpus.loading import find, load, open_corpus, open_folder, packaged, select

__all__ = [
    "INDEX",
    "Corpus",
    "Entry",
    "File",
    "find",
    "load",
    "names",
    "open_corpus",
    "open_folder",
    "packaged",
    "select",
]
