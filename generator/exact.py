"""Route one: the answer in exact rational arithmetic, and a proof that no precision has to round on the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from rnn_goldens.generator.scenario import Refused, Scenario
from rnn_goldens.precision import Precision

Row = list[fmpq]


@dataclass(frozen=True, eq=False)
class Answer:
    """The exact answer: float64 arrays that hold it without rounding.

    Attributes:
        out, h_n: as in a golden.
        needs: what every partial sum fits.
    """

    out: NDArray[np.float64]
    h_n: NDArray[np.float64]
    needs: "Needs"


@dataclass(frozen=True)
class Needs:
    """What a precision must have so that no sum is rounded, in whatever order its terms are added.

    Each partial sum is a multiple of the terms' common least bit, and at most the sum of their absolute values.

    Attributes:
        bits: significant bits.
        largest: absolute value.
        least_bit: power of two.
    """

    bits: int = 1
    largest: fmpq = fmpq(0)  # noqa: RUF009 - immutable
    least_bit: fmpq = fmpq(1)  # noqa: RUF009 - immutable

    def __or__(self, other: "Needs") -> "Needs":
        """What both need."""
        return Needs(max(self.bits, other.bits), max(self.largest, other.largest), min(self.least_bit, other.least_bit))

    def met_by(self, precision: Precision) -> bool:
        """Whether a precision rounds nothing on the way."""
        return (
            precision.bits >= self.bits
            and self.largest < fmpq(2) ** (precision.max_exponent + 1)
            and self.least_bit >= fmpq(2) ** precision.min_exponent
        )


def exact_answer(scenario: Scenario) -> Answer:
    """Evaluate a relu network over the rationals, one sequence after the other.

    Raises:
        Refused: the cell has no rational answer, or the answer does not fit float64.
    """
    if scenario.cell != "rnn_relu":
        raise Refused(f"{scenario.id}: {scenario.cell} has no exact rational answer")
    inputs = scenario.inputs()
    x, h0, lengths = inputs["x"], inputs.get("h0"), inputs.get("lengths")
    unbatched = x.ndim == 2  # noqa: PLR2004 - (time, input)
    network = _Network(scenario)
    outs, lasts = [], []
    for row, sequence in enumerate(x[None] if unbatched else x):
        start = None if h0 is None else (h0 if unbatched else h0[:, row])
        length = len(sequence) if lengths is None else int(lengths[row])
        steps, last = network.run(_rationals(sequence[:length]), start)
        outs.append(steps + [[fmpq(0)] * len(steps[0])] * (len(sequence) - length))
        lasts.append(last)
    out, h_n = _floats(scenario, outs), _floats(scenario, lasts).swapaxes(0, 1)
    if unbatched:
        out, h_n = out[0], h_n[:, 0]
    return Answer(np.ascontiguousarray(out), np.ascontiguousarray(h_n), network.needs)


class _Network:
    """Weights as rationals; remembers what its dot products needed."""

    def __init__(self, scenario: Scenario) -> None:
        self.config = scenario.config
        self.weights: dict[str, Any] = {name: _rationals(w) for name, w in scenario.torch_weights().items()}
        self.needs = Needs()

    def run(self, sequence: list[Row], start: NDArray[np.float64] | None) -> tuple[list[Row], list[Row]]:
        """Every step of the last layer, and the last state of each layer and direction."""
        lasts: list[Row] = []
        for layer in range(self.config.num_layers):
            directions = []
            for suffix in (f"l{layer}", f"l{layer}_reverse")[: self.config.num_directions]:
                h = [fmpq(0)] * self.config.hidden_size if start is None else _rationals(start[len(lasts)])
                steps = []
                for x_t in reversed(sequence) if suffix.endswith("_reverse") else sequence:
                    h = self._step(suffix, x_t, h)
                    steps.append(h)
                lasts.append(h)
                directions.append(steps[::-1] if suffix.endswith("_reverse") else steps)
            sequence = [[value for h in side_by_side for value in h] for side_by_side in zip(*directions, strict=True)]
        return sequence, lasts

    def _step(self, suffix: str, x_t: Row, h: Row) -> Row:
        w_ih, w_hh = self.weights[f"weight_ih_{suffix}"], self.weights[f"weight_hh_{suffix}"]
        biases = [self.weights[b] for b in (f"bias_ih_{suffix}", f"bias_hh_{suffix}") if b in self.weights]
        new = []
        for unit in range(len(h)):
            terms = [w * v for w, v in zip(w_ih[unit], x_t, strict=True)]
            terms += [w * v for w, v in zip(w_hh[unit], h, strict=True)]
            terms += [b[unit] for b in biases]
            self.needs |= needs(terms)
            new.append(max(sum(terms, fmpq(0)), fmpq(0)))
        return new


def needs(terms: Sequence[fmpq]) -> Needs:
    """What adding up some dyadic terms needs, in any order."""
    terms = [term for term in terms if term != 0]
    if not terms:
        return Needs()
    denominator = max(int(term.q) for term in terms)
    numerators = [int(term.p) * (denominator // int(term.q)) for term in terms]
    least_bit = min(n & -n for n in numerators)
    total = sum(map(abs, numerators))
    bits = max(1, (total // least_bit - 1).bit_length())
    return Needs(bits, fmpq(total, denominator), fmpq(least_bit, denominator))


def _rationals(array: NDArray[np.float64]) -> Any:  # noqa: ANN401 - nested lists of fmpq
    if array.ndim == 0:
        return fmpq(*float(array).as_integer_ratio())
    return [_rationals(part) for part in array]


def _floats(scenario: Scenario, nested: Any) -> NDArray[np.float64]:  # noqa: ANN401 - nested lists of fmpq
    def to_float(value: fmpq) -> float:
        nearest = int(value.p) / int(value.q)
        if fmpq(*nearest.as_integer_ratio()) != value:
            raise Refused(f"{scenario.id}: the exact answer holds {value}, which is no float64 number")
        return nearest

    return np.array([[[to_float(v) for v in row] for row in rows] for rows in nested])
