"""Runs the main workflow, end to end, through the commands that users type; ``make demo`` runs this file."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parents[1]
GENERATED = Path("build/demo/goldens")
COMMITTED = Path("fixtures/v2")
IMPLEMENTATIONS = {"numpy": "NumPy by hand", "torch": "torch.nn.RNN"}
DTYPES = "float64,float32,bfloat16,float16"


def main() -> None:
    shutil.rmtree(HERE / GENERATED.parent, ignore_errors=True)
    run("generate", "--only", "documented/*", "--into", str(GENERATED))
    run("validate", str(GENERATED))
    run("diff", str(GENERATED), str(COMMITTED), "--only", "documented/*")
    results = {name: check(name) for name in IMPLEMENTATIONS}
    print_table(results)
    if any(
        outcome != "passed" for by_golden in results.values() for outcomes in by_golden.values() for outcome in outcomes
    ):
        sys.exit(1)


def run(*arguments: str) -> None:
    """Run one command as a user would; the demo ends at the first failure."""
    print(f"\n$ rnn-goldens {' '.join(arguments)}", flush=True)
    status = subprocess.run([sys.executable, "-m", "rnn_goldens", *arguments], cwd=HERE, check=False).returncode
    if status:
        sys.exit(status)


def check(implementation: str) -> dict[str, list[str]]:
    """Check an implementation through the pytest plugin; returns the outcomes of each golden by precision."""
    report = GENERATED.parent / f"{implementation}.json"
    options: Sequence[str] = (
        f"--rnn-goldens-corpus={GENERATED}",
        f"--rnn-goldens-dtype={DTYPES}",
        f"--rnn-goldens-report={report}",
    )
    run("check", implementation, "-q", *options)
    outcomes: dict[str, list[str]] = {}
    for result in json.loads((HERE / report).read_text("utf-8"))["results"]:
        outcomes.setdefault(result["golden"], []).append(result["outcome"])
    return outcomes


def print_table(results: dict[str, dict[str, list[str]]]) -> None:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in ("golden", "as committed", *IMPLEMENTATIONS.values()):
        table.add_column(heading, no_wrap=True)
    generated, committed = contents(GENERATED), contents(COMMITTED)
    for golden, content in generated.items():
        cells = (results[name].get(golden, []) for name in IMPLEMENTATIONS)
        same = "yes" if committed.get(golden) == content else "NO"
        table.add_row(golden, same, *(f"{c.count('passed')}/{len(c)} precisions" for c in cells))
    print()
    Console().print(table)


def contents(corpus: Path) -> dict[str, str]:
    """Return the content hash of every golden, by id."""
    index = json.loads((HERE / corpus / "index.json").read_text("utf-8"))
    return {entry["id"]: entry["content"] for entry in index["goldens"]}


if __name__ == "__main__":
    main()
