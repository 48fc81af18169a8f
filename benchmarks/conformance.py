"""Runs frameworks and the example programs on every golden, after the known defects: docs/conformance.*."""

import subprocess
import sys

from benchmarks import page
from benchmarks.benchmark import PROCESSES, Measured
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.recurrence_config import RecurrenceConfig
from rnn_goldens.golden.recurrences import RECURRENCES
from rnn_goldens.implementations import BUILTIN

DOCS = page.ROOT / "docs"

BUILT_IN = ("numpy", "torch", "torch-cells", "onnxruntime", "onnx-reference", "keras-torch", "keras-jax", "flax")

WITH_RECURRENCES = tuple(name for name in BUILT_IN if RecurrenceConfig.kind in BUILTIN[name].kinds)

PROGRAMS = (
    "examples/programs/my_rnn",
    "node examples/programs/my_rnn.js",
    "node examples/programs/my_rnn_tfjs.js",
    "python3 examples/programs/my_rnn.py",
)

CHECKED = ("--gradients", "--known-failures", "docs/known-failures", "-n", str(PROCESSES))
"""Arguments of every report."""


def measured(*, write: bool = False, against: bool = False) -> Measured:
    """Check all; write the report and its page, or compare with the report that is committed."""
    build = page.ROOT / "build"
    build.mkdir(exist_ok=True)
    of_networks, output = build / "networks.json", (DOCS if write else build) / "conformance.json"
    others = [name for name in BUILT_IN if name not in WITH_RECURRENCES]
    networks = ["report", *others, *CHECKED, "--revision", page.commit(), "--output", str(of_networks)]
    for program in PROGRAMS:
        networks += ["--program", program]
    every = ["report", *WITH_RECURRENCES, *CHECKED, "--revision", page.commit(), "--output", str(output)]
    every += ["--cell", ",".join((*CELLS, *RECURRENCES))]
    for rows in (of_networks, *sorted((DOCS / "engines").glob("*.json"))):
        every += ["--with", str(rows)]
    if write:
        every += ["--page", str(DOCS / "conformance.md")]
    if against:
        every += ["--against", str(DOCS / "conformance.json")]
    if not (page.ROOT / "examples" / "programs" / "node_modules").exists():
        subprocess.run(["examples/install.sh"], cwd=page.ROOT, check=True)
    subprocess.run(["make", "--silent", "-C", "examples/programs"], cwd=page.ROOT, check=True)
    steps = {"the list of known defects": ["defects"], "the report of networks": networks, "the report": every}
    return Measured("", [f"{what} failed" for what, arguments in steps.items() if not _succeeds(arguments)])


def _succeeds(arguments: list[str]) -> bool:
    done = subprocess.run([sys.executable, "-m", "rnn_goldens", *arguments], cwd=page.ROOT, check=False)
    return done.returncode == 0
