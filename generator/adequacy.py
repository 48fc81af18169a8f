"""Whether the corpus is adequate: each known way of being wrong is exposed, with a margin, by some golden.

A deviation's margin on a golden, in a precision, is its largest error there as a multiple of what is allowed. Two is
enough: a wrong implementation may itself be off by one tolerance in the other direction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from rnn_goldens.cells import Case, case_of
from rnn_goldens.checkable.golden import Golden
from rnn_goldens.deviations import DEVIATIONS
from rnn_goldens.deviations.backward import BACKWARD_DEVIATIONS
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.deviations.margins import ENOUGH, gradient_margin, margins_by_output
from rnn_goldens.generator.scenario import Refused
from rnn_goldens.golden.precision import PRECISIONS

Margins = Mapping[str, Mapping[str, float]]
"""Deviation → precision → margin, on one golden; infinite where any difference counts."""

Charge = tuple[str, str, str]
"""(deviation, cell, precision): what some golden has to expose."""


@dataclass(frozen=True)
class Hidden:
    """A deviation that no golden exposes in some cells and precisions, and why.

    Attributes:
        allowed: whether it is no error there, because a correct implementation may do just that.
    """

    deviation: str
    cells: tuple[str, ...]
    precisions: tuple[str, ...]
    reason: str
    allowed: bool = False

    @property
    def charges(self) -> list[Charge]:
        """What need not be exposed."""
        return [(self.deviation, cell, precision) for cell in self.cells for precision in self.precisions]


@dataclass(frozen=True)
class KillMatrix:
    """Every margin of every deviation on every golden.

    Attributes:
        margins: by golden, in the order of the corpus.
        cells: each golden's cell.
        hidden: what no golden exposes, with the reason.
        core: the smallest set of goldens found that alone exposes everything else.
        deviations: the catalogue that the goldens are held to.
        of_out: the margins of out alone, by golden; none of the backward pass.
    """

    margins: Mapping[str, Margins]
    cells: Mapping[str, str]
    hidden: Sequence[Hidden] = ()
    core: Sequence[str] = field(default=())
    deviations: Sequence[Deviation] = DEVIATIONS
    of_out: Mapping[str, Margins] = field(default_factory=dict)

    def exposed(self, *, by_out: bool = False) -> dict[str, set[Charge]]:
        """By golden, what it exposes: by any output, or by out alone."""
        return {
            golden_id: {
                (deviation, self.cells[golden_id], precision)
                for deviation, found in of_golden.items()
                for precision, seen in found.items()
                if seen >= ENOUGH
            }
            for golden_id, of_golden in (self.of_out if by_out else self.margins).items()
        }


@dataclass(frozen=True)
class Exposed:
    """The margins of every deviation that applies to a golden.

    Attributes:
        margins: of all outputs.
        of_out: of out alone; none of the backward pass.
    """

    margins: Margins
    of_out: Margins


def expose(golden: Golden, *, backward: bool = False) -> Exposed:
    """The margins of every deviation of a pass that applies to a golden's network; back, to one that has gradients."""
    case = case_of(golden.in_precision("float64"), np.float64)
    found: dict[str, dict[str, float]] = {}
    of_out: dict[str, dict[str, float]] = {}
    for deviation in BACKWARD_DEVIATIONS if backward else DEVIATIONS:
        if golden.cell in deviation.cells and set(deviation.needs) <= set(golden.features):
            by_output = _margins(deviation, golden, case)
            found[deviation.name] = {p: max(margins) for p, margins in by_output.items()}
            if not backward:
                of_out[deviation.name] = {p: margins[0] for p, margins in by_output.items()}
    return Exposed(found, of_out)


def _margins(deviation: Deviation, golden: Golden, case: Case) -> dict[str, list[float]]:
    """By precision, the margin of each output, out first; or of the gradients."""
    if not deviation.is_backward:
        outputs = deviation.run(case)
        return {p: margins_by_output(golden, outputs, p) for p in golden.precisions}
    gradients = golden.gradients
    assert gradients is not None
    wrong = deviation.gradients(case, gradients.cotangents)
    return {p: [gradient_margin(gradients, wrong, p)] for p in gradients.precisions}


def kill_matrix(
    goldens: Sequence[Golden],
    found: Sequence[Exposed],
    hidden: Sequence[Hidden],
    deviations: Sequence[Deviation] = DEVIATIONS,
) -> KillMatrix:
    """Put the margins together, and hold the corpus to them.

    Args:
        goldens: of the corpus.
        found: the margins of each.
        hidden: what need not be exposed.
        deviations: the catalogue.

    Raises:
        Refused: a deviation that nothing exposes and that is not among the hidden, or a hidden one that is exposed.
    """
    margins = {golden.id: one.margins for golden, one in zip(goldens, found, strict=True)}
    of_out = {golden.id: one.of_out for golden, one in zip(goldens, found, strict=True) if one.of_out}
    cells = {golden.id: golden.cell for golden in goldens}
    matrix = KillMatrix(margins, cells, hidden, deviations=deviations, of_out=of_out)
    exposed = matrix.exposed()
    everything = set().union(*exposed.values())
    known = {charge for h in hidden for charge in h.charges}
    if missed := [charge for charge in charges(deviations) if charge not in everything | known]:
        listed = "".join(f"\n  {deviation}, {cell}, {precision}" for deviation, cell, precision in missed)
        raise Refused(f"the corpus is not adequate: no golden exposes, with a margin of {ENOUGH}:{listed}")
    if needless := sorted(known & everything):
        raise Refused(f"listed as hidden, but some golden exposes them: {needless}")
    return replace(matrix, core=smallest_cover(exposed))


def charges(deviations: Iterable[Deviation]) -> list[Charge]:
    """Everything that has to be exposed or is hidden: each deviation, in each cell it can befall and each precision."""
    return [(d.name, cell, precision) for d in deviations for cell in d.cells for precision in PRECISIONS]


def smallest_cover(exposed: Mapping[str, set[Charge]]) -> list[str]:
    """The fewest goldens found that expose as much as all.

    Greedy: the golden that exposes most of what is left, the simplest first; then those that proved needless go.

    Args:
        exposed: by golden, from simple to hard, what it exposes.

    Returns:
        Those goldens, from simple to hard.
    """
    left, cover = set().union(*exposed.values()), list[str]()
    while left:
        best = max(exposed, key=lambda golden_id: len(exposed[golden_id] & left))
        cover.append(best)
        left -= exposed[best]
    for golden_id in list(cover):
        others = set().union(*(exposed[other] for other in cover if other != golden_id))
        if exposed[golden_id] <= others:
            cover.remove(golden_id)
    return [golden_id for golden_id in exposed if golden_id in cover]
