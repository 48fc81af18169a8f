"""Runs engines on the goldens of the dialects in float32, and writes the results of each engine.

Each engine is an argument of ``rnn-goldens check``. Its column in ``docs/results/dialects.md`` is replaced; columns of
other engines stay, because engines need environments of their own.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from benchmarks import page
from benchmarks.benchmark import Measured
from rnn_goldens import select
from rnn_goldens.errors import Unsupported
from rnn_goldens.golden.built_in_cells import DIALECTS
from rnn_goldens.implementations import outputs_of, resolve
from rnn_goldens.implementations.builtin import versions_of_packages

DOCUMENT = page.RESULTS / "dialects.json"

ENGINES = ("flax", "keras-jax", "onnx-reference", "onnxruntime", "torch")
"""Engines that share the environment of the checkout."""

HEADER = """\
What engines compute for the goldens of each [dialect](../dialects.md), in float32: passed of compared. The name is the
deviation that explains most failures. “refused”: the adapter has no such network; “error”: the engine raises. Engines
that need an environment of their own are measured apart, on the corpus that is named below.

"""


def measured(engines: Sequence[str] = (), *, write: bool = False) -> Measured:
    """Return the columns of the engines beside those that were measured before, and write them."""
    document: dict[str, dict[str, str]] = json.loads(DOCUMENT.read_text("utf-8"))
    for name in engines or ENGINES:
        label = name.partition(":")[0].removeprefix("conformance.")
        versions = ", ".join(f"{package} {version}" for package, version in versions_of_packages(name).items())
        of = {"date": page.today(), "corpus": page.corpus_version(), "commit": page.commit()}
        document[label] = {"versions": versions, **of, **column(name)}
    section = "".join(text(document))
    if write:
        DOCUMENT.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", "utf-8")
        page.replace(page.RESULTS / "dialects.md", "dialects", section)
    return Measured(section)


def column(name: str) -> dict[str, str]:
    """Return the results of an engine by dialect."""
    implementation = resolve(name)
    found = {}
    for cell in DIALECTS:
        outcomes, causes = Counter[str](), Counter[str]()
        for golden in select(cell=cell, dtype="float32"):
            try:
                verdict = golden.compare(*outputs_of(implementation(golden)))
            except Unsupported:
                outcomes["refused"] += 1
            except Exception:  # whatever an engine raises
                outcomes["error"] += 1
            else:
                outcomes["passed" if verdict.passed else "failed"] += 1
                causes.update(verdict.explained_by[:1])
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
    for label, of in document.items():
        yield f"- {label}: {of['versions']}; measured on {of['date']}, corpus {of['corpus']}, commit {of['commit']}\n"
