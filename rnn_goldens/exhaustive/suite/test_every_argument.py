"""One part of an activation's argument after the other against the implementation that was named."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from rnn_goldens.checkable.golden import Golden, Question
from rnn_goldens.errors import WrongUse
from rnn_goldens.exhaustive.corpus import every_argument
from rnn_goldens.exhaustive.findings import Finding
from rnn_goldens.exhaustive.plugin import PROPERTY
from rnn_goldens.implementations import Implementation, outputs_of
from rnn_goldens.plugin.implementation import stop_for_wrong_use


def test_every_argument(
    rnn_golden: Golden,
    rnn_implementation: Implementation,
    record_property: Callable[[str, object], None],
    pytestconfig: pytest.Config,
) -> None:
    """The implementation's outputs are the golden's, and how far off they are at most is noted."""

    def run(golden: Question) -> Sequence[Any]:
        __tracebackhide__ = True
        try:
            return outputs_of(rnn_implementation(golden))
        except WrongUse as error:
            stop_for_wrong_use(pytestconfig, error)

    outputs: list[Sequence[Any]] = []

    def run_and_keep(golden: Question) -> Sequence[Any]:
        __tracebackhide__ = True
        outputs[:] = [run(golden)]
        return outputs[0]

    try:
        rnn_golden.check_calls(run_and_keep)
    finally:
        if outputs and (found := Finding.of(every_argument().parts[rnn_golden.id], rnn_golden, outputs[0])):
            record_property(PROPERTY, json.dumps(found.document()))
