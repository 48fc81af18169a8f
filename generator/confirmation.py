"""Confirms certified values with implementations: the definition in NumPy, and torch if it is installed."""

import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from typing import Any

from threadpoolctl import threadpool_limits

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.comparison.actual import Actual, actual_gradients, actual_outputs
from rnn_goldens.comparison.verdict import verdict_on
from rnn_goldens.errors import Unsupported
from rnn_goldens.generator.scenario import Refused
from rnn_goldens.golden.expected import OUTPUTS
from rnn_goldens.golden.recurrence_config import RecurrenceConfig
from rnn_goldens.golden.shapes import Config
from rnn_goldens.progress import counting

LARGEST_CORRECT_ERROR = 0.7
"""If an implementation has a larger error, as a fraction of the tolerance, the golden is refused."""

Run = Callable[[Golden], Actual]
"""Returns the actual outputs or gradients of an implementation for a golden."""


def confirm(golden: Golden, of: str = OUTPUTS) -> None:
    """Raise Refused if an implementation differs from a golden in any precision, or comes close to the tolerance."""
    stored = golden.gradients
    precisions = golden.precisions if of == OUTPUTS or stored is None else stored.precisions
    torch = _in_torch(golden.config)
    count = counting(f"confirmation of {of}", len(precisions) * (1 + torch))
    implementations = list(_implementations(of, torch=torch))
    with threadpool_limits(1):  # again: torch may be imported only now
        for precision in precisions:
            for name, run in implementations:
                _confirm(golden.in_precision(precision), name, run)
                count(1)


def imports_torch(config: Config | RecurrenceConfig) -> bool:
    """Return whether torch confirms a golden and is not imported yet."""
    return _in_torch(config) and "torch" not in sys.modules


def _in_torch(config: Config | RecurrenceConfig) -> bool:
    from rnn_goldens.implementations.builtin import BUILTIN

    return config.kind in BUILTIN["torch"].kinds and find_spec("torch") is not None


def _confirm(golden: Golden, name: str, run: Run) -> None:
    try:
        actual = run(golden)
    except Unsupported:  # bfloat16 without ml_dtypes; a custom cell or a recurrence in torch
        return
    verdict = verdict_on(actual)
    rounds_once = golden.is_wide_inside  # then the last rounding takes nearly all of the tolerance
    if verdict.largest_error <= LARGEST_CORRECT_ERROR or (verdict.passed and rounds_once):
        return
    worst = max(verdict.differences, key=lambda array: verdict.differences[array].largest_error)
    used = f"uses {verdict.largest_error:.2f} of the tolerance of {worst}, at most {LARGEST_CORRECT_ERROR} is allowed"
    differs = f"differs from the certified {actual.of}: {verdict.message.partition(chr(10))[0]}"
    raise Refused(f"{golden.id}: {name} in {golden.dtype} {used if verdict.passed else differs}")


def _implementations(of: str, *, torch: bool) -> Iterator[tuple[str, Run]]:
    from rnn_goldens.implementations import numpy_cells

    if torch:
        from rnn_goldens.implementations.torch import gradients_of_layers, run_layers

        yield "torch", _outputs(run_layers) if of == OUTPUTS else _gradients(gradients_of_layers)
    yield "numpy", _outputs(numpy_cells.run) if of == OUTPUTS else _gradients(numpy_cells.gradients)


def _outputs(run: Callable[[Golden], Any]) -> Run:
    return lambda golden: actual_outputs(golden, *run(golden))


def _gradients(backward: Callable[[Golden], Mapping[str, Any]]) -> Run:
    return lambda golden: actual_gradients(golden, backward(golden))
