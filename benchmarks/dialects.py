"""Runs engines on the goldens of the dialects in float32, and writes the results of each engine.

    python -m benchmarks.dialects onnxruntime onnx-reference torch    # from the checkout

Each engine is an argument of ``rnn-goldens check``. Its column in ``docs/results/dialects.md`` is replaced; columns of
other engines stay, because engines need environments of their own.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks import page
from rnn_goldens import GoldenMismatch, select
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.built_in_cells import DIALECTS
from rnn_goldens.implementations import outputs_of, resolve
from rnn_goldens.implementations.versions import versions_of_packages

DOCUMENT = Path(__file__).parents[1] / "docs/results/dialects.json"

HEADER = """\
What engines compute for the goldens of each [dialect](../dialects.md), in float32: passed of compared. The name is the
deviation that explains most failures. “refused”: the adapter has no such network; “error”: the engine raises.

"""


def main() -> None:
    """Run the engines that are named on the command line, and write their columns."""
    document: dict[str, dict[str, str]] = json.loads(DOCUMENT.read_text("utf-8")) if DOCUMENT.exists() else {}
    for name in sys.argv[1:]:
        label = name.partition(":")[0].removeprefix("conformance.")
        versions = ", ".join(f"{package} {version}" for package, version in versions_of_packages(name).items())
        document[label] = {"versions": versions, **column(name)}
    DOCUMENT.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", "utf-8")
    page.write("dialects.md", "benchmarks.dialects", "".join(text(document)))


def column(name: str) -> dict[str, str]:
    """Return the results of an engine by dialect."""
    implementation = resolve(name)
    found = {}
    for cell in DIALECTS:
        outcomes, causes = Counter[str](), Counter[str]()
        for golden in select(cell=cell, dtype="float32"):
            try:
                golden.check(*outputs_of(implementation(golden)))
                outcomes["passed"] += 1
            except Unsupported:
                outcomes["refused"] += 1
            except GoldenMismatch:
                outcomes["failed"] += 1
                verdict = golden.compare(*outputs_of(implementation(golden)))
                causes.update(verdict.explained_by[:1])
            except Exception:  # whatever an engine raises
                outcomes["error"] += 1
        found[cell] = _entry(outcomes, causes)
    return found


def _entry(outcomes: Counter[str], causes: Counter[str]) -> str:
    compared = outcomes["passed"] + outcomes["failed"]
    if not compared:
        return "error" if outcomes["error"] else "refused"
    cause = f": `{causes.most_common(1)[0][0]}`" if causes else ""
    errors = f", {outcomes['error']} errors" if outcomes["error"] else ""
    return f"{outcomes['passed']} of {compared}{cause}{errors}"


def text(document: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Yield the parts of the section."""
    yield HEADER
    yield f"| dialect | {' | '.join(document)} |\n|---|{'---|' * len(document)}\n"
    for cell in DIALECTS:
        yield f"| `{cell}` | {' | '.join(of_engine[cell] for of_engine in document.values())} |\n"
    yield "\n"
    yield from (f"- {label}: {of_engine['versions']}\n" for label, of_engine in document.items())


if __name__ == "__main__":
    main()
