"""Writes and compares kill matrix files: ``kill-matrix.json`` and ``gradients-kill-matrix.json`` beside the index."""

import math
from collections.abc import Iterator, Mapping
from decimal import ROUND_DOWN, Context
from pathlib import Path
from typing import Any

from rnn_goldens.corpus.kill_matrix import BACKWARD_NAME, MAX_MARGIN, MIN_MARGIN, NAME
from rnn_goldens.deviations import Deviation
from rnn_goldens.deviations.margins import ENOUGH
from rnn_goldens.encoding import json_file
from rnn_goldens.errors import InvalidFile
from rnn_goldens.generator.kill_matrix import KillMatrix
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.schema import FORMATS, problems

__all__ = ["BACKWARD_NAME", "MAX_MARGIN", "MIN_MARGIN", "MOVED", "NAME", "core", "differences", "encode"]

DIGITS = 2
"""Significant digits of a margin in the file. Margins are rounded down, so that less than 2 is never stored as 2."""

_DOWN = Context(prec=DIGITS, rounding=ROUND_DOWN)

MOVED = 0.15
"""A margin has changed if it differs by more than this fraction. exp and tanh of other machines change it by less."""


def encode(matrix: KillMatrix) -> bytes:
    """Return the bytes of the file. Raises InvalidFile if it is not valid."""
    positions = {golden_id: position for position, golden_id in enumerate(matrix.margins)}
    document = {
        "kind": "kill-matrix",
        "format": FORMATS["kill-matrix"],
        "enough": ENOUGH,
        "precisions": list(PRECISIONS),
        "core": list(matrix.core),
        "goldens": list(matrix.margins),
        "deviations": [
            {
                "name": d.name,
                "sentence": d.sentence,
                "cells": list(d.cells),
                "needs": list(d.needs),
                "stands_for": list(d.stands_for),
                "margins": _grouped(_margins(matrix, d), positions),
                **({"margins_of_out": _grouped(of_out, positions)} if (of_out := _of_out(matrix, d)) else {}),
            }
            for d in matrix.deviations
        ],
        "hidden": [
            {
                "deviation": h.deviation,
                "cells": list(h.cells),
                "precisions": list(h.precisions),
                "allowed": h.allowed,
                "reason": h.reason,
            }
            for h in matrix.hidden
        ],
    }
    if found := problems(document, "kill-matrix"):
        raise InvalidFile(NAME, found)
    return json_file.encode(document)


def read(path: Path) -> dict[str, Any]:
    """Return the document of a valid file, with margins by golden."""
    document: dict[str, Any] = json_file.read_document(path)
    for deviation in document["deviations"]:
        for name in {"margins", "margins_of_out"} & deviation.keys():
            deviation[name] = {
                document["goldens"][position]: group["margins"]
                for group in deviation[name]
                for position in group["goldens"]
            }
    return document


def core(path: Path) -> list[str]:
    """Return the core set of a valid file."""
    goldens: list[str] = json_file.read_document(path)["core"]
    return goldens


def differences(committed: Path, generated: Path) -> Iterator[str]:
    """Yield one line for each margin that changed, and each deviation, golden or core set that differs."""
    if not committed.is_file():
        yield f"{committed.name}: is missing"
        return
    documents = read(committed), read(generated)
    flat = [dict(_flat(document, "")) for document in documents]
    for path in dict.fromkeys((*flat[0], *flat[1])):
        before, after = (f.get(path, "nothing") for f in flat)
        if not _same(before, after):
            yield f"{committed.name}: {path}: {before} → {after}"


def _margins(matrix: KillMatrix, deviation: Deviation) -> dict[str, list[float | None]]:
    """Return the margins by golden, in the order of precisions, without goldens where all are below ``MIN_MARGIN``."""
    of_deviation = {golden_id: margins.get(deviation.name, {}) for golden_id, margins in matrix.margins.items()}
    return {
        golden_id: [_rounded(by_precision.get(precision, 0)) for precision in PRECISIONS]
        for golden_id, by_precision in of_deviation.items()
        if any(margin >= MIN_MARGIN for margin in by_precision.values())
    }


def _of_out(matrix: KillMatrix, deviation: Deviation) -> dict[str, list[float | None]]:
    """Return the margins of ``out`` on goldens where only last states detect the deviation in some precision."""
    return {
        golden_id: [_rounded(by_precision.get(p, 0)) for p in PRECISIONS]
        for golden_id, margins in matrix.of_out.items()
        if (by_precision := margins.get(deviation.name, {}))
        and any(
            (m >= ENOUGH) != (by_precision[p] >= ENOUGH) for p, m in matrix.margins[golden_id][deviation.name].items()
        )
    }


def _grouped(rows: Mapping[str, list[float | None]], positions: Mapping[str, int]) -> list[dict[str, object]]:
    """Group goldens with equal margins; a golden is its position in the list of the file."""
    groups: dict[tuple[float | None, ...], list[int]] = {}
    for golden_id, row in rows.items():
        groups.setdefault(tuple(row), []).append(positions[golden_id])
    return [{"margins": list(row), "goldens": goldens} for row, goldens in groups.items()]


def _rounded(margin: float) -> float | None:
    if not math.isfinite(margin):
        return None
    rounded = float(_DOWN.create_decimal_from_float(min(margin, MAX_MARGIN))) if margin >= MIN_MARGIN else 0.0
    return int(rounded) if rounded.is_integer() else rounded


def _same(before: object, after: object) -> bool:
    a, b = (0 if value == "nothing" else value for value in (before, after))
    if isinstance(a, int | float) and isinstance(b, int | float):
        return max(a, b) < MIN_MARGIN * (1 + MOVED) or math.isclose(a, b, rel_tol=MOVED)
    return before == after


def _flat(value: Any, path: str) -> Iterator[tuple[str, object]]:  # noqa: ANN401 - any part of a JSON document
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _flat(item, f"{path}/{name}" if path else name)
    elif isinstance(value, list) and any(isinstance(item, dict | int | float | None) for item in value):
        for number, item in enumerate(value):
            yield from _flat(item, f"{path}/{item['name'] if isinstance(item, dict) and 'name' in item else number}")
    else:
        yield path, value
