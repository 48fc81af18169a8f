"""A deviation of a recurrence as text: what is wrong, the code, and which goldens detect it."""

import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from rnn_goldens.cells.notation import Term
from rnn_goldens.cells.recurrence import EQUATIONS, RIGHT, recurrence_case
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.comparison.actual import actual_by_name
from rnn_goldens.comparison.verdict import compare_gradients, verdict_on
from rnn_goldens.corpus.corpus import Corpus
from rnn_goldens.corpus.kill_matrix import NAME, Detection
from rnn_goldens.deviations.recurrences import FAMILIES, RecurrenceDeviation
from rnn_goldens.deviations.recurrences.backward import BACKWARD_FAMILIES
from rnn_goldens.deviations.recurrences.backward_deviation import BackwardRecurrenceDeviation
from rnn_goldens.deviations.recurrences.chunks import ChunkKernel, Replaced
from rnn_goldens.deviations.recurrences.deviation import Edit
from rnn_goldens.explain.deviation_text import SCREEN, WIDTH, indent, indented, where_it_shows
from rnn_goldens.golden.precision import PRECISIONS

_FOR_TOOLS = re.compile(r"  # (noqa|type: ignore|fmt:).*")
_DOCSTRING = re.compile(r'^ *""".*?"""$', re.MULTILINE | re.DOTALL)

AnyDeviation = RecurrenceDeviation | BackwardRecurrenceDeviation


def recurrence_deviation_text(deviation: AnyDeviation, corpus: Corpus, known: Detection | None) -> str:
    """Return the whole text, which fits a screen; ``known`` is the corpus's detection of the deviation."""
    title = textwrap.wrap(f"{deviation.name}: {deviation.sentence}", WIDTH, subsequent_indent="  ")
    parts = [title, list(_facts(deviation))]
    if known is None:
        parts.append([f"which goldens detect it: unknown, the corpus has no {NAME}"])
    else:
        parts += [_to_look_for(deviation, corpus, known), where_it_shows(known, deviation.cells)]
    room = SCREEN - sum(len(part) + 1 for part in parts) - 1
    if code := _code(deviation, room):
        parts.append(code)
    return "\n\n".join("\n".join(part) for part in parts if part)


def _facts(deviation: AnyDeviation) -> Iterator[str]:
    families: Mapping[str, tuple[AnyDeviation, ...]] = (
        FAMILIES if isinstance(deviation, RecurrenceDeviation) else BACKWARD_FAMILIES
    )
    known = {
        "family": next((name for name, members in families.items() if deviation in members), "your own"),
        "cells": ", ".join(deviation.cells),
        "needs": ", ".join(name.replace("_", " ") for name in deviation.needs),
        "stands for": ", ".join(deviation.stands_for),
        "to fix": deviation.fix,
    }
    for name, text in known.items():
        if text:
            yield from textwrap.wrap(text, WIDTH, initial_indent=f"{name:<13}", subsequent_indent=" " * 13)


def _to_look_for(deviation: AnyDeviation, corpus: Corpus, known: Detection) -> list[str]:
    """Return the effect of the deviation on the simplest golden that detects it."""
    ordered = sorted(PRECISIONS, key=lambda name: name != "float32")
    found = ((known.simplest(precision), precision) for precision in ordered if precision in known.margins)
    golden_id, precision = next(((g, p) for g, p in found if g is not None), (None, ""))
    if golden_id is None:
        return ["what to look for: no golden detects it"]
    is_backward = isinstance(deviation, BackwardRecurrenceDeviation)
    golden = corpus.load(golden_id, precision, gradients=is_backward)
    return ["what to look for, on the simplest golden that detects it", *indented(_verdict(deviation, golden))]


