"""Findings on unexplained failures: what they have in common, and what distinguishes them from all other goldens."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import comb, inf

from rnn_goldens.diagnosis import Diagnosis, Evidence
from rnn_goldens.diagnosis.facts import FACTS
from rnn_goldens.diagnosis.observation import Of, Value
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
    "grouped-values": ("have several heads for each key head", "have a key head for each head"),
    "grouped-channels": ("have several groups of channels", "have one group of channels"),
    "one-beta": ("have one beta for all heads", "have a beta for each head"),
}
"""Features that a failure may depend on: a verb phrase for goldens with the feature, and one for goldens without it."""

OPTIONS = ("multilayer", "bidirectional", "lengths", "unbatched")
"""Features that a network may not support, which ``without`` excludes."""

SIZES_IN_WORDS = {"steps": "time step", "rows": "row", "units": "unit", "inputs": "input"}
"""Sizes that a failure may depend on."""

FEWEST_PASSED = 2
"""Number of goldens without a feature that must pass for the feature to be reported."""

BY_CHANCE = 0.01
"""A pattern whose probability to occur by chance is smaller is not a coincidence."""

SAME = 0.01
"""Largest relative difference of numbers that count as equal."""

MAX_LISTED = 3
"""Number of goldens that are listed."""

MIN_CONTRAST = 0.5
"""Smallest difference of failure rates, with and without a feature, that is reported."""

_SINGULAR = {"have": "has", "are": "is", "do": "does"}


@dataclass(frozen=True)
class SharedFeature:
    """A feature that all failures have, or all lack, and the numbers of other goldens that differ in it, and do not."""

    feature: str
    has: bool
    others: int
    same: int


@dataclass(frozen=True)
class SharedSize:
    """A size of every failed golden that is more, or less, than the bound: that of any passed golden."""

    size: str
    more: bool
    bound: int

    def __str__(self) -> str:
        than = f"{'more' if self.more else 'fewer'} than {counted(self.bound, SIZES_IN_WORDS[self.size])}"
        return f"only goldens of {than} fail"


@dataclass(frozen=True)
class Counts:
    """The number of failed goldens of a group, and of all its goldens."""

    failed: int
    of: int

    @property
    def rate(self) -> float:
        """The fraction that fails."""
        return self.failed / self.of


@dataclass(frozen=True)
class Contrast:
    """A feature with which goldens fail more often, or less often, than without."""

    feature: str
    having: Counts
    lacking: Counts

    @property
    def size(self) -> float:
        """The difference of the two failure rates."""
        return abs(self.having.rate - self.lacking.rate)

    @property
    def chance(self) -> float:
        """The p-value of the difference: Fisher's exact test, one-sided."""
        most = max(self.having, self.lacking, key=lambda counts: counts.rate)
        failed, of_all = self.having.failed + self.lacking.failed, self.having.of + self.lacking.of
        splits = (
            comb(most.of, k) * comb(of_all - most.of, failed - k) for k in range(most.failed, min(most.of, failed) + 1)
        )
        return sum(splits) / comb(of_all, failed)

    def __str__(self) -> str:
        both = zip((self.having, self.lacking), IN_WORDS[self.feature], strict=True)
        return "; ".join(
            f"{counts.failed} of {counts.of} that {words} {'fails' if counts.failed == 1 else 'fail'}"
            for counts, words in both
        )


@dataclass(frozen=True)
class FewGoldens:
    """The first of the failed or the passed goldens, whichever are fewer, and the number of others.

    Reported if there is no other finding, and after other findings if all of the failed goldens can be listed.
    """

    goldens: list[str]
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
class SharedFact:
    """A fact that all failures which can show it do show: its value, and the number of these failures."""

    value: Value
    shown_by: int


