"""Right and wrong implementations, and their outputs on the goldens of the archive."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import false_alarms
from benchmarks.false_alarms import Job, known_failures
from benchmarks.recurrences.kernels import CONTRACTS
from benchmarks.recurrences.kernels import IMPLEMENTATIONS as KERNELS
from rnn_goldens import Unsupported
from rnn_goldens.cells import case_of
from rnn_goldens.cells.recurrence import recurrence_case
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.comparison.outputs import outputs_of, read, states_apart
from rnn_goldens.corpus import open_corpus
from rnn_goldens.deviations import DEVIATIONS, deviation
from rnn_goldens.deviations.recurrences import RECURRENCE_DEVIATIONS, recurrence_deviation

WRONG_NETWORKS, WRONG_RECURRENCES = 160, 40
"""How many deviations of each kind run, evenly from all."""

MOST_RESULTS = 48
"""How many results of a right implementation are compared, at most. A wrong one runs on all goldens that show it."""

PROGRAM = "-- node examples/programs/my_rnn.js"

IN_OWN_PROCESS = "keras-torch"
"""Keras has one backend in a process."""

Array = NDArray[Any]
Outputs = dict[str, Array]
Id = tuple[str, str]
"""A golden's id and its precision."""


@dataclass(frozen=True)
class Implementation:
    """An implementation that is known to be right or wrong.

    Attributes:
        kind: ``network``, ``kernel``, ``wrong network`` or ``wrong recurrence``.
        name: its name.
    """

    kind: str
    name: str

    @property
    def is_right(self) -> bool:
        """Whether it is right."""
        return not self.kind.startswith("wrong")


@dataclass(frozen=True)
class Result:
    """The outputs of an implementation on a golden in a precision."""

    implementation: Implementation
    golden: Golden
    outputs: Mapping[str, Array]


def chosen() -> list[Implementation]:
    """Return all right implementations, and wrong ones evenly from all deviations."""
    names = {
        "network": [*false_alarms.IMPLEMENTATIONS[false_alarms.OUTPUTS], PROGRAM],
        "kernel": list(KERNELS),
        "wrong network": _evenly([one.name for one in DEVIATIONS], WRONG_NETWORKS),
        "wrong recurrence": _evenly([one.name for one in RECURRENCE_DEVIATIONS], WRONG_RECURRENCES),
    }
    return [Implementation(kind, name) for kind, of_kind in names.items() for name in of_kind]


def results(implementations: Sequence[Implementation], ids: Sequence[Id]) -> Iterator[Result]:
    """Yield the results of implementations on goldens, without refusals and known failures."""
    corpus = open_corpus()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as other_process:
        apart = {one: other_process.submit(outputs, one, ids) for one in implementations if one.name == IN_OWN_PROCESS}
        for implementation in implementations:
            found = apart[implementation].result() if implementation in apart else outputs(implementation, ids)
            yield from (Result(implementation, corpus.load(*one), result) for one, result in found.items())


def outputs(implementation: Implementation, ids: Sequence[Id]) -> dict[Id, Outputs]:
    """Return the outputs of an implementation, by golden and precision."""
    corpus, function = open_corpus(), _KINDS[implementation.kind](implementation.name)
    known = {dtype: known_failures(Job(implementation.name, dtype), corpus) for dtype in {dtype for _, dtype in ids}}
    own = [one for one in ids if function.applies_to(corpus.load(*one)) and one[0] not in known[one[1]]]
    found: dict[Id, Outputs] = {}
    for one in _evenly(own, MOST_RESULTS) if implementation.is_right else own:
        try:
            found[one] = function.run(corpus.load(*one))
        except Unsupported:
            continue
    return found


def _evenly(of: Sequence[Any], count: int) -> list[Any]:
    return [of[k * len(of) // count] for k in range(count)] if len(of) > count else list(of)


@dataclass(frozen=True)
class _Function:
    """What computes outputs, and whether it computes a golden and, if wrong, is wrong on it."""

    applies_to: Callable[[Golden], bool]
    run: Callable[[Golden], Outputs]


def _network(name: str) -> _Function:
    implementation = false_alarms.find_implementation(name)

    def run(golden: Golden) -> Outputs:
        given = states_apart(golden.layout, *outputs_of(implementation(golden), golden))
        return {output: read(array).values for output, array in given.items()}

    return _Function(lambda golden: golden.is_network, run)


def _kernel(name: str) -> _Function:
    kernel = KERNELS[name]

    def run(golden: Golden) -> Outputs:
        found = kernel.outputs(golden, CONTRACTS[0])
        return {output: np.asarray(found[output], np.float64) for output in golden.stored.expected}

    return _Function(lambda golden: golden.cell in kernel.cells, run)


def _wrong_network(name: str) -> _Function:
    wrong = deviation(name)

    def applies_to(golden: Golden) -> bool:
        return golden.cell in wrong.cells and set(wrong.needs) <= set(golden.features)

    def run(golden: Golden) -> Outputs:
        found = wrong.run(case_of(golden, np.float64))
        return {output: np.asarray(array) for output, array in zip(golden.layout.outputs, found, strict=True)}

    return _Function(applies_to, run)


def _wrong_recurrence(name: str) -> _Function:
    wrong = recurrence_deviation(name)

    def applies_to(golden: Golden) -> bool:
        return wrong.applies_to(golden.cell) and wrong.has_needs(recurrence_case(golden, np.float64))

    def run(golden: Golden) -> Outputs:
        found = wrong.run(recurrence_case(golden, np.float64))
        return {output: np.asarray(found[output]) for output in golden.stored.expected}

    return _Function(lambda golden: not golden.is_network and applies_to(golden), run)


_KINDS: Mapping[str, Callable[[str], _Function]] = {
    "network": _network,
    "kernel": _kernel,
    "wrong network": _wrong_network,
    "wrong recurrence": _wrong_recurrence,
}
