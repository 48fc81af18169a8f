"""The exhaustive check: certify some thousand arguments at a time, run an implementation on them, and compare."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.errors import ProgramFailed, Unsupported
from rnn_goldens.exhaustive.arguments import ASKED, Float64, arguments
from rnn_goldens.exhaustive.findings import Finding
from rnn_goldens.exhaustive.networks import ACTIVATIONS, Activation
from rnn_goldens.golden.arrays import Arrays
from rnn_goldens.golden.features import derived_features
from rnn_goldens.judging.verdict import compare
from rnn_goldens.plugin.guard import ImplementationFailed

ROWS = 4096
"""So many arguments at a time: some tenths of a second, what certifying them takes included."""


@dataclass(frozen=True)
class Visited:
    """What an implementation makes of one activation at the arguments of a precision.

    Attributes:
        activation: the activation.
        precision: the precision.
        finding: the errors, where outputs can be compared; None if they cannot anywhere.
        refused: at how many arguments the implementation refused.
        failure: what was wrong first, beside errors at single arguments: a crash, a wrong shape; "" if nothing was.
    """

    activation: Activation
    precision: str
    finding: Finding | None
    refused: int
    failure: str

    @property
    def is_right(self) -> bool:
        """Whether everything that was not refused is right."""
        return not self.failure and (self.finding is None or not self.finding.wrong)


def exhaustive_check(
    run: Callable[[Any], Sequence[Any]], cells: Iterable[str] = (), precisions: Iterable[str] = ()
) -> Iterator[Visited]:
    """Visit every argument of each activation, in each precision.

    Args:
        run: the implementation; called with a question it returns the outputs.
        cells: these alone; all if there are none.
        precisions: these alone, of ``ASKED``; all if there are none.
    """
    wanted_cells, wanted_precisions = set(cells), set(precisions)
    for activation in ACTIVATIONS:
        for precision in ASKED:
            if (not wanted_cells or activation.cell in wanted_cells) and (
                not wanted_precisions or precision in wanted_precisions
            ):
                yield _visited(run, activation, precision)


def _visited(run: Callable[[Any], Sequence[Any]], activation: Activation, precision: str) -> Visited:
    every = arguments(precision)
    finding: Finding | None = None
    refused, failure = 0, ""
    for begin in range(0, len(every), ROWS):
        some = every[begin : begin + ROWS]
        golden = certified(activation, precision, some)
        try:
            outputs = run(golden.question())
        except Unsupported:
            refused += len(some)
            continue
        except (ImplementationFailed, ProgramFailed) as error:
            failure = failure or str(error)
            continue
        found = Finding.of(activation, golden, outputs)
        if found is not None:
            finding = found if finding is None else finding & found
        if not failure and not (verdict := compare(golden, *outputs)).passed and (found is None or not found.wrong):
            failure = verdict.message
    return Visited(activation, precision, finding, refused, failure)


def certified(activation: Activation, precision: str, some: Float64) -> Golden:
    """Some arguments of an activation as a golden, proven and with its derived tolerance. Needs python-flint."""
    from rnn_goldens.generator.error_bound import error_bound
    from rnn_goldens.generator.exact import correctly_rounded

    case = activation.case(some)
    (out, h_n, *c_n), bits = correctly_rounded(case)
    h0, c0 = (*case.state, None)[:2] if case.state_given else (None, None)
    derived = derived_features(case.config, state=case.state_given, lengths=False, unbatched=False, exact=False)
    golden = Golden(
        id=f"exhaustive/{activation.cell} {activation.name} from {some[0]:.9g}".replace("_", "-").replace(" ", "-"),
        title=f"{activation.cell}: {activation.name}",
        purpose=f"The {activation.name} at arguments that {precision} has: one that is off at any of them.",
        documented_in="rnn-goldens, exhaustive",
        cell=activation.cell,
        config=case.config,
        features=(*derived, "saturated", "degenerate"),
        tolerance=error_bound(case).tolerance,
        precisions=(precision,),
        provenance={"answer": f"ball arithmetic with {bits} bits, correctly rounded"},
        stored=Arrays(weights=case.weights, x=case.x, h0=h0, c0=c0, out=out, h_n=h_n, c_n=c_n[0] if c_n else None),
    )
    return golden.in_precision(precision)
