"""Findings on unexplained failures: data, and the sentences for terminal and page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import comb

from rnn_goldens.diagnosis.fact_list import FACTS, Value
from rnn_goldens.golden.expected import OUTPUTS
from rnn_goldens.golden.shapes import is_custom_cell
from rnn_goldens.plurals import counted

IN_WORDS = {
    "bias": ("have biases", "have no biases"),
    "state": ("have an initial state", "have no initial state"),
    "multilayer": ("have several layers", "have one layer"),
    "bidirectional": ("run in both directions", "run in one direction"),
    "lengths": ("have sequences of several lengths", "have sequences of one length"),
    "unbatched": ("have no batch axis", "have a batch axis"),
    "saturated": ("saturate an activation", "do not saturate an activation"),
    "long": ("are long", "are short"),
    "packed": ("hold packed sequences", "hold no packed sequences"),
    "grouped": ("have several query heads for each head", "have one query head for each head"),
}
"""Features that a failure may depend on: a verb phrase for goldens with the feature, and one for goldens without it."""


def exclusion_hint(options: Sequence[str]) -> str:
    """Return how to exclude the goldens that have any of these options."""
    quoted = ", ".join(f'"{option}"' for option in options)
    return f"to exclude them, without=[{quoted}]"


SIZES_IN_WORDS = {"steps": "time step", "rows": "row", "units": "unit", "inputs": "input"}
"""Sizes that a failure may depend on."""


_SINGULAR = {"have": "has", "are": "is", "do": "does"}


def is_explained(cell: str) -> bool:
    """Return whether ``rnn-goldens explain`` supports a cell: it supports built-in cells only."""
    return not is_custom_cell(cell)


def unexplained(
    failed: int,
    no_equations: str = "",
    *,
    all_zero: bool = False,
    of: str = OUTPUTS,
    is_cut_short: bool = False,
    too_many_crashed: int = 0,
) -> str:
    """Return a sentence: no deviation explains the failures, or the reason why no cause is named.

    Args:
        failed: the number of failures whose outputs were compared.
        no_equations: why no deviation could run; "" if one could.
        all_zero: whether every failure has zeros only.
        of: what was compared.
        is_cut_short: whether the budget was spent before every deviation was compared.
        too_many_crashed: the number of goldens that failed before outputs were compared, if they are the majority.
    """
    they_were = "It was" if failed == 1 else "They were"
    if too_many_crashed:
        return f"No cause is named: {too_many_crashed} others failed before {of} were compared."
    if no_equations:
        return f"{they_were} not compared with any deviation: {no_equations}."
    if all_zero:
        zero = "out is zero everywhere" if of == OUTPUTS else "every gradient is zero"
        return f"No deviation was compared with all {of}: {zero}, which many deviations cause."
    if is_cut_short:
        return f"{they_were} not compared with every known deviation; the compared ones explain nothing."
    return f"No known deviation explains {'it' if failed == 1 else 'them'}, nor does any pair that was tried."


@dataclass(frozen=True)
class SharedFeature:
    """A feature that all failures have, or all lack.

    Attributes:
        feature: the name of the feature.
        has: whether the failures have the feature.
        others: number of other goldens that differ from the failures in this feature.
        same: number of other goldens that do not differ from the failures in this feature.
    """

    feature: str
    has: bool
    others: int
    same: int


@dataclass(frozen=True)
class SharedSize:
    """A size that is larger, or smaller, in every failed golden than in every passed golden.

    Attributes:
        size: ``steps``, ``rows``, ``units`` or ``inputs``.
        more: whether it is larger in failed goldens.
        bound: the largest, or smallest, size of a passed golden.
    """

    size: str
    more: bool
    bound: int

    def __str__(self) -> str:
        than = f"{'more' if self.more else 'fewer'} than {counted(self.bound, SIZES_IN_WORDS[self.size])}"
        return f"only goldens of {than} fail"


@dataclass(frozen=True)
class Contrast:
    """A feature with which goldens fail more often, or less often, than without.

    Attributes:
        feature: the name of the feature.
        having: failed goldens with the feature, and all goldens with it.
        lacking: failed goldens without the feature, and all goldens without it.
    """

    feature: str
    having: tuple[int, int]
    lacking: tuple[int, int]

    @property
    def size(self) -> float:
        """The difference of the two failure rates."""
        return abs(self.having[0] / self.having[1] - self.lacking[0] / self.lacking[1])

    @property
    def chance(self) -> float:
        """The p-value of the difference: Fisher's exact test, one-sided."""
        failed, (most, of) = (
            self.having[0] + self.lacking[0],
            max(self.having, self.lacking, key=lambda part: part[0] / part[1]),
        )
        of_all = self.having[1] + self.lacking[1]
        splits = sum(comb(of, k) * comb(of_all - of, failed - k) for k in range(most, min(of, failed) + 1))
        return splits / comb(of_all, failed)

    def __str__(self) -> str:
        counts = zip((self.having, self.lacking), IN_WORDS[self.feature], strict=True)
        return "; ".join(
            f"{failed} of {of} that {words} {'fails' if failed == 1 else 'fail'}" for (failed, of), words in counts
        )


