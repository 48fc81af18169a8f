"""The two passes, forward and backward: the file of each one's kill matrix, and what it requires of a corpus."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from rnn_goldens.corpus.kill_matrix import Undetected
from rnn_goldens.deviations import Deviation, deviation
from rnn_goldens.deviations.families import members
from rnn_goldens.generator import kill_matrix_file
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS


@dataclass(frozen=True)
class Pass:
    """A pass through a network.

    Attributes:
        is_backward: whether it is the backward pass, which requires goldens with gradients.
        file: the name of its kill matrix file.
        label: the label of the progress bar while margins are computed.
        deviations: its deviations.
        hidden: deviations that no golden detects.
        from_zero: further deviations that no golden detects for one layer that starts from zero.
        in_out: deviations that no golden detects for such a layer if it returns only ``out``.
    """

    is_backward: bool
    file: str
    label: str
    deviations: Sequence[Deviation]
    hidden: Sequence[Undetected]
    from_zero: Sequence[Undetected]
    in_out: Sequence[Undetected]


_LISTED = tomllib.loads((resources.files("rnn_goldens.generator") / "undetected.toml").read_text("utf-8"))


def _undetected(part: str) -> tuple[Undetected, ...]:
    """Return an entry for each deviation of a part of the list, by default for all cells that it applies to."""
    return tuple(
        Undetected(
            deviation=name,
            cells=tuple(row.get("cells", deviation(name).cells)),
            precisions=tuple(row["precisions"]),
            reason=row["reason"],
            allowed=row.get("allowed", False),
        )
        for row in _LISTED[part]
        for name in row["deviations"]
    )


FORWARD = Pass(
    is_backward=False,
    file=kill_matrix_file.NAME,
    label="Checking deviations",
    deviations=tuple(members(OUTPUTS)),
    hidden=_undetected("outputs"),
    from_zero=_undetected("outputs_from_zero"),
    in_out=(*_undetected("outputs_from_zero"), *_undetected("outputs_in_out")),
)
BACKWARD = Pass(
    is_backward=True,
    file=kill_matrix_file.BACKWARD_NAME,
    label="Checking deviations of the backward pass",
    deviations=tuple(members(GRADIENTS)),
    hidden=_undetected("gradients"),
    from_zero=_undetected("gradients_from_zero"),
    in_out=(),
)
