"""Counts the known deviations that the goldens of a run can detect, from the kill matrix, and the sizes they reach."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rnn_goldens.corpus.index import Entry
from rnn_goldens.corpus.kill_matrix import KillMatrix
from rnn_goldens.golden.data import GoldenData
from rnn_goldens.plurals import counted, was_or_were

OPTIONS = {
    "state": "an initial state",
    "multilayer": "several layers",
    "bidirectional": "both directions",
    "lengths": "lengths",
    "unbatched": "unbatched input",
}
"""Features that an implementation may or may not support, in words."""

BIASES = {False: "no bias", True: "a bias"}
"""Goldens without or with biases, in words. The key says whether a golden has biases."""

WIDEST = "float64"
"""The precision that detects most deviations."""

_NOUNS = {
    "input_size": "input",
    "hidden_size": "unit",
    "num_layers": "layer",
    "d_k": "key",
    "d_v": "value",
    "d": "channel",
    "channels": "channel",
    "n": "state",
    "width": "tap",
    "heads": "head",
    "query_heads": "query head",
    "key_heads": "key head",
    "groups": "group",
}
"""Sizes of a configuration, each with the noun that it counts."""

BEYOND = "An implementation that is wrong only beyond the sizes above is not detected."
"""The limit of every summary."""

_MAX_ADVICE = 3


@dataclass(frozen=True)
class Compared:
    """A golden that a run compared in a precision."""

    golden: str  # the id of the golden
    dtype: str  # the precision
    out_alone: bool = False  # whether only ``out`` was compared


@dataclass(frozen=True)
class NotCompared:
    """A golden that a run selected in a precision, but did not compare."""

    golden: str  # the id of the golden
    dtype: str  # the precision
    refused: str | None = None  # why; None if the golden was skipped or the implementation failed
    for_states: bool = False  # refused for cotangents of last states that are not returned


@dataclass(frozen=True)
class Gains:
    """Options that a run did not cover, and the number of further deviations that each could detect."""

    by_option: tuple[tuple[str, int], ...] = ()  # options in words, and how many more deviations: the largest first
    together: bool = False  # whether several options together detect deviations that no single one detects

    def __str__(self) -> str:
        """Return the options as a list in words."""
        listed = ", ".join(f"{what} ({gain} more)" for what, gain in self.by_option)
        return f"{listed}, and more together" if self.together else listed


@dataclass(frozen=True)
class Discrimination:
    """The number of deviations of a cell that the goldens compared in one precision can detect."""

    goldens: int  # the number of goldens that were compared
    shown: int  # the number of deviations that at least one of them detects
    total: int  # the number of deviations that some golden of the corpus detects
    left_out: int = 0  # the number of goldens that need no further option, but were not selected
    shown_there: int = 0  # the number of additional deviations that these goldens detect
    to_accept: Gains = Gains()  # options that the implementation refused
    not_covered: Gains = Gains()  # options that no golden of the run has
    # additional deviations that h_n and c_n would show, in goldens of which only ``out`` was compared, or which were
    # refused because states were not returned
    in_states: int = 0

    @property
    def count(self) -> str:
        """The detected and the total number, in words."""
        return f"all {self.total:,}" if self.shown == self.total else f"{self.shown:,} of {self.total:,}"

    def advice(self) -> Iterator[str]:
        """Yield a sentence for each way to detect more deviations; nothing if all can be detected."""
        if self.shown == self.total:
            return
        if self.shown_there:
            others = f"{counted(self.left_out, 'golden')} of the same kind {was_or_were(self.left_out)} not selected"
            yield f"{others}; they can detect {self.shown_there} more."
        to_do = [f"accept {self.to_accept}"] if self.to_accept.by_option else []
        if self.in_states:
            to_do.append(f"return the last states ({self.in_states} more)")
        if to_do:
            yield f"To detect more: {'; '.join(to_do)}."
        if self.not_covered.by_option:
            yield f"Not covered by this run: {self.not_covered}."


def sizes_of(golden: GoldenData) -> dict[str, int]:
    """Return the sizes of a golden, by the noun that each counts: units, layers, heads, rows, steps."""
    sizes = {noun: golden.config[name] for name, noun in _NOUNS.items() if name in golden.config}
    first, offsets = next(iter(golden.stored.inputs.values())), golden.stored.offsets
    if offsets is not None:
        return {**sizes, "row": len(offsets) - 1, "step": int(max(offsets[1:] - offsets[:-1]))}
    rows, steps = first.shape[:2] if "unbatched" not in golden.features else (1, len(first))
    return {**sizes, "row": rows, "step": steps}


def summary(about: str, goldens: str, found: Mapping[str, Discrimination], sizes: Mapping[str, int]) -> str:
    """Return the sentences that summarize what was compared.

    ``goldens`` is their number in words, ``found`` has the widest precision first, and the advice is for it only.
    """
    (widest, most), *others = found.items()
    deviations = "known deviation" if most.total == 1 else "known deviations"
    text = f"{goldens}; {most.count} {deviations} can be detected"
    if others:
        counts = "".join(f", {one.count} in {dtype}" for dtype, one in others)
        text = f"{about}: {text} in {widest}{counts}"
    else:
        text = f"{about}, {widest}: {text}"
    *first, last = (counted(size, noun) for noun, size in sizes.items())
    return " ".join([f"{text}, up to {', '.join(first)} and {last}.", *most.advice()])


def discrimination(
    matrix: KillMatrix,
    cell: str,
    entries: Iterable[Entry],
    compared: Collection[Compared],
    others: Collection[NotCompared] = (),
    *,
    gradients: bool = False,
) -> dict[str, Discrimination]:
    """Count the deviations of a cell that can be detected by precision, and find goldens and options that detect more.

    ``compared`` and ``others`` are the selected goldens of the cell. The matrix is that of ``gradients`` for gradients.
    """
    of_cell = _Cell(matrix, cell, [e for e in entries if e.cell == cell], compared, others, gradients=gradients)
    dtypes = {one.dtype for one in compared}
    return {dtype: of_cell.of(dtype) for dtype in matrix.precisions if dtype in dtypes}


class _Cell:
    """The goldens of a cell in a corpus, and the outcome of a run for them. Options are words, as in ``OPTIONS``."""

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
        self.needs = {
            e.id: {BIASES["bias" in e.features], *(OPTIONS[name] for name in OPTIONS.keys() & set(e.features))}
            for e in entries
        }
        self.ids = {one.golden for one in compared}
        self.selected = self.ids | {other.golden for other in others}
        self.accepted = {option for entry in entries if entry.id in self.ids for option in self.needs[entry.id]}
        self.dtypes = {one.dtype for one in compared} | {other.dtype for other in others}
        self.for_states = [one for one in others if one.for_states]
        self.refused = self._refused_for_options()
        self.refused_options = self._options_refused()
        self.shows = _shown_by(matrix, cell, {*self.dtypes, WIDEST})
        self.out_alone = any(one.out_alone for one in compared)
        self.shows_in_out = _shown_by(matrix, cell, {*self.dtypes, WIDEST}, of_out=True) if self.out_alone else {}

    def of(self, dtype: str) -> Discrimination:
        """Return the counts of a precision."""
        here = [one for one in self.compared if one.dtype == dtype]
        shown = self._shown(here)
        in_full = [one.golden for one in here] + [one.golden for one in self.for_states if one.dtype == dtype]
        left_out = [e for e in self._possible() if e.id not in self.selected and dtype in self.precisions[e.id]]
        there = self._shown_in(left_out, [dtype]) - shown
        gained = {
            option: self._shown_with({option}, dtype) - shown - there
            for option in (*OPTIONS.values(), *BIASES.values(), WIDEST)
            if option not in self.accepted | self.dtypes
        }
        to_accept = {option: more for option, more in gained.items() if option in self.refused_options}
        not_covered = {option: more for option, more in gained.items() if option not in self.refused_options}
        return Discrimination(
            goldens=len({one.golden for one in here}),
            shown=len(shown),
            total=len(self._shown([Compared(entry.id, dtype) for entry in self.entries])),
            left_out=len(left_out),
            shown_there=len(there),
            to_accept=self._gains(to_accept, dtype, shown | there),
            not_covered=self._gains(not_covered, dtype, shown | there),
            in_states=len(self._shown([Compared(golden, dtype) for golden in in_full]) - shown),
        )

    def _refused_for_options(self) -> set[str]:
        """Return goldens refused for an option: their reason does not occur for goldens with only accepted options."""
        accepted = {golden for golden, needs in self.needs.items() if needs <= self.accepted}
        others = {one.refused for one in self.others if one.golden in accepted or one.for_states}
        return {one.golden for one in self.others if one.refused is not None and one.refused not in others}

    def _options_refused(self) -> set[str]:
        """Return the options that the implementation must have refused.

        Such an option is the only unaccepted option of a refused golden, or all goldens refused for one reason need it.
        """
        missing = {golden: needs - self.accepted for golden, needs in self.needs.items() if golden in self.refused}
        by_reason: dict[str | None, list[set[str]]] = {}
        for one in self.others:
            if one.golden in missing:
                by_reason.setdefault(one.refused, []).append(missing[one.golden])
        alone = [options for options in missing.values() if len(options) == 1]
        return set().union(*alone, *(set.intersection(*some) for some in by_reason.values()))

    def _possible(self, options: Collection[str] = ()) -> list[Entry]:
        """Return the goldens that these options allow, except goldens that would be refused for another reason."""
        within = [entry for entry in self.entries if self.needs[entry.id] <= self.accepted.union(options)]
        if self.for_states:  # the index does not list which other goldens have cotangents of states
            return [entry for entry in within if entry.id in self.ids]
        return [e for e in within if e.id in self.ids or e.id in self.refused or e.id not in self.selected]

    def _shown_with(self, options: set[str], dtype: str) -> set[str]:
        """Return what is detected by goldens that need one of these options or more, and no other unaccepted one."""
        dtypes = {WIDEST} if options == {WIDEST} else {dtype, *options & {WIDEST}}
        entries = self._possible(options)
        if WIDEST not in options:
            entries = [entry for entry in entries if not self.needs[entry.id] <= self.accepted]
        return self._shown_in(entries, dtypes)

    def _gains(self, options: Mapping[str, set[str]], dtype: str, before: set[str]) -> Gains:
        """Return the options with the largest gains; ``before`` are the deviations that are detected without them."""
        best = sorted(((option, more) for option, more in options.items() if more), key=lambda item: -len(item[1]))
        best = best[:_MAX_ADVICE]
        if not best:
            return Gains()
        at_once = self._shown_with({option for option, _ in best}, dtype)
        by_one = before.union(*(more for _, more in best))
        return Gains(tuple((option, len(more)) for option, more in best), together=not at_once <= by_one)

    def _shown_in(self, entries: Iterable[Entry], dtypes: Collection[str]) -> set[str]:
        pairs = ((entry.id, dtype) for entry in entries for dtype in dtypes if dtype in self.precisions[entry.id])
        return self._shown([Compared(golden, dtype, self.out_alone) for golden, dtype in pairs])

    def _shown(self, some: Iterable[Compared]) -> set[str]:
        found: set[str] = set()
        for one in some:
            shows = self.shows_in_out if one.out_alone else self.shows
            found |= shows.get((one.golden, one.dtype), set())
        return found


def _shown_by(
    matrix: KillMatrix, cell: str, dtypes: Collection[str], *, of_out: bool = False
) -> dict[tuple[str, str], set[str]]:
    """Return the deviations of a cell that each golden detects in each precision, in all outputs or in ``out``."""
    places = [(place, dtype) for place, dtype in enumerate(matrix.precisions) if dtype in dtypes]
    found: dict[tuple[str, str], set[str]] = {}
    for deviation in matrix.deviations:
        if cell in deviation.cells:
            groups = (*deviation.margins, *(deviation.margins_of_out if of_out else ()))
            for golden, row in matrix.rows(groups).items():  # the rows of ``out`` come later and replace the others
                for place, dtype in places:
                    margin = row[place]
                    if margin is None or margin >= matrix.enough:
                        found.setdefault((golden, dtype), set()).add(deviation.name)
    return found
