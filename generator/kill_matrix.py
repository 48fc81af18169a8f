"""Builds the kill matrix of each pass, and refuses a corpus with a deviation that no golden detects.

The margin of a deviation on a golden in a precision is its largest error as a multiple of the tolerance. A margin of
two is required, because the rounding errors of a wrong implementation may compensate one tolerance.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources

import numpy as np

from rnn_goldens.cells import AnyCase, golden_case
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.corpus.kill_matrix import BACKWARD_NAME, NAME, Undetected
from rnn_goldens.deviations import DEVIATIONS, Deviation, deviation
from rnn_goldens.deviations.families import members
from rnn_goldens.deviations.margins import ENOUGH, gradient_margin, margins_by_output
from rnn_goldens.deviations.needs import features_of
from rnn_goldens.generator.scenario import Refused
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS
from rnn_goldens.golden.precision import PRECISIONS

Margins = Mapping[str, Mapping[str, float]]
"""Deviation → precision → margin on one golden; infinite where any difference is an error."""

Combination = tuple[str, str, str]
"""(deviation, cell, precision): a deviation that some golden must detect."""


@dataclass(frozen=True)
class KillMatrix:
    """The margins of all deviations on all goldens, in the order of the corpus; those of ``out`` in the forward pass.

    No golden detects the hidden deviations; the goldens of the core detect as much as all.
    """

    margins: Mapping[str, Margins]
    cells: Mapping[str, str]
    hidden: Sequence[Undetected] = ()
    core: Sequence[str] = field(default=())
    deviations: Sequence[Deviation] = DEVIATIONS
    of_out: Mapping[str, Margins] = field(default_factory=dict)

    def detected(self, *, by_out: bool = False) -> dict[str, set[Combination]]:
        """Return the combinations that each golden detects, in any output or in ``out`` alone."""
        return {
            golden_id: {
                (deviation, self.cells[golden_id], precision)
                for deviation, by_precision in of_golden.items()
                for precision, margin in by_precision.items()
                if margin >= ENOUGH
            }
            for golden_id, of_golden in (self.of_out if by_out else self.margins).items()
        }


@dataclass(frozen=True)
class GoldenMargins:
    """The margins of all deviations that apply to a golden, and of ``out`` alone in the forward pass."""

    margins: Margins
    of_out: Margins


def margins_of(golden: Golden, *, backward: bool = False) -> GoldenMargins:
    """Return the margins of all deviations of a pass that apply to a golden. The backward pass requires gradients."""
    widest = golden.in_precision("float64")
    case = golden_case(widest, np.float64)
    features = features_of(case, golden.features)
    margins: dict[str, dict[str, float]] = {}
    of_out: dict[str, dict[str, float]] = {}
    for one in members(GRADIENTS if backward else OUTPUTS):
        if golden.cell in one.cells and features.issuperset(one.needs):
            by_output = _margins(one, widest, case)
            margins[one.name] = {p: max(of_outputs) for p, of_outputs in by_output.items()}
            if not backward:
                of_out[one.name] = {p: of_outputs[0] for p, of_outputs in by_output.items()}
    return GoldenMargins(margins, of_out)


def _margins(deviation: Deviation, golden: Golden, case: AnyCase) -> dict[str, list[float]]:
    """Return, by precision, the margin of each output (out is first), or of the gradients."""
    if not deviation.is_backward:
        found = deviation.outputs(case)
        in_order = [found[name] for name in golden.layout.outputs]
        return {p: margins_by_output(golden, in_order, p) for p in golden.precisions}
    gradients = golden.gradients
    assert gradients is not None
    wrong = deviation.gradients(case, dict(golden.cotangents))
    return {p: [gradient_margin(gradients, wrong, p)] for p in gradients.precisions}


def build_kill_matrix(
    goldens: Sequence[Golden],
    found: Sequence[GoldenMargins],
    hidden: Sequence[Undetected],
    deviations: Sequence[Deviation] = DEVIATIONS,
) -> KillMatrix:
    """Combine the margins of goldens, and check that all deviations are detected, but no ``hidden`` one.

    Raises:
        Refused: no golden detects a deviation that is not in ``hidden``, or a golden detects a deviation in ``hidden``.
    """
    margins = {golden.id: one.margins for golden, one in zip(goldens, found, strict=True)}
    of_out = {golden.id: one.of_out for golden, one in zip(goldens, found, strict=True) if one.of_out}
    cells = {golden.id: golden.cell for golden in goldens}
    matrix = KillMatrix(margins, cells, hidden, deviations=deviations, of_out=of_out)
    detected_by_golden = matrix.detected()
    everything = set().union(*detected_by_golden.values())
    known = set(exempt(hidden))
    if missed := [combination for combination in combinations(deviations) if combination not in everything | known]:
        listed = "".join(f"\n  {deviation}, {cell}, {precision}" for deviation, cell, precision in missed)
        raise Refused(f"no golden detects, with a margin of {ENOUGH}:{listed}")
    if needless := sorted(known & everything):
        raise Refused(f"listed as undetected, but a golden detects them: {needless}")
    return replace(matrix, core=smallest_cover(detected_by_golden))


def exempt(hidden: Iterable[Undetected]) -> list[Combination]:
    """Return the combinations that are listed as undetected, so that no golden has to detect them."""
    return [(h.deviation, cell, precision) for h in hidden for cell in h.cells for precision in h.precisions]


def combinations(deviations: Iterable[Deviation]) -> list[Combination]:
    """Return all combinations of a deviation, a cell that it applies to, and a precision."""
    return [(d.name, cell, precision) for d in deviations for cell in d.cells for precision in PRECISIONS]


def smallest_cover(detected_by_golden: Mapping[str, set[Combination]]) -> list[str]:
    """Return a minimal set of goldens that detects the same as all goldens, from simple to hard, as they are given.

    Greedy: repeatedly adds the golden that detects the largest number of remaining combinations (of several, the
    simplest), and finally removes goldens that are not needed.
    """
    left, cover = set().union(*detected_by_golden.values()), list[str]()
    while left:
        best = max(detected_by_golden, key=lambda golden_id: len(detected_by_golden[golden_id] & left))
        cover.append(best)
        left -= detected_by_golden[best]
    for golden_id in list(cover):
        others = set().union(*(detected_by_golden[other] for other in cover if other != golden_id))
        if detected_by_golden[golden_id] <= others:
            cover.remove(golden_id)
    return [golden_id for golden_id in detected_by_golden if golden_id in cover]


@dataclass(frozen=True)
class Pass:
    """A pass through a network: the file of its kill matrix, and what it requires of a corpus.

    Attributes:
        label: the label of the progress bar while margins are computed.
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
    return tuple(entry for row in _LISTED[part] for entry in _entries(**row))


def _entries(
    deviations: Sequence[str],
    precisions: Sequence[str],
    reason: str,
    cells: Sequence[str] = (),
    *,
    allowed: bool = False,
) -> Iterator[Undetected]:
    """Yield an entry for each deviation of a row, by default for all cells that it applies to."""
    for name in deviations:
        yield Undetected(name, tuple(cells) or deviation(name).cells, tuple(precisions), reason, allowed)


FORWARD = Pass(
    is_backward=False,
    file=NAME,
    label="Checking deviations",
    deviations=tuple(members(OUTPUTS)),
    hidden=_undetected("outputs"),
    from_zero=_undetected("outputs_from_zero"),
    in_out=(*_undetected("outputs_from_zero"), *_undetected("outputs_in_out")),
)
BACKWARD = Pass(
    is_backward=True,
    file=BACKWARD_NAME,
    label="Checking deviations of the backward pass",
    deviations=tuple(members(GRADIENTS)),
    hidden=_undetected("gradients"),
    from_zero=_undetected("gradients_from_zero"),
    in_out=(),
)
