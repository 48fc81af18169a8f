"""How much of what may be wrong the goldens of a run can show: by a kill matrix, which says what each of them shows."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rnn_goldens.corpus.index import Entry
from rnn_goldens.corpus.shown import KillMatrix
from rnn_goldens.counted import counted, was_or_were

OPTIONS = {
    "state": "an initial state",
    "multilayer": "several layers",
    "bidirectional": "both directions",
    "lengths": "lengths",
    "unbatched": "unbatched input",
}
"""Features that an implementation may accept, in words."""

BIASES = {False: "no bias", True: "a bias"}
"""Likewise, by whether a golden has biases."""

WIDEST = "float64"
"""The precision that shows most."""

_MOST_ADVICE = 3


@dataclass(frozen=True)
class Compared:
    """A golden in a precision that a run compared.

    Attributes:
        golden: its id.
        dtype: the precision.
        out_alone: whether other outputs than out were left out.
    """

    golden: str
    dtype: str
    out_alone: bool = False


@dataclass(frozen=True)
class NotCompared:
    """A golden in a precision that a run was to compare, and did not.

    Attributes:
        golden: its id.
        dtype: the precision.
        refused: why the implementation refused it; None of what was skipped, or went wrong before it returned anything.
        for_states: whether it was refused because its cotangents are of last states, which were not returned.
    """

    golden: str
    dtype: str
    refused: str | None = None
    for_states: bool = False


@dataclass(frozen=True)
class Gains:
    """What else an implementation may be asked, and how many more deviations can show then.

    Attributes:
        by_option: in words, and how many more; what shows most first.
        together: whether several of these at once show what none of them shows.
    """

    by_option: tuple[tuple[str, int], ...] = ()
    together: bool = False

    def __str__(self) -> str:
        """A list, in words."""
        listed = ", ".join(f"{what} (+{gain})" for what, gain in self.by_option)
        return f"{listed}, and more together" if self.together else listed


@dataclass(frozen=True)
class Discrimination:
    """How many of the deviations of a cell can show in what was compared in one precision.

    Attributes:
        goldens: how many goldens were compared.
        shown: how many deviations show in one of them.
        total: how many show in some golden of the corpus.
        left_out: how many goldens, which ask no more of an implementation, were not asked.
        shown_there: how many more deviations show in those.
        to_accept: what was refused.
        not_asked: what no golden of the run asked for.
        in_states: how many more show in h_n and c_n of what was compared on out alone, or refused for want of them.
    """

    goldens: int
    shown: int
    total: int
    left_out: int = 0
    shown_there: int = 0
    to_accept: Gains = Gains()
    not_asked: Gains = Gains()
    in_states: int = 0

    @property
    def count(self) -> str:
        """How many of how many."""
        return f"all {self.total:,}" if self.shown == self.total else f"{self.shown:,} of {self.total:,}"

    def advice(self) -> Iterator[str]:
        """Where the others would show, in a sentence for each kind; nothing if all can show."""
        if self.shown == self.total:
            return
        if self.shown_there:
            others = f"{counted(self.left_out, 'golden')} of the same kind {was_or_were(self.left_out)} left out"
            yield f"{others} (+{self.shown_there})."
        to_do = [f"accept {self.to_accept}"] if self.to_accept.by_option else []
        if self.in_states:
            to_do.append(f"return the last states (+{self.in_states})")
        if to_do:
            yield f"To ask more: {'; '.join(to_do)}."
        if self.not_asked.by_option:
            yield f"Not asked in this run: {self.not_asked}."


def summary(about: str, goldens: str, found: Mapping[str, Discrimination]) -> str:
    """A sentence or a few of what was compared.

    Args:
        about: of which cell.
        goldens: how many, in words.
        found: by precision, what shows most first; where there are several, what else could be asked is said of that.
    """
    (widest, most), *others = found.items()
    deviations = "known deviation" if most.total == 1 else "known deviations"
    said = f"{goldens}; {most.count} {deviations} can show"
    if others:
        counts = "".join(f", {one.count} in {dtype}" for dtype, one in others)
        said = f"{about}: {said} in {widest}{counts}."
    else:
        said = f"{about}, {widest}: {said}."
    return " ".join([said, *most.advice()])


def discrimination(
    matrix: KillMatrix,
    cell: str,
    entries: Iterable[Entry],
    compared: Collection[Compared],
    others: Collection[NotCompared] = (),
    *,
    gradients: bool = False,
) -> dict[str, Discrimination]:
    """How many deviations of a cell can show, and what else would show more.

    Args:
        matrix: what each golden shows.
        cell: the cell.
        entries: the goldens that the matrix is of.
        compared: those of the cell that were compared.
        others: those that were to be, and were not.
        gradients: whether it is their gradients that were, and that the matrix is of.

    Returns:
        By precision, the widest first; of those in which something was compared.
    """
    found = _Cell(matrix, cell, [e for e in entries if e.cell == cell], compared, others, gradients=gradients)
    dtypes = {one.dtype for one in compared}
    return {dtype: found.of(dtype) for dtype in matrix.precisions if dtype in dtypes}


@dataclass(frozen=True)
class _Option:
    """What an implementation may be asked besides what it accepts."""

    what: str
    features: frozenset[str] = frozenset()
    biases: frozenset[bool] = frozenset()
    dtypes: frozenset[str] = frozenset()


class _Cell:
    """What was compared of a cell, beside all that there is of it."""

    def __init__(
        self,
        matrix: KillMatrix,
        cell: str,
        entries: Sequence[Entry],
        compared: Collection[Compared],
        others: Collection[NotCompared],
        *,
        gradients: bool,
    ) -> None:
        self.entries, self.compared, self.others = entries, compared, others
        self.precisions = {e.id: e.gradient_precisions if gradients else e.precisions for e in entries}
        self.ids = {one.golden for one in compared}
        self.asked = self.ids | {other.golden for other in others}
        those = [entry for entry in entries if entry.id in self.ids]
        self.features = {feature for entry in those for feature in entry.features} & OPTIONS.keys()
        self.biases = {"bias" in entry.features for entry in those}
        self.dtypes_asked = {one.dtype for one in compared} | {other.dtype for other in others}
        self.refused = self._refused_for_options()
        self.refused_options = self._options_refused()
        self.for_states = [one for one in others if one.for_states]
        dtypes = {*self.dtypes_asked, WIDEST}
        self.shows = _shown_by(matrix, cell, dtypes)
        self.out_alone = any(one.out_alone for one in compared)
        self.shows_in_out = _shown_by(matrix, cell, dtypes, of_out=True) if self.out_alone else {}

    def of(self, dtype: str) -> Discrimination:
        """All that is said of a precision."""
        here = [one for one in self.compared if one.dtype == dtype]
        shown = self._shown(here)
        in_full = [one.golden for one in here] + [one.golden for one in self.for_states if one.dtype == dtype]
        left_out = [e for e in self._possible() if e.id not in self.asked and dtype in self.precisions[e.id]]
        there = self._shown_in(left_out, [dtype]) - shown
        to_accept: list[tuple[_Option, set[str]]] = []
        not_asked: list[tuple[_Option, set[str]]] = []
        for option in self._options():
            asking = self._asking([option], dtype)
            where = to_accept if option.what in self.refused_options else not_asked
            where.append((option, self._shown_in(asking, option.dtypes or [dtype]) - shown - there))
        return Discrimination(
            goldens=len({one.golden for one in here}),
            shown=len(shown),
            total=len(self._shown([Compared(entry.id, dtype) for entry in self.entries])),
            left_out=len(left_out),
            shown_there=len(there),
            to_accept=self._gains(to_accept, dtype, shown | there),
            not_asked=self._gains(not_asked, dtype, shown | there),
            in_states=len(self._shown([Compared(golden, dtype) for golden in in_full]) - shown),
        )

    def _refused_for_options(self) -> set[str]:
        """What was refused for what it asks besides what is accepted: not for a reason that is given elsewhere, too."""
        accepted = {entry.id for entry in self._within(self.features, self.biases)}
        others = {one.refused for one in self.others if one.golden in accepted or one.for_states}
        return {one.golden for one in self.others if one.refused is not None and one.refused not in others}

    def _options_refused(self) -> set[str]:
        """In words: what was refused where nothing else was missing, and what all have that a reason was given for."""
        missing = {entry.id: self._missing(entry) for entry in self.entries if entry.id in self.refused}
        by_reason: dict[str | None, list[set[str]]] = {}
        for one in self.others:
            if one.golden in missing:
                by_reason.setdefault(one.refused, []).append(missing[one.golden])
        alone = [options for options in missing.values() if len(options) == 1]
        return set().union(*alone, *(set.intersection(*some) for some in by_reason.values()))

    def _missing(self, entry: Entry) -> set[str]:
        """What a golden asks besides what is accepted, in words."""
        has_bias = "bias" in entry.features
        asked = {OPTIONS[feature] for feature in OPTIONS.keys() & set(entry.features) - self.features}
        return asked if has_bias in self.biases else {*asked, BIASES[has_bias]}

    def _options(self) -> Iterator[_Option]:
        for feature, what in OPTIONS.items():
            if feature not in self.features:
                yield _Option(what, features=frozenset({feature}))
        for has_bias, what in BIASES.items():
            if has_bias not in self.biases:
                yield _Option(what, biases=frozenset({has_bias}))
        if WIDEST not in self.dtypes_asked:
            yield _Option(WIDEST, dtypes=frozenset({WIDEST}))

    def _asking(self, options: Sequence[_Option], dtype: str) -> list[Entry]:
        """What can be asked only with one of these, and with nothing else."""
        dtypes = {dtype}.union(*(option.dtypes for option in options))
        possible = [e for e in self._possible(options) if dtypes & set(self.precisions[e.id])]
        if WIDEST in dtypes - {dtype}:
            return possible
        accepted = {entry.id for entry in self._within(self.features, self.biases)}
        return [entry for entry in possible if entry.id not in accepted]

    def _possible(self, options: Sequence[_Option] = ()) -> list[Entry]:
        """What could have been compared, or was: not what was refused for a reason that would remain."""
        features = self.features.union(*(option.features for option in options))
        biases = self.biases.union(*(option.biases for option in options))
        within = self._within(features, biases)
        if self.for_states:  # of what else the cotangents are, no index says
            return [entry for entry in within if entry.id in self.ids]
        return [e for e in within if e.id in self.ids or e.id in self.refused or e.id not in self.asked]

    def _gains(self, options: Sequence[tuple[_Option, set[str]]], dtype: str, before: set[str]) -> Gains:
        """Those that show most; ``before`` shows without them."""
        best = sorted(((option, more) for option, more in options if more), key=lambda found: -len(found[1]))
        best = best[:_MOST_ADVICE]
        if not best:
            return Gains()
        chosen = [option for option, _ in best]
        at_once = self._shown_in(self._asking(chosen, dtype), {dtype}.union(*(option.dtypes for option in chosen)))
        by_one = before.union(*(more for _, more in best))
        return Gains(tuple((option.what, len(more)) for option, more in best), together=not at_once <= by_one)

    def _within(self, features: Collection[str], biases: Collection[bool]) -> list[Entry]:
        """The goldens that ask for nothing but these features."""
        return [
            entry
            for entry in self.entries
            if OPTIONS.keys() & set(entry.features) <= set(features) and ("bias" in entry.features) in biases
        ]

    def _shown_in(self, entries: Iterable[Entry], dtypes: Iterable[str]) -> set[str]:
        dtypes = list(dtypes)
        return self._shown([Compared(entry.id, dtype, self.out_alone) for entry in entries for dtype in dtypes])

    def _shown(self, some: Iterable[Compared]) -> set[str]:
        found: set[str] = set()
        for one in some:
            shows = self.shows_in_out if one.out_alone else self.shows
            found |= shows.get((one.golden, one.dtype), set())
        return found


def _shown_by(
    matrix: KillMatrix, cell: str, dtypes: Collection[str], *, of_out: bool = False
) -> dict[tuple[str, str], set[str]]:
    """By golden and precision, the deviations of a cell that show there, in all outputs or in out alone."""
    places = [(place, dtype) for place, dtype in enumerate(matrix.precisions) if dtype in dtypes]
    found: dict[tuple[str, str], set[str]] = {}
    for deviation in matrix.deviations:
        if cell in deviation.cells:
            groups = (*deviation.margins, *(deviation.margins_of_out if of_out else ()))
            for golden, row in matrix.rows(groups).items():  # of out, a golden's later row counts
                for place, dtype in places:
                    margin = row[place]
                    if margin is None or margin >= matrix.enough:
                        found.setdefault((golden, dtype), set()).add(deviation.name)
    return found