@dataclass(frozen=True)
class Finding:
    """The common properties of unexplained failures, in the form of ``results-1.schema.json``.

    Attributes:
        of: the number of failures.
        is_a_rest: whether other failures are explained.
        only_with: options of which every failure has at least one and no passed golden has any.
        contrast: the feature with which the failure rate differs most; reported if nothing above is found.
    """

    of: int = 0
    is_a_rest: bool = False
    only_with: list[str] = field(default_factory=list)
    features: list[SharedFeature] = field(default_factory=list)
    sizes: list[SharedSize] = field(default_factory=list)
    facts: dict[str, SharedFact] = field(default_factory=dict)
    contrast: Contrast | None = None
    few: FewGoldens | None = None

    def sentences(self) -> Iterator[str]:
        """Yield sentences, the most informative first. Facts of newer versions are skipped."""
        known = {code: self._of_fact(code, fact) for code, fact in self.facts.items() if code in FACTS}
        sure = [code for code in known if Of.ANY in FACTS[code].of]
        found = [*map(known.pop, sure), *self._of_options()]
        found += [self._of_feature(shared) for shared in self.features if shared.feature in IN_WORDS]
        found += [str(shared) for shared in self.sizes if shared.size in SIZES_IN_WORDS]
        found += known.values()
        yield from found or [str(other) for other in (self.contrast, self.few) if other is not None][:1]
        if found and self.few is not None and self.few.fail and not self.few.more:
            yield str(self.few)

    def _of_options(self) -> Iterator[str]:
        if self.only_with:
            *others, last = (IN_WORDS[option][0] for option in self.only_with)
            text = f"all failed goldens {', '.join(others)} or {last}, unlike all passed goldens"
            yield f"{text}: {exclusion_hint(self.only_with)}"

    def _of_fact(self, code: str, shared: SharedFact) -> str:
        is_everywhere = shared.shown_by == self.of or Of.ANY in FACTS[code].of
        where = "" if is_everywhere else f" (in the {shared.shown_by} that can show it)"
        return FACTS[code].text(shared.value) + where

    def _of_feature(self, shared: SharedFeature) -> str:
        words, otherwise = IN_WORDS[shared.feature][:: 1 if shared.has else -1]
        if self.is_a_rest:
            return f"all {self.of} unexplained failures {words}; {shared.others} of the others {otherwise}"
        but = f" and {shared.same} {_agreeing(shared.same, words)}" if shared.same else ""
        others = f"{counted(shared.others, 'passed golden')} {_agreeing(shared.others, otherwise)}"
        return f"all failed goldens {words}; {others}{but}"


def exclusion_hint(options: Sequence[str]) -> str:
    """Return how to exclude the goldens that have any of these options."""
    quoted = ", ".join(f'"{option}"' for option in options)
    return f"to exclude them, without=[{quoted}]"


def _agreeing(count: int, words: str) -> str:
    """Return a verb phrase in the singular or plural."""
    verb, _, rest = words.partition(" ")
    return f"{_SINGULAR.get(verb, f'{verb}s')} {rest}" if count == 1 else words


def finding_on(diagnoses: Sequence[Diagnosis]) -> Finding:
    """Return the finding on failures that no candidate explains; on all failures of a cell that has none of these."""
    rest = [evidence for diagnosis in diagnoses for evidence in diagnosis.unexplained or diagnosis.failed]
    left = {id(evidence) for evidence in rest}
    explained = [evidence for diagnosis in diagnoses for evidence in diagnosis.failed if id(evidence) not in left]
    passed = [evidence for diagnosis in diagnoses for evidence in diagnosis.passed]
    if any(diagnosis.crashed for diagnosis in diagnoses):  # what failures have in common is unknown
        return Finding(len(rest), bool(explained), facts=_shared_facts(rest, len(explained), len(passed)))
    return finding(rest, explained, passed)


