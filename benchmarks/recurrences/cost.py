"""Measures the CPU time of certifying recurrences: one that grows, and the goldens of the corpus."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from typing import NamedTuple

from flint import ctx

from benchmarks import page
from rnn_goldens.cells.recurrence import RecurrenceCase, lanes_of_cotangents
from rnn_goldens.generator.balls import rounded
from rnn_goldens.generator.certify import certification
from rnn_goldens.generator.exact import FIRST_BITS
from rnn_goldens.generator.recurrences.balls import in_balls
from rnn_goldens.generator.recurrences.bound import Bounds
from rnn_goldens.generator.recurrences.chunked import chunked
from rnn_goldens.generator.recurrences.forms import CHUNKS, chunk_sizes
from rnn_goldens.generator.recurrences.graph import Graph, Node
from rnn_goldens.generator.recurrences.scenario import RecurrenceScenario
from rnn_goldens.generator.recurrences.unrolled import Unrolled, UnrolledGradients, unrolled, unrolled_gradients
from rnn_goldens.generator.scenarios.numbers import dyadic
from rnn_goldens.generator.scenarios.recurrences import draw_attention, scenarios
from rnn_goldens.golden.arrays import Float64
from rnn_goldens.golden.recurrences import RECURRENCES, recurrence_config

CELL, HEADS = "gated_delta", 2

TIMES, WIDTHS = (16, 64, 150), (4, 8, 16)
"""Time steps; and sizes of keys and of values."""


MOST_NUMBERS = 4500
"""The most gradients whose bounds through the chunk forms are measured: more take minutes."""

Form = Callable[[RecurrenceCase], Unrolled]
"""Returns the graph of a forward pass."""


class Cost(NamedTuple):
    """CPU seconds of certifying one scenario.

    Attributes:
        time, width: time steps, and the size of keys and of values.
        numbers: how many gradients there are.
        values: of the outputs in ball arithmetic.
        step: of the bound of the step form.
        chunks: of the bounds of the chunk forms.
        gradients: of the gradients in ball arithmetic.
        gradient_step: of the bound of the gradients through the step form.
        gradient_chunks: of their bounds through the chunk forms; None if not measured.
    """

    time: int
    width: int
    numbers: int
    values: float
    step: float
    chunks: float
    gradients: float
    gradient_step: float
    gradient_chunks: float | None


class Total(NamedTuple):
    """CPU seconds of certifying the goldens of a recurrence."""

    cell: str
    goldens: int
    seconds: float


def measured(times: Sequence[int] = TIMES, widths: Sequence[int] = WIDTHS) -> list[Cost]:
    """Certify one scenario of each size."""
    with ctx.workprec(FIRST_BITS):
        return [_cost(time_steps, width) for time_steps, width in product(times, widths)]


def totals(every: int = 1) -> list[Total]:
    """Certify every Nth golden of each recurrence, with its gradients, as the generator does."""
    certification(scenarios()[0])  # imports what confirms goldens
    found = []
    for cell in RECURRENCES:
        of_cell = [scenario for scenario in scenarios() if scenario.cell == cell][::every]
        seconds = sum(_seconds(partial(certification, scenario)) for scenario in of_cell)
        found.append(Total(cell, len(of_cell), seconds))
    return found


def _cost(time_steps: int, width: int) -> Cost:
    case, cotangents = _drawn(time_steps, width)
    numbers = sum(array.size for part in (case.inputs, case.states) for array in part.values())
    step, forms = unrolled(case), [partial(chunked, size=size) for size in chunk_sizes(case)]
    both = _gradients(case, cotangents, unrolled)
    in_chunks = None
    if numbers <= MOST_NUMBERS:
        in_chunks = sum(_seconds(partial(_gradient_bound, case, cotangents, form)) for form in forms)
    return Cost(
        time_steps,
        width,
        numbers,
        _seconds(lambda: _values(step.graph, step.results)),
        _seconds(lambda: Bounds(step.graph, step.results).of(step.results)),
        sum(_seconds(partial(_bound, case, form)) for form in forms),
        _seconds(lambda: _values(both.forward.graph, both.results)),
        _seconds(lambda: Bounds(both.forward.graph, both.results).of(both.results)),
        in_chunks,
    )


def _values(graph: Graph, results: Sequence[Node]) -> list[Float64]:
    """Return the values of results, correctly rounded."""
    balls = in_balls(graph, graph.needed(results))
    return [rounded(balls[node.place]) for node in results]


def _bound(case: RecurrenceCase, form: Form) -> object:
    found = form(case)
    return Bounds(found.graph, found.results).of(found.results)


def _gradients(case: RecurrenceCase, cotangents: Mapping[str, Float64], form: Form) -> UnrolledGradients:
    return unrolled_gradients(case, lanes_of_cotangents(case, cotangents), form)


def _gradient_bound(case: RecurrenceCase, cotangents: Mapping[str, Float64], form: Form) -> object:
    both = _gradients(case, cotangents, form)
    return Bounds(both.forward.graph, both.results).of(both.results)


def _drawn(time_steps: int, width: int) -> tuple[RecurrenceCase, dict[str, Float64]]:
    config = recurrence_config(CELL, {"heads": HEADS, "query_heads": HEADS, "d_k": width, "d_v": width})
    name = f"cost/{time_steps}-{width}"
    arrays = draw_attention(name, {**config.input_shapes(1, time_steps), **config.initial_shapes(1)})
    outputs = config.output_shapes(1, time_steps, 1)
    scenario = RecurrenceScenario(
        id=name,
        purpose="Measures the cost of certifying.",
        cell=CELL,
        config=dict(config),
        inputs={name: arrays[name] for name in config.inputs},
        states={name: arrays[name] for name in config.initial_shapes(1)},
    )
    return scenario.case(), {f"d_{output}": dyadic(f"{name} d_{output}", shape, 1) for output, shape in outputs.items()}


def _seconds(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def report(costs: Sequence[Cost], found: Sequence[Total]) -> str:
    """Return the section of the page."""
    goldens, seconds = sum(total.goldens for total in found), sum(total.seconds for total in found)
    listed = f"{', '.join(map(str, CHUNKS[:-1]))} and {CHUNKS[-1]}"
    return "\n".join(
        [
            f"## Cost of certifying\n\nAll {goldens} goldens are certified, with their gradients and a confirmation by "
            f"NumPy, in {seconds:.1f} CPU seconds on one core:\n",
            page.table(
                ("recurrence", "goldens", "CPU, s"),
                [(total.cell, total.goldens, f"{total.seconds:.2f}") for total in found],
            ),
            f"`{CELL}` with {HEADS} heads and one sequence, as it grows, in CPU seconds: the bounds of the gradients "
            "take most of the time, because each gradient needs a sweep of its own. *Values*: in ball arithmetic with "
            f"{FIRST_BITS} bits. *Bound*: of the step form; *chunks*: of chunks of {listed}; empty above "
            f"{MOST_NUMBERS} gradients.\n",
            page.table(
                ("time", "d_k = d_v", "values", "bound", "chunks",
                 "gradients", "their values", "their bound", "their chunks"),
                _rows(costs),
            ),
        ]
    )  # fmt: skip


def _rows(costs: Sequence[Cost]) -> Iterator[tuple[object, ...]]:
    for cost in costs:
        of_values = (f"{seconds:.2f}" for seconds in (cost.values, cost.step, cost.chunks))
        gradients = (cost.gradients, cost.gradient_step, cost.gradient_chunks)
        of_gradients = ("" if seconds is None else f"{seconds:.2f}" for seconds in gradients)
        yield cost.time, cost.width, *of_values, cost.numbers, *of_gradients
