"""Selects goldens by their entries in an index, without opening them."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import chain

from rnn_goldens.corpus.index import KERNELS, Entry
from rnn_goldens.errors import UnknownName, WrongUse
from rnn_goldens.golden.built_in_cells import DIALECTS
from rnn_goldens.golden.features import FEATURES, KERNEL_SIZE
from rnn_goldens.golden.recurrences import BUILT_IN, INTEGER_LSTMS, RECURRENCES
from rnn_goldens.golden.shapes import is_custom_cell

_BY_NAME_ONLY = frozenset((*DIALECTS, *RECURRENCES, *INTEGER_LSTMS))
"""Cells that a selection without cells does not have."""

_OF_KERNELS = (
    f"a corpus of its own: --corpus {KERNELS}, in pytest --rnn-goldens-corpus={KERNELS}, in Python corpus={KERNELS!r}"
)


class Selection:
    """Base class of corpora: selects goldens from the entries of an index."""

    entries: Sequence[Entry]
    elsewhere: Mapping[str, str]

    @property
    def ids(self) -> list[str]:
        """The ids of all goldens, in the order of the index."""
        return [entry.id for entry in self.entries]

    def entry(self, golden_id: str) -> Entry:
        """Return the entry of a golden. Raises UnknownName with the nearest id."""
        if not isinstance(golden_id, str):
            raise TypeError(f"a golden's id is text, such as {self.ids[0]!r}, not {golden_id!r}")
        if not self.holds(golden_id):
            raise self._unknown(golden_id)
        return self._by_id[golden_id]

    def holds(self, golden_id: str) -> bool:
        """Return whether a golden has this id."""
        return golden_id in self._by_id

    def _unknown(self, pattern: str) -> UnknownName | WrongUse:
        """Return the error for an id or a pattern that matches no golden here."""
        if how := next((how for one, how in self.elsewhere.items() if fnmatchcase(one, pattern)), None):
            return WrongUse(f"{pattern} is in a package that is not installed: {how}")
        if pattern.startswith(f"{KERNELS}/") and not any(one.startswith(f"{KERNELS}/") for one in self.ids):
            return WrongUse(f"{pattern} is in {_OF_KERNELS}")
        return UnknownName("golden", pattern, self.ids)

    @cached_property
    def _by_id(self) -> dict[str, Entry]:
        return {entry.id: entry for entry in reversed(self.entries)}  # the first of duplicates wins

    def select(
        self,
        ids: str | Iterable[str] = (),
        cell: str | Iterable[str] = (),
        features: str | Iterable[str] = (),
        without: str | Iterable[str] = (),
        *,
        gradients: bool = False,
    ) -> list[Entry]:
        """Return the entries that match all arguments. Each argument is one name or several.

        Args:
            ids: ids or patterns such as ``documented/*``; any id if empty.
            cell: cells, or options of dialects such as ``linear_before_reset=0``; if empty, all cells except
                dialects, recurrences and integer LSTMs, plus those of them whose folder an id or pattern names. The
                corpus of kernels has all cells.
            features: features that a golden must have.
            without: features that a golden must not have.
            gradients: whether to return only goldens with gradients.

        Raises:
            UnknownName: an id or pattern matches nothing, or a cell or feature does not exist.
            WrongUse: it is in the corpus of kernels, or in a package that is not installed.
            TypeError: an argument is neither a name nor several names.
        """
        ids, cell = names("ids", ids), tuple(named for name in names("cell", cell) for named in cells_named(name))
        features, without = names("features", features), names("without", without)
        cells = tuple(dict.fromkeys([*BUILT_IN, *(entry.cell for entry in self.entries)]))
        for kind, requested, known in (("cell", cell, cells), ("feature", (*features, *without), FEATURES)):
            for name in requested:
                if name not in known:
                    shown = [cell for cell in known if cell not in DIALECTS] if kind == "cell" else ()
                    raise UnknownName(kind, name, known, listed_by="rnn-goldens list --dialects", shown=shown)
        if custom := [name for name in cell if is_custom_cell(name)]:
            from rnn_goldens.cells import name_cells

            name_cells(custom)
        for pattern in ids:
            if not any(fnmatchcase(known, pattern) for known in self.ids):
                raise self._unknown(pattern)
        if KERNEL_SIZE in features and not any(KERNEL_SIZE in entry.features for entry in self.entries):
            raise WrongUse(f"what has the feature {KERNEL_SIZE} is in {_OF_KERNELS}")
        by_name_only = (
            frozenset[str]() if all(KERNEL_SIZE in entry.features for entry in self.entries) else _BY_NAME_ONLY
        )
        named = [pattern for pattern in ids if pattern.partition("/")[0] != "*"]
        return [
            entry
            for entry in self.entries
            if (not ids or _matches(entry.id, ids))
            and (entry.cell in cell if cell else entry.cell not in by_name_only or _matches(entry.id, named))
            and set(features) <= set(entry.features)
            and not set(without) & set(entry.features)
            and (entry.gradient_precisions or not gradients)
        ]


def cells_named(name: str) -> tuple[str, ...]:
    """Return the dialects with an option such as ``linear_before_reset=0``; for another name, the name itself."""
    if "=" not in name:
        return (name,)
    options = {dialect: about.option.split(", ") for dialect, about in DIALECTS.items()}
    found = tuple(dialect for dialect, own in options.items() if _normal(name) in map(_normal, own))
    if not found:
        nearest = get_close_matches(name, dict.fromkeys(chain(*options.values())), n=2)
        hint = f"did you mean {' or '.join(nearest)}? " if nearest else ""
        raise WrongUse(f"no dialect has the option {name}: {hint}`rnn-goldens list --dialects` shows all options")
    return found


def _normal(option: str) -> tuple[str, str]:
    """Return the name and the value of an option; a number as its shortest text."""
    name, _, value = option.partition("=")
    value = {"true": "1", "false": "0"}.get(value.strip().lower(), value.strip())
    try:
        return name.strip(), f"{float(value):g}"
    except ValueError:
        return name.strip(), value


def _matches(golden_id: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(golden_id, pattern) for pattern in patterns)


def split_at_commas(label: str, text: str, what: str = "names") -> tuple[str, ...]:
    """Split a comma-separated list. Raises WrongUse, which begins with ``label``, if an entry is empty."""
    parts = tuple(part.strip() for part in text.split(","))
    if "" in parts:
        raise WrongUse(f"{label} {text!r}: an entry in the comma-separated list of {what} is empty")
    return parts


def names(argument: str, value: object) -> tuple[str, ...]:
    """Return one name or several names as a tuple. Raises TypeError for any other value."""
    if isinstance(value, str):
        return (value,)
    several = tuple(value) if isinstance(value, Iterable) else ()
    if not isinstance(value, Iterable) or not all(isinstance(name, str) for name in several):
        raise TypeError(f"{argument} takes a name or a list of names, not {value!r}")
    return several


def some_names(argument: str, value: object) -> tuple[str, ...]:
    """Return one name or several names as a tuple. Raises WrongUse for no name, and TypeError for any other value."""
    found = names(argument, value)
    if not found:
        meaning = "" if argument in ("features", "without") else ", which selects no golden"
        raise WrongUse(f"{argument} is empty{meaning}; omit it to select by other arguments")
    return found
