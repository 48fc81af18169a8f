"""Implementations that confirm what is certified: torch's layers, where torch is installed, and the definition."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.errors import Unsupported
from rnn_goldens.generator.margin import LARGEST_CORRECT_ERROR
from rnn_goldens.generator.scenario import Refused
from rnn_goldens.golden.expected import OUTPUTS
from rnn_goldens.judging.given import Given, gradients_given, outputs_given
from rnn_goldens.judging.verdict import verdict_on

Run = Callable[[Golden], Given]
"""Returns what an implementation gives for a golden."""


def confirm(golden: Golden, of: str = OUTPUTS) -> None:
    """Compare a golden's expected outputs or gradients with implementations, in every precision that they have.

    Raises:
        Refused: one differs, or comes too close to the tolerance.
    """
    stored = golden.gradients
    with _one_thread():
        for precision in golden.precisions if of == OUTPUTS or stored is None else stored.precisions:
            for name, run in _implementations(of):
                _confirm(golden.in_precision(precision), name, run)


def _confirm(golden: Golden, name: str, run: Run) -> None:
    try:
        given = run(golden)
    except Unsupported:  # bfloat16, without ml_dtypes; a cell of someone's own, in torch
        return
    verdict = verdict_on(given)
    if verdict.largest_error <= LARGEST_CORRECT_ERROR:
        return
    worst = max(verdict.differences, key=lambda array: verdict.differences[array].largest_error)
    used = f"uses {verdict.largest_error:.2f} of the tolerance of {worst}, at most {LARGEST_CORRECT_ERROR} is allowed"
    differs = f"differs from the certified {given.of}: {verdict.message.partition(chr(10))[0]}"
    raise Refused(f"{golden.id}: {name} in {golden.dtype} {used if verdict.passed else differs}")


def _implementations(of: str) -> Iterator[tuple[str, Run]]:
    from rnn_goldens.implementations import numpy_cells

    if find_spec("torch"):
        from rnn_goldens.implementations.torch import gradients, layers

        yield "torch", _outputs(layers.run) if of == OUTPUTS else _gradients(gradients.of_layers)
    yield "numpy", _outputs(numpy_cells.run) if of == OUTPUTS else _gradients(numpy_cells.gradients)


def _outputs(run: Callable[[Golden], Any]) -> Run:
    return lambda golden: outputs_given(golden, *run(golden))


def _gradients(backward: Callable[[Golden], Mapping[str, Any]]) -> Run:
    return lambda golden: gradients_given(golden, backward(golden))


@contextmanager
def _one_thread() -> Iterator[None]:
    """Torch's threads wait for each other at every step: beside other work a small layer takes seven times as long."""
    if not find_spec("torch"):
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
