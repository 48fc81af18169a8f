"""How two goldens, or two corpora, differ in content: everything but provenance; gradients, too, if they have some."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
from msgspec import UNSET, structs
from numpy.typing import NDArray

from rnn_goldens import encoding
from rnn_goldens.checkable.golden import Golden
from rnn_goldens.corpus.corpus import Corpus
from rnn_goldens.corpus.index import Entry, Kind
from rnn_goldens.counted import counted
from rnn_goldens.encoding.tree import Tree, to_gradients_tree, to_tree
from rnn_goldens.errors import InvalidFile, UnknownName


def golden_differences(a: Golden, b: Golden) -> list[str]:
    """One line per entry that differs, ``where: a → b``; provenance is left out."""
    return list(_tree_differences(_content(a), _content(b)))


def corpus_differences(a: Corpus, b: Corpus, only: Sequence[str] = ()) -> Iterator[str]:
    """One line per difference between two corpora, whichever encoding of a golden has it.

    Args:
        a: one corpus.
        b: the other; a file of either that is damaged is a difference.
        only: ids or patterns; the other goldens are left out. All if empty.
    """
    for pattern in only:
        if not any(fnmatchcase(golden_id, pattern) for golden_id in (*a.ids, *b.ids)):
            raise UnknownName("golden", pattern, dict.fromkeys((*a.ids, *b.ids)))
    wanted = {i: None for i in (*a.ids, *b.ids) if not only or any(fnmatchcase(i, pattern) for pattern in only)}
    for golden_id in wanted:
        if not a.holds(golden_id) or not b.holds(golden_id):
            yield f"{golden_id}: only in {b.folder if b.holds(golden_id) else a.folder}"
            continue
        yield from _entry_differences(a.entry(golden_id), b.entry(golden_id))
        yield from _golden_differences(a, b, golden_id)
    if not only and sorted(a.ids) == sorted(b.ids) and a.ids != b.ids:
        yield f"index.json: the goldens stand in another order: {', '.join(a.ids)} → {', '.join(b.ids)}"


KINDS: tuple[Kind, ...] = ("h5", "json")


def _golden_differences(a: Corpus, b: Corpus, golden_id: str) -> Iterator[str]:
    """One line per difference that both encodings have; if they have others, one for each of either."""
    h5, json = (list(_file_differences(a, b, golden_id, kind)) for kind in KINDS)
    if [line for _, line in h5] == [line for _, line in json]:
        yield from (f"{golden_id}: {line}" for _, line in h5)
    else:
        yield from (f"{path}: {line}" if path else line for path, line in (*h5, *json))


def read_by_entry(corpus: Corpus, golden_id: str, kind: Kind) -> Golden:
    """Read and check one file of a golden, and that of its gradients, if it has some, whatever their hashes."""
    entry, golden = corpus.entry(golden_id), _outputs_of(corpus, golden_id, kind)
    if entry.gradients is UNSET:
        return golden
    return encoding.read(corpus.folder / entry.gradients.files[kind].path, of=golden)


def _outputs_of(corpus: Corpus, golden_id: str, kind: Kind) -> Golden:
    """The same without its gradients."""
    return encoding.read(corpus.folder / corpus.entry(golden_id).files[kind].path)


_NOT_COMPARED = ("provenance",)
_OF_THE_GOLDEN = (*_NOT_COMPARED, "kind", "format", "id", "golden")
"""Of gradients, what only says whose they are."""


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
    """The path of a file, "" where the line says it, and each line."""
    file = a.entry(golden_id).files[kind]
    try:
        found = golden_differences(*(_outputs_of(corpus, golden_id, kind) for corpus in (a, b)))
        if not found:  # of another golden there are no gradients to compare
            found = golden_differences(*(read_by_entry(corpus, golden_id, kind) for corpus in (a, b)))
        yield from ((file.path, line) for line in found)
        for corpus in (a, b) if not found else ():
            for listed in corpus.entry(golden_id).all_files:
                if listed.path.endswith(f".{kind}"):
                    corpus.content(listed)
    except InvalidFile as error:
        yield "", str(error)


def _tree_differences(a: Tree, b: Tree, where: str = "") -> Iterator[str]:
    for name in dict.fromkeys([*a, *b]):
        place = f"{where}{name}"
        if name not in a or name not in b:
            yield f"{place}: only in the {'second' if name in b else 'first'}"
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
    differ = np.argwhere((a != b) | (np.signbit(a) != np.signbit(b)))  # 0.0 and -0.0 are two values in a file
    if len(differ):
        first = tuple(int(i) for i in differ[0])
        values = f"{a[first].item()!r} → {b[first].item()!r}"
        yield f"{place}: {len(differ)} of {counted(a.size, 'element')} differ, first at {first}: {values}"


def load_any(what: str, corpus: Corpus) -> Golden:
    """A golden by the path of one of its files, or by id in a corpus; with its gradients, if there are some.

    Of a path of gradients, too, which is read with the golden beside it; of that of a golden, it alone.
    """
    path = Path(what)
    if encoding.is_of_gradients(path):
        return encoding.read(path, of=encoding.read(encoding.golden_beside(path)))
    if path.suffix in encoding.OUTPUTS.suffixes:
        return encoding.read(path)
    entry = corpus.entry(what)
    return corpus.load(
        what, (entry.gradient_precisions or entry.precisions)[0], gradients=bool(entry.gradient_precisions)
    )
