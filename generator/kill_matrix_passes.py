"""The two passes, forward and backward: the file of each one's kill matrix, and what it requires of a corpus."""

from collections.abc import Sequence
from dataclasses import dataclass

from rnn_goldens.corpus.kill_matrix import Undetected
from rnn_goldens.deviations import Deviation, deviation
from rnn_goldens.deviations.families import members
from rnn_goldens.generator import kill_matrix_file
from rnn_goldens.generator.undetected_gradients import HIDDEN_BACKWARD_FROM_ZERO, UNDETECTED_BACKWARD
from rnn_goldens.generator.undetected_outputs import HIDDEN_FROM_ZERO, HIDDEN_IN_OUT, UNDETECTED
from rnn_goldens.generator.undetected_recurrences import UNDETECTED_RECURRENCES
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
    in_out: Sequence[Undetected] = ()


def _of_recurrences(*, backward: bool) -> tuple[Undetected, ...]:
    return tuple(one for one in UNDETECTED_RECURRENCES if deviation(one.deviation).is_backward == backward)


FORWARD = Pass(
    is_backward=False,
    file=kill_matrix_file.NAME,
    label="Checking deviations",
    deviations=tuple(members(OUTPUTS)),
    hidden=(*UNDETECTED, *_of_recurrences(backward=False)),
    from_zero=HIDDEN_FROM_ZERO,
    in_out=HIDDEN_IN_OUT,
)
BACKWARD = Pass(
    is_backward=True,
    file=kill_matrix_file.BACKWARD_NAME,
    label="Checking deviations of the backward pass",
    deviations=tuple(members(GRADIENTS)),
    hidden=(*UNDETECTED_BACKWARD, *_of_recurrences(backward=True)),
    from_zero=HIDDEN_BACKWARD_FROM_ZERO,
)
