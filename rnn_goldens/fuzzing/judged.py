"""A golden that was compared, and how much there is to look at in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.judging.verdict import Verdict


@dataclass(frozen=True, eq=False)
class Judged:
    """A golden that was compared.

    Attributes:
        golden: the golden.
        outputs: what an implementation returned.
        verdict: the comparison.
    """

    golden: Golden
    outputs: Sequence[Any]
    verdict: Verdict


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