def finding(rest: Sequence[Evidence], explained: Sequence[Evidence], passed: Sequence[Evidence]) -> Finding:
    """Return what unexplained failures have in common, unlike explained failures and passed goldens."""
    # A passed golden with a larger tolerance than the smallest error of a failure may have the same error.
    smallest = min((one.error for one in rest if one.error is not None), default=inf)
    informative = [one for one in passed if one.error is None or one.error < smallest]
    only_with = _only_with([*rest, *explained], passed)
    features = [] if only_with else list(_shared_features(rest, explained, informative, passed))
    is_known = explained or len(informative) < FEWEST_PASSED or any(not one.same for one in features)
    fewer_fail = 0 < len(rest) <= len(passed)
    goldens = [one.golden for one in (rest if fewer_fail else passed)]
    return Finding(
        len(rest),
        bool(explained),
        only_with,
        features,
        [] if is_known else list(_shared_sizes(rest, passed)),
        _shared_facts(rest, len(explained), len(passed)),
        None if explained else _contrast(rest, informative),
        None if explained else FewGoldens(goldens[:MAX_LISTED], max(0, len(goldens) - MAX_LISTED), fewer_fail),
    )


def _shared_facts(rest: Sequence[Evidence], explained: int, passed: int) -> dict[str, SharedFact]:
    found: dict[str, SharedFact] = {}
    for code, fact in FACTS.items():
        values = [evidence.facts[code] for evidence in rest if code in evidence.facts]
        if Of.ANY in fact.of:
            values = [value for value in values if value][:1]
        if Of.EQUATIONS in fact.of and len(rest) + explained <= passed:
            continue
        needed = min(fact.enough, len(rest)) if fact.enough else len(rest) / 2
        if Of.MOST in fact.of and values and all(values):
            values = [max(values)] * len(values)
        is_shared = all(values) and (Of.ANY in fact.of or len(values) >= needed)
        if values and is_shared and max(values) - min(values) <= SAME * max(map(abs, values)):
            found[code] = SharedFact(values[0], len(values))
    return {code: fact for code, fact in found.items() if not found.keys() & set(FACTS[code].unless)}


def _only_with(failed: Sequence[Evidence], passed: Sequence[Evidence]) -> list[str]:
    """Return the options of which every failure has at least one and no passed golden has any, if there are several."""
    lacking = [option for option in OPTIONS if not any(option in one.features for one in passed)]
    found = [option for option in lacking if any(option in one.features for one in failed)]
    holds = len(passed) >= FEWEST_PASSED and all(set(found) & set(one.features) for one in failed)
    return found if holds and len(found) > 1 else []


def _shared_features(
    rest: Sequence[Evidence], explained: Sequence[Evidence], informative: Sequence[Evidence], passed: Sequence[Evidence]
) -> Iterator[SharedFeature]:
    """Yield the features that distinguish all unexplained failures from the explained ones, or from passed goldens."""
    others, fewest = (explained, 1) if explained else (informative, FEWEST_PASSED)
    for feature in IN_WORDS:
        for has in (True, False):
            if not all((feature in one.features) == has for one in rest):
                continue
            otherwise = sum((feature in one.features) != has for one in others)
            same = len(others) - otherwise
            chance = (1 - otherwise / (len(rest) + len(others))) ** len(rest) if same else 0
            if otherwise >= fewest and (same <= otherwise / 2 if explained else chance < BY_CHANCE):
                of_all = explained or passed
                same = sum((feature in one.features) == has for one in of_all)
                yield SharedFeature(feature, has, len(of_all) - same, same)


def _shared_sizes(rest: Sequence[Evidence], passed: Sequence[Evidence]) -> Iterator[SharedSize]:
    for size in SIZES_IN_WORDS:
        fail, right = ([one.sizes[size] for one in some if size in one.sizes] for some in (rest, passed))
        if fail and right and min(fail) > max(right):
            yield SharedSize(size, True, max(right))
        elif fail and right and max(fail) < min(right):
            yield SharedSize(size, False, min(right))


def _contrast(rest: Sequence[Evidence], informative: Sequence[Evidence]) -> Contrast | None:
    """Return the feature whose failure rates differ most with and without it; None if no difference is significant."""
    found = []
    for feature in IN_WORDS:
        fail, of_all = (
            [sum((feature in one.features) == has for one in some) for has in (True, False)]
            for some in (rest, [*rest, *informative])
        )
        if all(of_all):
            found.append(Contrast(feature, *map(Counts, fail, of_all)))
    best = max(found, key=lambda contrast: contrast.size, default=None)
    return best if best is not None and best.size >= MIN_CONTRAST and best.chance < BY_CHANCE else None
