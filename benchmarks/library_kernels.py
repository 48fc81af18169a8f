"""Kernels of libraries on every golden: the rows that ``python -m benchmarks engines`` wrote, as one table."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks import page
from benchmarks.benchmark import Measured
from benchmarks.engines import OF_RECURRENCES, full_name, rows_of
from rnn_goldens.golden.precision import PRECISIONS

TITLE = """## Kernels of libraries

Goldens that pass, by recurrence and precision, and in brackets the largest error as a fraction of the tolerance. None
fails; the others are refused, with reasons on the page of [conformance](../conformance.md). Each engine has an
environment of its own: `python -m benchmarks engines fla mlx_lm sglang transformers vllm`. Triton's kernels ran in
Triton's interpreter, which computes bfloat16 wrongly.

"""


def measured() -> Measured:
    """Return the section, and kernels that are wrong or were not measured."""
    rows, wrong = list[list[str]](), list[str]()
    for engine, functions in OF_RECURRENCES.items():
        for declared, path in zip(functions, rows_of(engine), strict=True):
            name = full_name(engine, declared)
            if not path.exists():
                wrong.append(f"{name}: python -m benchmarks engines {engine}")
                continue
            (found,) = json.loads(path.read_text("utf-8"))["implementations"]
            rows += _rows(name, declared.contract, found)
            wrong += [f"{name}: {one['wrong']} wrong" for one in _all(found) if one["wrong"]]
    header = ["kernel", "contract", "recurrence", *(f"{p}{of}" for p in PRECISIONS for of in ("", ", gradients"))]
    return Measured(TITLE + page.table(header, rows) + "\n" + _versions(), wrong)


def _all(found: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from found["results"]
    yield from found.get("gradients", {}).get("results", ())


def _rows(name: str, contract: str, found: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield a row for each recurrence of which any golden passed."""
    outputs, gradients = (
        {(one["cell"], one["dtype"]): one for one in of}
        for of in (found["results"], found.get("gradients", {}).get("results", ()))
    )
    for cell in dict.fromkeys(cell for cell, _ in outputs):
        cells = [_passed(of.get((cell, p))) for p in PRECISIONS for of in (outputs, gradients)]
        if any(cells):
            yield [f"`{name.rpartition(':')[0].rpartition('.')[2]}:{name.rpartition(':')[2]}`", contract, cell, *cells]


def _passed(one: Mapping[str, Any] | None) -> str:
    return f"{one['passed']} ({one['largest_error']:.2f})" if one and one["passed"] else ""


def _versions() -> str:
    found = set[str]()
    for engine in OF_RECURRENCES:
        for path in filter(Path.exists, rows_of(engine)):
            versions = json.loads(path.read_text("utf-8"))["implementations"][0]["versions"]
            found |= {f"{name} {version}" for name, version in versions.items()}
    return f"Versions: {', '.join(sorted(found))}.\n"
