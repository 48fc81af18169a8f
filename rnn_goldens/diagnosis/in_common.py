"""What failures that nothing explains have in common, and what tells them from all others."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from rnn_goldens.diagnosis.fact_list import IN_WORDS, SIZES_IN_WORDS, Value
from rnn_goldens.diagnosis.gradient_facts import EVERY_FACT
from rnn_goldens.diagnosis.said import Beyond, Blamed, Contrast, Few, Said

if TYPE_CHECKING:
    from rnn_goldens.diagnosis.causes import Diagnosis, Evidence

FEWEST_PASSED = 2
"""So many goldens without a feature have to pass, for it to be blamed."""

BY_CHANCE = 0.01
"""What any failures would have so rarely is no chance."""

OPTIONS = ("multilayer", "bidirectional", "lengths", "unbatched")
"""Features that a network may not have, each of which ``without`` leaves out."""

SAME = 0.01
"""So near are numbers that are one and the same, as a part of it."""

MOST_LISTED = 3
"""Goldens that are named."""

LEAST_CONTRAST = 0.5
"""What differs less with a feature and without it tells nothing of it."""


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
        for code, fact in EVERY_FACT.items():
            values = [evidence.facts[code] for evidence in self.rest if code in evidence.facts]
            if fact.of_any:
                values = [value for value in values if value][:1]
            needed = min(fact.enough, len(self.rest)) if fact.enough else len(self.rest) / 2
            if fact.of_most and values and all(values):
                values = [max(values)] * len(values)
            if values and (fact.of_any or len(values) >= needed) and _all_the_same(values):
                found[code] = (values[0], len(values))
        return {code: said for code, said in found.items() if not found.keys() & set(EVERY_FACT[code].unless)}

    @cached_property
    def only_with(self) -> Sequence[str]:
        """Options of which every failure has one, and nothing that passed has any; () where one alone tells it."""
        failed = (*self.rest, *self.explained)
        lacking = [o for o in OPTIONS if not any(o in e.features for e in self.passed)]
        found = [o for o in lacking if any(o in e.features for e in failed)]
        is_so = len(self.passed) >= FEWEST_PASSED and all(set(found) & set(e.features) for e in failed)
        return found if is_so and len(found) > 1 else ()

    @cached_property
    def features(self) -> Sequence[Blamed]:
        """Features of all, told from the failures that are explained if there are any, else from what passed."""
        if self.only_with:
            return []
        others, fewest = (self.explained, 1) if self.explained else (self.passed, FEWEST_PASSED)
        found = []
        for feature in IN_WORDS:
            for has in (True, False):
                if all((feature in e.features) == has for e in self.rest):
                    otherwise = sum((feature in e.features) != has for e in others)
                    same = len(others) - otherwise
                    chance = (1 - otherwise / (len(self.rest) + len(others))) ** len(self.rest)
                    if otherwise >= fewest and (same <= otherwise / 2 if self.explained else chance < BY_CHANCE):
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
        return best if best is not None and best.size >= LEAST_CONTRAST and best.chance < BY_CHANCE else None

    @property
    def said(self) -> Said:
        """What of it is told."""
        of = len(self.rest)
        return Said(
            of, bool(self.explained), self.only_with, self.features, self.sizes, self.facts, self.contrast, self.few
        )

    @property
    def few(self) -> Few | None:
        """Those that fail or those that pass, whichever are fewer; None where some are explained."""
        if self.explained:
            return None
        fail = 0 < len(self.rest) <= len(self.passed)
        goldens = [one.golden for one in (self.rest if fail else self.passed)]
        return Few(goldens[:MOST_LISTED], max(0, len(goldens) - MOST_LISTED), fail)

    def sentences(self) -> Iterator[str]:
        """What tells most comes first; there may be nothing to say."""
        yield from self.said.sentences()


def in_common(diagnoses: "Sequence[Diagnosis]") -> Common:
    """Of the failures of one cell or several that no suspect explains; where all are explained, of all."""
    rest = [evidence for diagnosis in diagnoses for evidence in diagnosis.unexplained or diagnosis.failed]
    left = {id(evidence) for evidence in rest}
    explained = [evidence for diagnosis in diagnoses for evidence in diagnosis.failed if id(evidence) not in left]
    return Common(tuple(rest), tuple(explained), tuple(e for diagnosis in diagnoses for e in diagnosis.passed))


def _all_the_same(values: Sequence[Value]) -> bool:
    return all(values) and max(values) - min(values) <= SAME * max(abs(value) for value in values)
