"""Runs correct implementations on every golden of a recurrence, and judges each by its own contract."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks import page
from benchmarks.recurrences.goldens import CONDITIONS, Condition, by_algorithm, conditions_of, goldens, under
from benchmarks.recurrences.kernels import IMPLEMENTATIONS
from rnn_goldens import Golden, Unsupported
from rnn_goldens.diagnosis.match import off_by
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.rounding_profile import ALGORITHMS, STEP
from rnn_goldens.golden.tolerance import Exact

DIFFERENTIABLE = tuple(name for name in IMPLEMENTATIONS if name.startswith(("torch", "jax")))

COMPILED = "jax_scan"
"""Its gradients run in float32 only, because it compiles each golden in each precision."""


@dataclass(frozen=True)
class Comparison:
    """Outputs or gradients of one implementation on one golden.

    Attributes:
        implementation, golden: the name and the id.
        condition: precision, contract and algorithm.
        fraction, of_step: the largest error as a fraction of the tolerance for its algorithm, and for steps.
        exact: whether the results must be equal to the expected values, because nothing rounds.
    """

    implementation: str
    golden: str
    condition: Condition
    fraction: float
    of_step: float
    exact: bool = False

    def __str__(self) -> str:
        return f"{self.implementation} on {self.golden}"


def measured(ids: Iterable[str] = (), names: Iterable[str] = tuple(IMPLEMENTATIONS)) -> list[Comparison]:
    """Compare the outputs of implementations on goldens; of all of them if no ids are given."""
    chosen = tuple(ids), tuple(names)
    return [one for p in PRECISIONS for golden in goldens(p, chosen[0]) for one in compared(golden, chosen[1])]


def measured_gradients(ids: Iterable[str] = (), names: Iterable[str] = DIFFERENTIABLE) -> list[Comparison]:
    """Compare the gradients by automatic differentiation on goldens with gradients; all goldens if no ids are given."""
    found, ids = list[Comparison](), tuple(ids)
    for golden in (golden for p in PRECISIONS for golden in goldens(p, ids, gradients=True)):
        chosen = [name for name in names if name != COMPILED or golden.dtype == "float32"]
        found += compared(golden, chosen, GRADIENTS)
    return found


def compared(golden: Golden, names: Iterable[str], of: str = OUTPUTS) -> Iterator[Comparison]:
    """Yield the comparisons of implementations on a golden under each contract of its precision."""
    for name in names:
        for condition in conditions_of(golden, [golden.dtype]):
            implementation, contract = IMPLEMENTATIONS[name], condition.contract
            run = implementation.outputs if of == OUTPUTS else implementation.gradients
            try:
                found = run(golden, contract)
            except Unsupported:
                continue
            by_name = by_algorithm(condition)
            own, steps = (under(golden, by_name[n]).expected_of(of) for n in (implementation.algorithm, STEP))
            assert found.keys() == own.values.keys()
            fractions = off_by(own, found), off_by(steps, found)
            exact = of == OUTPUTS and isinstance(golden.tolerance, Exact)
            yield Comparison(name, golden.id, by_name[implementation.algorithm], *fractions, exact)


def failures(comparisons: Iterable[Comparison]) -> list[Comparison]:
    """Return the comparisons outside the tolerance; of an exact golden, those that are not equal."""
    return [one for one in comparisons if one.fraction > 1]


def report(comparisons: Sequence[Comparison]) -> str:
    """Return the section on outputs."""
    exact = [one for one in comparisons if one.exact]
    return "\n".join(
        [
            "## Correct implementations\n\n"
            f"{_summary(comparisons)}\n\n"
            "*Largest* is the largest error of any element as a fraction of its tolerance. With float32 inside, the "
            "last rounding alone takes almost all of the tolerance of a half precision. The numbers of steps of a "
            "chunk are part of the names; the kernels in NumPy are those that the wrong implementations change.\n",
            *_tables(comparisons),
            f"Nothing rounds on {len({one.golden for one in exact})} of these goldens: "
            f"{len(exact) - len(failures(exact))} of {len(exact)} results on them are equal to the expected values "
            "with `==`.\n",
        ]
    )


def report_gradients(comparisons: Sequence[Comparison]) -> str:
    """Return the section on gradients."""
    return "\n".join(
        [
            "## Gradients\n\n"
            f"By automatic differentiation: {_summary(comparisons)} JAX ran in float32 only, because it compiles each "
            "golden in each precision.\n",
            *_tables(comparisons),
        ]
    )


def _summary(comparisons: Sequence[Comparison]) -> str:
    return (
        f"{len({one.implementation for one in comparisons})} correct implementations ran "
        f"{len({one.golden for one in comparisons})} goldens, {len(comparisons)} comparisons, each judged by the "
        f"contract that it rounds by and the algorithm that it computes by: {len(failures(comparisons)) or 'none'} "
        "failed."
    )


def _tables(comparisons: Sequence[Comparison]) -> Iterator[str]:
    yield "The largest fraction by precision, contract and algorithm:\n"
    header = ("precision", "contract", "comparisons", "failed", *ALGORITHMS, "largest of")
    yield page.table(header, _by_condition(comparisons))
    yield (
        "The largest fraction of each implementation, by precision and contract (i: float32-inside, o: "
        "operands-stored, a: all-stored, t: tf32); an empty entry is a contract that it does not have. *Exceed `step`* "
        "counts the results outside the tolerance for steps and scans only, which does not promise to allow chunks; it "
        "is another one for attention rules and the selective scan only:\n"
    )
    by_name = ("by", "comparisons", "failed", *map(_short, CONDITIONS), "exceed `step`", "most", "on")
    yield page.table(("implementation", *by_name), _by_name(comparisons))
    yield from (f"- FAILED: {one} in {one.condition}: {one.fraction:.2f}\n" for one in failures(comparisons))


def _short(condition: Condition) -> str:
    precision, contract = condition.columns
    return f"{precision} {contract[0].replace('f', 'i')}" if contract else precision


def _largest(comparisons: Iterable[Comparison]) -> Comparison:
    return max(comparisons, key=lambda one: one.fraction)


def _written_largest(comparisons: Sequence[Comparison]) -> str:
    return f"{_largest(comparisons).fraction:.2f}" if comparisons else ""


def _with_columns(comparisons: Iterable[Comparison], condition: Condition) -> list[Comparison]:
    """Return the comparisons in the precision and by the contract of a condition, by any algorithm."""
    return [one for one in comparisons if one.condition.columns == condition.columns]


def _by_condition(comparisons: Sequence[Comparison]) -> Iterator[tuple[object, ...]]:
    for condition in CONDITIONS:
        if these := _with_columns(comparisons, condition):
            by = [_written_largest([one for one in these if one.condition.algorithm == name]) for name in ALGORITHMS]
            yield *condition.columns, len(these), len(failures(these)), *by, _largest(these)


def _by_name(comparisons: Sequence[Comparison]) -> Iterator[tuple[object, ...]]:
    for name in dict.fromkeys(one.implementation for one in comparisons):
        of = [one for one in comparisons if one.implementation == name]
        largest = [_written_largest(_with_columns(of, condition)) for condition in CONDITIONS]
        over = [one for one in of if one.of_step > 1]
        most = max(over, key=lambda one: one.of_step, default=None)
        where = ("", "") if most is None else (f"{most.of_step:.2f}", f"{most.golden} in {most.condition}")
        yield f"`{name}`", of[0].condition.algorithm, len(of), len(failures(of)), *largest, len(over), *where
