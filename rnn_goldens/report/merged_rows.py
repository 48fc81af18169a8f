"""Rows of other reports, which were made in another environment or on another machine."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rnn_goldens.corpus import Corpus
from rnn_goldens.errors import InvalidFile
from rnn_goldens.report.change import parts, read

Document = dict[str, Any]


def rows(paths: Iterable[Path], corpus: Corpus, checked: Iterable[str]) -> list[Document]:
    """Return the rows of other reports, with their ``made_with``, and the corpus version if it differs.

    Args:
        paths: the reports.
        corpus: the corpus of this report.
        checked: the implementations that this report checks itself.

    Raises:
        InvalidFile: a file is not a report, is of another corpus or of a later version, contains an implementation
            that is checked here or is in a previous file, or did not check every golden.
    """
    found: list[Document] = []
    where = dict.fromkeys(checked, "is checked here, too")
    for path in paths:
        other = read(path)
        wrong = []
        if not _is_earlier_or_same(other["corpus"], corpus.label):
            wrong.append(f"is of corpus {other['corpus']}, but this report is of {corpus.label}")
        for row in other["implementations"]:
            if (name := row["name"]) in where:
                wrong.append(f"{name} {where[name]}")
            where[name] = f"is also in {path}"
            of = row.get("corpus", other["corpus"])
            wrong += _cut_short(row, corpus) if of == corpus.label else ()
            made = {"made_with": row.get("made_with", other["made_with"])}
            found.append({**row, **made, **({} if of == corpus.label else {"corpus": of})})
        if wrong:
            raise InvalidFile(path, wrong)
    return found


def _is_earlier_or_same(label: str, here: str) -> bool:
    """Return whether a corpus is this one or an earlier version, which is shown beside its row."""
    (name, version), (name_here, version_here) = (text.rpartition(" ")[::2] for text in (label, here))
    numbers, numbers_here = ([int(n) for n in v.split(".") if n.isdigit()] for v in (version, version_here))
    return name == name_here and numbers <= numbers_here


def is_wrong(row: Document) -> bool:
    """Return whether a row has unexpected failures."""
    return any(wrong["known"] is None for part in parts(row) for wrong in part["disagreements"])


def _cut_short(row: Document, corpus: Corpus) -> Sequence[str]:
    expected = sum(len(entry.precisions) for entry in corpus.select())
    present = sum(result[outcome] for result in row["results"] for outcome in ("passed", "refused", "wrong"))
    return [] if present == expected else [f"{row['name']} has {present} of {expected} goldens and precisions"]
