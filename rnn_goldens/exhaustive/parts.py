"""Parts of an exhaustive run: each a golden of some thousand rows, certified when it is asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rnn_goldens.cells import Case
from rnn_goldens.checkable.golden import Golden
from rnn_goldens.exhaustive.arguments import ASKED, Float64, arguments
from rnn_goldens.exhaustive.networks import ACTIVATIONS, Activation
from rnn_goldens.golden.arrays import Arrays
from rnn_goldens.golden.features import derived_features

ROWS = 4096
"""So many arguments a part: some tenths of a second, what certifying them takes included."""


@dataclass(frozen=True)
class Part:
    """Some arguments of an activation in a precision."""

    activation: Activation
    precision: str
    number: int

    @property
    def id(self) -> str:
        """As a golden's: ``exhaustive/lstm-sigmoid-of-i-float16-03``."""
        words = f"{self.activation.cell} {self.activation.name} {self.precision}".replace("_", "-").replace(" ", "-")
        return f"exhaustive/{words}-{self.number:02}"

    @property
    def group(self) -> tuple[str, str, str]:
        """What it is a part of: cell, activation, precision."""
        return self.activation.cell, self.activation.name, self.precision

    @property
    def features(self) -> tuple[str, ...]:
        """As a golden's."""
        given = self.activation.state is not None
        config = self._case.config
        derived = derived_features(config, state=given, lengths=False, unbatched=False, exact=False)
        return (*derived, "saturated", "degenerate")

    @property
    def arguments(self) -> Float64:
        """Those that are visited here."""
        return arguments(self.precision)[self.number * ROWS :][:ROWS]

    @cached_property
    def _case(self) -> Case:
        return self.activation.case(self.arguments)

    def certified(self) -> Golden:
        """The golden, proven and with its derived tolerance. Needs python-flint."""
        from rnn_goldens.generator.error_bound import error_bound
        from rnn_goldens.generator.exact import correctly_rounded

        case = self._case
        (out, h_n, *c_n), bits = correctly_rounded(case)
        h0, c0 = (*case.state, None)[:2] if case.state_given else (None, None)
        return Golden(
            id=self.id,
            title=f"{self.activation.cell}: {self.activation.name}, part {self.number}",
            purpose=purpose(self),
            documented_in="rnn-goldens, exhaustive",
            cell=self.activation.cell,
            config=case.config,
            features=self.features,
            tolerance=error_bound(case).tolerance,
            precisions=(self.precision,),
            provenance={"answer": f"ball arithmetic with {bits} bits, correctly rounded"},
            stored=Arrays(weights=case.weights, x=case.x, h0=h0, c0=c0, out=out, h_n=h_n, c_n=c_n[0] if c_n else None),
        )


def purpose(part: Part) -> str:
    """Why it is asked."""
    return f"The {part.activation.name} at arguments that {part.precision} has: one that is off at any of them."


def parts() -> Iterator[Part]:
    """Every part, activation by activation, from the coarsest precision."""
    for activation in ACTIVATIONS:
        for precision in ASKED:
            for number in range(int(np.ceil(len(arguments(precision)) / ROWS))):
                yield Part(activation, precision, number)
