"""Why a mutant that no test kills is not wrong: what is written down in ``equivalent.toml``."""

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mutants.judging import Judged
from benchmarks.mutants.making import Mutant

FILE = Path(__file__).with_name("equivalent.toml")


@dataclass(frozen=True)
class Reason:
    """Why some mutants of a line are as right as the line.

    Attributes:
        module: its path.
        line: the line's text, without its indentation.
        instead: what a mutated line holds and the line does not, for each mutant; "" if the line is gone.
        reason: a sentence.
    """

    module: str
    line: str
    instead: tuple[str, ...]
    reason: str

    def of(self, mutant: Mutant) -> list[str]:
        """What of it speaks of a mutant: one of ``instead``, or nothing."""
        if (mutant.module, mutant.before) != (self.module, self.line):
            return []
        return [new for new in self.instead if _is_new(new, mutant)]


def _is_new(text: str, mutant: Mutant) -> bool:
    """Whether a mutated line holds a text that the line does not; "" stands for a line that is gone."""
    return text in mutant.after and text not in mutant.before if text else not mutant.after


def reasons() -> list[Reason]:
    """All that are written down."""
    with FILE.open("rb") as file:
        entries = tomllib.load(file)["equivalent"]
    return [Reason(e["module"], e["line"], tuple(e["instead"]), e["reason"]) for e in entries]


def complaints(found: Iterable[Judged], written: Sequence[Reason]) -> Iterator[str]:
    """A survivor without a reason, a reason without a survivor: a line for each; of the modules found alone."""
    found = list(found)
    spoken_of: Counter[tuple[Reason, str]] = Counter()
    for mutant in (judged.mutant for judged in found if not judged.killer):
        said = [(reason, new) for reason in written for new in reason.of(mutant)]
        spoken_of.update(said)
        if not said:
            yield f"survives, without a reason: {described(mutant)}"
    modules = {judged.mutant.module for judged in found}
    for reason in written:
        for new in reason.instead:
            if reason.module in modules and not spoken_of[reason, new]:
                yield f"a reason without a survivor: {reason.module}\n  {reason.line}\n  {new}"


def described(mutant: Mutant) -> str:
    """Where it is, and what has become of the line."""
    return f"{mutant.module}:{mutant.line}\n  - {mutant.before}\n  + {mutant.after}"
