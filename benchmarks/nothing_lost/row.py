"""One line of the table: an attack and what it did."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """An attack.

    Attributes:
        attack: what is done, in words.
        times: how often.
        cut_short: how often it came before the end of what it was to end; None where that is not the question.
        torn: how often there was something other than the old or the new, whole.
        left: how often something was left after the next run.
        errors: how often something was said to be wrong that is not, or at length; or a process ended as none should.
    """

    attack: str
    times: int
    cut_short: int | None = None
    torn: int = 0
    left: int = 0
    errors: int = 0

    @property
    def is_bad(self) -> bool:
        """Whether something was lost, left or wrongly said."""
        return bool(self.torn or self.left or self.errors)
