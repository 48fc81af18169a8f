"""Kinds of implementations: the goldens that each can run, and the deviations that it can have."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from rnn_goldens.cells.numpy_primitives import Arithmetic
from rnn_goldens.corpus.kill_matrix import Undetected
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.generator.kill_matrix import KillMatrix, combinations, exempt
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.precision import PRECISIONS

WITHIN_A_STEP = {"equations", "cell", "step", "weights", *vars(Arithmetic)}
"""The parts of a network where a deviation of a function of one time step can act."""


@dataclass(frozen=True)
class ImplementationKind:
    """A kind of implementation."""

    name: str  # a short name
    sentence: str  # what it supports
    features: tuple[str, ...] = ()  # features that a golden must have
    without: tuple[str, ...] = ()  # features that it does not support. A deviation that needs one does not apply
    precisions: tuple[str, ...] = tuple(PRECISIONS)  # the precisions that it computes in
    one_step: bool = False  # whether it is a function of one time step, which the plugin unrolls
    out_alone: bool = False  # whether it returns only ``out``, no last states

    def can(self, features: Collection[str]) -> bool:
        """Return whether the kind can run a golden with these features."""
        return set(self.features) <= set(features) and not set(self.without) & set(features)

    def applies(self, deviation: Deviation) -> bool:
        """Return whether the kind can have a deviation."""
        if self.one_step and not (not deviation.is_backward and set(deviation.wrong.acts_on) <= WITHIN_A_STEP):
            return False
        return not set(self.without) & set(deviation.needs)


MORE_THAN_ONE_LAYER = ("multilayer", "bidirectional", "lengths", "unbatched")

WHOLE = ImplementationKind(
    "everything", "As `nn.LSTM`: layers, directions, initial states, lengths, with and without a batch."
)
ONE_LAYER = ImplementationKind(
    "one layer from zero",
    "`forward(self, x)`: one layer, one direction, biases, a batch, no initial state, no lengths.",
    features=("bias",),
    without=(*MORE_THAN_ONE_LAYER, "state"),
)
OUT_ALONE = replace(
    ONE_LAYER,
    name="the same, out alone",
    sentence="The same, which returns `out` and no last states.",
    out_alone=True,
)
ONE_STEP = ImplementationKind(
    "one time step",
    "A function of one time step, which the plugin unrolls.",
    without=MORE_THAN_ONE_LAYER,
    one_step=True,
)
FLOAT64 = ImplementationKind(
    "float64 alone", "A program that supports everything, in float64 only.", precisions=("float64",)
)

IMPLEMENTATION_KINDS = (WHOLE, ONE_LAYER, OUT_ALONE, ONE_STEP, FLOAT64)


def problems(
    kind: ImplementationKind, matrix: KillMatrix, features: Mapping[str, Collection[str]], hidden: Iterable[Undetected]
) -> Iterator[str]:
    """Yield a sentence for each deviation that no golden of a kind detects and no list excuses, or the reverse."""
    detected_by_golden = matrix.detected(by_out=kind.out_alone)
    detected = set().union(*(one for golden_id, one in detected_by_golden.items() if kind.can(features[golden_id])))
    known = set(exempt(hidden))
    networks = [deviation for deviation in matrix.deviations if isinstance(deviation, Deviation)]
    required = combinations(deviation for deviation in networks if kind.applies(deviation))
    if kind != WHOLE:  # dialects have fewer goldens: only the whole corpus must detect their deviations
        required = [combination for combination in required if combination[1] in CELLS]
    if kind.out_alone:  # deviations that only change last states do not count
        in_out = set().union(*detected_by_golden.values())
        required = [combination for combination in required if combination in in_out]
    for one in required:
        if one[2] in kind.precisions and (one in detected) == (one in known):
            why = "listed as undetected, but a golden detects it"
            yield f"{', '.join(one)}: {why if one in detected else f'no golden of {kind.name!r} detects it'}"
