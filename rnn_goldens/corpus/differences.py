"""Compares the content of two goldens or two corpora, including gradients, but without provenance."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path

import numpy as np
from msgspec import UNSET, structs
from numpy.typing import NDArray

from rnn_goldens import encoding
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.corpus.corpus import Corpus
from rnn_goldens.corpus.index import KINDS, Entry, Kind
from rnn_goldens.encoding.tree import Tree, to_gradients_tree, to_tree
from rnn_goldens.errors import InvalidFile, UnknownName
from rnn_goldens.plurals import counted


def golden_differences(a: Golden, b: Golden) -> list[str]:
    """Return one line per value that differs, ``place: a → b``. Provenance is not compared."""
    return list(_tree_differences(_content(a), _content(b)))


def corpus_differences(a: Corpus, b: Corpus, only: Sequence[str] = ()) -> Iterator[str]:
    """Yield one line per difference between two corpora, in the index or files. A damaged file is a difference.

    ``only`` are ids or patterns of the goldens to compare; all if empty. Raises UnknownName if one matches no golden.
    """
    for golden_id in _selected(a, b, only):
        if not a.holds(golden_id) or not b.holds(golden_id):
            yield f"{golden_id}: only in {b.folder if b.holds(golden_id) else a.folder}"
            continue
        yield from _entry_differences(a.entry(golden_id), b.entry(golden_id))
        yield from _golden_differences(a, b, golden_id)
    if not only and sorted(a.ids) == sorted(b.ids) and a.ids != b.ids:
        yield f"index.json: the goldens are in another order: {', '.join(a.ids)} → {', '.join(b.ids)}"


def _selected(a: Corpus, b: Corpus, only: Sequence[str]) -> dict[str, None]:
    ids = dict.fromkeys((*a.ids, *b.ids))
    for pattern in only:
        if not any(fnmatchcase(golden_id, pattern) for golden_id in ids):
            raise UnknownName("golden", pattern, ids)
    return {i: None for i in ids if not only or any(fnmatchcase(i, pattern) for pattern in only)}


def not_compared(a: Corpus, b: Corpus, only: Sequence[str] = ()) -> list[str]:
    """Return a line on the files that ``corpus_differences`` does not compare, with its arguments, if there are any."""
    both = (i for i in _selected(a, b, only) if a.holds(i) and b.holds(i))
    count = sum("h5" not in compared_kinds(a, b, golden_id) for golden_id in both)
    return [f"not compared: HDF5 of {counted(count, 'golden')}, which the wheel does not carry"] if count else []


def compared_kinds(a: Corpus, b: Corpus, golden_id: str) -> tuple[Kind, ...]:
    """Return the kinds of files of a golden that are compared, if both have them: not HDF5 that is not in the wheel."""
    entries = [(corpus, corpus.entry(golden_id)) for corpus in (a, b)]
    in_both = [kind for kind in KINDS if all(kind in entry.files for _, entry in entries)]
    if any(file.path in corpus.not_in_wheel for corpus, entry in entries for file in entry.all_files):
        return tuple(kind for kind in in_both if kind != "h5")
    return tuple(in_both)


def _golden_differences(a: Corpus, b: Corpus, golden_id: str) -> Iterator[str]:
    """Yield the differences once if they are equal in the HDF5 and JSON files, else the differences of each file."""
    first, *others = (list(_file_differences(a, b, golden_id, kind)) for kind in compared_kinds(a, b, golden_id))
    if all([line for _, line in first] == [line for _, line in other] for other in others):
        yield from (f"{golden_id}: {line}" if path else line for path, line in first)
    else:
        yield from (f"{path}: {line}" if path else line for path, line in chain(first, *others))


def read_by_entry(folder: Path, entry: Entry, kind: Kind) -> Golden:
    """Read and validate one file of a golden, and of its gradients if it has some, without comparing hashes."""
    golden = encoding.read(folder / entry.files[kind].path)
    if entry.gradients is UNSET:
        return golden
    return encoding.read(folder / entry.gradients.files[kind].path, of=golden)


_NOT_COMPARED = ("provenance",)
_OF_THE_GOLDEN = (*_NOT_COMPARED, "kind", "format", "id", "golden")
"""Fields of gradients that are not compared: the provenance, and fields that only identify the golden."""


def _content(golden: Golden) -> Tree:
    tree = {name: value for name, value in to_tree(golden).items() if name not in _NOT_COMPARED}
    if golden.gradients is not None:
        gradients = to_gradients_tree(golden)
        tree["gradients"] = {name: value for name, value in gradients.items() if name not in _OF_THE_GOLDEN}
    return tree


def _entry_differences(a: Entry, b: Entry) -> Iterator[str]:
    for name, value in structs.asdict(a).items():
        if name not in ("files", "gradients") and value != getattr(b, name):
            yield f"{a.id}: index.json, {name}: {value} → {getattr(b, name)}"
    if a.gradients is not UNSET and b.gradients is not UNSET:
        for name in ("purpose", "precisions", "content"):
            if (before := getattr(a.gradients, name)) != (after := getattr(b.gradients, name)):
                yield f"{a.id}: index.json, gradients/{name}: {before} → {after}"


def _file_differences(a: Corpus, b: Corpus, golden_id: str, kind: Kind) -> Iterator[tuple[str, str]]:
    """Yield pairs of the path of a file and a difference; the path is "" if the message contains it."""
    file, both = a.entry(golden_id).files[kind], [(corpus.folder, corpus.entry(golden_id)) for corpus in (a, b)]
    try:
        lines = golden_differences(*(encoding.read(folder / entry.files[kind].path) for folder, entry in both))
        if not lines:  # gradients of different goldens are not compared
            lines = golden_differences(*(read_by_entry(folder, entry, kind) for folder, entry in both))
        yield from ((file.path, line) for line in lines)
        for corpus in (a, b) if not lines else ():
            for listed in corpus.entry(golden_id).all_files:
                if listed.path.endswith(f".{kind}"):
                    corpus.content(listed)
    except InvalidFile as error:
        yield "", str(error)


def _tree_differences(a: Tree, b: Tree, where: str = "") -> Iterator[str]:
    for name in dict.fromkeys([*a, *b]):
        place = f"{where}{name}"
        if name not in a or name not in b:
            yield f"{place}: only in the {'second' if name in b else 'first'} golden"
        elif isinstance(a[name], dict) and isinstance(b[name], dict):
            yield from _tree_differences(a[name], b[name], f"{place}/")
        elif isinstance(a[name], np.ndarray) and isinstance(b[name], np.ndarray):
            yield from _array_differences(place, a[name], b[name])
        elif a[name] != b[name]:
            yield f"{place}: {a[name]!r} → {b[name]!r}"


def _array_differences(place: str, a: NDArray[np.float64], b: NDArray[np.float64]) -> Iterator[str]:
    if a.shape != b.shape:
        yield f"{place}: shape {a.shape} → {b.shape}"
        return
    differ = np.argwhere((a != b) | (np.signbit(a) != np.signbit(b)))  # 0.0 and -0.0 differ in a file
    if len(differ):
        first = tuple(int(i) for i in differ[0])
        values = f"{a[first].item()!r} → {b[first].item()!r}"
        yield f"{place}: {len(differ)} of {counted(a.size, 'element')} differ, first at {first}: {values}"


def load_any(name: str, corpus: Corpus) -> Golden:
    """Load a golden by id, with gradients, or by path: that of a gradients file loads them, too."""
    path = Path(name)
    if encoding.is_of_gradients(path):
        return encoding.read(path, of=encoding.read(encoding.golden_beside(path)))
    if path.suffix in encoding.OUTPUTS.suffixes:
        return encoding.read(path)
    return corpus.load_all(name)
