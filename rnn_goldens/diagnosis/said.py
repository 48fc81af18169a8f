"""What is told of failures that nothing explains: plain data, and the sentences that both terminal and page say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import comb

from rnn_goldens.counted import counted
from rnn_goldens.diagnosis.fact_list import IN_WORDS, SIZES_IN_WORDS, Value, leave_out
from rnn_goldens.diagnosis.gradient_facts import EVERY_FACT
from rnn_goldens.golden.expected import OUTPUTS
from rnn_goldens.golden.shapes import is_own_cell


def is_explained(cell: str) -> bool:
    """Whether ``rnn-goldens explain`` shows deviations of a cell; what it shows is of ours."""
    return not is_own_cell(cell)


def unexplained(
    failed: int, no_equations: str = "", *, all_zero: bool = False, of: str = OUTPUTS, is_cut_short: bool = False
) -> str:
    """That no deviation explains so many failures; or why they were compared with none."""
    they_were = "It was" if failed == 1 else "They were"
    if no_equations:
        return f"{they_were} compared with no deviation: {no_equations}."
    if all_zero:
        zero = "out is zero everywhere" if of == OUTPUTS else "every gradient is zero"
        return f"{they_were} compared with no deviation as a whole: {zero}, as many leave it."
    if is_cut_short:
        return f"{they_were} not compared with every known deviation; those that were explain nothing."
    return f"No known deviation explains {'it' if failed == 1 else 'them'}, nor do two at once that were tried."


@dataclass(frozen=True)
class Blamed:
    """A feature that all have, or all lack.

    Attributes:
        feature: its name.
        has: whether they have it.
        others: how many of those they are compared with are otherwise.
        same: how many of them are the same.
    """

    feature: str
    has: bool
    others: int
    same: int


@dataclass(frozen=True)
class Beyond:
    """A size: all that fail have more of it than any that passes, or less.

    Attributes:
        size: ``steps``, ``rows``, ``units`` or ``inputs``.
        more: whether they have more.
        bound: the most, or the least, with which goldens pass.
    """

    size: str
    more: bool
    bound: int

    def __str__(self) -> str:
        than = f"{'more' if self.more else 'fewer'} than {counted(self.bound, SIZES_IN_WORDS[self.size])}"
        return f"only goldens of {than} fail"


@dataclass(frozen=True)
class Contrast:
    """A feature with which goldens fail more often, or less, than without.

    Attributes:
        feature: its name.
        having: how many that have it fail, and how many there are.
        lacking: the same of those that have it not.
    """

    feature: str
    having: tuple[int, int]
    lacking: tuple[int, int]

    @property
    def size(self) -> float:
        """The difference of the two parts."""
        return abs(self.having[0] / self.having[1] - self.lacking[0] / self.lacking[1])

    @property
    def chance(self) -> float:
        """How likely so uneven a split is if the feature does not matter: Fisher's exact test, one side of it."""
        failed, (most, of) = (
            self.having[0] + self.lacking[0],
            max(self.having, self.lacking, key=lambda part: part[0] / part[1]),
        )
        of_all = self.having[1] + self.lacking[1]
        ways = sum(comb(of, k) * comb(of_all - of, failed - k) for k in range(most, min(of, failed) + 1))
        return ways / comb(of_all, failed)

    def __str__(self) -> str:
        counts = zip((self.having, self.lacking), IN_WORDS[self.feature], strict=True)
        return "; ".join(
            f"{failed} of {of} that {words} {'fails' if failed == 1 else 'fail'}" for (failed, of), words in counts
        )


@dataclass(frozen=True)
class Few:
    """Which goldens are the few, those that fail or those that pass: told where nothing else is.

    Attributes:
        goldens: the first of them; none if every golden fails.
        more: how many others there are.
        fail: whether it is they that fail.
    """

    goldens: Sequence[str]
    more: int
    fail: bool

    def __str__(self) -> str:
        if not self.goldens:
            return "every golden fails, the simplest too"
        listed = ", ".join(self.goldens) + (f" and {self.more} more" if self.more else "")
        if len(self.goldens) == 1:
            return f"{listed} alone {'fails' if self.fail else 'passes'}"
        return f"no feature tells what fails from what passes; {listed} {'fail' if self.fail else 'pass'}"


@dataclass(frozen=True)
class Said:
    """What failures have in common.

    Attributes:
        of: how many they are.
        is_a_rest: whether others are explained.
        only_with: options of which every failure has one, and nothing that passes has any.
        features: what they have, or lack, and others do not.
        sizes: beyond which they are.
        facts: what is seen in their outputs, by name; with which value, and how many can show it.
        contrast: what tells them best from what passed, where nothing holds of all.
        few: which are the few, where there is no contrast either.
    """

    of: int = 0
    is_a_rest: bool = False
    only_with: Sequence[str] = ()
    features: Sequence[Blamed] = ()
    sizes: Sequence[Beyond] = ()
    facts: Mapping[str, tuple[Value, int]] = field(default_factory=dict)
    contrast: Contrast | None = None
    few: Few | None = None

    def sentences(self) -> Iterator[str]:
        """What tells most comes first; what a newer version has seen, and this one does not know, is left out."""
        known = [code for code in self.facts if code in EVERY_FACT]
        sure = [code for code in known if EVERY_FACT[code].of_any]
        found = [self._of_fact(code, *self.facts[code]) for code in sure]
        found += self._of_options()
        found += [self._of_feature(blamed) for blamed in self.features if blamed.feature in IN_WORDS]
        found += [str(beyond) for beyond in self.sizes if beyond.size in SIZES_IN_WORDS]
        found += [self._of_fact(code, *self.facts[code]) for code in known if code not in sure]
        yield from found or [str(said) for said in (self.contrast, self.few) if said is not None][:1]
        if found and self.few is not None and self.few.fail and not self.few.more:
            yield f"{', '.join(self.few.goldens)} alone {'fails' if len(self.few.goldens) == 1 else 'fail'}"

    def _of_options(self) -> Iterator[str]:
        if self.only_with:
            *others, last = (IN_WORDS[option][0] for option in self.only_with)
            all_fail = f"all that fail {', '.join(others)} or {last}; nothing that passes does"
            yield f"{all_fail}: {leave_out(self.only_with)}"

    def _of_fact(self, code: str, value: Value, showing: int) -> str:
        where = "" if showing == self.of or EVERY_FACT[code].of_any else f" (in the {showing} that can show it)"
        return EVERY_FACT[code].said(value) + where

    def _of_feature(self, blamed: Blamed) -> str:
        words, otherwise = IN_WORDS[blamed.feature][:: 1 if blamed.has else -1]
        if self.is_a_rest:
            return f"all {self.of} that are not explained {words}; of those that are, {blamed.others} {otherwise}"
        but = f", and {blamed.same} {words}" if blamed.same else ""
        return f"all that fail {words}; of those that pass, {blamed.others} {otherwise}{but}"
