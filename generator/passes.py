"""The two passes through a network, and what a corpus is held to of each."""

from collections.abc import Sequence
from dataclasses import dataclass

from rnn_goldens.deviations import DEVIATIONS, Deviation
from rnn_goldens.deviations.backward import BACKWARD_DEVIATIONS
from rnn_goldens.generator import matrix_file
from rnn_goldens.generator.adequacy import Hidden
from rnn_goldens.generator.hidden import HIDDEN, HIDDEN_FROM_ZERO, HIDDEN_IN_OUT
from rnn_goldens.generator.hidden_backward import HIDDEN_BACKWARD, HIDDEN_BACKWARD_FROM_ZERO


@dataclass(frozen=True)
class Pass:
    """A pass.

    Attributes:
        is_backward: whether it is the backward pass, of goldens that have gradients.
        file: the name of its kill matrix.
        doing: what is being done while goldens are held to it.
        deviations: its catalogue.
        hidden: what no golden exposes.
        from_zero: what one layer that starts from zero is not shown besides.
        in_out: what the same is not shown if it returns out alone.
    """

    is_backward: bool
    file: str
    doing: str
    deviations: Sequence[Deviation]
    hidden: Sequence[Hidden]
    from_zero: Sequence[Hidden]
    in_out: Sequence[Hidden] = ()


FORWARD = Pass(
    is_backward=False,
    file=matrix_file.NAME,
    doing="Holding to the deviations",
    deviations=DEVIATIONS,
    hidden=HIDDEN,
    from_zero=HIDDEN_FROM_ZERO,
    in_out=HIDDEN_IN_OUT,
)
BACKWARD = Pass(
    is_backward=True,
    file=matrix_file.BACKWARD_NAME,
    doing="Holding to the deviations of the backward pass",
    deviations=BACKWARD_DEVIATIONS,
    hidden=HIDDEN_BACKWARD,
    from_zero=HIDDEN_BACKWARD_FROM_ZERO,
)
