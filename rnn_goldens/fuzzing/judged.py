"""What became of a golden that was asked, and how much there is to look at in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.judging.verdict import Verdict


class TookTooLong(Exception):
    """An implementation gave no outputs in its time."""


class WroteIntoInputs(Exception):
    """An implementation gave outputs, and wrote into what it was handed."""


@dataclass(frozen=True, eq=False)
class Judged:
    """What became of a golden.

    Attributes:
        golden: what was asked.
        outputs: what came; () if nothing did.
        verdict: what they are; None if nothing came.
        refused: why the implementation can not do what was asked; "" if it can.
        crash: what it did instead of answering; None if it answered.
    """

    golden: Golden
    outputs: Sequence[Any] = ()
    verdict: Verdict | None = None
    refused: str = ""
    crash: BaseException | None = None

    @property
    def failed(self) -> bool:
        """Whether the implementation is wrong."""
        return self.crash is not None or (self.verdict is not None and not self.verdict.passed)


def how_much(golden: Golden) -> int:
    """How much there is to look at in a golden."""
    return sum(size(golden))


def size(golden: Golden) -> tuple[int, ...]:
    """Layers and directions, steps, rows, units, inputs, and numbers that are not zero."""
    config, stored = golden.config, golden.stored
    rows = golden.batch_shape[0] if golden.batch_shape else 1
    arrays = [*stored.weights.values(), stored.x, *(a for a in (stored.h0, stored.c0) if a is not None)]
    sizes = (len(config.suffixes), stored.x.shape[-2], rows, config.hidden_size, config.input_size)
    return (*sizes, sum(int((array != 0).sum()) for array in arrays))
