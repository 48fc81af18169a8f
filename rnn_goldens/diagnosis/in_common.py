"""What failures that nothing explains have in common, and what tells them from all others."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from rnn_goldens.counted import counted
from rnn_goldens.diagnosis.fact_list import FACTS, IN_WORDS, SIZES_IN_WORDS, Value

if TYPE_CHECKING:
    from rnn_goldens.diagnosis.causes import Diagnosis, Evidence

FEWEST_PASSED = 2
"""So many goldens without a feature have to pass, for it to be blamed."""

SAME = 0.01
"""So near are numbers that are one and the same, as a part of it."""

LEAST_CONTRAST = 0.5
"""What differs less with a feature and without it tells nothing of it."""


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

    def __str__(self) -> str:
        counts = zip((self.having, self.lacking), IN_WORDS[self.feature], strict=True)
        return "; ".join(
            f"{failed} of {of} that {words} {'fails' if failed == 1 else 'fail'}" for (failed, of), words in counts
        )


@dataclass(frozen=True)
class Common:
    """Failures, and what they are compared with.

    Attributes:
        rest: those that nothing explains.
        explained: other failures, which a suspect explains.
        passed: what passed.
    """

    rest: tuple["Evidence", ...]
    explained: tuple["Evidence", ...]
    passed: tuple["Evidence", ...]

    @cached_property
    def facts(self) -> Mapping[str, tuple[Value, int]]:
        """The facts that hold of all that can show them, by name; with which value, and how many can."""
        found: dict[str, tuple[Value, int]] = {}
        for code, fact in FACTS.items():
            values = [evidence.facts[code] for evidence in self.rest if code in evidence.facts]
            if fact.of_any:
                values = [value for value in values if value][:1]
            needed = min(fact.enough, len(self.rest)) if fact.enough else len(self.rest) / 2
            if values and (fact.of_any or len(values) >= needed) and _all_the_same(values):
                found[code] = (values[0], len(values))
        return {code: said for code, said in found.items() if not any(more in found for more in FACTS[code].unless)}

    @cached_property
    def features(self) -> Sequence[Blamed]:
        """Features of all, told from the failures that are explained if there are any, else from what passed."""
        others, fewest = (self.explained, 1) if self.explained else (self.passed, FEWEST_PASSED)
        found = []
        for feature in IN_WORDS:
            for has in (True, False):
                if all((feature in e.features) == has for e in self.rest):
                    otherwise = sum((feature in e.features) != has for e in others)
                    same = len(others) - otherwise
                    if otherwise >= fewest and same <= otherwise / 2:
                        found.append(Blamed(feature, has, otherwise, same))
        return found

    @cached_property
    def sizes(self) -> Sequence[Beyond]:
        """Sizes beyond which all fail, and below which all pass."""
        if self.explained or len(self.passed) < FEWEST_PASSED:
            return []
        found = []
        for size in SIZES_IN_WORDS:
            fail, passed = ([e.sizes[size] for e in some if size in e.sizes] for some in (self.rest, self.passed))
            if fail and passed and min(fail) > max(passed):
                found.append(Beyond(size, True, max(passed)))
            elif fail and passed and max(fail) < min(passed):
                found.append(Beyond(size, False, min(passed)))
        return found

    @cached_property
    def contrast(self) -> Contrast | None:
        """The feature that tells best what fails from what passes; None if there is none that tells much."""
        found = []
        for feature in IN_WORDS if not self.explained else ():
            fail, of_all = (
                [sum((feature in e.features) == has for e in some) for has in (True, False)]
                for some in (self.rest, (*self.rest, *self.passed))
            )
            if all(of_all):
                found.append(Contrast(feature, (fail[0], of_all[0]), (fail[1], of_all[1])))
        best = max(found, key=lambda contrast: contrast.size, default=None)
        return best if best is not None and best.size >= LEAST_CONTRAST else None

    def sentences(self) -> Iterator[str]:
        """What tells most comes first; there may be nothing to say."""
        told = [*map(self._of_feature, self.features), *map(str, self.sizes)]
        told += [self.of_fact(code, value, showing) for code, (value, showing) in self.facts.items()]
        if told:
            yield from told
        elif self.contrast is not None:
            yield str(self.contrast)
        elif not self.passed and not self.explained:
            yield "every golden fails, the simplest too"

    def of_fact(self, code: str, value: Value, showing: int) -> str:
        """A fact as a sentence."""
        return fact_in_words(code, value, showing, len(self.rest))

    def _of_feature(self, blamed: Blamed) -> str:
        return feature_in_words(blamed, len(self.rest) if self.explained else None)


def in_common(diagnoses: "Sequence[Diagnosis]") -> Common:
    """Of the failures of one cell or several that no suspect explains; where all are explained, of all."""
    rest = [evidence for diagnosis in diagnoses for evidence in diagnosis.unexplained or diagnosis.failed]
    left = {id(evidence) for evidence in rest}
    explained = [evidence for diagnosis in diagnoses for evidence in diagnosis.failed if id(evidence) not in left]
    return Common(tuple(rest), tuple(explained), tuple(e for diagnosis in diagnoses for e in diagnosis.passed))


def fact_in_words(code: str, value: Value, showing: int, of: int) -> str:
    """A fact as a sentence; how many can show it, where not all can."""
    where = "" if showing == of or FACTS[code].of_any else f" (in the {showing} that can show it)"
    return FACTS[code].sentence.format(value) + where


def feature_in_words(blamed: Blamed, unexplained: int | None) -> str:
    """A feature as a sentence: of so many that are not explained, or, if that is None, of all that fail."""
    words = IN_WORDS[blamed.feature][0 if blamed.has else 1]
    if unexplained is not None:
        are = "is explained does" if blamed.others == 1 else "are explained do"
        return f"all {unexplained} that are not explained {words}; {blamed.others} that {are} not"
    do, fail = ("does", "passes") if blamed.others == 1 else ("do", "pass")
    but = f"; so {'does' if blamed.same == 1 else 'do'} {blamed.same} that pass{'es' if blamed.same == 1 else ''}"
    return f"all that fail {words}; {blamed.others} that {do} not {fail}{but if blamed.same else ''}"


def _all_the_same(values: Sequence[Value]) -> bool:
    return all(values) and max(values) - min(values) <= SAME * max(abs(value) for value in values)
