"""Every float16 and bfloat16 argument of each activation, and a sample of float32, through NumPy, torch, ONNX Runtime.

    python -m benchmarks.exhaustive    # from the checkout, about a minute; --write renews docs/results/exhaustive.md

What ``rnn-goldens check WHAT --exhaustive`` finds, as a page. Exits with 1 if an implementation is wrong anywhere.
"""

import argparse
import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial

from benchmarks import page
from rnn_goldens import Unsupported
from rnn_goldens.exhaustive.corpus import every_argument
from rnn_goldens.exhaustive.findings import Finding, Group
from rnn_goldens.implementations import Implementation, outputs_of, resolve

PAGE = "exhaustive.md"
IMPLEMENTATIONS = ("numpy", "torch", "onnxruntime")

REFUSED = "refused"
Found = dict[Group, Finding | None]
"""By cell, activation and precision; None if it was refused."""

INTRODUCTION = """# At every argument

<!-- Made by `python -m benchmarks.exhaustive --write`; do not edit. -->

What `rnn-goldens check numpy --exhaustive` finds: one unit, one step, every finite float16 and bfloat16 number as the
argument of each activation, and a sample of float32; every answer certified on the spot.

- **ulp**: the largest error of the output that shows the activation, in units in the last place of the exact result.
  A sigmoid that is right to 8 roundoffs of 1 may be off by many units where it is nearly zero: that is no mistake.
  The reset gate of a GRU shows through a tanh only.
- **tolerance**: the largest part of it that is used; 1 would be all of it.
- **refused**: the implementation has no such precision."""

COLUMNS = ("arguments", "wrong", "ulp", "at", "tolerance", "there at")


def main() -> None:
    """Run and print; exit with 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write docs/results/{PAGE}")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    with ProcessPoolExecutor(arguments.processes) as pool:
        found = {name: _together(pool, name) for name in IMPLEMENTATIONS}
    text = report(found)
    print(text)
    if arguments.write:
        page.write(PAGE, text)
    if any(finding and finding.wrong for of_one in found.values() for finding in of_one.values()):
        sys.exit(1)


def _together(pool: ProcessPoolExecutor, name: str) -> Found:
    together: Found = {}
    for group, finding in pool.map(partial(visit, name), every_argument().ids, chunksize=4):
        before = together.get(group)
        together[group] = finding if before is None or finding is None else before & finding
    return together


def visit(name: str, part: str) -> tuple[Group, Finding | None]:
    """What an implementation makes of a part; None if it refuses. Raises if it does not answer as it should."""
    golden = every_argument().load(part)
    try:
        outputs = outputs_of(_implementation(name)(golden.question()))
    except Unsupported:
        return every_argument().parts[part].group, None
    finding = Finding.of(every_argument().parts[part], golden, outputs)
    assert finding is not None, f"{name} gives no outputs for {part} that can be compared"
    return every_argument().parts[part].group, finding


@cache
def _implementation(name: str) -> Implementation:
    return resolve(name)


def report(found: Mapping[str, Found]) -> str:
    """The page: a table for each implementation."""
    header = ("activation", *COLUMNS)
    parts = [INTRODUCTION]
    for name, of_one in found.items():
        rows = [_row(group, finding) for group, finding in of_one.items()]
        parts.append(f"## {name}\n\n{page.table(header, rows)}")
    return "\n\n".join([*parts, page.versions("numpy", "torch", "onnxruntime")]) + "\n"


def _row(group: Group, finding: Finding | None) -> list[str]:
    cell, activation, precision = group
    first = f"{cell}: {activation}, {precision}"
    if finding is None:
        return [first, REFUSED, *[""] * 5]
    ulp, fraction = f"{finding.ulp:.3g}", f"{finding.fraction:.2f}"
    at, there = f"{finding.at:.9g}", f"{finding.fraction_at:.9g}"
    return [first, str(finding.visited), str(finding.wrong), ulp, at, fraction, there]


if __name__ == "__main__":
    main()
