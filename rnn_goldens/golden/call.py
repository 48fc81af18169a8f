"""What a call says about states that are kept between calls: a pool of states, accepted drafts, snapshots, padding."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

NO_PLACE = -1
"""The place of a row of padding, whose state is neither read nor written, and whose output is ignored."""

SNAPSHOTS = "snapshots"
"""The name of a call's third output."""

OTHER_NAMES: Mapping[str, str] = {"cache_indices": "state_indices", "attention_mask": "mask"}
"""Our name of an argument, by other names that implementations have for it."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Call:
    """How one call reads and writes states. The default is a call of its own, without a pool.

    Attributes:
        continues: whether the call continues the last one: no state is given, the implementation has kept it.
        state_indices: the states are a pool, (places, …), and this is the place of each sequence's state, (sequences,):
            it is read from there, and the last state is written there. Or (sequences, n): the state after step j of a
            sequence is written to place j of the sequence, and that of its last step also counts as its last state.
        num_accepted_tokens: (sequences,), with places by step: the initial state is in place
            ``num_accepted_tokens - 1`` of the sequence, where the last accepted step of the call before wrote it.
        has_initial_state: (sequences,), False for a sequence that begins: its state is zero, whatever its place holds.
        snapshot_every: a third output has the states after so many steps, after twice as many, and so on, of each
            sequence, one sequence after the other; 0 for no third output.
        mask: (batch, time), False for the padding before the first step of a row.
    """

    continues: bool = False
    state_indices: NDArray[np.int64] | None = None
    num_accepted_tokens: NDArray[np.int64] | None = None
    has_initial_state: NDArray[np.bool_] | None = None
    snapshot_every: int = 0
    mask: NDArray[np.bool_] | None = None

    @property
    def arguments(self) -> dict[str, Any]:
        """What an implementation must take besides inputs, weights and states: by name."""
        given = ((name, getattr(self, name)) for name in ARGUMENTS)
        return {name: value for name, value in given if not (value is None or (isinstance(value, int) and not value))}


ARGUMENTS = tuple(f.name for f in fields(Call) if f.name != "continues")
"""The names of ``Call.arguments``."""

ALONE = Call()
"""A call of its own."""