def _verdict(deviation: AnyDeviation, golden: Golden) -> str:
    """Return the first line of the failure, and which other arrays are right and wrong."""
    case, store = recurrence_case(golden, np.float64), PRECISIONS[golden.dtype].round
    if isinstance(deviation, BackwardRecurrenceDeviation):
        cotangents = {name: array.astype(np.float64) for name, array in golden.cotangents.items()}
        found = deviation.gradients(case, cotangents)
        expected = golden.checkable_gradients().expected
        verdict = compare_gradients(golden, {name: store(found[name]) for name in expected})
    else:
        verdict = verdict_on(actual_by_name(golden, {n: store(array) for n, array in deviation.run(case).items()}))
    others = [f"{name} is {'right' if d.passed else 'wrong'}" for name, d in verdict.differences.items()]
    return "; ".join([verdict.message.partition("\n")[0], ", ".join(others)])


def _code(deviation: AnyDeviation, room: int) -> list[str]:
    """Return the right and the wrong code, as far as it fits."""
    lines: list[str] = []
    of = _of_backward(deviation.wrong) if isinstance(deviation, BackwardRecurrenceDeviation) else _of_forward(deviation)
    for title, function in of:
        source = _source(function)
        if source and len(lines) + len(source) + 1 < room:
            lines += [title, *indent(4, source)]
    return ["the code", *lines] if lines else []


Pieces = Iterator[tuple[str, object]]
"""The right and the wrong code with titles: equations, methods, or changes of arrays and outputs."""


def _of_forward(deviation: RecurrenceDeviation) -> Pieces:
    wrong = deviation.wrong
    if isinstance(wrong, Edit):
        for name, right in (("equations", EQUATIONS[deviation.cells[0]]), ("case", None), ("outputs", None)):
            if functions := list(_made_of(getattr(wrong, name))):
                yield f"right: {name}", right
                yield from ((f"wrong: {name}", function) for function in functions)
        for name, method in vars(type(wrong.operations)).items():
            if wrong.operations is not RIGHT and not name.startswith("_"):
                yield f"right: {name}", getattr(RIGHT, name, None)
                yield f"wrong: {name}", method
    elif isinstance(wrong, Replaced):
        yield from _methods(ChunkKernel, wrong.methods)
    else:
        yield from (("wrong: run", function) for function in _made_of(wrong))


def _of_backward(wrong: object) -> Pieces:
    if isinstance(wrong, type):
        base = wrong.__mro__[1]
        own = {n: f for n, f in vars(wrong).items() if inspect.isfunction(f) and hasattr(base, n)}
        yield from _methods(base, vars(wrong).get("replaced", own))
    elif inspect.isfunction(wrong):
        inner: Mapping[str, Any] = inspect.getclosurevars(wrong).nonlocals
        if "changes" in inner:
            yield f"right: {inner['equations'].__name__}, in parts", inner["equations"]
        for name, change in inner.get("changes", {wrong.__name__: wrong}).items():
            yield f"wrong: {name}", change
            yield from ((f"where {n}", f) for n, f in inspect.getclosurevars(change).nonlocals.items() if callable(f))


def _methods(base: type, methods: Mapping[str, object]) -> Pieces:
    for name, function in methods.items():
        yield f"right: {name} of {base.__name__}", getattr(base, name)
        yield f"wrong: {name} of {base.__name__}", function


def _made_of(function: object) -> Iterator[Callable[..., Any]]:
    """Yield a function of the catalogue, and the functions that it was made with."""
    if inspect.isfunction(function):
        if function.__module__ not in (Edit.__module__, Term.__module__):
            yield function
        for given in inspect.getclosurevars(function).nonlocals.values():
            for part in given.values() if isinstance(given, dict) else [given]:
                yield from _made_of(part)


def _source(function: object) -> list[str]:
    """Return the lines of a function without its docstring; [] if it has no source, such as a partial function."""
    try:
        text = textwrap.dedent(inspect.getsource(function))  # type: ignore[arg-type] # checked by the error
    except (OSError, TypeError):
        return []
    lines = [_FOR_TOOLS.sub("", line) for line in _DOCSTRING.sub("", text).splitlines()]
    return [line for line in lines if line.strip()]
