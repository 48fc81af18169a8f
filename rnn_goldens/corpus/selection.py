"""Selecting goldens by what indexes say of them, without opening any."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from functools import cached_property

from rnn_goldens.corpus.index import Entry
from rnn_goldens.errors import UnknownName, WrongUse
from rnn_goldens.golden.features import FEATURES
from rnn_goldens.golden.shapes import CELLS, is_own_cell


class Selection:
    """What has entries to select from."""

    entries: Sequence[Entry]

    @property
    def ids(self) -> list[str]:
        """Every golden's id, in the order of the index."""
        return [entry.id for entry in self.entries]

    def entry(self, golden_id: str) -> Entry:
        """Look a golden up; raises UnknownName with the nearest id."""
        if not isinstance(golden_id, str):
            raise TypeError(f"a golden's id is text, such as {self.ids[0]!r}, not {golden_id!r}")
        if not self.holds(golden_id):
            raise UnknownName("golden", golden_id, self.ids)
        return self._by_id[golden_id]

    def holds(self, golden_id: str) -> bool:
        """Whether there is a golden of this id."""
        return golden_id in self._by_id

    @cached_property
    def _by_id(self) -> dict[str, Entry]:
        return {entry.id: entry for entry in reversed(self.entries)}  # of two, the first

    def select(
        self,
        ids: str | Iterable[str] = (),
        cell: str | Iterable[str] = (),
        features: str | Iterable[str] = (),
        without: str | Iterable[str] = (),
        *,
        gradients: bool = False,
    ) -> list[Entry]:
        """Select goldens: one of the ids and cells if any are given, all of the features, none of ``without``.

        Each argument is one name or several.

        Args:
            ids: ids or patterns such as ``documented/*``.
            cell: cells.
            features: tags a golden must have.
            without: tags it must not have.
            gradients: whether only those that have gradients.

        Raises:
            UnknownName: an id or pattern that matches nothing, or a cell or feature that does not exist.
            TypeError: an argument that is neither a name nor several.
        """
        ids, cell = names("ids", ids), names("cell", cell)
        features, without = names("features", features), names("without", without)
        cells = (*CELLS, *dict.fromkeys(entry.cell for entry in self.entries if entry.cell not in CELLS))
        for kind, asked, known in (("cell", cell, cells), ("feature", (*features, *without), FEATURES)):
            for name in asked:
                if name not in known:
                    raise UnknownName(kind, name, known)
        if own := [name for name in cell if is_own_cell(name)]:
            from rnn_goldens.cells import name_cells

            name_cells(own)
        for pattern in ids:
            if not any(fnmatchcase(known, pattern) for known in self.ids):
                raise UnknownName("golden", pattern, self.ids)
        return [
            entry
            for entry in self.entries
            if (not ids or any(fnmatchcase(entry.id, pattern) for pattern in ids))
            and (not cell or entry.cell in cell)
            and set(features) <= set(entry.features)
            and not set(without) & set(entry.features)
            and (entry.gradient_precisions or not gradients)
        ]


def between_commas(said: str, text: str, what: str = "names") -> tuple[str, ...]:
    """What commas part in a text; raises WrongUse, which begins with what was ``said``, if there is one too many."""
    parts = tuple(part.strip() for part in text.split(","))
    if "" in parts:
        raise WrongUse(f"{said} {text!r}: a comma stands between two {what}, here one is missing")
    return parts


def names(argument: str, value: object) -> tuple[str, ...]:
    """One name or several, as a tuple; raises TypeError if an argument is neither."""
    if isinstance(value, str):
        return (value,)
    several = tuple(value) if isinstance(value, Iterable) else ()
    if not isinstance(value, Iterable) or not all(isinstance(name, str) for name in several):
        raise TypeError(f"{argument} takes a name or a list of names, not {value!r}")
    return several