@dataclass(frozen=True)
class FewGoldens:
    """The failed or the passed goldens, whichever are fewer.

    Reported if there is no other finding, and after other findings if all of the failed goldens can be listed.

    Attributes:
        goldens: the first of these goldens; empty if every golden fails.
        more: the number of these goldens that are not in ``goldens``.
        fail: whether these are the failed goldens.
    """

    goldens: Sequence[str]
    more: int
    fail: bool

    def __str__(self) -> str:
        if not self.goldens:
            return "every golden fails, the simplest too"
        *others, last = self.goldens
        if self.more:
            count = counted(len(self.goldens) + self.more, "golden")
            return f"{count} {'fail' if self.fail else 'pass'}: {', '.join(self.goldens)} and {self.more} more"
        if others:
            return f"only {', '.join(others)} and {last} {'fail' if self.fail else 'pass'}"
        return f"only {last} {'fails' if self.fail else 'passes'}"


@dataclass(frozen=True)
class Finding:
    """The common properties of unexplained failures.

    Attributes:
        of: the number of failures.
        is_a_rest: whether other failures are explained.
        only_with: options of which every failure has at least one and no passed golden has any.
        features: features that all failures have, or all lack, unlike other goldens.
        sizes: sizes that are larger, or smaller, in every failed golden than in every passed one.
        facts: facts about the wrong outputs by name, with the value and the number of failures that can show the fact.
        contrast: the feature with which the failure rate differs most; reported if nothing above is found.
        few: the failed or passed goldens, whichever are fewer.
    """

    of: int = 0
    is_a_rest: bool = False
    only_with: Sequence[str] = ()
    features: Sequence[SharedFeature] = ()
    sizes: Sequence[SharedSize] = ()
    facts: Mapping[str, tuple[Value, int]] = field(default_factory=dict)
    contrast: Contrast | None = None
    few: FewGoldens | None = None

    def sentences(self) -> Iterator[str]:
        """Yield sentences, the most informative first. Facts of newer versions are skipped."""
        known = [code for code in self.facts if code in FACTS]
        sure = [code for code in known if FACTS[code].of_any]
        found = [self._of_fact(code, *self.facts[code]) for code in sure]
        found += self._of_options()
        found += [self._of_feature(shared) for shared in self.features if shared.feature in IN_WORDS]
        found += [str(shared) for shared in self.sizes if shared.size in SIZES_IN_WORDS]
        found += [self._of_fact(code, *self.facts[code]) for code in known if code not in sure]
        yield from found or [str(other) for other in (self.contrast, self.few) if other is not None][:1]
        if found and self.few is not None and self.few.fail and not self.few.more:
            yield str(self.few)

    def _of_options(self) -> Iterator[str]:
        if self.only_with:
            *others, last = (IN_WORDS[option][0] for option in self.only_with)
            text = f"all failed goldens {', '.join(others)} or {last}, unlike all passed goldens"
            yield f"{text}: {exclusion_hint(self.only_with)}"

    def _of_fact(self, code: str, value: Value, showing: int) -> str:
        where = "" if showing == self.of or FACTS[code].of_any else f" (in the {showing} that can show it)"
        return FACTS[code].text(value) + where

    def _of_feature(self, shared: SharedFeature) -> str:
        words, otherwise = IN_WORDS[shared.feature][:: 1 if shared.has else -1]
        if self.is_a_rest:
            return f"all {self.of} unexplained failures {words}; {shared.others} of the others {otherwise}"
        but = f" and {shared.same} {_agreeing(shared.same, words)}" if shared.same else ""
        others = f"{counted(shared.others, 'passed golden')} {_agreeing(shared.others, otherwise)}"
        return f"all failed goldens {words}; {others}{but}"


def _agreeing(count: int, words: str) -> str:
    """Return a verb phrase in the singular or plural."""
    verb, _, rest = words.partition(" ")
    return f"{_SINGULAR.get(verb, f'{verb}s')} {rest}" if count == 1 else words
