"""A corpus: its index, selecting without opening, loading, validating, comparing two."""

from rnn_goldens.corpus.corpus import Corpus
from rnn_goldens.corpus.index import INDEX, OURS, Entry, File
from rnn_goldens.corpus.loading import find, load, named, open_corpora, open_corpus, open_folder, packaged, select
from rnn_goldens.corpus.selection import between_commas, names
from rnn_goldens.corpus.several import Corpora

__all__ = [
    "INDEX",
    "OURS",
    "Corpora",
    "Corpus",
    "Entry",
    "File",
    "between_commas",
    "find",
    "load",
    "named",
    "names",
    "open_corpora",
    "open_corpus",
    "open_folder",
    "packaged",
    "select",
]
